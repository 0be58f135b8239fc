/**
 * The one place that knows what has been asked and what was answered. Everything the editor shows is a projection of it.
 *
 * Event-sourced: the state changes by `apply` alone. It has two axes: what the verdict is (`evidence`), and whether it still speaks of the
 * text on the screen and the model on the disk (`isStale`). Late events of a run that another one has replaced change nothing.
 */
import type { FileState } from '../../base/file-state';
import type { ProgressParams } from '../../engine/protocol';
import type { Problem } from '../../base/result';
import { EMPTY_TRACE, extended, type Trace } from '../../report/trace';
import { withAnswer } from './evidence';
import type { Activity, QuestionId, QuestionState, SpecificationState, StoreChange, StoreEvent } from './verdict-state';

export { verdictOf, type Answered, type Evidence } from './evidence';
export type * from './verdict-state';

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
  readonly files: readonly FileState[];
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
  /** Files that have been looked at since they were read. */
  readonly #fileStates = new Map<string, string>();
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

  /** The evidence is about another text, or about an older state of the files. */
  isStale(question: QuestionState): boolean {
    const { evidence } = question;
    if (!evidence) return false;
    if (this.#specifications.get(question.specification)?.edited) return true;
    return evidence.fingerprint !== question.fingerprint || evidence.files.some(file => this.#hasChanged(file));
  }

  apply(event: StoreEvent): void {
    const touched = { specifications: new Set<string>(), questions: new Set<QuestionId>(), files: new Set<string>() };
    this.#reduce(event, touched);
    if (touched.specifications.size + touched.questions.size + touched.files.size === 0) return;
    for (const listener of [...this.#listeners]) listener({ event, ...touched });
  }

  #hasChanged({ path, state }: FileState): boolean {
    const now = this.#fileStates.get(path);
    return now !== undefined && now !== state;
  }

  #reduce(event: StoreEvent, touched: Touched): void {
    switch (event.kind) {
      case 'outlined':
        return this.#outlined(event, touched);
      case 'edited':
        return this.#updateSpecification(event.specification, { edited: true, runProblems: [] }, touched, true);
      case 'removed':
        return this.#removed(event.specification, touched);
      case 'fileChanged':
        return this.#fileChanged(event.file, touched);
      case 'inspected':
        this.#modelProblems.set(event.model, event.problems);
        touched.files.add(event.model);
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

  #fileChanged({ path, state }: FileState, touched: Touched): void {
    if (this.#fileStates.get(path) === state) return;
    this.#fileStates.set(path, state);
    this.#modelProblems.delete(path);
    // Told in any case: others than the store know things about files, too.
    touched.files.add(path);
    for (const { id, evidence } of this.#questions.values())
      if (evidence?.files.some(file => file.path === path)) touched.questions.add(id);
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
      files: [],
      planned: new Map(),
      tasks: [],
    });
    if (event.quiet) return;
    for (const { id, fingerprint } of asked)
      this.#updateQuestion(id, { activity: { kind: 'queued', run: event.run, fingerprint } }, touched);
    this.#updateSpecification(event.specification, { runProblems: [] }, touched);
  }

  #planned(event: Extract<StoreEvent, { kind: 'planned' }>, touched: Touched): void {
    const run = this.#runs.get(event.run);
    if (!run) return;
    const tasks = event.tasks.map(task => questionId(run.specification, task.check));
    const planned = new Map(
      Object.entries(event.counts).map(([check, count]) => [questionId(run.specification, check), count]),
    );
    const { model, files } = event;
    this.#runs.set(run.id, { ...run, model, files, planned, tasks });
    // Told in any case: the files of the plan are of interest to others.
    touched.specifications.add(run.specification);
    if (!run.quiet) this.#updateSpecification(run.specification, { runProblems: event.warnings }, touched);
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
    const fingerprint = run.fingerprints.get(working) ?? '';
    const activity: Activity = { kind: 'running', run: run.id, fingerprint, progress: event.progress, trace };
    this.#updateQuestion(working, { activity }, touched);
  }

  #result(event: Extract<StoreEvent, { kind: 'result' }>, touched: Touched): void {
    const run = this.#runs.get(event.run);
    if (!run) return;
    const id = questionId(run.specification, event.result.check);
    const question = this.#questions.get(id);
    if (!question || !this.#accepts(run, question)) return;
    const { model, files, partial } = run;
    const evidence = withAnswer(question.evidence, event.result, {
      run: run.id,
      fingerprint: run.fingerprints.get(id) ?? question.fingerprint,
      model,
      files,
      partial,
      planned: run.planned.get(id) ?? 1,
    });
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
        const why = run.partial
          ? 'Only some samples were run.'
          : run.quiet
            ? 'No earlier run has decided them.'
            : 'The run was stopped.';
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
  readonly files: Set<string>;
}

function withProgress(trace: Trace, { progress }: ProgressParams): Trace {
  const { elapsedSeconds, lowerBound, openSubproblems, depth, subproblems } = progress;
  return extended(trace, { seconds: elapsedSeconds, lowerBound, open: openSubproblems, depth, subproblems });
}
