import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import { TOOLS } from '../../../src/engine/tools/table';
import { file, internals } from './editor';

const NAMES = Object.keys(TOOLS).map(name => `certiscope_${name}`);

/** What a tool answers, as a language model would read it. */
async function called(name: string, input: object): Promise<string> {
  const result = await vscode.lm.invokeTool(name, { input, toolInvocationToken: undefined }, token());
  return result.content.map(part => (part instanceof vscode.LanguageModelTextPart ? part.value : '')).join('');
}

function token(): vscode.CancellationToken {
  return new vscode.CancellationTokenSource().token;
}

describe('language-model tools', () => {
  before(internals);

  it('are there with what a model has to know of them', () => {
    const known = vscode.lm.tools.filter(({ name }) => NAMES.includes(name));
    assert.deepEqual(known.map(({ name }) => name).sort(), [...NAMES].sort());
    for (const { description, inputSchema } of known) {
      assert.ok(description.length > 40);
      assert.equal((inputSchema as { type: string }).type, 'object');
    }
  });

  it('answer about a model, verify it, and give the input that breaks it', async () => {
    const info = JSON.parse(await called('certiscope_info', { model: 'models/distances.onnx' })) as object;
    assert.equal((info as { supported: boolean }).supported, true);
    const model = 'models/distances.onnx';
    const held = JSON.parse(await called('certiscope_verify', { specification: 'models/holds.vnnlib', model })) as {
      verdict: string;
    };
    assert.equal(held.verdict, 'verified');
    const broken = JSON.parse(
      await called('certiscope_counterexample', { specification: file('models/fails.vnnlib').fsPath, model }),
    ) as { counterexamples: { input: number[] }[] };
    assert.equal(broken.counterexamples[0]?.input.length, 2);
  });

  it('ask about the text on the screen', async () => {
    const document = await vscode.workspace.openTextDocument(file('models/holds.vnnlib'));
    const edit = new vscode.WorkspaceEdit();
    const at = document.positionAt(document.getText().indexOf('0.5'));
    edit.replace(document.uri, new vscode.Range(at, at.translate(0, 3)), '0');
    await vscode.workspace.applyEdit(edit);
    const told = JSON.parse(
      await called('certiscope_verify', { specification: 'models/holds.vnnlib', model: 'models/distances.onnx' }),
    ) as { verdict: string };
    assert.equal(told.verdict, 'falsified');
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand('workbench.action.files.revert');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('say what was wrong with a call', async () => {
    assert.match(
      await called('certiscope_verify', { specification: 'models/nowhere.vnnlib' }),
      /^This was not done\. /,
    );
    const misspelled = { specification: 'models/holds.vnnlib', sample: [1] };
    assert.match(await called('certiscope_verify', misspelled), /There is no argument “sample”/);
  });

  it('do nothing where they are switched off', async () => {
    const settings = vscode.workspace.getConfiguration('certiscope');
    await settings.update('languageModelTools', false, vscode.ConfigurationTarget.Global);
    try {
      const told = await called('certiscope_info', { model: 'models/distances.onnx' }).catch(String);
      assert.match(told, /switched off|not found|disabled|Tool/);
      assert.doesNotMatch(told, /"supported"/);
    } finally {
      await settings.update('languageModelTools', undefined, vscode.ConfigurationTarget.Global);
    }
  });
});
