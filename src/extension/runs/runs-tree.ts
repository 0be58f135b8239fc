import * as vscode from 'vscode';
import { WORST_FIRST, type VerdictKind } from '../../report/verdict';
import { COMMAND, CONTEXT, VIEW } from '../ids';
import { pagesOf, pageTitle, type Page } from '../core/pages';
import { kindHeadline, resultSentences, seconds } from '../core/wording';
import { shownPath } from '../documents/uris';
import { coalesce, VIEW_INTERVAL_MS } from '../views/coalesce';
import { icon } from '../views/icons';
import type { History } from './history';
import { countWords, listedRuns, runDescription, runHeadline, runTitle, SORTS, type Sort } from './listing';
import { decidedOf, type KeptResult, type RunHead } from './kept-run';

export type RunItem =
  | { readonly kind: 'run'; readonly run: string }
  /** The results of a run with one verdict; a part of them where there are many. */
  | { readonly kind: 'runResults'; readonly run: string; readonly verdict: VerdictKind; readonly page: Page | null }
  | { readonly kind: 'runResult'; readonly run: string; readonly index: number };

const SORT_KEY = 'runs.sort';
const FILTER_KEY = 'runs.filter';
/** "3 min ago" is true for a minute. */
const AGE_REFRESH_MS = 60_000;

/** Every run that is kept, with its results under it. Nothing is read before the view is looked at. */
export class RunsTree implements vscode.TreeDataProvider<RunItem>, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly #update = coalesce(VIEW_INTERVAL_MS, () => this.#draw());
  readonly #view: vscode.TreeView<RunItem>;
  readonly #disposables: { dispose(): void }[];
  /** Results of the runs that are unfolded. */
  readonly #results = new Map<string, Promise<readonly KeptResult[]>>();
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(
    private readonly history: History,
    private readonly state: vscode.Memento,
  ) {
    this.#view = vscode.window.createTreeView(VIEW.runs, {
      treeDataProvider: this,
      showCollapseAll: true,
      canSelectMany: true,
    });
    const timer = setInterval(() => this.#view.visible && this.#update.request(), AGE_REFRESH_MS);
    this.#disposables = [
      this.#view,
      this.#changed,
      this.#update,
      { dispose: () => clearInterval(timer) },
      history.onChange(() => this.#update.request()),
      this.#view.onDidCollapseElement(({ element }) => element.kind === 'run' && this.#results.delete(element.run)),
    ];
    void vscode.commands.executeCommand('setContext', CONTEXT.runsFiltered, this.filter !== '');
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }

  get sort(): Sort {
    const kept = this.state.get<string>(SORT_KEY, 'newest');
    return kept in SORTS ? (kept as Sort) : 'newest';
  }

  get filter(): string {
    return this.state.get<string>(FILTER_KEY, '');
  }

  /** The runs that are selected in the view, in its order. */
  get selected(): readonly string[] {
    return this.#view.selection.flatMap(item => (item.kind === 'run' ? [item.run] : []));
  }

  async setSort(sort: Sort): Promise<void> {
    await this.state.update(SORT_KEY, sort);
    this.#draw();
  }

  async setFilter(filter: string): Promise<void> {
    await this.state.update(FILTER_KEY, filter.trim());
    await vscode.commands.executeCommand('setContext', CONTEXT.runsFiltered, this.filter !== '');
    this.#draw();
  }

  getParent(item: RunItem): RunItem | undefined {
    return item.kind === 'run' ? undefined : { kind: 'run', run: item.run };
  }

  async getChildren(item?: RunItem): Promise<RunItem[]> {
    if (!item) {
      await this.history.open();
      const heads = this.history.heads();
      const listed = listedRuns(heads, this.sort, this.filter, shownName);
      this.#view.message =
        this.filter === '' || heads.length === 0
          ? undefined
          : `${listed.length} of ${heads.length} runs match “${this.filter}”.`;
      return listed.map(({ id }) => ({ kind: 'run', run: id }));
    }
    if (item.kind === 'run') {
      const results = await this.#resultsOf(item.run);
      return WORST_FIRST.filter(kind => results.some(({ verdict }) => verdict.kind === kind)).map(verdict => ({
        kind: 'runResults',
        run: item.run,
        verdict,
        page: null,
      }));
    }
    if (item.kind === 'runResult') return [];
    const results = (await this.#resultsOf(item.run)).filter(({ verdict }) => verdict.kind === item.verdict);
    const page = item.page ?? { first: 0, end: results.length };
    const pages = pagesOf(page);
    if (pages.length > 0) return pages.map(part => ({ ...item, page: part }));
    return results.slice(page.first, page.end).map(({ index }) => ({ kind: 'runResult', run: item.run, index }));
  }

  async getTreeItem(item: RunItem): Promise<vscode.TreeItem> {
    switch (item.kind) {
      case 'run':
        return this.#run(item.run);
      case 'runResults':
        return this.#group(item);
      case 'runResult':
        return this.#result(item);
    }
  }

  #draw(): void {
    this.#changed.fire(undefined);
  }

  #resultsOf(run: string): Promise<readonly KeptResult[]> {
    // Those of a run in work grow.
    if (this.history.head(run)?.outcome === 'running') return this.history.results(run);
    let results = this.#results.get(run);
    if (!results) this.#results.set(run, (results = this.history.results(run)));
    return results;
  }

  #run(run: string): vscode.TreeItem {
    const head = this.history.head(run);
    if (!head) return new vscode.TreeItem('');
    const item = new vscode.TreeItem(
      runTitle(head),
      decidedOf(head.counts) > 0 ? vscode.TreeItemCollapsibleState.Collapsed : vscode.TreeItemCollapsibleState.None,
    );
    const { icon: name, tone } = runHeadline(head);
    item.id = run;
    item.description = `${head.pinned ? 'pinned · ' : ''}${runDescription(head, Date.now())}`;
    item.iconPath = icon(name, tone);
    item.tooltip = tooltipOf(head);
    item.contextValue = ['run', head.outcome, head.pinned ? 'pinned' : 'loose'].join(' ');
    item.accessibilityInformation = { label: `${item.label as string}, ${runDescription(head, Date.now())}` };
    return item;
  }

  #group({ run, verdict, page }: Extract<RunItem, { kind: 'runResults' }>): vscode.TreeItem {
    const { icon: name, label, tone } = kindHeadline(verdict);
    const count = this.history.head(run)?.counts[verdict] ?? 0;
    const item = new vscode.TreeItem(
      page ? pageTitle(page) : `${count} ${label}`,
      vscode.TreeItemCollapsibleState.Collapsed,
    );
    item.id = [run, verdict, page?.first, page?.end].join(':');
    item.iconPath = icon(name, tone);
    item.contextValue = 'runResults';
    return item;
  }

  async #result({ run, index }: Extract<RunItem, { kind: 'runResult' }>): Promise<vscode.TreeItem> {
    const result = (await this.#resultsOf(run)).find(candidate => candidate.index === index);
    if (!result) return new vscode.TreeItem('');
    const { icon: name, tone } = kindHeadline(result.verdict.kind);
    const title = result.sample === null ? result.check : `${result.check}, sample ${result.sample}`;
    const item = new vscode.TreeItem(title);
    item.id = `${run}:${index}`;
    item.description = seconds(result.verdict.seconds);
    item.iconPath = icon(name, tone);
    item.tooltip = resultSentences(result);
    item.contextValue = `runResult ${result.verdict.kind}`;
    item.command = {
      command: COMMAND.compareRuns,
      title: 'Show this result',
      arguments: [{ kind: 'runResult', run, index }],
    };
    return item;
  }
}

/** A specification or a model as a person names it. */
export function shownName(uriOrPath: string): string {
  if (uriOrPath === '') return '';
  return shownPath(/^[a-z][\w+.-]+:/i.test(uriOrPath) ? vscode.Uri.parse(uriOrPath) : vscode.Uri.file(uriOrPath));
}

function tooltipOf(head: RunHead): vscode.MarkdownString {
  const text = new vscode.MarkdownString('', true);
  const line = (name: string, value: string) => {
    if (value !== '') text.appendMarkdown(`**${name}** `).appendText(value).appendMarkdown('\n\n');
  };
  line('Started', new Date(head.started).toLocaleString());
  line('Specification', shownName(head.specification));
  line('Model', shownName(head.model));
  line('Checks', head.checks?.join(', ') ?? '');
  line('Samples', head.samples?.join(', ') ?? '');
  line('Results', `${decidedOf(head.counts)} of ${head.planned}${head.planned > 0 ? `: ${countWords(head)}` : ''}`);
  line('Took', seconds(head.seconds));
  line(
    'Options',
    Object.entries(head.options)
      .map(([name, value]) => `${name} ${String(value)}`)
      .join(', '),
  );
  line('Version', head.version);
  if (head.problem !== null) text.appendMarkdown('$(warning) ').appendText(head.problem);
  return text;
}
