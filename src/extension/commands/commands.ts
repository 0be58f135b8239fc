import * as vscode from 'vscode';
import { COMMAND } from '../ids';
import {
  verdictOf,
  type Answered,
  type QuestionId,
  type QuestionState,
  type VerdictStore,
} from '../core/verdict-store';
import { shownPath, textUri } from '../documents/uris';
import type { SpecificationIndex } from '../documents/specification-index';
import type { EngineDoor } from '../engine-door';
import type { ResultsPanel } from '../panel/results-panel';
import { readTensors } from '../panel/tensors';
import { toRange } from '../views/ranges';
import { fileOf, type Clicked } from './clicked';
import { registerTable } from './command-table';
import type { VerifyFlow } from './verify-flow';

export interface CommandContext {
  readonly store: VerdictStore;
  readonly index: SpecificationIndex;
  readonly flow: VerifyFlow;
  readonly door: EngineDoor;
  readonly panel: ResultsPanel;
  readonly log: vscode.LogOutputChannel;
}

/** What a command is called with: nothing (palette), a file (Explorer, editor), an id (CodeLens, panel) or an item of a tree. */
type Target = Clicked | QuestionId;

/** Registers every command; one table, so that what there is can be read in one place. */
export function registerCommands(context: CommandContext): vscode.Disposable {
  const { store, index, flow, door, panel, log } = context;
  const table: Record<string, (target?: Target, detail?: unknown) => unknown> = {
    [COMMAND.verify]: target => flow.verify(typeof target === 'string' ? undefined : fileOf(target)),
    [COMMAND.verifyQuestion]: async target => {
      const question = await questionOf(context, target, () => true, WANTED.any);
      if (question) await flow.verifyQuestion(question.id);
    },
    [COMMAND.stop]: target => {
      if (!store.isBusy()) void vscode.window.setStatusBarMessage('Certiscope: nothing is running.', 4000);
      return flow.stop(specificationOf(store, target));
    },
    [COMMAND.restartEngine]: async () => {
      await door.restart();
      log.info('The engine was ended on request; the next run starts another.');
    },
    [COMMAND.showResults]: async (target, detail) => {
      const question = questionNamed(store, target) ?? questionAtCursor(store) ?? firstWorthShowing(store);
      panel.open(question?.id ?? null, typeof detail === 'number' ? detail : null);
    },
    [COMMAND.openCounterexample]: async target => {
      const question = await questionOf(context, target, isFalsified, WANTED.falsified);
      if (question) panel.open(question.id, counterexampleOf(question, target)?.index ?? null);
    },
    [COMMAND.copyCounterexample]: async (target, detail) => {
      const question = await questionOf(context, target, isFalsified, WANTED.falsified);
      if (question) await copyCounterexample(question, counterexampleOf(question, target, detail));
    },
    [COMMAND.clearCache]: async () => {
      await flow.stop();
      await door.clear();
      store.apply({ kind: 'cleared' });
      void vscode.window.setStatusBarMessage('Certiscope: every kept verdict was cleared.', 4000);
    },
    [COMMAND.showLog]: () => log.show(true),
    [COMMAND.refresh]: () => index.rescan(),
    [COMMAND.menu]: () => showMenu(context),
  };
  return registerTable(table, log);
}

/** Opens a property in its specification, without taking the focus from where the person is. */
export async function openProperty(store: VerdictStore, id: QuestionId): Promise<void> {
  const question = store.question(id);
  if (!question) return;
  const range = toRange(question.anchor);
  await vscode.window.showTextDocument(textUri(vscode.Uri.parse(question.specification)), {
    preserveFocus: true,
    viewColumn: vscode.ViewColumn.One,
    selection: new vscode.Range(range.start, range.start),
  });
}

function questionNamed(store: VerdictStore, target: Target): QuestionState | undefined {
  if (typeof target === 'string') return store.question(target);
  if (target === undefined || target instanceof vscode.Uri) return undefined;
  if (target.kind === 'question' || target.kind === 'answers') return store.question(target.id);
  return target.kind === 'result' ? store.question(target.question) : undefined;
}

function specificationOf(store: VerdictStore, target: Target): string | undefined {
  const question = questionNamed(store, target);
  if (question) return question.specification;
  const file = typeof target === 'string' ? undefined : fileOf(target)?.toString();
  return file !== undefined && store.specification(file) ? file : undefined;
}

function questionAtCursor(store: VerdictStore): QuestionState | undefined {
  const editor = vscode.window.activeTextEditor;
  if (!editor) return undefined;
  return store
    .questions(editor.document.uri.toString())
    .find(({ range }) => toRange(range).contains(editor.selection.active));
}

function firstWorthShowing(store: VerdictStore): QuestionState | undefined {
  const answered = store.questions().filter(({ evidence, activity }) => evidence !== null || activity.kind !== 'idle');
  return answered.find(isFalsified) ?? answered[0];
}

function isFalsified({ evidence }: QuestionState): boolean {
  return verdictOf(evidence) === 'falsified';
}

/** What a person is asked, and what they are told where there is nothing to choose from. */
const WANTED = {
  any: {
    placeHolder: 'Which property?',
    none: 'There is no specification in this folder. Right-click a model (.onnx) and choose Verify: Certiscope asks four things and writes one. Or open the sample (Certiscope: Open Sample).',
  },
  falsified: {
    placeHolder: 'Which counterexample?',
    none: 'There is no counterexample: nothing was falsified in this session. Verify a model first; runs of earlier sessions are in the Runs view.',
  },
} as const;

/** The question a command is about: the one it was called with, the one at the cursor, the only one, or one the person picks. */
async function questionOf(
  { store, index }: CommandContext,
  target: Target,
  wanted: (question: QuestionState) => boolean,
  { placeHolder, none }: (typeof WANTED)[keyof typeof WANTED],
): Promise<QuestionState | undefined> {
  const named = questionNamed(store, target) ?? questionAtCursor(store);
  if (named && wanted(named)) return named;
  await index.scan();
  const candidates = store.questions().filter(wanted);
  if (candidates.length === 0) {
    void vscode.window.showInformationMessage(none);
    return undefined;
  }
  if (candidates.length === 1) return candidates[0];
  const items = candidates.map(question => ({
    label: question.name,
    description: shownPath(vscode.Uri.parse(question.specification)),
    question,
  }));
  return (await vscode.window.showQuickPick(items, { placeHolder }))?.question;
}

/** The falsified result a command is about, else the first of the question. */
function counterexampleOf({ evidence }: QuestionState, target: Target, detail?: unknown): Answered | undefined {
  const index =
    typeof detail === 'number' ? detail : typeof target === 'object' && 'index' in target ? target.index : null;
  const falsified = (evidence?.results ?? []).filter(({ verdict }) => verdict.kind === 'falsified');
  return falsified.find(result => result.index === index) ?? falsified[0];
}

async function copyCounterexample({ name }: QuestionState, result: Answered | undefined): Promise<void> {
  if (result?.verdict.kind !== 'falsified') return;
  const { tensors, problem } = await readTensors(result);
  const { input, output } = tensors;
  if (!input || !output) return void vscode.window.showErrorMessage(problem ?? 'The counterexample could not be read.');
  const { assignment } = await import('../../report/vnncomp');
  await vscode.env.clipboard.writeText(`${assignment({ ...result.verdict.counterexample, input, output })}\n`);
  void vscode.window.setStatusBarMessage(`Certiscope: the counterexample of “${name}” was copied.`, 4000);
}

async function showMenu({ store, flow, panel, index }: CommandContext): Promise<void> {
  const item = (label: string, description: string, act: () => unknown) => ({ label, description, act });
  const busy = store.isBusy();
  const items = [
    ...(busy ? [item('$(debug-stop) Stop', 'end every run', () => flow.stop())] : []),
    item('$(output) Show results', '', () => panel.open(firstWorthShowing(store)?.id ?? null)),
    item('$(play) Verify…', 'a specification or a model', () => flow.verify(undefined)),
    item('$(list-flat) Show log', '', () => vscode.commands.executeCommand(COMMAND.showLog)),
    item('$(debug-restart) Restart engine', '', () => vscode.commands.executeCommand(COMMAND.restartEngine)),
    item('$(clear-all) Clear verdict cache', '', () => vscode.commands.executeCommand(COMMAND.clearCache)),
  ];
  await index.scan();
  (await vscode.window.showQuickPick(items, { title: 'Certiscope' }))?.act();
}
