import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Network } from '../../network/network';
import type { SearchCounts } from '../../verify/input-split/queue';
import type { BoxProblem, Candidate } from '../../verify/input-split/search';
import { PointTrier } from '../../verify/milp/points';
import type { Budget } from '../../verify/progress';
import type { ProofEnd, Prover, Standing } from '../../verify/prover';
import { evaluateSet, gradientAt } from '../gradient';
import { preparedGraph } from '../star';
import { hiddenLayer, isHiddenLayer } from './layer';
import { HullSearch, type HullEffort, type HullOutcome, type HullState } from './search';

export interface HullOptions {
  /** Replays a point in ONNX Runtime; true when it is a counterexample. */
  tryCandidate(candidate: Candidate): Promise<boolean>;
  onProgress(): void;
}

/** Search of the whole box, and after a split. */
const ROOT: HullEffort = { steps: 200, part: 0.02, price: 0 };
const SPLIT: HullEffort = { steps: 30, part: 0.01, price: 0.06 };
/** An estimate above this is worth certifying. */
const ENOUGH = 1e-6;
/** Sub-problems between two descents, and the part of the box's width that their steps are. */
const DESCENT_EVERY = 16;
const DESCENT = [0.5, 0.35, 0.25, 0.18, 0.12, 0.08, 0.05, 0.03, 0.02, 0.01];
/** Milliseconds of work between two turns of the event loop. */
const TURN = 20;

interface Open {
  readonly state: HullState;
  /** Estimated. */
  readonly bound: number;
  /** The neuron to split next; null when none is left. */
  readonly next: number | null;
  readonly depth: number;
}

/** Whether the hull is of use: one hidden layer over the box, one constraint a disjunct. */
export function hullSuits(network: Network, { disjuncts }: BoxProblem): boolean {
  return isHiddenLayer(network) && disjuncts.every(rows => rows.length === 1);
}

/**
 * Branch and bound over the neurons of one hidden layer, on the hulls of its ReLUs over the box (`HullSearch`). What follows a perturbed layer reads a box of hundreds of
 * inputs that all vary, and there triangles lose most.
 */
export class HullProver implements Prover {
  private readonly points: PointTrier;
  private readonly searches = new Map<number, HullSearch>();
  private readonly open = new Map<number, Open[]>();
  private readonly bounds: Float64Array;
  private subproblems = 0;
  private leaves = 0;
  private depth = 0;
  private stuck = 0;
  private tried = 0;

  constructor(
    private readonly network: Network,
    private readonly problem: BoxProblem,
    private readonly options: HullOptions,
  ) {
    this.points = new PointTrier(network, problem, options.tryCandidate);
    this.bounds = new Float64Array(problem.disjuncts.length).fill(-Infinity);
  }

  async run(budget: Budget, disjuncts: readonly number[] = [...this.problem.disjuncts.keys()]): Promise<ProofEnd> {
    const over = () => budget.cancelled() || performance.now() >= budget.deadline;
    for (const index of disjuncts) {
      if (this.open.has(index)) continue;
      if (over()) return { kind: 'stopped' };
      if (await this.begin(index)) return { kind: 'falsified' };
    }
    // The one that is nearest to a violation first.
    const left = disjuncts.filter(index => !this.proved(index)).sort((a, b) => this.bounds[a] - this.bounds[b]);
    for (const index of left) {
      let turned = performance.now();
      for (const stack = this.open.get(index)!; stack.length > 0;) {
        if (over()) return { kind: 'stopped' };
        if (performance.now() - turned > TURN) {
          this.options.onProgress();
          await nextTurn();
          turned = performance.now();
        }
        if (await this.split(index, stack)) return { kind: 'falsified' };
        // What these bounds do not settle with all phases taken, others have to.
        if (this.stuck > 0)
          return { kind: 'exhausted', reason: 'A sub-problem has no neuron left to split and is not proved' };
      }
    }
    return { kind: 'verified' };
  }

  counts(): SearchCounts {
    const waiting = [...this.open.values()].flat();
    return {
      subproblems: this.subproblems,
      leaves: this.leaves,
      depth: this.depth,
      closedFraction: 1 - waiting.reduce((sum, { depth }) => sum + 2 ** -depth, 0) / Math.max(1, this.open.size),
      leafBound: Infinity,
      stuck: this.stuck,
      stuckBound: Infinity,
      open: waiting.length,
      openBound: this.bounds.reduce((a, b) => Math.min(a, b), Infinity),
      bestAttack: this.points.best,
    };
  }

  standings(): readonly Standing[] {
    return [...this.bounds].map((bound, index) => ({
      bound,
      proved: this.proved(index),
      subproblems: this.subproblems,
    }));
  }

  preActivations(): null {
    return null;
  }

  proof(): null {
    return null;
  }

  async close(): Promise<void> {
    this.open.clear();
    this.searches.clear();
  }

  private proved(index: number): boolean {
    return this.open.get(index)?.length === 0 && this.stuck === 0;
  }

  /** Bounds the whole box; true when a failure was found. */
  private async begin(index: number): Promise<boolean> {
    const [row] = this.problem.disjuncts[index];
    const search = new HullSearch(hiddenLayer(this.network, this.problem.box, this.problem.constraints[row]));
    this.searches.set(index, search);
    const found = search.improve(search.whole(), ROOT, ENOUGH);
    this.subproblems++;
    const certified = search.certify(found.state);
    this.bounds[index] = Math.max(this.bounds[index], certified);
    this.open.set(index, certified > 0 ? [] : [opened(search, found, 0)]);
    if (certified > 0) this.leaves++;
    return certified > 0 ? false : this.tryPoints(index, search, found);
  }

  /** Splits the sub-problem on top; true when a failure was found. */
  private async split(index: number, stack: Open[]): Promise<boolean> {
    const search = this.searches.get(index)!;
    const { state, next, depth } = stack.pop()!;
    if (next === null) {
      this.stuck++;
      return false;
    }
    const children: Open[] = [];
    this.depth = Math.max(this.depth, depth + 1);
    for (const phase of [1, -1] as const) {
      const child = search.improve(search.with(state, next, phase), SPLIT, ENOUGH);
      this.subproblems++;
      if (child.bound > 0 && search.certify(child.state) > 0) {
        this.leaves++;
        continue;
      }
      children.push(opened(search, child, depth + 1));
      if (await this.tryPoints(index, search, child)) return true;
    }
    // The lower one is taken next: it is where a failure is.
    stack.push(...children.sort((a, b) => b.bound - a.bound));
    return false;
  }

  /** The corner at which a bound is attained; now and then also what a descent from near the relaxation's least point comes to. */
  private async tryPoints(index: number, search: HullSearch, { corner, mean }: HullOutcome): Promise<boolean> {
    if ((await this.points.try(search.pointAt(corner), index)).falsifies) return true;
    if (this.tried++ % DESCENT_EVERY !== 0) return false;
    const set = this.problem.disjuncts[index].map(row => this.problem.constraints[row]);
    const graph = preparedGraph(this.network);
    const { lower, upper } = this.problem.box;
    let x = search.pointAt(mean);
    let best = { x, margin: Infinity };
    for (const part of [...DESCENT, 0]) {
      const { values, margin, worst } = evaluateSet(graph, set, x);
      if (margin < best.margin) best = { x, margin };
      const gradient = gradientAt(graph, values, worst);
      x = best.x.map((v, i) =>
        Math.min(upper[i], Math.max(lower[i], v - Math.sign(gradient[i]) * part * (upper[i] - lower[i]))),
      );
    }
    return (await this.points.try(best.x, index)).falsifies;
  }
}

function opened(search: HullSearch, { state, bound, mean }: HullOutcome, depth: number): Open {
  return { state, bound, next: search.widest(state, mean), depth };
}
