import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { FoundInput } from '../../../src/engine/study-protocols/adversarial-inputs';
import { closeEverything, eventually, file, internals } from './editor';

describe('adversarial inputs and patches', () => {
  before(internals);
  afterEach(closeEverything);

  it('are found, replayed, and kept in a folder that a gallery can come back from', async () => {
    const { adversarial } = await internals();
    await vscode.commands.executeCommand('certiscope.findAdversarialInputs', file('samples/digits.certiscope.jsonc'));
    const { panel } = adversarial;
    const summary = await eventually('a summary of the run', () => panel.summary, 60_000);
    assert.equal(summary.found, summary.attacked);
    assert.ok(summary.found >= 35, summary.statement);
    const found = panel.outcomes.filter((outcome): outcome is FoundInput => outcome.kind === 'found');
    for (const { from, to, norms, replay } of found) {
      assert.notEqual(from, to);
      assert.ok(norms.values > 0 && norms.inf <= 1);
      assert.match(replay, /ONNX Runtime answers class/);
    }
    const { input } = found[0]!;
    assert.equal(input.kind, 'file');
    const run = JSON.parse(
      await readFile(path.join(path.dirname(input.kind === 'file' ? input.path : ''), 'run.json'), 'utf8'),
    ) as { outcomes: unknown[] };
    assert.equal(run.outcomes.length, panel.outcomes.length);
  });

  it('from the gallery, the model is patched layer by layer, before and after measured', async () => {
    const { adversarial } = await internals();
    const inputs = adversarial.panel.inputsOf(file('samples/digits.certiscope.jsonc'));
    assert.ok(inputs.length > 0, 'the run before found inputs');
    await adversarial.patches.open(
      {
        specification: file('samples/digits.certiscope.jsonc'),
        model: undefined,
        about: '2 adversarial inputs',
        inputs: inputs.slice(0, 2),
      },
      'each',
    );
    const { layers, result } = adversarial.patches;
    assert.equal(layers.length, 3);
    assert.ok(result?.best, result?.statement);
    const best = layers.find(({ layer }) => layer === result.best)!;
    assert.ok(best.holds && best.file && best.accuracy);
    assert.deepEqual(
      best.answers,
      inputs.slice(0, 2).map(({ wanted }) => wanted),
    );
  });

  it('by command, misclassified samples are what is put right where nothing has been run', async () => {
    const { adversarial } = await internals();
    const specification = file('samples/digits-conv.certiscope.jsonc');
    const command = vscode.commands.executeCommand('certiscope.patchModel', specification);
    let over = false;
    void command.then(() => (over = true));
    // Each layer by itself is the first answer to the only question.
    await eventually(
      'the end of the command',
      async () => {
        await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
        return over;
      },
      50_000,
    );
    const { result, layers } = adversarial.patches;
    assert.ok(result, 'the study came to its end');
    assert.ok(layers.length > 0 && layers.every(({ statement }) => statement !== ''));
  });
});
