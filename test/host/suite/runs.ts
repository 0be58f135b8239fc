import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import type { RunHead } from '../../../src/extension/runs/kept-run';
import { closeEverything, eventually, file, internals, open, replace } from './editor';

const HALVES = 'pictures/halves.certiscope.jsonc';

/** The newest run once it has ended, other than those that were there. */
async function ended(before: readonly RunHead[]): Promise<RunHead> {
  const { history } = await internals();
  const known = new Set(before.map(({ id }) => id));
  return eventually(
    'the run in the history',
    () => history.heads().find(({ id, outcome }) => !known.has(id) && outcome !== 'running'),
    20_000,
    () => JSON.stringify(history.heads()),
  );
}

async function verified(name: string): Promise<RunHead> {
  const { history } = await internals();
  await history.open();
  const before = history.heads();
  await vscode.commands.executeCommand('certiscope.verify', file(name));
  return ended(before);
}

describe('the history of runs', () => {
  before(internals);
  afterEach(closeEverything);

  it('has every run with its counts, and its results when they are asked for', async () => {
    const { history } = await internals();
    const head = await verified(HALVES);
    assert.deepEqual(head.counts, { verified: 3, falsified: 1 });
    assert.equal(head.outcome, 'complete');
    assert.equal(head.planned, 4);
    assert.equal(head.model, file('pictures/halves.onnx').fsPath);
    const results = await history.results(head.id);
    assert.deepEqual(
      results.map(({ check, sample, verdict }) => `${check} ${sample} ${verdict.kind}`),
      ['hardly 0 verified', 'hardly 1 verified', 'five levels 0 verified', 'five levels 1 falsified'],
    );
  });

  it('an edited specification does not change what an earlier run says', async () => {
    const { history } = await internals();
    const editor = await open(HALVES);
    const first = await verified(HALVES);
    const asked = await history.text(first.id);
    await replace(editor, '"5/255"', '"0.2/255"');
    const second = await verified(HALVES);
    assert.deepEqual(second.counts, { verified: 4 });
    assert.deepEqual(history.head(first.id)?.counts, { verified: 3, falsified: 1 });
    assert.equal(await history.text(first.id), asked);
    assert.match((await history.text(second.id)) ?? '', /0\.2\/255/);
  });

  it('the text of a run can be looked at, and is no specification of the workspace', async () => {
    const { store } = await internals();
    const head = await verified(HALVES);
    await vscode.commands.executeCommand('certiscope.showRunSpecification', { kind: 'run', run: head.id });
    const shown = vscode.window.activeTextEditor?.document;
    assert.equal(shown?.uri.scheme, 'certiscope-run');
    assert.match(shown?.getText() ?? '', /"five levels"/);
    assert.equal(store.specification(shown?.uri.toString() ?? ''), undefined);
  });

  it('an earlier text is asked again without touching what is known of the text on the screen', async () => {
    const { history, store } = await internals();
    const editor = await open(HALVES);
    const first = await verified(HALVES);
    await replace(editor, '"5/255"', '"0.2/255"');
    await verified(HALVES);
    const id = `${file(HALVES).toString()}#five levels`;
    const evidence = store.question(id)?.evidence;
    const before = history.heads();
    void vscode.commands.executeCommand('certiscope.rerun', { kind: 'run', run: first.id });
    await new Promise(resolve => setTimeout(resolve, 1000));
    await vscode.commands.executeCommand('workbench.action.quickOpenSelectNext');
    await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
    const again = await ended(before);
    assert.deepEqual(again.counts, { verified: 3, falsified: 1 });
    assert.equal(store.question(id)?.evidence, evidence);
  });

  it('two runs are shown side by side', async () => {
    const first = await verified(HALVES);
    const second = await verified(HALVES);
    await vscode.commands.executeCommand('certiscope.compareRuns', { kind: 'run', run: first.id }, [
      { kind: 'run', run: first.id },
      { kind: 'run', run: second.id },
    ]);
    await eventually('the page', () =>
      vscode.window.tabGroups.all
        .flatMap(({ tabs }) => tabs)
        .find(({ input }) => input instanceof vscode.TabInputWebview && input.viewType.includes('certiscope.compare')),
    );
  });

  it('a run is pinned, unpinned and renamed', async () => {
    const { history } = await internals();
    const { id } = await verified(HALVES);
    await vscode.commands.executeCommand('certiscope.pinRun', { kind: 'run', run: id });
    assert.equal(history.head(id)?.pinned, true);
    await vscode.commands.executeCommand('certiscope.unpinRun', { kind: 'run', run: id });
    assert.equal(history.head(id)?.pinned, false);
    await history.change(id, { name: 'the first' });
    assert.equal(history.head(id)?.name, 'the first');
  });

  it('a run of a missing model says why it failed', async () => {
    const head = await verified('broken/mistakes.certiscope.jsonc');
    assert.equal(head.outcome, 'failed');
    assert.ok(head.problem, 'a sentence');
  });
});
