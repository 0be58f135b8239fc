import * as vscode from 'vscode';
import type { RunScope } from '../commands/verify-flow';
import { verdictOf, type StoreChange, type VerdictStore } from '../core/verdict-store';
import type { SpecificationIndex } from '../documents/specification-index';
import { shownPath, specificationUri, textUri } from '../documents/uris';
import type { RunEffort } from '../runs/kept-run';
import { setting } from '../settings';
import { coalesce, VIEW_INTERVAL_MS } from './coalesce';
import { toRange } from './ranges';
import { reportSample, reportStale, reportVerdict } from './test-report';
import { askedTests, type AskedTests } from './test-requests';
import { TestSamples } from './test-samples';

/** What the Test Explorer asks of the rest of the extension. */
export interface TestActions {
  /** Runs these questions of one specification; resolves when the run has ended. */
  run(specification: string, scope: RunScope): Promise<void>;
  stop(specification: string): void;
}

/** How a run that was started here goes about it. */
interface Way {
  readonly effort: RunEffort;
  readonly meaning: string;
}

/** The ways to run, the first by default. What each means is told where it is run. */
const PROFILES: readonly { readonly effort: RunEffort; readonly label: string; readonly meaning: () => string }[] = [
  { effort: 'complete', label: 'Verify', meaning: () => '' },
  {
    effort: 'quick',
    label: 'Quick: bounds and a short attack',
    meaning: () => `Quick run: at most ${setting('quickTimeout')} s a question. What that leaves open is no verdict.`,
  },
  {
    effort: 'attack',
    label: 'Attack only: look for counterexamples',
    meaning: () => 'Attack only: nothing is proved; what is not broken stays open.',
  },
];
/** A model that is being written changes several times. */
const REST_MS = 500;

/**
 * Every property as a test, and its samples below it: verified passes, falsified fails, an engine's error is an error, and what is undecided is skipped with its
 * reason, so that it is neither green nor red; a stale verdict is skipped too. Items are added and removed one by one, under ids that do not change.
 */
export class TestItems implements vscode.Disposable {
  readonly #controller = vscode.tests.createTestController('certiscope', 'Certiscope');
  readonly #samples = new TestSamples(this.#controller);
  readonly #subscription: { dispose(): void };
  /** Continuous runs that are going on. */
  readonly #watches = new Set<{ dispose(): void }>();
  /** The open test run of each of the store's runs. */
  readonly #runs = new Map<string, vscode.TestRun>();
  /** What was last shown of each question. */
  readonly #published = new Map<string, string>();
  readonly #unfolded = new Set<string>();
  /** What is said of the run of a specification that is about to begin. */
  readonly #meanings = new Map<string, string>();
  readonly #sync = coalesce(VIEW_INTERVAL_MS, () => this.#syncSamples());

  constructor(
    private readonly store: VerdictStore,
    index: SpecificationIndex,
    private readonly actions: TestActions,
  ) {
    this.#controller.resolveHandler = item => (item ? this.#resolve(item) : index.scan());
    this.#controller.refreshHandler = () => index.rescan();
    for (const { effort, label, meaning } of PROFILES)
      this.#controller.createRunProfile(
        label,
        vscode.TestRunProfileKind.Run,
        (request, token) => this.#run(request, token, { effort, meaning: meaning() }),
        effort === 'complete',
        undefined,
        true,
      );
    this.#subscription = store.onChange(change => this.#update(change));
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#sync.dispose();
    for (const watch of this.#watches) watch.dispose();
    for (const run of this.#runs.values()) run.end();
    this.#controller.dispose();
  }

  #update({ event, specifications, questions }: StoreChange): void {
    if (event.kind === 'outlined' || event.kind === 'removed') for (const id of specifications) this.#syncItems(id);
    if (event.kind === 'queued' && !event.quiet) this.#begin(event.run, event.specification);
    if (event.kind === 'progress') for (const id of questions) this.#started(event.run, id);
    if (event.kind === 'result') for (const id of questions) this.#decided(event.run, id, event.result.sample);
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
    for (const child of gone) {
      parent.children.delete(child);
      this.#samples.forget(child);
      this.#published.delete(child);
    }
    for (const question of this.store.questions(id)) {
      let child = parent.children.get(question.id);
      if (!child) {
        child = this.#controller.createTestItem(question.id, question.name, textUri(uri));
        parent.children.add(child);
      }
      child.range = toRange(question.range);
    }
  }

  /** Somebody unfolds an item: its samples are made, and told what is known of them. */
  #resolve(item: vscode.TestItem): void {
    const question = this.store.question(this.#samples.partOf(item)?.question ?? item.id);
    if (!question) return;
    this.#unfolded.add(question.id);
    this.#samples.resolve(item, question);
    const run = this.#controller.createTestRun(silentRequest([item]), undefined, false);
    this.#samples.report(run, question, item);
    run.end();
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
    // Not kept by the window: after a reload the store tells what still counts, here as everywhere.
    const name = shownPath(vscode.Uri.parse(specification));
    const run = this.#controller.createTestRun(silentRequest(asked), name, false);
    run.token.onCancellationRequested(() => this.actions.stop(specification));
    for (const item of asked) run.enqueued(item);
    const meaning = this.#meanings.get(specification) ?? '';
    if (meaning !== '') run.appendOutput(`${meaning}\r\n`);
    this.#meanings.delete(specification);
    this.#runs.set(runId, run);
  }

  #started(runId: string, question: string): void {
    const item = this.#itemOf(question);
    if (item) this.#runs.get(runId)?.started(item);
  }

  /** One more sample of a question has its verdict. */
  #decided(runId: string, id: string, sample: number | null): void {
    if (!this.#unfolded.has(id)) {
      const item = this.#itemOf(id);
      const question = this.store.question(id);
      if (item && question && !item.canResolveChildren) this.#samples.sync(item, question);
      return;
    }
    this.#sync.request();
    const item = this.#samples.item(id, sample);
    const result = item && this.store.question(id)?.evidence?.results.findLast(each => each.sample === sample);
    const run = this.#runs.get(runId);
    if (item && result && run) reportSample(run, item, result);
  }

  /** Brings the samples of unfolded questions up to date, a few times a second. */
  #syncSamples(): void {
    for (const id of this.#unfolded) {
      const item = this.#itemOf(id);
      const question = this.store.question(id);
      if (item && question) this.#samples.sync(item, question);
      else this.#unfolded.delete(id);
    }
  }

  /** Shows what is new about questions that are not in work: in the run that found it out, else in one of its own. */
  #publish(questions: ReadonlySet<string>): void {
    let extra: vscode.TestRun | null = null;
    for (const id of questions) {
      const question = this.store.question(id);
      const item = this.#itemOf(id);
      if (!question?.evidence || !item || question.activity.kind !== 'idle') continue;
      const { run, results, ended, planned } = question.evidence;
      // What is read back from the store comes result by result, and is shown when it is all there.
      if (!this.#runs.has(run) && !ended && results.length < planned) continue;
      const stale = this.store.isStale(question);
      const mark = `${run} ${results.length} ${ended} ${stale}`;
      if (this.#published.get(id) === mark || verdictOf(question.evidence) === null) continue;
      this.#published.set(id, mark);
      const into =
        this.#runs.get(run) ?? (extra ??= this.#controller.createTestRun(silentRequest([item]), undefined, false));
      this.#samples.sync(item, question);
      if (stale) reportStale(into, item);
      else reportVerdict(into, item, question);
    }
    extra?.end();
  }

  async #run(request: vscode.TestRunRequest, token: vscode.CancellationToken, way: Way): Promise<void> {
    const asked = askedTests(request.include ?? listOf(this.#controller.items), this.store, this.#samples);
    token.onCancellationRequested(() => {
      for (const { specification } of asked) this.actions.stop(specification);
    });
    if (request.continuous) return this.#watch(asked, token, way);
    // Requests for one specification end one another: they go one after the other.
    const bySpecification = new Map<string, AskedTests[]>();
    for (const tests of asked)
      bySpecification.set(tests.specification, [...(bySpecification.get(tests.specification) ?? []), tests]);
    await Promise.all(
      [...bySpecification.values()].map(async several => {
        for (const tests of several) if (!token.isCancellationRequested) await this.#start(tests, way);
      }),
    );
  }

  #start({ specification, names, samples }: AskedTests, { effort, meaning }: Way): Promise<void> {
    this.#meanings.set(specification, meaning);
    return this.actions.run(specification, { names, effort, ...(samples === null ? {} : { samples }) });
  }

  /** Runs what was chosen whenever its text is saved or its model changes, until the token says otherwise. */
  #watch(asked: readonly AskedTests[], token: vscode.CancellationToken, way: Way): void {
    const timers = new Map<string, NodeJS.Timeout>();
    const soon = (specification: string) => {
      clearTimeout(timers.get(specification));
      const start = () => {
        for (const tests of asked) if (tests.specification === specification) void this.#start(tests, way);
      };
      timers.set(specification, setTimeout(start, REST_MS));
    };
    const watch = vscode.Disposable.from(
      vscode.workspace.onDidSaveTextDocument(({ uri }) => soon(specificationUri(uri).toString())),
      this.store.onChange(({ event }) => {
        if (event.kind !== 'fileChanged') return;
        for (const { specification } of asked)
          if (this.#filesOf(specification).has(event.file.path)) soon(specification);
      }),
      { dispose: () => timers.forEach(timer => clearTimeout(timer)) },
    );
    this.#watches.add(watch);
    token.onCancellationRequested(() => {
      this.#watches.delete(watch);
      watch.dispose();
    });
  }

  /** The model that a specification names, and all files that its verdicts are about. */
  #filesOf(specification: string): ReadonlySet<string> {
    const named = this.store.specification(specification)?.model;
    const used = this.store.questions(specification).flatMap(({ evidence }) => evidence?.files ?? []);
    return new Set([...(named ? [named] : []), ...used.map(({ path }) => path)]);
  }
}

/** A request that opens no view and takes no focus. */
function silentRequest(items: readonly vscode.TestItem[]): vscode.TestRunRequest {
  return new vscode.TestRunRequest(items, undefined, undefined, false, true);
}

function listOf(items: vscode.TestItemCollection): vscode.TestItem[] {
  const list: vscode.TestItem[] = [];
  items.forEach(item => list.push(item));
  return list;
}
