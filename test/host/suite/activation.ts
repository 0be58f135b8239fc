import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import { eventually, EXTENSION_ID, file, internals } from './editor';

/** The limit; the measured time is printed with it. */
const ACTIVATION_LIMIT_MS = 50;

describe('activation', () => {
  it('does not happen at start-up', () => {
    const extension = vscode.extensions.getExtension(EXTENSION_ID);
    assert.ok(extension);
    assert.equal(extension.isActive, false);
  });

  it('takes less than 50 ms and starts no engine', async () => {
    const { activation, store } = await internals();
    const { load, activate } = activation;
    console.log(`    activated in ${(load + activate).toFixed(1)} ms, ${load.toFixed(1)} of them for loading the code`);
    assert.ok(load + activate < ACTIVATION_LIMIT_MS);
    assert.equal(store.isBusy(), false);
  });

  it('registers every command that package.json contributes', async () => {
    const extension = vscode.extensions.getExtension(EXTENSION_ID);
    const manifest = extension?.packageJSON as { contributes: { commands: { command: string }[] } };
    const registered = new Set(await vscode.commands.getCommands(true));
    const missing = manifest.contributes.commands.filter(({ command }) => !registered.has(command));
    assert.deepEqual(missing, []);
  });

  it('knows the languages of its files', async () => {
    const property = await vscode.workspace.openTextDocument(file('models/holds.vnnlib'));
    assert.equal(property.languageId, 'vnnlib');
    const specification = await vscode.workspace.openTextDocument(file('pictures/halves.certiscope.jsonc'));
    assert.equal(specification.languageId, 'jsonc');
  });

  it('completes keys of a specification from its schema', async () => {
    const uri = file('pictures/halves.certiscope.jsonc');
    const document = await vscode.workspace.openTextDocument(uri);
    const position = document.positionAt(document.getText().indexOf('"property"'));
    await eventually('the key “solver” among the completions', async () => {
      const { items } = await vscode.commands.executeCommand<vscode.CompletionList>(
        'vscode.executeCompletionItemProvider',
        uri,
        position,
      );
      return items.some(({ label }) => (typeof label === 'string' ? label : label.label) === 'solver');
    });
  });
});
