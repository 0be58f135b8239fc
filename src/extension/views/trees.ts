import * as vscode from 'vscode';
import { labelName } from '../../report/summary';
import type { LabelResult } from '../../report/verdict';
import { registerTable } from '../commands/command-table';
import { COMMAND, CONTEXT, VIEW } from '../ids';
import { pagesOf, pageTitle, type Page } from '../core/pages';
import { headline, kindHeadline, resultSentences, seconds, worstFirst, type Tone } from '../core/wording';
import {
  verdictOf,
  type Answered,
  type QuestionState,
  type SpecificationState,
  type VerdictStore,
} from '../core/verdict-store';
import type { SpecificationIndex } from '../documents/specification-index';
import { shownPath, textUri } from '../documents/uris';
import { coalesce, VIEW_INTERVAL_MS } from './coalesce';
import { questionTooltip } from './hovers';
import { icon } from './icons';
import { toRange } from './ranges';

export type Item =
  | { readonly kind: 'model'; readonly uri: vscode.Uri }
  | { readonly kind: 'specification'; readonly id: string; readonly under: string }
  | { readonly kind: 'question'; readonly id: string }
  | { readonly kind: 'answers'; readonly id: string }
  | { readonly kind: 'result'; readonly question: string; readonly index: number }
  | { readonly kind: 'label'; readonly question: string; readonly index: number; readonly place: number }
  /** A part of the results of a question that has very many. */
  | { readonly kind: 'page'; readonly question: string; readonly page: Page };

/** The three trees of the Certiscope view share how an item looks; they differ in what is under what. */
abstract class Tree implements vscode.TreeDataProvider<Item> {
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly #update = coalesce(VIEW_INTERVAL_MS, () => this.#changed.fire(undefined));
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(
    protected readonly store: VerdictStore,
    protected readonly index: SpecificationIndex,
  ) {}

  /** What stands above the items. */
  protected message: string | undefined;
  #view: vscode.TreeView<Item> | null = null;

  protected redraw(): void {
    if (this.#view) this.#view.message = this.message;
    this.#changed.fire(undefined);
  }

  register(id: string): vscode.Disposable {
    const view = vscode.window.createTreeView(id, { treeDataProvider: this, showCollapseAll: true });
    this.#view = view;
    return vscode.Disposable.from(
      view,
      this.#changed,
      this.#update,
      this.store.onChange(({ event }) => (event.kind === 'edited' ? this.#update.flush() : this.#update.request())),
      this.index.onModels(() => this.#update.request()),
      view.onDidChangeVisibility(({ visible }) => visible && void this.index.scan()),
    );
  }

  abstract getChildren(item?: Item): Promise<Item[]> | Item[];

  getTreeItem(item: Item): vscode.TreeItem {
    switch (item.kind) {
      case 'model':
        return this.#model(item.uri);
      case 'specification':
        return this.#specification(item.id, item.under);
      case 'question':
      case 'answers':
        return this.#question(item);
      case 'result':
        return this.#result(item);
      case 'label':
        return this.#label(item);
      case 'page': {
        const { question, page } = item;
        const part = new vscode.TreeItem(pageTitle(page), COLLAPSED);
        part.id = `page:${question}:${page.first}:${page.end}`;
        return part;
      }
    }
  }

  #model(uri: vscode.Uri): vscode.TreeItem {
    const of = specificationsOf(this.store, uri);
    const item = new vscode.TreeItem(uri, of.length > 0 ? COLLAPSED : NONE);
    item.id = `model:${uri.toString()}`;
    const problems = this.store.modelProblems().get(uri.fsPath) ?? [];
    const questions = of.flatMap(specification => this.store.questions(specification.id));
    item.description = [folderOf(uri), problems.length > 0 ? 'cannot be verified' : tally(this.store, questions)]
      .filter(part => part !== '')
      .join(' · ');
    item.iconPath = problems.length > 0 ? icon('warning', 'bad') : icon('circuit-board', 'none');
    item.tooltip = problems.length > 0 ? problems.map(problem => problem.message).join('\n') : uri.fsPath;
    item.contextValue = 'model';
    item.command = { command: COMMAND.openModelPage, title: 'Open model page', arguments: [uri] };
    return item;
  }

  #specification(id: string, under: string): vscode.TreeItem {
    const uri = vscode.Uri.parse(id);
    const item = new vscode.TreeItem(uri, under === '' ? EXPANDED : NONE);
    item.id = `specification:${under}:${id}`;
    item.description = under === '' ? folderOf(uri) : tally(this.store, this.store.questions(id));
    item.iconPath = icon('checklist', 'none');
    item.contextValue = 'specification';
    item.command = open(id);
    return item;
  }

  #question({ kind, id }: { kind: 'question' | 'answers'; id: string }): vscode.TreeItem {
    const question = this.store.question(id);
    if (!question) return new vscode.TreeItem('');
    const stale = this.store.isStale(question);
    const { icon: name, label, brief, tone } = headline(question, stale);
    const several = kind === 'answers' && (question.evidence?.results.length ?? 0) > 1;
    const item = new vscode.TreeItem(question.name, several ? COLLAPSED : NONE);
    item.id = `${kind}:${id}`;
    item.description = [label, brief].filter(part => part !== '').join(' · ');
    item.iconPath = icon(name, tone);
    item.tooltip = questionTooltip(question, stale);
    item.accessibilityInformation = { label: `${question.name}, ${item.description}` };
    item.contextValue = ['question', verdictOf(question.evidence) ?? 'open', ...(stale ? ['stale'] : [])].join(' ');
    item.command =
      kind === 'answers'
        ? { command: COMMAND.showResults, title: 'Show results', arguments: [id] }
        : open(question.specification, question);
    return item;
  }

  #result({ question, index }: { question: string; index: number }): vscode.TreeItem {
    const result = this.resultOf(question, index);
    if (!result) return new vscode.TreeItem('');
    const { icon: name, label, tone } = kindHeadline(result.verdict.kind);
    const title = result.sample === null ? result.check : `Sample ${result.sample}`;
    const item = new vscode.TreeItem(title, labelsOf(result).length > 0 ? COLLAPSED : NONE);
    item.id = `result:${question}:${index}`;
    item.description = `${label} · ${seconds(result.verdict.seconds)}`;
    item.iconPath = icon(name, tone);
    item.tooltip = resultSentences(result);
    item.contextValue = `result ${result.verdict.kind}`;
    item.command = { command: COMMAND.showResults, title: 'Show this result', arguments: [question, index] };
    return item;
  }

  #label({ question, index, place }: { question: string; index: number; place: number }): vscode.TreeItem {
    const result = this.resultOf(question, index);
    const label = result && labelsOf(result)[place];
    if (!label) return new vscode.TreeItem('');
    const item = new vscode.TreeItem(labelName(label, result.outputNames));
    item.id = `label:${question}:${index}:${place}`;
    item.description = label.outcome;
    const [name, tone] = LABEL[label.outcome];
    item.iconPath = icon(name, tone);
    item.tooltip = label.reason ?? undefined;
    item.accessibilityInformation = { label: `${item.label as string}, ${label.outcome}` };
    item.command = { command: COMMAND.showResults, title: 'Show this result', arguments: [question, index] };
    return item;
  }

  protected resultOf(question: string, index: number): Answered | undefined {
    const results = this.store.question(question)?.evidence?.results ?? [];
    // Nearly always they lie at their own index.
    return results[index]?.index === index ? results[index] : results.find(candidate => candidate.index === index);
  }
}

export class ModelsTree extends Tree {
  override async getChildren(item?: Item): Promise<Item[]> {
    if (!item) {
      await this.index.scan();
      return this.index.models().map(uri => ({ kind: 'model', uri }));
    }
    if (item.kind !== 'model') return [];
    const under = item.uri.toString();
    return specificationsOf(this.store, item.uri).map(({ id }) => ({ kind: 'specification', id, under }));
  }
}

export class QuestionsTree extends Tree {
  override async getChildren(item?: Item): Promise<Item[]> {
    if (!item) {
      await this.index.scan();
      return this.store
        .specifications()
        .map(({ id }) => id)
        .sort()
        .map(id => ({ kind: 'specification', id, under: '' }));
    }
    return item.kind === 'specification'
      ? this.store.questions(item.id).map(({ id }) => ({ kind: 'question', id }))
      : [];
  }
}

export class ResultsTree extends Tree {
  #filter: readonly string[] = [];

  get filter(): string {
    return this.#filter.join(' ');
  }

  /** Only results that hold every word: of their check, their sample, their verdict. */
  setFilter(filter: string): void {
    this.#filter = filter.toLowerCase().split(/\s+/).filter(Boolean);
    this.message = this.#filter.length === 0 ? undefined : `Results that match “${this.filter}”.`;
    void vscode.commands.executeCommand('setContext', CONTEXT.resultsFiltered, this.#filter.length > 0);
    this.redraw();
  }

  override getChildren(item?: Item): Item[] {
    if (!item)
      return this.store
        .questions()
        .filter(({ evidence, activity }) => evidence !== null || activity.kind !== 'idle')
        .filter(question => this.#filter.length === 0 || this.#matching(question).length > 0)
        .map(({ id }) => ({ kind: 'answers', id }));
    if (item.kind === 'result') {
      const { question, index } = item;
      const result = this.resultOf(question, index);
      return result ? labelsOf(result).map((_, place) => ({ kind: 'label', question, index, place })) : [];
    }
    if (item.kind !== 'answers' && item.kind !== 'page') return [];
    const id = item.kind === 'answers' ? item.id : item.question;
    const question = this.store.question(id);
    const results = worstFirst(question ? this.#matching(question) : []);
    const whole = item.kind === 'page' ? item.page : { first: 0, end: results.length };
    const pages = pagesOf(whole);
    if (pages.length > 0) return pages.map(page => ({ kind: 'page', question: id, page }));
    return results.slice(whole.first, whole.end).map(({ index }) => ({ kind: 'result', question: id, index }));
  }

  #matching({ name, evidence }: QuestionState): readonly Answered[] {
    const results = evidence?.results ?? [];
    if (this.#filter.length === 0) return results;
    return results.filter(({ sample, verdict }) => {
      const text = `${name} sample ${sample ?? ''} ${verdict.kind}`.toLowerCase();
      return this.#filter.every(word => text.includes(word));
    });
  }
}

async function askFilter(tree: ResultsTree): Promise<void> {
  const filter = await vscode.window.showInputBox({
    title: 'Filter Results',
    prompt: 'Results that hold every one of these words: of their check, their sample, their verdict.',
    placeHolder: 'falsified',
    value: tree.filter,
  });
  if (filter !== undefined) tree.setFilter(filter);
}

export function registerTrees(
  store: VerdictStore,
  index: SpecificationIndex,
  log: vscode.LogOutputChannel,
): vscode.Disposable {
  const results = new ResultsTree(store, index);
  return vscode.Disposable.from(
    new ModelsTree(store, index).register(VIEW.models),
    new QuestionsTree(store, index).register(VIEW.questions),
    results.register(VIEW.results),
    registerTable(
      {
        [COMMAND.filterResults]: () => askFilter(results),
        [COMMAND.clearResultsFilter]: () => results.setFilter(''),
      },
      log,
    ),
  );
}

const { None: NONE, Collapsed: COLLAPSED, Expanded: EXPANDED } = vscode.TreeItemCollapsibleState;

const LABEL: Readonly<Record<LabelResult['outcome'], readonly [icon: string, tone: Tone]>> = {
  verified: ['pass', 'good'],
  discarded: ['pass', 'good'],
  falsified: ['error', 'bad'],
  unknown: ['question', 'open'],
  open: ['question', 'open'],
  'not tried': ['circle-outline', 'none'],
};

/** What became of the labels of a result that has several. */
function labelsOf({ verdict }: Answered): readonly LabelResult[] {
  return verdict.statistics?.labels ?? [];
}

/** The specifications that name a model. */
function specificationsOf(store: VerdictStore, model: vscode.Uri): SpecificationState[] {
  return store.specifications().filter(specification => specification.model === model.fsPath);
}

function tally(store: VerdictStore, questions: readonly QuestionState[]): string {
  if (questions.length === 0) return '';
  const counts = new Map<string, number>();
  for (const question of questions) {
    const stale = store.isStale(question);
    const label = stale ? 'stale' : headline(question, stale).label;
    if (label !== 'not run yet') counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  const parts = [...counts].map(([label, count]) => `${count} ${label}`);
  return [`${questions.length} ${questions.length === 1 ? 'question' : 'questions'}`, ...parts].join(', ');
}

function folderOf(uri: vscode.Uri): string {
  const shown = shownPath(uri);
  const cut = shown.lastIndexOf('/');
  return cut < 0 ? '' : shown.slice(0, cut);
}

function open(specification: string, question?: QuestionState): vscode.Command {
  const selection = question && toRange({ start: question.anchor.start, end: question.anchor.start });
  const uri = textUri(vscode.Uri.parse(specification));
  return {
    command: 'vscode.open',
    title: 'Open',
    arguments: [uri, { preserveFocus: true, ...(selection ? { selection } : {}) }],
  };
}
