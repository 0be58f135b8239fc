import * as vscode from 'vscode';
import { readFile } from 'node:fs/promises';
import { registerTable } from '../commands/command-table';
import { mayRun } from '../commands/specification-choice';
import type { RunScope, VerifyFlow } from '../commands/verify-flow';
import { filePath } from '../documents/uris';
import { COMMAND } from '../ids';
import type { History } from './history';
import { listedRuns, runDescription, runTitle, SORTS, type Sort } from './listing';
import type { RunHead } from './kept-run';
import { runDocument } from './run-documents';
import { shownName, type RunItem, type RunsTree } from './runs-tree';

export interface RunCommandContext {
  readonly history: History;
  readonly tree: RunsTree;
  readonly flow: VerifyFlow;
  readonly log: vscode.LogOutputChannel;
  /** Shows two runs side by side, or one where there is no other; `index` chooses a result of the later one. */
  compare(before: string | null, after: string, index: number | null): void;
}

/** Whom a command is about: an item of the tree (and all that are selected), or nobody (the palette). */
type Handler = (item?: RunItem, selection?: readonly RunItem[]) => unknown;

/** The commands of the history. Without an item each asks which run is meant, and says so where there is none. */
export function registerRunCommands(context: RunCommandContext): vscode.Disposable {
  const { history, tree, log } = context;
  const table: Record<string, Handler> = {
    [COMMAND.compareRuns]: (item, selection) => compare(context, item, selection),
    [COMMAND.rerun]: async item => {
      const head = await runOf(context, item, 'Run Again', 'Which run?');
      if (head) await rerun(context, head);
    },
    [COMMAND.renameRun]: async item => {
      const head = await runOf(context, item, 'Rename Run', 'Which run?');
      if (head) await rename(context, head);
    },
    [COMMAND.pinRun]: async (item, selection) => {
      for (const head of await runsOf(context, item, selection, 'Pin Run', ({ pinned }) => !pinned))
        await history.change(head.id, { pinned: true });
    },
    [COMMAND.unpinRun]: async (item, selection) => {
      for (const head of await runsOf(context, item, selection, 'Unpin Run', ({ pinned }) => pinned))
        await history.change(head.id, { pinned: false });
    },
    [COMMAND.deleteRun]: async (item, selection) => {
      const heads = await runsOf(context, item, selection, 'Delete Run', ({ outcome }) => outcome !== 'running');
      await deleteRuns(history, heads);
    },
    [COMMAND.exportRun]: async item => {
      const head = await runOf(context, item, 'Export Run', 'Which run?');
      if (!head) return;
      const { exportRun } = await import('./export-command');
      await exportRun(history, head, item?.kind === 'runResult' ? item.index : null);
    },
    [COMMAND.showRunSpecification]: async item => {
      const head = await runOf(context, item, 'Show Specification as Run', 'Which run?');
      if (head) await vscode.window.showTextDocument(runDocument(head), { preview: true });
    },
    [COMMAND.sortRuns]: () => sortRuns(tree),
    [COMMAND.filterRuns]: () => filterRuns(tree),
    [COMMAND.clearRunsFilter]: () => tree.setFilter(''),
  };
  // Called with something that is no run (from a keybinding, by another extension), a command asks as if it were called with nothing.
  const asked = Object.entries(table).map(([id, act]) => [
    id,
    (item?: unknown, selection?: readonly RunItem[]) => (isRunItem(item) ? act(item, selection) : act()),
  ]);
  return registerTable(Object.fromEntries(asked) as Record<string, Handler>, log);
}

function isRunItem(item: unknown): item is RunItem {
  return typeof item === 'object' && item !== null && 'run' in item && typeof item.run === 'string';
}

async function compare(context: RunCommandContext, item?: RunItem, selection?: readonly RunItem[]): Promise<void> {
  if (item?.kind === 'runResult') return showResult(context, item);
  const chosen = chosenRuns(context, item, selection);
  if (chosen.length > 2) {
    void vscode.window.showInformationMessage('Two runs can be compared at a time. Select two in the Runs view.');
    return;
  }
  const first = chosen[0] ?? (await pickRun(context, 'Compare Runs (1 of 2)', 'Which run?', () => true));
  if (!first) return;
  const second = chosen[1] ?? (await pickOther(context, first));
  if (!second) return;
  const [before, after] = first.started <= second.started ? [first, second] : [second, first];
  context.compare(before.id, after.id, null);
}

/** A result of a run, beside the same question of the run before it. */
function showResult(
  { history, compare }: RunCommandContext,
  { run, index }: Extract<RunItem, { kind: 'runResult' }>,
): void {
  const head = history.head(run);
  if (!head) return;
  const before = history.heads().find(({ id, specification }) => id < run && specification === head.specification);
  compare(before?.id ?? null, run, index);
}

/** The run to compare with: of the same specification first, the newest first. */
async function pickOther(context: RunCommandContext, first: RunHead): Promise<RunHead | undefined> {
  await context.history.open();
  const others = context.history.heads().filter(({ id }) => id !== first.id);
  if (others.length === 0) {
    void vscode.window.showInformationMessage(
      'There is only one run so far. Change the specification or the model, run it again, and compare the two.',
    );
    return undefined;
  }
  const isKin = ({ specification }: RunHead) => specification === first.specification;
  const items = [...others.filter(isKin), ...others.filter(head => !isKin(head))].map(quickPickItem);
  const title = `Compare ${runTitle(first)} (${runDescription(first, Date.now())})`;
  return (await vscode.window.showQuickPick(items, { title, placeHolder: 'With which run?', matchOnDescription: true }))
    ?.head;
}

async function rerun({ history, flow }: RunCommandContext, head: RunHead): Promise<void> {
  const specification = vscode.Uri.parse(head.specification);
  if (!mayRun(specification)) return;
  const scope: RunScope = {
    names: head.checks,
    ...(head.samples ? { samples: head.samples } : {}),
    effort: head.effort,
    ...(specification.path.endsWith('.jsonc') || head.model === '' ? {} : { model: head.model }),
    options: head.options,
  };
  const then = await history.text(head.id);
  const now = await currentText(specification);
  if (now === null && then === null) {
    void vscode.window.showWarningMessage(
      `${shownName(head.specification)} is not there any more, and its text was not kept with this run.`,
    );
    return;
  }
  if (then === null || then === now) return flow.verifySpecification(specification, scope);
  const asThen = {
    label: 'As it was then',
    description: 'the text that this run asked; the answer is kept in the history',
  };
  const asNow = { label: 'As it is now', description: 'the specification has changed since' };
  const picked = await vscode.window.showQuickPick(now === null ? [asThen] : [asNow, asThen], {
    title: `Run again: ${runTitle(head)}`,
    placeHolder: now === null ? 'The specification is not there any more.' : 'Which text of the specification?',
  });
  if (picked === asNow) await flow.verifySpecification(specification, scope);
  else if (picked === asThen) await flow.repeat(specification, then, scope);
}

/** The text on the screen, else on the disk; null where there is none. */
async function currentText(specification: vscode.Uri): Promise<string | null> {
  const open = vscode.workspace.textDocuments.find(({ uri }) => uri.toString() === specification.toString());
  if (open) return open.getText();
  const file = filePath(specification);
  return file === null ? null : readFile(file, 'utf8').catch(() => null);
}

async function rename({ history }: RunCommandContext, head: RunHead): Promise<void> {
  const name = await vscode.window.showInputBox({
    title: 'Rename Run',
    prompt: 'What to call this run. Leave it empty to name it after its specification.',
    value: head.name,
    placeHolder: runTitle({ ...head, name: '' }),
  });
  if (name !== undefined) await history.change(head.id, { name: name.trim() });
}

async function deleteRuns(history: History, heads: readonly RunHead[]): Promise<void> {
  const [first] = heads;
  if (!first) return;
  const what = heads.length === 1 ? `the run “${runTitle(first)}”` : `${heads.length} runs`;
  const action = 'Delete';
  const picked = await vscode.window.showWarningMessage(
    `Delete ${what} from the history? What was found out is lost; the verdict cache is not touched.`,
    { modal: true },
    action,
  );
  if (picked !== action) return;
  for (const { id } of heads) await history.remove(id);
}

async function sortRuns(tree: RunsTree): Promise<void> {
  const items = (Object.entries(SORTS) as [Sort, string][]).map(([sort, label]) => ({
    label,
    description: sort === tree.sort ? 'now' : '',
    sort,
  }));
  const picked = await vscode.window.showQuickPick(items, {
    title: 'Sort Runs',
    placeHolder: 'Pinned runs come first.',
  });
  if (picked) await tree.setSort(picked.sort);
}

async function filterRuns(tree: RunsTree): Promise<void> {
  const filter = await vscode.window.showInputBox({
    title: 'Filter Runs',
    prompt:
      'Runs that hold every one of these words: in their name, specification, model, checks, verdicts, or “pinned”.',
    placeHolder: 'digits falsified',
    value: tree.filter,
  });
  if (filter !== undefined) await tree.setFilter(filter);
}

function chosenRuns({ history, tree }: RunCommandContext, item?: RunItem, selection?: readonly RunItem[]): RunHead[] {
  const many = (selection ?? []).filter(({ kind }) => kind === 'run');
  const ids = many.length > 1 ? many.map(({ run }) => run) : item ? [item.run] : tree.selected;
  return [...new Set(ids)].flatMap(id => history.head(id) ?? []);
}

/** The runs that a command is about: the item and what is selected with it, else one that the person picks. */
async function runsOf(
  context: RunCommandContext,
  item: RunItem | undefined,
  selection: readonly RunItem[] | undefined,
  title: string,
  wanted: (head: RunHead) => boolean,
): Promise<readonly RunHead[]> {
  if (item) return chosenRuns(context, item, selection).filter(wanted);
  const picked = await pickRun(context, title, 'Which run?', wanted);
  return picked ? [picked] : [];
}

async function runOf(
  context: RunCommandContext,
  item: RunItem | undefined,
  title: string,
  placeHolder: string,
): Promise<RunHead | undefined> {
  return item ? context.history.head(item.run) : pickRun(context, title, placeHolder, () => true);
}

async function pickRun(
  { history }: RunCommandContext,
  title: string,
  placeHolder: string,
  wanted: (head: RunHead) => boolean,
): Promise<RunHead | undefined> {
  await history.open();
  const heads = listedRuns(history.heads(), 'newest', '', shownName);
  const candidates = heads.filter(wanted);
  if (candidates.length === 0) {
    void vscode.window.showInformationMessage(
      heads.length === 0
        ? 'Nothing has been run yet. Verify a model, and the run appears in the Runs view.'
        : `${title}: none of the ${heads.length} runs can be chosen for that.`,
    );
    return undefined;
  }
  const items = candidates.map(quickPickItem);
  return (
    await vscode.window.showQuickPick(items, { title, placeHolder, matchOnDescription: true, matchOnDetail: true })
  )?.head;
}

function quickPickItem(head: RunHead): vscode.QuickPickItem & { readonly head: RunHead } {
  return {
    label: runTitle(head),
    description: runDescription(head, Date.now()),
    detail: [shownName(head.specification), shownName(head.model)].filter(part => part !== '').join(' · '),
    head,
  };
}
