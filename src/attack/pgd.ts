import { Random } from '../base/random';
import type { Problem } from '../base/result';
import type { Network } from '../network/network';
import type { Counterexample } from '../report/verdict';
import type { Question } from '../spec/question';
import { BatchState } from './batch-state';
import { compileStep, momentScales, type StepProgram, type StepSizes } from './descent';
import { forwardOperations } from '../tensor/forward';
import type { Replayer } from './replay';
import { StartPool } from './start-pool';
import { centre, uniformPoint } from './starts';
import { Targets } from './targets';

/** Projected gradient descent towards a counterexample, many points at a time. It proves nothing; whatever it finds has been replayed. */

export interface AttackOptions {
  /** Same seed, same question, same rounds: same points. */
  readonly seed: number;
  /** Restarts of the whole batch; 3 unless given. At least as many as it takes to aim at every disjunct once. */
  readonly rounds?: number;
  /** Steps from one start; 40 unless given. */
  readonly steps?: number;
  /** Threads of ONNX Runtime; 1 unless given. */
  readonly threads?: number;
  /** Told whenever a smaller margin is reached. */
  readonly onProgress?: (bestMargin: number) => void;
}

/** When to stop: `deadline` is a `performance.now()` time; both are looked at between graph runs of some tens of milliseconds. */
export interface AttackBudget {
  readonly deadline: number;
  cancelled(): boolean;
}

export interface AttackOutcome {
  readonly counterexample: Counterexample | null;
  /**
   * Smallest reached max over a disjunct's constraints of form − bound, in float32 (≤ 0 would satisfy them all); +∞ before the first.
   */
  readonly bestMargin: number;
  /** Points whose outputs were computed. */
  readonly points: number;
  readonly seconds: number;
  /** Why the attack could not go on, e.g. for want of memory. The verdict does not depend on it. */
  readonly problem: Problem | null;
}

const ROUNDS = 3;
const STEPS = 40;
/** The first step of a descent in units of the box's width, and the last one in units of the first. Repetitions halve both. */
const ROAMING = { first: 0.125, shrink: 0.04 };
const SETTLING = { first: 0.02, shrink: 0.001 };
/** Steps along a random direction of outputs before the descent proper: starts that differ in what the network sees (Tashiro et al., ODI). */
const SPREADING_STEPS = 4;
/** A run is to stay below the time in which a person notices a delay; arithmetic is assumed to be slow, since cores are shared. */
const OPERATIONS_PER_RUN = 4e8;
const MOST_POINTS = 512;
/** The slope of inactive ReLUs for gradients where the true gradient vanishes: all units behind some layer are inactive. */
const LEAK = 0.1;
/** At most this many free coordinates count as low-dimensional: sampling covers something there. */
const LOW_DIMENSION = 24;

/**
 * Searches for a counterexample of the question. Ends at the first one, after `rounds`, or when the budget is spent.
 *
 * `replayer` holds the original file of `network`.
 */
export async function attack(
  network: Network,
  question: Question,
  replayer: Replayer,
  options: AttackOptions,
  budget: AttackBudget,
): Promise<AttackOutcome> {
  const search = new Search(network, question, replayer, options, budget);
  try {
    await search.run();
  } finally {
    await search.close();
  }
  return search.outcome();
}

class Search {
  private readonly started = performance.now();
  private readonly random: Random;
  private readonly targets: Targets;
  private readonly steps: number;
  private program: StepProgram | null = null;
  private leaks = false;
  private counterexample: Counterexample | null = null;
  private bestMargin = Infinity;
  private readonly bestPoint: Float32Array;
  private bestIsReplayed = true;
  private points = 0;
  private problem: Problem | null = null;

  constructor(
    private readonly network: Network,
    private readonly question: Question,
    private readonly replayer: Replayer,
    private readonly options: AttackOptions,
    private readonly budget: AttackBudget,
  ) {
    this.random = new Random(options.seed, 0x9d);
    this.steps = options.steps ?? STEPS;
    this.targets = new Targets(question);
    this.bestPoint = new Float32Array(question.inputSize);
  }

  outcome(): AttackOutcome {
    const seconds = (performance.now() - this.started) / 1000;
    return {
      counterexample: this.counterexample,
      bestMargin: this.bestMargin,
      points: this.points,
      seconds,
      problem: this.problem,
    };
  }

  async close(): Promise<void> {
    await this.program?.close();
  }

  private get over(): boolean {
    const stopped = this.budget.cancelled() || performance.now() >= this.budget.deadline;
    return stopped || this.counterexample !== null || this.problem !== null;
  }

  async run(): Promise<void> {
    await this.tryCentres();
    if (this.over || this.targets.rows === 0) return;
    const wanted = Math.floor(OPERATIONS_PER_RUN / (3 * forwardOperations(this.network)));
    const batch = Math.max(1, Math.min(MOST_POINTS, wanted));
    const sizes = { batch, rows: this.targets.rowsAtOnce, inputForms: this.targets.hasInputForms, leak: 0 };
    if (!(await this.compile(sizes))) return;
    const state = new BatchState(this.network, this.question, sizes);
    const pool = new StartPool(this.question, LOW_DIMENSION);
    const rounds = Math.max(this.options.rounds ?? ROUNDS, this.targets.turns);
    for (let round = 0; round < rounds && !this.over; round++) {
      const chosen = this.targets.choose(round);
      state.load(this.targets, chosen, round);
      if (pool.isLowDimensional) await this.sample(state, pool);
      if (!this.over) await this.descend(state, pool, round);
      pool.offerAll(state);
      if (!this.over && !this.bestIsReplayed) await this.replay(this.bestPoint, 'pgd');
    }
  }

  private async compile(sizes: StepSizes): Promise<boolean> {
    await this.program?.close();
    this.program = null;
    const compiled = await compileStep(this.network, sizes, this.options.threads ?? 1);
    if (compiled.ok) this.program = compiled.value;
    else this.problem = compiled.error;
    return compiled.ok;
  }

  /** The centres of the first few boxes: one run each, before any graph is compiled. */
  private async tryCentres(): Promise<void> {
    const boxes = [...new Set(this.question.disjuncts.map(each => each.box))].slice(0, 8);
    for (const box of boxes) {
      const point = new Float32Array(this.question.inputSize);
      centre(box, point);
      if (this.over) return;
      this.points++;
      await this.replay(point, 'centre');
    }
  }

  private async replay(point: Float32Array, foundBy: string): Promise<void> {
    const checked = await this.replayer.check(this.question, point, foundBy);
    if (!checked.ok) this.problem = checked.error;
    else this.counterexample = checked.value;
  }

  /** Corners and random points of low-dimensional boxes; the best of them become starts. */
  private async sample(state: BatchState, pool: StartPool): Promise<void> {
    state.rate.fill(0);
    for (let k = 0; k < 2 && !this.over; k++) {
      for (let row = 0; row < state.batch; row++) pool.draw(state.disjunctOf[row], this.random, state.point(row));
      await this.step(state, 1, 'sampling');
      pool.offerAll(state);
    }
  }

  private async descend(state: BatchState, pool: StartPool, round: number): Promise<void> {
    const spread = round > 0 || !pool.isLowDimensional;
    for (let row = 0; row < state.batch; row++) {
      const target = state.point(row);
      const { box } = this.question.disjuncts[state.disjunctOf[row]];
      if (round === 0 && state.repetition[row] === 0) centre(box, target);
      else if (!pool.take(state.disjunctOf[row], state.repetition[row], target)) uniformPoint(box, this.random, target);
    }
    if (spread && !(await this.spread(state))) return;
    state.aim();
    // In low dimension starts are dense: some stay in small basins, and every other round settles into the best ones found.
    const settling = pool.isLowDimensional && round % 2 === 1;
    const { first, shrink } = settling ? SETTLING : ROAMING;
    const steps = settling ? 2 * this.steps : this.steps;
    const scales = pool.isLowDimensional ? 7 : 3;
    for (let t = 1; t <= steps && !this.over; t++) {
      const rate = first * shrink ** ((t - 1) / steps);
      for (let row = 0; row < state.batch; row++) state.rate[row] = rate / (1 << (state.repetition[row] % scales));
      await this.step(state, t, 'pgd');
      if (t === 1 && !this.over && !this.leaks && state.isFlat) {
        this.leaks = true;
        await this.compile({ ...state.sizes, leak: LEAK });
      }
    }
  }

  /** Moves the points of odd repetitions apart by what the network answers on them. False when the search is over. */
  private async spread(state: BatchState): Promise<boolean> {
    state.scatter(this.random, row => state.repetition[row] % 2 === 1);
    for (let t = 1; t <= SPREADING_STEPS && !this.over; t++) await this.step(state, t, 'pgd');
    return !this.over;
  }

  /** One run of the graph: judges the points, replays the best if it may be a counterexample, moves the points on. */
  private async step(state: BatchState, t: number, foundBy: string): Promise<void> {
    if (!this.program) return;
    const result = await this.program.run({ ...state.feeds, ...momentScales(t) });
    if (!result.ok) {
      this.problem = result.error;
      return;
    }
    this.points += state.batch;
    state.advance(result.value);
    let row = -1;
    for (let k = 0; k < state.batch; k++) {
      this.targets.note(state.disjunctOf[k], state.worst[k]);
      if (state.worst[k] < (row < 0 ? Infinity : state.worst[row])) row = k;
    }
    if (row < 0 || state.worst[row] >= this.bestMargin) return;
    this.bestMargin = state.worst[row];
    this.bestPoint.set(state.evaluated(row));
    this.bestIsReplayed = this.bestMargin <= 0;
    this.options.onProgress?.(this.bestMargin);
    if (this.bestIsReplayed) await this.replay(this.bestPoint, foundBy);
  }
}
