import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import { closeEverything, eventually, file, internals, open } from './editor';

describe('weight tolerance', () => {
  before(internals);
  afterEach(closeEverything);

  const model = () => file('weights/distances.onnx');
  const specification = () => file('weights/drift.certiscope.jsonc');

  it('brackets every layer of a model, with a model that fails beside it', async () => {
    const { tolerance } = await internals();
    let told = '';
    const listening = tolerance.last.onDidChange(changed => (told = changed));
    await vscode.commands.executeCommand('certiscope.weightTolerance', model());
    listening.dispose();
    const { report } = tolerance.panel;
    assert.ok(report?.finished, 'the study came to its end');
    assert.deepEqual(report.samples, [0, 1]);
    assert.deepEqual(
      report.layers.map(({ name }) => name),
      ['layer_0', 'layer_1'],
    );
    for (const { samples, failure, curve } of report.layers) {
      for (const { certified, failing } of samples) assert.ok(certified > 0 && failing !== null && failing > certified);
      assert.ok(curve.length > 3 && curve[0]?.methods.star?.verified === 2);
      assert.ok(failure);
      assert.ok((await vscode.workspace.fs.stat(vscode.Uri.file(failure.model))).size > 0);
    }
    assert.equal(told, model().fsPath);
    assert.equal(tolerance.last.of(model().fsPath)?.length, 2);
  });

  it('starts from the lens above a check of weights, with the layers of the check', async () => {
    await open('weights/drift.certiscope.jsonc');
    const lens = await eventually('the lens', async () => {
      const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>(
        'vscode.executeCodeLensProvider',
        specification(),
        100,
      );
      return lenses.find(each => each.command?.title.includes('Weight tolerance'));
    });
    const { command, range } = lens;
    assert.equal(range.start.line, 5);
    assert.ok(command);
    await vscode.commands.executeCommand(command.command, ...((command.arguments ?? []) as unknown[]));
    const { tolerance } = await internals();
    assert.deepEqual(
      tolerance.panel.report?.layers.map(({ name }) => name),
      ['layer_1'],
    );
  });
});
