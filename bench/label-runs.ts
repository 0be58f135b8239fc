import type { Budget } from '../src/verify/progress';
import { proverMakers, type ProverContext } from '../src/verify/create-prover';
import { sortLabels } from '../src/verify/labels/sort';
import type { Backend, LabelOrder } from '../src/verify/options';
import { boxProblems } from '../src/verify/problems';
import type { ImageQuestion, ImageQuestions } from './image-questions';

/** How one image ended one way. */
export interface Run {
  readonly kind: 'verified' | 'falsified' | 'undecided';
  /** Processor seconds of the whole process: what a busy machine measures best. */
  readonly seconds: number;
  /** Of these, for sorting and discarding labels. */
  readonly sortSeconds: number;
}

const SEED = 1;
/** Wall-clock seconds that a run may take for each of its processor seconds. */
const MOST_WAITING = 20;

/** All labels at once by a fresh prover: nothing is sorted, nothing discarded. */
export async function unguided(
  it: ImageQuestions,
  asked: ImageQuestion,
  backend: Backend,
  limit: number,
): Promise<Run> {
  return measured(() => prove(it, asked, backend, undefined, budgetOf(limit)));
}

/** Algorithm 1 of the paper by a fresh prover: labels are sorted, those that cannot win discarded, the rest asked one after the other. */
export async function guided(
  it: ImageQuestions,
  asked: ImageQuestion,
  backend: Backend,
  order: LabelOrder,
  limit: number,
): Promise<Run> {
  const budget = budgetOf(limit);
  const begun = process.cpuUsage();
  const [problem] = boxProblems(asked.question);
  const { order: labels } = sortLabels(it.model.network, problem, order, SEED);
  const sortSeconds = secondsSince(begun);
  const run = await measured(() => prove(it, asked, backend, labels, budget));
  return { ...run, seconds: run.seconds + sortSeconds, sortSeconds };
}

/** Labels one by one where they are given, else all at once; what a method gives up on goes to the back end's next. */
async function prove(
  { model, replayer }: ImageQuestions,
  { question }: ImageQuestion,
  backend: Backend,
  labels: readonly number[] | undefined,
  budget: Budget,
): Promise<Run['kind']> {
  const [problem] = boxProblems(question);
  const context: ProverContext = {
    seed: SEED,
    threads: 1,
    tryCandidate: async ({ input, foundBy }) => {
      const checked = await replayer.check(question, input, foundBy);
      return checked.ok && checked.value !== null;
    },
    onProgress: () => {},
  };
  let left = labels ?? problem.disjuncts.map((_, disjunct) => disjunct);
  for (const make of proverMakers(backend, model.network, problem, context)) {
    if (left.length === 0) break;
    const { prover } = make();
    try {
      for (const asked of labels ? left.map(label => [label]) : [left]) {
        const end = await prover.run(budget, asked.length === problem.disjuncts.length ? undefined : asked);
        if (end.kind === 'falsified') return 'falsified';
        const standings = prover.standings();
        left = left.filter(label => !standings[label].proved);
      }
    } finally {
      await prover.close();
    }
  }
  return left.length === 0 ? 'verified' : 'undecided';
}

async function measured(work: () => Promise<Run['kind']>): Promise<Run> {
  const begun = process.cpuUsage();
  const kind = await work();
  return { kind, seconds: secondsSince(begun), sortSeconds: 0 };
}

function secondsSince(begun: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1e6;
}

/** So many processor seconds: a busy machine must not decide what is proved. */
function budgetOf(limit: number): Budget {
  const begun = process.cpuUsage();
  return { deadline: performance.now() + 1000 * limit * MOST_WAITING, cancelled: () => secondsSince(begun) >= limit };
}
