import type * as vscode from 'vscode';
import { pagesOf, pageTitle, type Page } from '../core/pages';
import type { Answered, QuestionId, QuestionState } from '../core/verdict-store';
import { reportSample } from './test-report';

/** What an item below a question stands for: one sample, or a part of them. */
type Part = { readonly question: QuestionId } & (
  { readonly kind: 'page'; readonly page: Page } | { readonly kind: 'sample'; readonly sample: number }
);

/**
 * The samples of a question as tests. There may be ten thousand: they are made when somebody unfolds what they are in, page by page, and only those that are
 * there are told of their verdicts.
 */
export class TestSamples {
  readonly #parts = new WeakMap<vscode.TestItem, Part>();
  /** Items of samples that are there. */
  readonly #items = new Map<QuestionId, Map<number, vscode.TestItem>>();

  constructor(private readonly controller: vscode.TestController) {}

  partOf(item: vscode.TestItem): Part | undefined {
    return this.#parts.get(item);
  }

  /** Samples below an item that stands for a page of them. */
  samplesOf(question: QuestionState, { first, end }: Page): readonly number[] {
    return samplesOf(question)
      .slice(first, end)
      .map(({ sample }) => sample!);
  }

  /** Says whether a question has samples to unfold, and brings what is unfolded up to date. */
  sync(item: vscode.TestItem, question: QuestionState): void {
    item.canResolveChildren = (question.evidence?.planned ?? 1) > 1;
    if (item.children.size > 0) this.resolve(item, question);
  }

  /** Makes what is directly below a question or a page of its samples. */
  resolve(parent: vscode.TestItem, question: QuestionState): void {
    const results = samplesOf(question);
    const part = this.#parts.get(parent);
    const whole = part?.kind === 'page' ? part.page : { first: 0, end: results.length };
    const pages = pagesOf(whole);
    const wanted =
      pages.length > 0
        ? pages.map(page => this.#page(parent, question.id, page))
        : results.slice(whole.first, whole.end).map(result => this.#sample(parent, question.id, result));
    // What is there stays: only what is new crosses to the window.
    if (wanted.length < parent.children.size || wanted.some(item => parent.children.get(item.id) !== item))
      parent.children.replace(wanted);
  }

  /** Shows the verdicts of those samples of a question that are there. */
  report(run: vscode.TestRun, question: QuestionState, only?: vscode.TestItem): void {
    const items = this.#items.get(question.id);
    if (!items) return;
    for (const result of samplesOf(question)) {
      const item = items.get(result.sample!);
      if (item && (only === undefined || item.parent === only)) reportSample(run, item, result);
    }
  }

  /** The item of one sample, if it is there. */
  item(question: QuestionId, sample: number | null): vscode.TestItem | undefined {
    return sample === null ? undefined : this.#items.get(question)?.get(sample);
  }

  forget(question: QuestionId): void {
    this.#items.delete(question);
  }

  #page(parent: vscode.TestItem, question: QuestionId, page: Page): vscode.TestItem {
    const id = `${question}\n${page.first}`;
    const known = parent.children.get(id);
    const item = known ?? this.controller.createTestItem(id, '');
    item.label = pageTitle(page);
    item.sortText = String(page.first).padStart(9, '0');
    item.canResolveChildren = true;
    this.#parts.set(item, { kind: 'page', question, page });
    return item;
  }

  #sample(parent: vscode.TestItem, question: QuestionId, { sample }: Answered): vscode.TestItem {
    const id = `${question}\nsample ${sample}`;
    const known = parent.children.get(id);
    if (known) return known;
    const item = this.controller.createTestItem(id, `sample ${sample}`);
    item.sortText = String(sample).padStart(9, '0');
    this.#parts.set(item, { kind: 'sample', question, sample: sample! });
    let items = this.#items.get(question);
    if (!items) this.#items.set(question, (items = new Map<number, vscode.TestItem>()));
    items.set(sample!, item);
    return item;
  }
}

function samplesOf({ evidence }: QuestionState): readonly Answered[] {
  return (evidence?.results ?? []).filter(({ sample }) => sample !== null);
}
