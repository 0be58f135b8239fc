import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import { closeEverything, eventually, file, internals, open, replace } from './editor';

describe('file decorations', () => {
  before(internals);
  afterEach(closeEverything);

  it('say how the questions of a specification and of its model stand, and can be switched off', async () => {
    const { decorations } = await internals();
    const folder = 'decorated';
    for (const name of ['distances.onnx', 'holds.vnnlib', 'fails.vnnlib'])
      await vscode.workspace.fs.copy(file(`models/${name}`), file(`${folder}/${name}`));
    // The watcher of the workspace may be late.
    await vscode.commands.executeCommand('certiscope.refresh');
    const badge = (name: string) => decorations.provideFileDecoration(file(`${folder}/${name}`))?.badge;
    assert.equal(badge('holds.vnnlib'), undefined);
    assert.equal(badge('distances.onnx'), undefined);
    const editor = await open(`${folder}/holds.vnnlib`);
    await vscode.commands.executeCommand('certiscope.verify', file(`${folder}/holds.vnnlib`));
    await eventually('✓ of the property', () => badge('holds.vnnlib') === '✓');
    assert.equal(badge('distances.onnx'), '✓');
    await vscode.commands.executeCommand('certiscope.verify', file(`${folder}/fails.vnnlib`));
    await eventually('✗ of the property', () => badge('fails.vnnlib') === '✗');
    assert.equal(badge('distances.onnx'), '✗');
    assert.equal(
      decorations.provideFileDecoration(file(`${folder}/distances.onnx`))?.tooltip,
      'Certiscope: 1 verified, 1 falsified',
    );
    await replace(editor, '0.5', '0.25');
    assert.equal(badge('holds.vnnlib'), '~');
    const settings = vscode.workspace.getConfiguration('certiscope');
    await settings.update('fileDecorations', false, vscode.ConfigurationTarget.Global);
    assert.equal(badge('fails.vnnlib'), undefined);
    await settings.update('fileDecorations', undefined, vscode.ConfigurationTarget.Global);
    assert.equal(badge('fails.vnnlib'), '✗');
    await closeEverything();
    await vscode.workspace.fs.delete(file(folder), { recursive: true });
  });

  it('leave every other file alone', async () => {
    const { decorations } = await internals();
    assert.equal(decorations.provideFileDecoration(file('samples/README.md')), undefined);
  });
});
