import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import { DEFAULT_GRAFT_TRAINING, DEFAULT_MASK_SOURCE } from '../../../src/engine/study-protocols/graft';
import { eventually, file, internals, unpackedStructure } from './editor';

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

type Page = Awaited<ReturnType<typeof pageOf>>;

function nodesOf({ shown }: Page): number | undefined {
  return unpackedStructure(shown?.structure)?.info.nodes.length;
}

/** A measure once it has numbers; every one of them belongs to a node of the model. */
async function measured(page: Page, id: string): Promise<Readonly<Record<string, number>>> {
  const { values, stale } = await eventually(`numbers of ${id}`, () => {
    const found = page.measures.find(measure => measure.id === id);
    return found && Object.keys(found.values).length > 0 ? found : null;
  });
  assert.equal(stale, false);
  const { info } = unpackedStructure(page.shown?.structure)!;
  const names = new Set(info.nodes.flatMap(({ name, outputs }) => [name, ...outputs.map(output => output.name)]));
  for (const name of Object.keys(values)) assert.ok(names.has(name), `${name} is no node of the model`);
  return values;
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
      unpackedStructure(shown.structure)?.info.nodes.map(({ opType, outputs }) => [opType, outputs[0]?.shape]),
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
    assert.equal(unpackedStructure(shown)?.info.nodes[1]?.reason, 'this operator is not supported');
  });

  it('follows its file', async () => {
    const target = file('graphs/changing.onnx');
    const { fs } = vscode.workspace;
    await fs.copy(file('pictures/halves.onnx'), target, { overwrite: true });
    const page = await pageOf(await openPage('graphs/changing.onnx'));
    await eventually('two nodes', () => nodesOf(page) === 2);
    await fs.writeFile(target, await fs.readFile(file('models/distances.onnx')));
    await eventually('the other model', () => nodesOf(page) === 4);
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

  it('colours layers by the tolerance of their weights, as a study of them tells it', async () => {
    for (const name of ['distances.onnx', 'drift.certiscope.jsonc'])
      await vscode.workspace.fs.copy(file(`weights/${name}`), file(`tolerant/${name}`));
    const page = await pageOf(await openPage('tolerant/distances.onnx'));
    await eventually('the model', () => page.shown?.structure);
    await vscode.commands.executeCommand('certiscope.weightTolerance', file('tolerant/distances.onnx'));
    const values = await measured(page, 'tolerance');
    assert.deepEqual(Object.keys(values).sort(), ['layer_0', 'layer_1']);
    for (const value of Object.values(values)) assert.ok(value > 0 && value < 1, JSON.stringify(values));
    await vscode.workspace.fs.delete(file('tolerant'), { recursive: true });
  });

  it('colours layers by the part of their neurons that a mask makes linear', async () => {
    const page = await pageOf(await openPage('samples/digits-conv.onnx'));
    await eventually('the model', () => page.shown?.structure);
    await vscode.commands.executeCommand('certiscope.graft', file('samples/digits-conv.onnx'));
    const { grafting } = await internals();
    const training = { ...DEFAULT_GRAFT_TRAINING, epochs: 1, batch: 32 };
    await grafting.grafting.train({ ...DEFAULT_MASK_SOURCE, ratio: 0.25 }, training, true);
    const values = await measured(page, 'grafting');
    assert.equal(Object.keys(values).length, 2);
    // A quarter of 512 neurons, of 384 and 128.
    const [first = 0, second = 0] = Object.values(values);
    assert.equal(Math.round(384 * first + 128 * second), 128);
  });
});
