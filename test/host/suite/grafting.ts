import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import { DEFAULT_GRAFT_TRAINING, DEFAULT_MASK_SOURCE } from '../../../src/engine/study-protocols/graft';
import { saveModel } from '../../../src/extension/panel/save-model';
import { closeEverything, file, internals } from './editor';

describe('unstable neurons and linearity grafting', () => {
  before(internals);
  afterEach(closeEverything);

  const model = () => file('samples/digits-conv.onnx');

  it('bounds every neuron of a model at ε and at parts of it, and opens the panel', async () => {
    const { grafting } = await internals();
    await vscode.commands.executeCommand('certiscope.unstableNeurons', model());
    const { shown, isOpen } = grafting.neurons;
    assert.ok(isOpen && shown);
    assert.equal(shown.model, 'samples/digits-conv.onnx');
    assert.equal(shown.busy, null);
    assert.equal(shown.problem, null);
    assert.deepEqual(
      shown.runs.map(({ epsilon }) => epsilon),
      ['0.25/255', '0.5/255', '1/255'],
    );
    assert.ok(shown.runs[0]!.ratio < shown.runs[2]!.ratio);
    assert.deepEqual(
      shown.layers.map(({ shape }) => shape),
      [
        [6, 8, 8],
        [8, 4, 4],
      ],
    );
    assert.match(shown.runs[2]!.statement, /of 512 neurons, mean over 40 regions \(all samples\), bounds by crown/);
    assert.equal(shown.importance?.kind, 'sap');
  });

  it('goes from a model to a mask, a grafted model that can be saved, and its outcomes', async () => {
    const { grafting } = await internals();
    const panel = grafting.grafting;
    await vscode.commands.executeCommand('certiscope.graft', model());
    // The command has opened the panel; the scores come from what the engine keeps.
    await panel.measure(panel.shown!.request);
    assert.equal(panel.shown?.layers.length, 2);
    const training = { ...DEFAULT_GRAFT_TRAINING, epochs: 2, batch: 32 };
    await panel.train({ ...DEFAULT_MASK_SOURCE, ratio: 0.25 }, training, true);
    assert.equal(panel.shown?.training?.message, 'Trained for 2 epochs.');
    assert.match(panel.shown?.training?.mask ?? '', /^Linear neurons: relu_1 \d+ of 384, relu_2 \d+ of 128$/);
    const saved = file('samples/digits-conv.grafted.onnx');
    assert.ok(panel.model);
    await saveModel({ file: panel.model, base: model().fsPath, kind: 'grafted' }, saved);
    assert.ok((await vscode.workspace.fs.stat(saved)).size > 1000);
    await panel.compare(2, 1);
    const { outcomes } = panel.shown!;
    assert.equal(outcomes?.samples.length, 40);
    assert.equal(panel.shown?.problem, null);
    await vscode.workspace.fs.delete(saved);
  });

  it('says what is wrong with a mask, and keeps what was there', async () => {
    const { grafting } = await internals();
    const panel = grafting.grafting;
    await panel.train({ ...DEFAULT_MASK_SOURCE, ratio: 1.5 }, DEFAULT_GRAFT_TRAINING, true);
    assert.match(panel.shown?.problem ?? '', /The ratio is 1\.5/);
  });
});
