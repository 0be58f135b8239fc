import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import { verdictOf } from '../../../src/extension/core/verdict-store';
import { closeEverything, eventually, EXTENSION_ID, file, internals } from './editor';

interface Manifest {
  readonly contributes: {
    readonly commands: readonly { readonly command: string }[];
    readonly walkthroughs: readonly { readonly steps: readonly { readonly media: { readonly markdown: string } }[] }[];
  };
}

function extension(): vscode.Extension<unknown> {
  const found = vscode.extensions.getExtension(EXTENSION_ID);
  assert.ok(found);
  return found;
}

describe('getting started', () => {
  before(internals);
  afterEach(closeEverything);

  it('the walkthrough has five steps, and what each shows is there', async () => {
    const { walkthroughs } = (extension().packageJSON as Manifest).contributes;
    const steps = walkthroughs[0]?.steps ?? [];
    assert.equal(steps.length, 5);
    for (const { media } of steps)
      assert.ok(
        (await vscode.workspace.fs.stat(vscode.Uri.joinPath(extension().extensionUri, media.markdown))).size > 0,
      );
    await vscode.commands.executeCommand('certiscope.getStarted');
  });

  it('Check Setup writes a report in which everything works', async () => {
    await vscode.commands.executeCommand('certiscope.checkSetup');
    const report = await eventually('the report', () =>
      vscode.window.activeTextEditor?.document.getText().includes('# Certiscope: setup')
        ? vscode.window.activeTextEditor.document.getText()
        : null,
    );
    assert.match(report, /Everything works\./);
    for (const part of [
      /✓ \*\*ONNX Runtime\*\*: \d+\.\d+/,
      /✓ \*\*HiGHS\*\*: \d+\.\d+/,
      /✓ \*\*Float64 core\*\*/,
      /✓ \*\*Sample\*\*/,
    ])
      assert.match(report, part);
    assert.doesNotMatch(report, /✗/);
  });

  it('the sample opens outside the person’s folders, and is verified in no time', async () => {
    const { store } = await internals();
    await vscode.commands.executeCommand('certiscope.openSample');
    const document = vscode.window.activeTextEditor?.document;
    assert.match(document?.uri.path ?? '', /sample\/digits\.certiscope\.jsonc$/);
    assert.equal(vscode.workspace.getWorkspaceFolder(document!.uri), undefined);
    const started = Date.now();
    await vscode.commands.executeCommand('certiscope.verify', document!.uri);
    const kinds = await eventually('two verdicts', () => {
      const found = store.questions(document!.uri.toString()).map(({ evidence }) => verdictOf(evidence));
      return found.length === 2 && found.every(kind => kind !== null) ? found : null;
    });
    console.log(`    forty digits, two questions: ${((Date.now() - started) / 1000).toFixed(1)} s`);
    assert.deepEqual(kinds, ['misclassified', 'falsified']);
  });
});

describe('commands on the wrong thing', () => {
  before(internals);
  afterEach(closeEverything);

  it('change nothing on a file that is neither a model nor a specification', async () => {
    const { store, history } = await internals();
    const runs = history.heads().length;
    const readme = file('samples/README.md');
    await vscode.window.showTextDocument(readme);
    for (const command of ['certiscope.verify', 'certiscope.stop', 'certiscope.showResults'])
      await vscode.commands.executeCommand(command, readme);
    assert.equal(store.specification(readme.toString()), undefined);
    assert.equal(store.modelProblems().has(readme.fsPath), false);
    assert.equal(history.heads().length, runs);
    assert.equal(store.isBusy(), false);
  });

  it('every command of the palette is registered', async () => {
    const known = new Set(await vscode.commands.getCommands(true));
    const missing = (extension().packageJSON as Manifest).contributes.commands
      .map(({ command }) => command)
      .filter(command => !known.has(command));
    assert.deepEqual(missing, []);
  });
});
