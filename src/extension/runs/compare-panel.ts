import * as vscode from 'vscode';
import { readTensor } from '../../engine/tensor-reference';
import { shownBelow } from '../../base/shown-number';
import type {
  Compared,
  ComparedRow,
  Filter,
  FromPanel,
  PanelState,
  RunCard,
  Side,
  ToPanel,
  Which,
} from '../../../webview/compare/protocol';
import { Page } from '../panel/page';
import { saveModel } from '../panel/save-model';
import { rowOf, workOf } from '../panel/shown';
import { readTensors } from '../panel/tensors';
import { seconds } from '../core/wording';
import { COMPARE_PANEL } from '../ids';
import { compareRuns, type ComparedQuestion, type Comparison } from './comparison';
import type { History } from './history';
import { countWords, EFFORT_WORDS, runTitle } from './listing';
import { decidedOf, type KeptResult, type RunHead } from './kept-run';
import { runDocument } from './run-documents';
import { shownName } from './runs-tree';

/** What is shown: one run or two, and what came of comparing them. */
interface Shown {
  readonly before: RunHead | null;
  readonly after: RunHead;
  readonly comparison: Comparison;
  readonly textsDiffer: boolean;
}

/** The page that shows two runs side by side. It keeps the comparison; the page asks for the rows that are scrolled into view. */
export class ComparePanel implements vscode.Disposable {
  readonly #page: Page<FromPanel, ToPanel, PanelState>;
  #shown: Shown | null = null;
  /** A result to be chosen once the page is there. */
  #wanted: number | null = null;
  /** The comparison that was asked for last: one that is read more slowly is not shown over it. */
  #turn = 0;

  constructor(
    extensionUri: vscode.Uri,
    private readonly history: History,
  ) {
    this.#page = new Page({
      extensionUri,
      viewType: COMPARE_PANEL,
      title: 'Certiscope Runs',
      onReady: () => this.#show(),
      onMessage: message => this.#receive(message),
      onRestore: async state => {
        if (state?.after) await this.#load(state.before, state.after);
      },
    });
  }

  dispose(): void {
    this.#page.dispose();
  }

  /** Shows two runs, the earlier first, or one where there is no other; `index` chooses a result of the later one. */
  async open(before: string | null, after: string, index: number | null): Promise<void> {
    this.#wanted = index;
    this.#page.reveal();
    await this.#load(before, after);
  }

  async #load(before: string | null, after: string): Promise<void> {
    const turn = ++this.#turn;
    const read = await this.#read(before, after);
    if (turn !== this.#turn) return;
    this.#shown = read;
    this.#show();
  }

  async #read(before: string | null, after: string): Promise<Shown | null> {
    await this.history.open();
    const later = this.history.head(after);
    const earlier = before === null ? null : (this.history.head(before) ?? null);
    if (!later) return null;
    const [results, others, text, otherText] = await Promise.all([
      this.history.results(after),
      earlier ? this.history.results(earlier.id) : [],
      this.history.text(after),
      earlier ? this.history.text(earlier.id) : null,
    ]);
    return {
      before: earlier,
      after: later,
      comparison: compareRuns(earlier ? others : results, results),
      textsDiffer: text !== null && otherText !== null && text !== otherText,
    };
  }

  #show(): void {
    const shown = this.#shown;
    this.#page.title = shown ? `${runTitle(shown.after)} · Certiscope` : 'Certiscope Runs';
    this.#page.post({ type: 'show', compared: shown && comparedOf(shown) });
    if (!shown || this.#wanted === null || !this.#page.isReady) return;
    const place = shown.comparison.questions.findIndex(({ after }) => after?.index === this.#wanted);
    this.#wanted = null;
    if (place >= 0) this.#page.post({ type: 'select', filter: 'all', place });
  }

  #questions(filter: Filter): readonly ComparedQuestion[] {
    const { questions } = this.#shown?.comparison ?? { questions: [] };
    if (filter === 'all') return questions;
    return questions.filter(({ change }) => (filter === 'changed' ? change !== 'same' : change === filter));
  }

  async #receive(message: Exclude<FromPanel, { type: 'ready' }>): Promise<void> {
    const shown = this.#shown;
    if (!shown) return;
    switch (message.type) {
      case 'rows': {
        const { filter, first, end } = message;
        const questions = this.#questions(filter);
        const rows = questions.slice(first, end).map(rowOfQuestion);
        return this.#page.post({ type: 'rows', filter, first, rows, total: questions.length });
      }
      case 'details':
        return this.#sendDetails(message.filter, message.place);
      case 'swap':
        return shown.before ? this.#load(shown.after.id, shown.before.id) : undefined;
      case 'differences':
        return showDifferences(shown);
      case 'copy':
        return copyCounterexample(this.#resultOf(message));
      case 'saveModel': {
        const verdict = this.#resultOf(message)?.verdict;
        if (verdict?.kind === 'falsified' && verdict.weights?.patched?.kind === 'file')
          await saveModel({ file: verdict.weights.patched.path, base: shown.after.model, kind: 'changed' });
        return;
      }
    }
  }

  #resultOf({ filter, place, side }: { filter: Filter; place: number; side: Which }): KeptResult | null {
    return this.#questions(filter)[place]?.[side] ?? null;
  }

  async #sendDetails(filter: Filter, place: number): Promise<void> {
    const shown = this.#shown;
    const question = this.#questions(filter)[place];
    if (!shown || !question) return;
    const [before, after] = await Promise.all([shown.before ? sideOf(question.before) : null, sideOf(question.after)]);
    if (this.#shown !== shown) return;
    this.#page.post({ type: 'details', filter, place, title: titleOf(question), before, after });
  }
}

async function sideOf(result: KeptResult | null): Promise<Side | null> {
  if (!result) return null;
  const { tensors, problem } = await readTensors(result);
  return { row: rowOf(result), tensors, problem, work: workOf(result) };
}

function comparedOf({ before, after, comparison, textsDiffer }: Shown): Compared {
  return {
    before: before && cardOf(before),
    after: cardOf(after),
    counts: comparison.counts,
    times: before ? timesOf(comparison) : '',
    textsDiffer,
  };
}

function cardOf(head: RunHead): RunCard {
  const options = Object.entries(head.options).map(([name, value]) => `${name} ${String(value)}`);
  const facts: readonly (readonly [string, string])[] = [
    ['Verdicts', countWords(head) || 'none'],
    ['Decided', head.outcome === 'complete' ? '' : `${decidedOf(head.counts)} of ${head.planned}, ${head.outcome}`],
    ['Took', seconds(head.seconds)],
    ['Started', new Date(head.started).toLocaleString()],
    ['Model', shownName(head.model)],
    ['Specification', shownName(head.specification)],
    ['Checks', head.checks?.join(', ') ?? ''],
    ['Options', [EFFORT_WORDS[head.effort], ...options].filter(part => part !== '').join(', ')],
    ['Problem', head.problem ?? ''],
  ];
  return {
    id: head.id,
    title: runTitle(head),
    facts: facts.filter(([, value]) => value !== '').map(([name, value]) => ({ name, value })),
  };
}

/** Seconds of the questions that both runs answered: the only ones that can be compared. */
function timesOf({ questions }: Comparison): string {
  const both = questions.filter(({ before, after }) => before && after);
  const sum = (side: Which) => both.reduce((total, question) => total + question[side]!.verdict.seconds, 0);
  return both.length === 0 ? '' : `${seconds(sum('before'))} → ${seconds(sum('after'))} for what both answered`;
}

function titleOf({ check, sample }: ComparedQuestion): string {
  return sample === null ? check : `${check}, sample ${sample}`;
}

function rowOfQuestion(question: ComparedQuestion): ComparedRow {
  const { before, after, change } = question;
  return {
    title: titleOf(question),
    change,
    before: before?.verdict.kind ?? null,
    after: after?.verdict.kind ?? null,
    bounds: arrow(boundOf(before), boundOf(after)),
    seconds: arrow(before ? seconds(before.verdict.seconds) : '', after ? seconds(after.verdict.seconds) : ''),
  };
}

function boundOf(result: KeptResult | null): string {
  const bound = result?.verdict.lowerBound;
  return bound === null || bound === undefined ? '' : shownBelow(bound);
}

function arrow(before: string, after: string): string {
  return before === after ? after : `${before || '–'} → ${after || '–'}`;
}

async function showDifferences({ before, after }: Shown): Promise<void> {
  if (!before) return;
  const title = `${shownName(after.specification)}: what the two runs asked`;
  await vscode.commands.executeCommand('vscode.diff', runDocument(before), runDocument(after), title);
}

async function copyCounterexample(result: KeptResult | null): Promise<void> {
  if (result?.verdict.kind !== 'falsified') return;
  const { counterexample } = result.verdict;
  const [input, output] = await Promise.all(
    [counterexample.input, counterexample.output].map(async tensor => {
      const read = tensor && (await readTensor(tensor));
      return read?.ok ? read.value : null;
    }),
  );
  if (!input || !output)
    return void vscode.window.showErrorMessage(
      'The numbers of this counterexample were not kept. Verify again to make them anew.',
    );
  const { assignment } = await import('../../report/vnncomp');
  await vscode.env.clipboard.writeText(`${assignment({ ...counterexample, input, output })}\n`);
  void vscode.window.setStatusBarMessage('Certiscope: the counterexample was copied.', 4000);
}
