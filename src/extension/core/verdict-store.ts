/**
 * The one place that knows what has been asked and what was answered. Everything the editor shows is a projection of it.
 *
 * Event-sourced: the state changes by `apply` alone. It has two axes: what the verdict is (`evidence`), and whether it still speaks of the
 * text on the screen and the model on the disk (`isStale`). Late events of a run that another one has replaced change nothing.
 */
import type { Problem, Range } from '../../base/result';
import type { Accuracy, ResultRecord } from '../../report/record';
import { EMPTY_TRACE, extended, type Trace } from '../../report/trace';
import type { VerdictKind } from '../../report/verdict';
import type { FinishedParams, PlannedTask, ProgressParams, TensorReference } from '../../engine/protocol';
import type { Outline } from './outline';
import { worstOf } from './tally';

export type Answered = ResultRecord<TensorReference>;

/** `SPECIFICATION_URI#NAME`. */
export type QuestionId = string;

export type Activity =
  | { readonly kind: 'idle' }
  | { readonly kind: 'queued'; readonly run: string }
  | {
      readonly kind: 'running';
      readonly run: string;
      readonly progress: ProgressParams | null;
      /** How the task in work has gone so far. */
      readonly trace: Trace;
    };

/** What a run has found out about one question, and what it was about. */
export interface Evidence {
  readonly run: string;
  readonly fingerprint: string;
  readonly model: string;
  readonly modelVersion: number;
  /** Results in the order of the plan. */
  readonly results: readonly Answered[];
  /** How many results the plan promised. */
  readonly planned: number;
  /** The run has ended; when results are missing, `interrupted` says why. */
  readonly ended: boolean;
  readonly interrupted?: string;
}

export interface QuestionState {
  readonly id: QuestionId;
  readonly specification: string;
  readonly name: string;
  readonly range: Range;
  readonly anchor: Range;
  readonly fingerprint: string;
  readonly activity: Activity;
  readonly evidence: Evidence | null;
}

export interface SpecificationState {
  readonly id: string;
  readonly kind: Outline['kind'];
  /** Absolute path of the model it names, or null. */
  readonly model: string | null;
  /** Where the text speaks of the model and of the preprocessing. */
  readonly places: Outline['places'];
  /** What is wrong with the text, found while typing. */
  readonly problems: readonly Problem[];
  /** What the engine said of the files at the last run; gone at the next edit. */
  readonly runProblems: readonly Problem[];
  readonly accuracy: Accuracy | null;
  readonly questions: readonly QuestionId[];
  /** Typed in since the last outline: until the text has been read again, none of its verdicts counts as current. */
  readonly edited: boolean;
}

export type StoreEvent =
  | {
      readonly kind: 'outlined';
      readonly specification: string;
      readonly outline: Outline;
      readonly model: string | null;
      readonly problems: readonly Problem[];
    }
  | { readonly kind: 'edited'; readonly specification: string }
  | { readonly kind: 'removed'; readonly specification: string }
  | { readonly kind: 'modelChanged'; readonly model: string }
  /** A model was looked at, without a specification. */
  | { readonly kind: 'inspected'; readonly model: string; readonly problems: readonly Problem[] }
  | {
      readonly kind: 'queued';
      readonly run: string;
      readonly specification: string;
      readonly names: readonly string[] | null;
      /** Only these samples: what they give is added to what is known of the others. */
      readonly samples?: readonly number[];
      readonly quiet: boolean;
    }
  | {
      readonly kind: 'planned';
      readonly run: string;
      readonly model: string;
      readonly tasks: readonly PlannedTask[];
      readonly warnings: readonly Problem[];
    }
  | { readonly kind: 'refused'; readonly run: string; readonly problems: readonly Problem[] }
  | { readonly kind: 'accuracy'; readonly run: string; readonly accuracy: Accuracy }
  | { readonly kind: 'progress'; readonly run: string; readonly progress: ProgressParams }
  | { readonly kind: 'result'; readonly run: string; readonly result: Answered }
  | { readonly kind: 'finished'; readonly run: string; readonly finished: FinishedParams }
  | { readonly kind: 'cleared' };

/** What changed: ids of specifications and questions, and paths of models, whose state is new. */
export interface StoreChange {
  readonly event: StoreEvent;
  readonly specifications: ReadonlySet<string>;
  readonly questions: ReadonlySet<QuestionId>;
  readonly models: ReadonlySet<string>;
}

/** A run the store has been told of and that has not finished. */
interface Run {
  readonly id: string;
  readonly specification: string;
  readonly questions: readonly QuestionId[];
  /** What the questions meant when the run was asked for. */
  readonly fingerprints: ReadonlyMap<QuestionId, string>;
  /** A look into the engine's store: it is not shown as work. */
  readonly quiet: boolean;
  /** Only some samples were asked about. */
  readonly partial: boolean;
  readonly model: string;
  readonly modelVersion: number;
  readonly planned: ReadonlyMap<QuestionId, number>;
  /** The question of each task of the plan. */
  readonly tasks: readonly QuestionId[];
}

export function questionId(specification: string, name: string): QuestionId {
  return `${specification}#${name}`;
}

export class VerdictStore {
  readonly #specifications = new Map<string, SpecificationState>();
  readonly #questions = new Map<QuestionId, QuestionState>();
  readonly #runs = new Map<string, Run>();
  readonly #modelVersions = new Map<string, number>();
  readonly #modelProblems = new Map<string, readonly Problem[]>();
  readonly #listeners = new Set<(change: StoreChange) => void>();

  /** Called after every event that changed something, synchronously. */
  onChange(listener: (change: StoreChange) => void): { dispose(): void } {
    this.#listeners.add(listener);
    return { dispose: () => void this.#listeners.delete(listener) };
  }

  specifications(): readonly SpecificationState[] {
    return [...this.#specifications.values()];
  }

  specification(id: string): SpecificationState | undefined {
    return this.#specifications.get(id);
  }

  question(id: QuestionId): QuestionState | undefined {
    return this.#questions.get(id);
  }

  questions(specification?: string): readonly QuestionState[] {
    if (specification === undefined) return [...this.#questions.values()];
    return (this.#specifications.get(specification)?.questions ?? []).map(id => this.#questions.get(id)!);
  }

  /** What is wrong with models, by path. */
  modelProblems(): ReadonlyMap<string, readonly Problem[]> {
    return this.#modelProblems;
  }

  /** True while any run that the person can see is queued or going on. */
  isBusy(): boolean {
    return [...this.#questions.values()].some(question => question.activity.kind !== 'idle');
  }

  /** The evidence is about another text, or about an older state of the model's file. */
  isStale(question: QuestionState): boolean {
    const { evidence } = question;
    if (!evidence) return false;
    if (this.#specifications.get(question.specification)?.edited) return true;
    return (
      evidence.fingerprint !== question.fingerprint || evidence.modelVersion !== this.#modelVersion(evidence.model)
    );
  }

  apply(event: StoreEvent): void {
    const touched = { specifications: new Set<string>(), questions: new Set<QuestionId>(), models: new Set<string>() };
    this.#reduce(event, touched);
    if (touched.specifications.size + touched.questions.size + touched.models.size === 0) return;
    for (const listener of [...this.#listeners]) listener({ event, ...touched });
  }

  #modelVersion(model: string): number {
    return this.#modelVersions.get(model) ?? 0;
  }

  #reduce(event: StoreEvent, touched: Touched): void {
    switch (event.kind) {
      case 'outlined':
        return this.#outlined(event, touched);
      case 'edited':
        return this.#updateSpecification(event.specification, { edited: true, runProblems: [] }, touched, true);
      case 'removed':
        return this.#removed(event.specification, touched);
      case 'modelChanged':
        return this.#modelChanged(event.model, touched);
      case 'inspected':
        this.#modelProblems.set(event.model, event.problems);
        touched.models.add(event.model);
        return;
      case 'queued':
        return this.#queued(event, touched);
      case 'planned':
        return this.#planned(event, touched);
      case 'refused':
        return this.#refused(event, touched);
      case 'accuracy': {
        const run = this.#runs.get(event.run);
        return run && this.#updateSpecification(run.specification, { accuracy: event.accuracy }, touched);
      }
      case 'progress':
        return this.#progress(event, touched);
      case 'result':
        return this.#result(event, touched);
      case 'finished':
        return this.#finished(event, touched);
      case 'cleared':
        return this.#cleared(touched);
    }
  }

  #updateSpecification(id: string, change: Partial<SpecificationState>, touched: Touched, withQuestions = false): void {
    const state = this.#specifications.get(id);
    if (!state) return;
    this.#specifications.set(id, { ...state, ...change });
    touched.specifications.add(id);
    if (withQuestions) for (const question of state.questions) touched.questions.add(question);
  }

  #updateQuestion(id: QuestionId, change: Partial<QuestionState>, touched: Touched): void {
    const state = this.#questions.get(id);
    if (!state) return;
    this.#questions.set(id, { ...state, ...change });
    touched.questions.add(id);
  }

  #outlined(event: Extract<StoreEvent, { kind: 'outlined' }>, touched: Touched): void {
    const { specification, outline } = event;
    const before = this.#specifications.get(specification);
    const earlier = (before?.questions ?? []).map(id => this.#questions.get(id)!);
    for (const question of earlier) {
      this.#questions.delete(question.id);
      touched.questions.add(question.id);
    }
    const ids: QuestionId[] = [];
    for (const property of outline.properties) {
      const id = questionId(specification, property.name);
      if (ids.includes(id)) continue; // a name written twice is reported as a problem of the text
      ids.push(id);
      const known =
        earlier.find(question => question.id === id) ??
        // Renamed: what was found out about it goes with it.
        earlier.find(
          question =>
            question.fingerprint === property.fingerprint &&
            !outline.properties.some(other => other.name === question.name),
        );
      const activity = known?.id === id ? known.activity : ({ kind: 'idle' } as const);
      this.#questions.set(id, { ...property, id, specification, activity, evidence: known?.evidence ?? null });
      touched.questions.add(id);
    }
    this.#specifications.set(specification, {
      id: specification,
      kind: outline.kind,
      model: event.model,
      places: outline.places,
      problems: event.problems,
      runProblems: before?.runProblems ?? [],
      accuracy: before?.accuracy ?? null,
      questions: ids,
      edited: false,
    });
    touched.specifications.add(specification);
  }

  #removed(specification: string, touched: Touched): void {
    const state = this.#specifications.get(specification);
    if (!state) return;
    for (const id of state.questions) {
      this.#questions.delete(id);
      touched.questions.add(id);
    }
    this.#specifications.delete(specification);
    touched.specifications.add(specification);
  }

  #modelChanged(model: string, touched: Touched): void {
    this.#modelVersions.set(model, this.#modelVersion(model) + 1);
    if (this.#modelProblems.delete(model)) touched.models.add(model);
    for (const question of this.#questions.values())
      if (question.evidence?.model === model) touched.questions.add(question.id);
  }

  #queued(event: Extract<StoreEvent, { kind: 'queued' }>, touched: Touched): void {
    const asked = this.questions(event.specification).filter(({ name }) => event.names?.includes(name) ?? true);
    this.#runs.set(event.run, {
      id: event.run,
      specification: event.specification,
      questions: asked.map(question => question.id),
      fingerprints: new Map(asked.map(question => [question.id, question.fingerprint])),
      quiet: event.quiet,
      partial: event.samples !== undefined,
      model: '',
      modelVersion: 0,
      planned: new Map(),
      tasks: [],
    });
    if (event.quiet) return;
    for (const { id } of asked) this.#updateQuestion(id, { activity: { kind: 'queued', run: event.run } }, touched);
    this.#updateSpecification(event.specification, { runProblems: [] }, touched);
  }

  #planned(event: Extract<StoreEvent, { kind: 'planned' }>, touched: Touched): void {
    const run = this.#runs.get(event.run);
    if (!run) return;
    const tasks = event.tasks.map(task => questionId(run.specification, task.check));
    const planned = new Map<QuestionId, number>();
    for (const id of tasks) planned.set(id, (planned.get(id) ?? 0) + 1);
    const { model } = event;
    this.#runs.set(run.id, { ...run, model, modelVersion: this.#modelVersion(model), planned, tasks });
    if (run.quiet) return;
    this.#updateSpecification(run.specification, { runProblems: event.warnings }, touched);
  }

  #refused(event: Extract<StoreEvent, { kind: 'refused' }>, touched: Touched): void {
    const run = this.#runs.get(event.run);
    if (run && !run.quiet) this.#updateSpecification(run.specification, { runProblems: event.problems }, touched);
  }

  #progress(event: Extract<StoreEvent, { kind: 'progress' }>, touched: Touched): void {
    const run = this.#runs.get(event.run);
    if (!run || run.quiet) return;
    const working = run.tasks[event.progress.task];
    if (working === undefined || !this.#isHeldBy(run, working)) return;
    const before = this.#questions.get(working)?.activity;
    const same = before?.kind === 'running' && before.progress?.task === event.progress.task;
    const trace = withProgress(same ? before.trace : EMPTY_TRACE, event.progress);
    const activity: Activity = { kind: 'running', run: run.id, progress: event.progress, trace };
    this.#updateQuestion(working, { activity }, touched);
  }

  #result(event: Extract<StoreEvent, { kind: 'result' }>, touched: Touched): void {
    const run = this.#runs.get(event.run);
    if (!run) return;
    const id = questionId(run.specification, event.result.check);
    const question = this.#questions.get(id);
    if (!question || !this.#accepts(run, question)) return;
    const same = question.evidence?.run === run.id ? question.evidence : null;
    const fingerprint = run.fingerprints.get(id) ?? question.fingerprint;
    const { model, modelVersion } = run;
    const earlier = same ?? (run.partial ? addedTo(question.evidence, fingerprint, run) : null);
    const own = run.partial ? asPartOf(earlier?.results ?? [], event.result) : event.result;
    const evidence: Evidence = {
      run: run.id,
      fingerprint,
      model,
      modelVersion,
      results: withResult(earlier?.results ?? [], own, same !== null),
      planned: run.partial ? plannedAround(question.evidence, run.planned.get(id) ?? 1) : (run.planned.get(id) ?? 1),
      ended: false,
    };
    // A run of some samples ends when it says so: the others were there before it.
    const done = !run.partial && evidence.results.length >= evidence.planned;
    this.#updateQuestion(id, { evidence, ...(done ? { activity: { kind: 'idle' } } : {}) }, touched);
  }

  #finished(event: Extract<StoreEvent, { kind: 'finished' }>, touched: Touched): void {
    const run = this.#runs.get(event.run);
    if (!run) return;
    this.#runs.delete(run.id);
    // Told even where a newer run has taken over every question: whoever keeps something open for this run closes it now.
    touched.specifications.add(run.specification);
    for (const question of this.questions(run.specification)) {
      if (question.evidence?.run === run.id) {
        const missing = question.evidence.results.length < question.evidence.planned;
        const why = run.partial ? 'Only some samples were run.' : 'The run was stopped.';
        const interrupted = missing ? { interrupted: event.finished.problem?.message ?? why } : {};
        this.#updateQuestion(question.id, { evidence: { ...question.evidence, ended: true, ...interrupted } }, touched);
      }
      if (this.#isHeldBy(run, question.id)) this.#updateQuestion(question.id, { activity: { kind: 'idle' } }, touched);
    }
  }

  #cleared(touched: Touched): void {
    for (const question of this.#questions.values()) this.#updateQuestion(question.id, { evidence: null }, touched);
    for (const specification of this.#specifications.values())
      this.#updateSpecification(specification.id, { accuracy: null, runProblems: [] }, touched);
  }

  /** A question that another run has taken over, or that is done, is not told of this run any more. */
  #isHeldBy(run: Run, id: QuestionId): boolean {
    const activity = this.#questions.get(id)?.activity;
    return activity !== undefined && activity.kind !== 'idle' && activity.run === run.id;
  }

  #accepts(run: Run, question: QuestionState): boolean {
    if (run.quiet) return question.activity.kind === 'idle' && run.questions.includes(question.id);
    return this.#isHeldBy(run, question.id);
  }
}

interface Touched {
  readonly specifications: Set<string>;
  readonly questions: Set<QuestionId>;
  readonly models: Set<string>;
}

function withProgress(trace: Trace, { progress }: ProgressParams): Trace {
  const { elapsedSeconds, lowerBound, openSubproblems, depth, subproblems } = progress;
  return extended(trace, { seconds: elapsedSeconds, lowerBound, open: openSubproblems, depth, subproblems });
}

/** What is known of other samples, when it is about the same text and the same model as a run of some samples. */
function addedTo(evidence: Evidence | null, fingerprint: string, { model, modelVersion }: Run): Evidence | null {
  if (!evidence || evidence.fingerprint !== fingerprint) return null;
  return evidence.model === model && evidence.modelVersion === modelVersion ? evidence : null;
}

/** A sample keeps the place that it had in the run over all of them; a new one goes to the end. */
function asPartOf(results: readonly Answered[], result: Answered): Answered {
  const known = results.find(({ sample }) => sample === result.sample);
  return { ...result, index: known?.index ?? (results.at(-1)?.index ?? -1) + 1 };
}

/** How many results a question has in all, after a run of some samples: where nobody knows, more than there are. */
function plannedAround(evidence: Evidence | null, planned: number): number {
  return evidence ? Math.max(evidence.planned, planned) : planned + 1;
}

/**
 * Results come in the order of the plan, so that the new one goes to the end; one that comes again replaces the earlier. The list of a run grows in place: what was
 * told of it before is a shorter look at the same list, and ten thousand copies of it would keep the host busy with nothing but removing them.
 */
function withResult(results: readonly Answered[], result: Answered, own: boolean): readonly Answered[] {
  const last = results.at(-1);
  if (last === undefined || last.index < result.index) {
    if (!own) return [...results, result];
    (results as Answered[]).push(result);
    return results;
  }
  return [...results.filter(({ index }) => index !== result.index), result].sort((a, b) => a.index - b.index);
}

/** The verdict of a question: the worst of its results. Never "verified" early: while results are missing only a bad one counts. */
export function verdictOf(evidence: Evidence | null): VerdictKind | null {
  const found = evidence && worstOf(evidence.results);
  if (!evidence || !found) return null;
  if (evidence.results.length >= evidence.planned || found === 'falsified' || found === 'error') return found;
  return evidence.ended ? 'unknown' : null;
}
