import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import { verdictOf } from '../../../src/extension/core/verdict-store';
import { closeEverything, eventually, file, internals, open } from './editor';

/** The design's limit for an answer to Stop, and what the test allows for the way there and back on a busy machine. */
const STOP_LIMIT_MS = 1500;

describe('long runs', () => {
  before(internals);
  afterEach(closeEverything);

  const slow = () => file('slow/slow.vnnlib');

  async function startSlowRun(): Promise<void> {
    await open('slow/slow.vnnlib');
    void vscode.commands.executeCommand('certiscope.verify', slow());
    const { store } = await internals();
    await eventually('progress', () =>
      store.questions(slow().toString()).some(({ activity }) => activity.kind === 'running'),
    );
  }

  it('Stop ends a run at once', async () => {
    await startSlowRun();
    const { store } = await internals();
    const asked = Date.now();
    await vscode.commands.executeCommand('certiscope.stop');
    await eventually('idle', () => !store.isBusy());
    const took = Date.now() - asked;
    console.log(`    stopped in ${took} ms`);
    assert.ok(took < STOP_LIMIT_MS, `${took} ms`);
  });

  it('the editor answers while the engine works', async () => {
    await startSlowRun();
    let longest = 0;
    for (let k = 0; k < 40; k++) {
      const before = performance.now();
      await new Promise(resolve => setTimeout(resolve, 10));
      longest = Math.max(longest, performance.now() - before - 10);
    }
    await vscode.commands.executeCommand('certiscope.stop');
    console.log(`    longest pause of the extension host ${longest.toFixed(0)} ms`);
    assert.ok(longest < 250, `${longest} ms`);
  });

  it('a restarted engine goes on, and finished verdicts are kept', async () => {
    await open('models/holds.vnnlib');
    await vscode.commands.executeCommand('certiscope.verify', file('models/holds.vnnlib'));
    const { store } = await internals();
    const verdict = () => verdictOf(store.questions(file('models/holds.vnnlib').toString())[0]?.evidence ?? null);
    await eventually('verified', () => verdict() === 'verified');
    await vscode.commands.executeCommand('certiscope.restartEngine');
    assert.equal(verdict(), 'verified');
    await vscode.commands.executeCommand('certiscope.verify', file('models/holds.vnnlib'));
    await eventually('verified again', () => verdict() === 'verified' && !store.isBusy());
  });

  it('a newer run takes over from an older one', async () => {
    await startSlowRun();
    const { store } = await internals();
    const first = store.questions(slow().toString())[0]!.activity;
    void vscode.commands.executeCommand('certiscope.verify', slow());
    await eventually('the second run works', () => {
      const { activity } = store.questions(slow().toString())[0]!;
      return activity.kind === 'running' && first.kind !== 'idle' && activity.run !== first.run;
    });
    await vscode.commands.executeCommand('certiscope.stop');
    await eventually('idle', () => !store.isBusy());
  });
});
