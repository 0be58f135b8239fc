import { AssertionError } from '../base/assert';
import type { Accuracy, ResultRecord } from '../report/record';
import type { Verdict } from '../report/verdict';
import type { Progress } from '../verify/progress';
import type { Question } from '../spec/question';
import type { Decide, Plan, PreparedTask, ResultFacts, Task } from './plan';

/** What a job tells while it runs; calls come in this order for every question. */
export interface JobListener<T> {
  onAccuracy?(accuracy: Accuracy): void;
  /** The first call for a question comes when work on it begins; then at most four a second. */
  onProgress?(index: number, progress: Progress): void;
  onResult(result: ResultRecord<T>): void;
}

/** How a job reaches what outlives it, and how it is stopped. */
export interface JobEnvironment<T> {
  cancelled(): boolean;
  /** Bytes this process may hold; a question that needs more ends as unknown. */
  readonly memoryLimit: number;
  /** Content key of a question; `''` where nobody asks for it. */
  key(task: Task, prepared: PreparedTask): Promise<string>;
  /** The stored verdict of a question, when it may be used. */
  recall(key: string): Promise<Verdict<T> | undefined>;
  /** Puts a new verdict into the form in which the listener wants its tensors, and keeps it. */
  keep(key: string, verdict: Verdict, facts: ResultFacts): Promise<Verdict<T>>;
  /** The same for the other tensors of a result. */
  tensor(name: string, values: Float32Array, shape: readonly number[]): Promise<T>;
}

export interface JobSelection {
  /** Indices of questions that need no answer. */
  readonly skip: ReadonlySet<number>;
  /** Answer from the store alone. */
  readonly recallOnly: boolean;
}

/** Shortest time between two progress events (design, section 4). */
const PROGRESS_MILLISECONDS = 250;
/** A question is stopped when the process holds this part of its limit: what is done last (the replay, the report) needs room too. */
const MEMORY_PART = 0.9;

/** Decides the questions of a plan one after the other. Never rejects for what a question does: a failure is that question's `error`. */
export async function runJob<T>(
  plan: Plan,
  selection: JobSelection,
  environment: JobEnvironment<T>,
  listener: JobListener<T>,
): Promise<'complete' | 'cancelled'> {
  // A run that goes on has told the accuracy already.
  if (plan.measureAccuracy !== undefined && !selection.recallOnly && selection.skip.size === 0)
    listener.onAccuracy?.(await plan.measureAccuracy());
  for (const [index, task] of plan.tasks.entries()) {
    if (environment.cancelled()) return 'cancelled';
    if (selection.skip.has(index)) continue;
    const result = await runTask(index, task, plan, selection, environment, listener);
    if (environment.cancelled()) return 'cancelled';
    if (result !== undefined) listener.onResult(result);
  }
  return 'complete';
}

/** Undefined when only the store may answer and does not know, or when the run was cancelled meanwhile. */
async function runTask<T>(
  index: number,
  task: Task,
  plan: Plan,
  selection: JobSelection,
  environment: JobEnvironment<T>,
  listener: JobListener<T>,
): Promise<ResultRecord<T> | undefined> {
  const started = performance.now();
  const place = { index, check: task.check, sample: task.sample, range: task.range, claim: task.claim };
  listener.onProgress?.(index, BEGUN);
  const prepared = await task.prepare();
  if (!prepared.ok) {
    const verdict = failure(prepared.error.message, 'Correct this and verify again.', started);
    // What is wrong with one sample may have a place of its own: the clip range that excludes it.
    const range = prepared.error.range ?? place.range;
    return { ...place, range, ...NO_FACTS, verdict, key: '', cached: false };
  }
  const { facts } = prepared.value;
  const claim = prepared.value.claim ?? task.claim;
  const key = await environment.key(task, prepared.value);
  let known: Verdict<T> | undefined;
  let verdict: Verdict<T>;
  if ('settled' in prepared.value) verdict = await environment.keep(key, prepared.value.settled, facts);
  else {
    known = await environment.recall(key);
    if (known === undefined && selection.recallOnly) return undefined;
    verdict =
      known ??
      (await environment.keep(
        key,
        await decideTask(
          index,
          task,
          prepared.value.question,
          prepared.value.instead?.decide ?? plan.decide,
          environment,
          listener,
        ),
        facts,
      ));
  }
  return {
    ...place,
    ...facts,
    claim,
    original: facts.original && (await environment.tensor(`${key}.original`, facts.original, facts.inputShape)),
    originalOutput:
      facts.originalOutput &&
      (await environment.tensor(`${key}.originalOutput`, facts.originalOutput, facts.outputShape)),
    verdict,
    key,
    cached: known !== undefined,
  };
}

async function decideTask<T>(
  index: number,
  task: Task,
  question: Question,
  decide: Decide,
  environment: JobEnvironment<T>,
  listener: JobListener<T>,
): Promise<Verdict> {
  const started = performance.now();
  let best = BEGUN;
  let told = started;
  let outOfMemory = false;
  const budget = {
    deadline: started + 1000 * task.options.timeout,
    cancelled: () => environment.cancelled() || outOfMemory,
  };
  const onProgress = (progress: Progress): void => {
    best = progress;
    const now = performance.now();
    if (now - told < PROGRESS_MILLISECONDS) return;
    told = now;
    outOfMemory ||= process.memoryUsage.rss() > MEMORY_PART * environment.memoryLimit;
    listener.onProgress?.(index, progress);
  };
  let verdict: Verdict;
  try {
    verdict = await decide(question, task.options, budget, onProgress);
  } catch (error) {
    return unexpected(error, started);
  }
  // A solver that was stopped for lack of memory says that it was cancelled; an answer that it found all the same stays.
  return outOfMemory && verdict.kind !== 'verified' && verdict.kind !== 'falsified'
    ? memoryVerdict(environment.memoryLimit, best, started)
    : verdict;
}

/** What is told of a question that ran out of memory, whoever noticed it. */
export function memoryVerdict(limit: number, best: Progress, started: number): Verdict<never> {
  return {
    kind: 'unknown',
    reason: `The memory ceiling of ${Math.round(limit / 2 ** 20)} MB was reached with ${best.openSubproblems} sub-problems open and ${percent(best)} of the region decided.`,
    advice: 'Raise the memory ceiling, or ask about a smaller region.',
    seconds: (performance.now() - started) / 1000,
    lowerBound: best.lowerBound,
  };
}

export function percent(progress: Pick<Progress, 'workFraction'>): string {
  return `${(100 * progress.workFraction).toFixed(progress.workFraction < 0.1 ? 1 : 0)} %`;
}

/** A fault of this program. It is an answer about this question, never silence and never `verified`. */
function unexpected(error: unknown, started: number): Verdict<never> {
  const message = error instanceof Error ? error.message : String(error);
  if (process.env.CERTISCOPE_DEBUG) process.stderr.write(`${error instanceof Error ? error.stack : message}\n`);
  const what = error instanceof AssertionError ? 'An internal check failed' : 'The solver failed';
  return failure(
    `${what}: ${message}.`,
    'This is a fault of Certiscope: please report it with the model and the specification.',
    started,
  );
}

function failure(reason: string, advice: string, started: number): Verdict<never> {
  return { kind: 'error', reason, advice, seconds: (performance.now() - started) / 1000, lowerBound: null };
}

const NO_FACTS = { inputShape: [], outputShape: [] };

/** A question before anything is known. */
export const BEGUN: Progress = {
  phase: 'loading',
  lowerBound: null,
  bestAttack: null,
  openSubproblems: 1,
  subproblems: 0,
  depth: 0,
  disjunct: null,
  workFraction: 0,
  elapsedSeconds: 0,
};
