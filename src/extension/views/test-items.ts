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
 * reason, so that it is neither green nor red. Items are added and removed one by one, under ids that do not change.
 */
export class TestItems implements vscode.Disposable {
  readonly #controller = vscode.tests.createTestController('certiscope', 'Certiscope');
  readonly #subscription: { dispose(): void };
  /** The open test run of each of the store's runs. */
  readonly #runs = new Map<string, vscode.TestRun>();

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
    switch (event.kind) {
      case 'outlined':
      case 'edited':
      case 'modelChanged':
        return this.#invalidate([...questions]);
      case 'queued':
        return event.quiet ? undefined : this.#begin(event.run, event.specification);
      case 'progress':
        for (const id of questions) this.#with(event.run, id, (run, item) => run.started(item));
        return;
      case 'result':
        for (const id of questions) this.#report(event.run, id);
        return;
      case 'finished':
        for (const id of questions) this.#report(event.run, id);
        this.#runs.get(event.run)?.end();
        this.#runs.delete(event.run);
        return;
      default:
        return;
    }
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

  /** What the editor shows beside a test whose verdict is stale is faded. */
  #invalidate(questions: readonly string[]): void {
    const items = questions.flatMap(id => {
      const question = this.store.question(id);
      return question && this.store.isStale(question) ? (this.#itemOf(id) ?? []) : [];
    });
    if (items.length > 0) this.#controller.invalidateTestResults(items);
  }

  #begin(runId: string, specification: string): void {
    const asked = this.store
      .questions(specification)
      .filter(({ activity }) => activity.kind !== 'idle' && activity.run === runId)
      .flatMap(({ id }) => this.#itemOf(id) ?? []);
    if (asked.length === 0) return;
    const request = new vscode.TestRunRequest(asked, undefined, undefined, false, true);
    const run = this.#controller.createTestRun(request, shownPath(vscode.Uri.parse(specification)));
    run.token.onCancellationRequested(() => this.actions.stop(specification));
    for (const item of asked) run.enqueued(item);
    this.#runs.set(runId, run);
  }

  #with(runId: string, question: string, act: (run: vscode.TestRun, item: vscode.TestItem) => void): void {
    const run = this.#runs.get(runId);
    const item = this.#itemOf(question);
    if (run && item) act(run, item);
  }

  #report(runId: string, id: string): void {
    const question = this.store.question(id);
    if (question?.evidence?.run !== runId || question.activity.kind !== 'idle') return;
    this.#with(runId, id, (run, item) => reportVerdict(run, item, question));
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
      run.appendOutput(`${concerned.join('\r\n')}\r\n`, location, item);
      return run.skipped(item);
  }
}
