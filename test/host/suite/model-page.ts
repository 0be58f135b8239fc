import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import { eventually, file, internals } from './editor';

const PAGE = 'certiscope.model';

async function openPage(name: string): Promise<vscode.Uri> {
  const model = file(name);
  await vscode.commands.executeCommand('certiscope.openModelPage', model);
  return model;
}

/** The page on a model, once there is one. */
function pageOf(model: vscode.Uri) {
  return eventually('a page', async () => {
    const { modelPages } = await internals();
    return [...modelPages].find(page => page.model.toString() === model.toString()) ?? null;
  });
}

function activeInput(): unknown {
  return vscode.window.tabGroups.activeTabGroup.activeTab?.input;
}

describe('the model page', () => {
  before(internals);
  afterEach(() => vscode.commands.executeCommand('workbench.action.closeAllEditors'));

  it('is opened by its command, and by nothing else', async () => {
    const model = file('pictures/halves.onnx');
    await vscode.commands.executeCommand('vscode.open', model);
    const before = activeInput();
    assert.ok(
      !(before instanceof vscode.TabInputCustom && before.viewType === PAGE),
      'it took .onnx from other viewers',
    );
    await openPage('pictures/halves.onnx');
    const input = await eventually('the tab', () => {
      const now = activeInput();
      return now instanceof vscode.TabInputCustom ? now : null;
    });
    assert.equal(input.viewType, PAGE);
    assert.equal(input.uri.toString(), model.toString());
  });

  it('shows the graph with shapes, and what can be done', async () => {
    const page = await pageOf(await openPage('pictures/halves.onnx'));
    const shown = await eventually('the model', () => page.shown);
    assert.equal(shown.problem, null);
    assert.deepEqual(
      shown.structure?.info.nodes.map(({ opType, outputs }) => [opType, outputs[0]?.shape]),
      [
        ['Flatten', [1, 36]],
        ['Gemm', [1, 2]],
      ],
    );
    assert.equal(shown.actions[0]?.command, 'certiscope.verify');
    const commands = await vscode.commands.getCommands(true);
    assert.ok(shown.actions.every(({ command }) => commands.includes(command)));
  });

  it('says in one sentence what is wrong with a file, and why an operator is not supported', async () => {
    const broken = await pageOf(await openPage('broken/truncated.onnx'));
    const told = await eventually('a sentence', () => broken.shown?.problem);
    assert.match(told, /^broken\/truncated\.onnx: this is no complete ONNX file/);
    assert.equal(broken.shown?.structure, null);
    const odd = await pageOf(await openPage('graphs/odd.onnx'));
    const shown = await eventually('the model', () => odd.shown?.structure);
    assert.equal(shown.info.nodes[1]?.reason, 'this operator is not supported');
  });

  it('follows its file', async () => {
    const target = file('graphs/changing.onnx');
    const { fs } = vscode.workspace;
    await fs.copy(file('pictures/halves.onnx'), target, { overwrite: true });
    const page = await pageOf(await openPage('graphs/changing.onnx'));
    await eventually('two nodes', () => page.shown?.structure?.info.nodes.length === 2);
    await fs.writeFile(target, await fs.readFile(file('models/distances.onnx')));
    await eventually('the other model', () => page.shown?.structure?.info.nodes.length === 4);
    await fs.writeFile(target, new Uint8Array(0));
    await eventually('a sentence', () => /is empty/.test(page.shown?.problem ?? ''));
    await fs.delete(target);
    await eventually('another sentence', () => /there is no such file/.test(page.shown?.problem ?? ''));
  });

  it('colours layers by what verdicts and studies tell of their neurons', async () => {
    // Files of its own: other suites have verified the models' folder.
    for (const name of ['distances.onnx', 'fails.vnnlib'])
      await vscode.workspace.fs.copy(file(`models/${name}`), file(`coloured/${name}`));
    const page = await pageOf(await openPage('coloured/distances.onnx'));
    const unstable = () => page.measures.find(({ id }) => id === 'unstable');
    const before = await eventually('measures', unstable);
    assert.deepEqual([before.values, before.action], [{}, 'Measure now']);
    await vscode.commands.executeCommand('certiscope.verify', file('coloured/fails.vnnlib'));
    const measured = await eventually('a verdict’s neurons', () => {
      const now = unstable();
      return now && Object.keys(now.values).length > 0 ? now : null;
    });
    assert.equal(measured.stale, false);
    assert.ok((measured.values['relu_0'] ?? 0) > 0, JSON.stringify(measured.values));
    assert.match(measured.about, /in 1 result of/);
    const width = page.measures.find(({ id }) => id === 'width');
    assert.ok((width?.values['relu_0'] ?? 0) > 0);
    await vscode.workspace.fs.delete(file('coloured'), { recursive: true });
  });
});
