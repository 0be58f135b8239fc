import * as vscode from 'vscode';
import { resultSentences } from '../core/wording';
import { verdictOf, type QuestionState, type StoreChange, type VerdictStore } from '../core/verdict-store';
import type { SpecificationIndex } from '../documents/specification-index';
import { shownPath, textUri } from '../documents/uris';
import { toRange } from './ranges';

/** What the Test Explorer asks of the rest of the extension. */
export interface TestActions {
  /** Runs these properties of one specification; resolves when the run has ended. */
  run(specification: string, names: readonly string[] | null): Promise<void>;
  stop(specification: string): void;
}

/**
 * Every property as a test: verified passes, falsified fails, an engine's error is an error, and what is undecided is skipped with its
 * reason, so that it is neither green nor red; a stale verdict is skipped too. Items are added and removed one by one, under ids that do not change.
 */
export class TestItems implements vscode.Disposable {
  readonly #controller = vscode.tests.createTestController('certiscope', 'Certiscope');
  readonly #subscription: { dispose(): void };
  /** The open test run of each of the store's runs. */
  readonly #runs = new Map<string, vscode.TestRun>();
  /** What was last shown of each question. */
  readonly #published = new Map<string, string>();

  constructor(
    private readonly store: VerdictStore,
    index: SpecificationIndex,
    private readonly actions: TestActions,
  ) {
    this.#controller.resolveHandler = () => index.scan();
    this.#controller.refreshHandler = () => index.rescan();
    this.#controller.createRunProfile(
      'Verify',
      vscode.TestRunProfileKind.Run,
      (request, token) => this.#run(request, token),
      true,
    );
    this.#subscription = store.onChange(change => this.#update(change));
  }

  dispose(): void {
    this.#subscription.dispose();
    for (const run of this.#runs.values()) run.end();
    this.#controller.dispose();
  }

  #update({ event, specifications, questions }: StoreChange): void {
    if (event.kind === 'outlined' || event.kind === 'removed') for (const id of specifications) this.#syncItems(id);
    if (event.kind === 'queued' && !event.quiet) this.#begin(event.run, event.specification);
    if (event.kind === 'progress') for (const id of questions) this.#started(event.run, id);
    this.#publish(questions);
    if (event.kind !== 'finished') return;
    this.#runs.get(event.run)?.end();
    this.#runs.delete(event.run);
  }

  #syncItems(id: string): void {
    const state = this.store.specification(id);
    if (!state) return this.#controller.items.delete(id);
    const uri = vscode.Uri.parse(id);
    let parent = this.#controller.items.get(id);
    if (!parent) {
      parent = this.#controller.createTestItem(id, shownPath(uri), textUri(uri));
      this.#controller.items.add(parent);
    }
    const known = new Set(state.questions);
    const gone: string[] = [];
    parent.children.forEach(child => {
      if (!known.has(child.id)) gone.push(child.id);
    });
    for (const child of gone) parent.children.delete(child);
    for (const question of this.store.questions(id)) {
      let child = parent.children.get(question.id);
      if (!child) {
        child = this.#controller.createTestItem(question.id, question.name, textUri(uri));
        parent.children.add(child);
      }
      child.range = toRange(question.range);
    }
  }

  #itemOf(question: string): vscode.TestItem | undefined {
    const specification = this.store.question(question)?.specification;
    return specification === undefined ? undefined : this.#controller.items.get(specification)?.children.get(question);
  }

  #begin(runId: string, specification: string): void {
    const asked = this.store
      .questions(specification)
      .filter(({ activity }) => activity.kind !== 'idle' && activity.run === runId)
      .flatMap(({ id }) => this.#itemOf(id) ?? []);
    if (asked.length === 0) return;
    const run = this.#controller.createTestRun(silentRequest(asked), shownPath(vscode.Uri.parse(specification)));
    run.token.onCancellationRequested(() => this.actions.stop(specification));
    for (const item of asked) run.enqueued(item);
    this.#runs.set(runId, run);
  }

  #started(runId: string, question: string): void {
    const item = this.#itemOf(question);
    if (item) this.#runs.get(runId)?.started(item);
  }

  /** Shows what is new about questions that are not in work: in the run that found it out, else in one of its own. */
  #publish(questions: ReadonlySet<string>): void {
    let extra: vscode.TestRun | null = null;
    for (const id of questions) {
      const question = this.store.question(id);
      const item = this.#itemOf(id);
      if (!question?.evidence || !item || question.activity.kind !== 'idle') continue;
      const { run, results, ended } = question.evidence;
      const stale = this.store.isStale(question);
      const mark = `${run} ${results.length} ${ended} ${stale}`;
      if (verdictOf(question.evidence) === null || this.#published.get(id) === mark) continue;
      this.#published.set(id, mark);
      const into =
        this.#runs.get(run) ?? (extra ??= this.#controller.createTestRun(silentRequest([item]), undefined, false));
      if (stale) reportStale(into, item);
      else reportVerdict(into, item, question);
    }
    extra?.end();
  }

  async #run(request: vscode.TestRunRequest, token: vscode.CancellationToken): Promise<void> {
    const asked = new Map<string, string[] | null>();
    const include = request.include ?? listOf(this.#controller.items);
    for (const item of include) {
      if (!item.parent) asked.set(item.id, null);
      else if (asked.get(item.parent.id) !== null)
        asked.set(item.parent.id, [
          ...(asked.get(item.parent.id) ?? []),
          this.store.question(item.id)?.name ?? item.label,
        ]);
    }
    token.onCancellationRequested(() => {
      for (const specification of asked.keys()) this.actions.stop(specification);
    });
    await Promise.all([...asked].map(([specification, names]) => this.actions.run(specification, names)));
  }
}

/** A request that opens no view and takes no focus. */
function silentRequest(items: readonly vscode.TestItem[]): vscode.TestRunRequest {
  return new vscode.TestRunRequest(items, undefined, undefined, false, true);
}

/**
 * A stale verdict is neither green nor red. (`invalidateTestResults` would say the same, but the mark in an open editor keeps its colour until
 * its state changes.)
 */
function reportStale(run: vscode.TestRun, item: vscode.TestItem): void {
  run.appendOutput('The text or the model has changed since this was decided. Run it again.\r\n', undefined, item);
  run.skipped(item);
}

function listOf(items: vscode.TestItemCollection): vscode.TestItem[] {
  const list: vscode.TestItem[] = [];
  items.forEach(item => list.push(item));
  return list;
}

function reportVerdict(run: vscode.TestRun, item: vscode.TestItem, { evidence, anchor }: QuestionState): void {
  const kind = verdictOf(evidence);
  if (!evidence || kind === null) return;
  const milliseconds = 1000 * evidence.results.reduce((sum, { verdict }) => sum + verdict.seconds, 0);
  const concerned = evidence.results.filter(({ verdict }) => verdict.kind === kind).map(resultSentences);
  const location = item.uri && new vscode.Location(item.uri, toRange(anchor));
  const messages = concerned.map(text => {
    const message = new vscode.TestMessage(text);
    message.location = location;
    return message;
  });
  switch (kind) {
    case 'verified':
      return run.passed(item, milliseconds);
    case 'falsified':
      return run.failed(item, messages, milliseconds);
    case 'error':
      return run.errored(item, messages, milliseconds);
    case 'unknown':
    case 'timeout':
    case 'misclassified':
      // Without a place: text at a place would be drawn into the editor, beside the diagnostic that says the same.
      run.appendOutput(`${concerned.join('\r\n')}\r\n`, undefined, item);
      return run.skipped(item);
  }
}
