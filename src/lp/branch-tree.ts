import type { CertifiedOutcome, Limits } from './certified-solve';
import type { Basis } from './highs';
import type { PseudoCosts } from './pseudo-costs';
import type { RegionModel, RegionOutcome, Side } from './region-model';

/** A sub-problem that was closed: its objective is certainly above the tree's threshold wherever these sides hold. */
export interface ClosedLeaf {
  readonly objective: number;
  readonly sides: readonly Side[];
  /** Row multipliers of the program with these sides that prove the bound: dual, or a Farkas ray where the bound is Infinity. */
  readonly multipliers: Float64Array;
  readonly bound: number;
}

export interface TreeOptions {
  /** A sub-problem is closed when its bound is above this. It may change as the tree grows; every bound stays what it is. */
  readonly threshold: number;
  /** `depth` closes what it opens, and looks at the least bound now and then; `bound` always, so that the bound of the whole rises steadily. */
  readonly order: 'depth' | 'bound';
  /** Shared by trees over the same region: what one learned about the branchings serves the next. */
  readonly costs: PseudoCosts;
  /** Sees every leaf as it is closed; one whose bound is Infinity stands for all objectives. */
  closed?(leaf: ClosedLeaf): void;
  /** Sees the point at which a relaxation is least; true ends the search. */
  point?(point: Float64Array, objective: number): Promise<boolean>;
}

/** How a run of the tree ended. */
export type TreeEnd =
  /** Every sub-problem is closed. */
  | { readonly kind: 'closed' }
  /** `point` ended it. */
  | { readonly kind: 'found' }
  /** The limits ended it; it may be run again. */
  | { readonly kind: 'stopped' }
  /** Sub-problems are left that cannot be branched on, or the solver fails. */
  | { readonly kind: 'exhausted'; readonly reason: string };

interface Candidate {
  readonly branching: number;
  readonly violation: number;
  /** First guess at what a side may gain: the hull's multiplier times the violation. */
  readonly guess: number;
}

/** An objective that is not above the threshold on a sub-problem. */
interface OpenObjective {
  readonly objective: number;
  /** Certified. */
  readonly bound: number;
  readonly basis: Basis | null;
}

interface OpenNode {
  readonly sides: readonly Side[];
  /** The one with the least bound first. */
  readonly open: readonly OpenObjective[];
  /** For the first of them, most promising first. */
  readonly candidates: readonly Candidate[];
}

type Interruption = 'stopped' | 'found';

/** What is violated by less than this is not worth a branch: the solver's own tolerance. */
const VIOLATED = 1e-7;
const KEPT_CANDIDATES = 8;
/** Branchings that are tried before one is taken, as long as little is known of them. */
const TRIED = 4;
/** Gains count as at least this, so that a product of two does not vanish. */
export const SMALLEST_GAIN = 1e-9;
const LOWEST_EVERY = 8;
/** Answers of the solver without use, one after the other, after which it is given up. */
const PATIENCE = 20;

/**
 * Branch and bound over the branchings of a region's program: the least value of one objective, or of each of several, is proved to be above a threshold leaf by leaf,
 * every leaf by a certified linear program. Which branching, which order and which basis are the solver's proposals; none can make the result
 * wrong. The bound holds at any time.
 */
export class BranchTree {
  private stack: OpenNode[] = [];
  /** The sub-problem that is being branched on. */
  private current: OpenNode | null = null;
  private started = false;
  private failures = 0;
  private failure: string | null = null;
  /** Per objective, the least bound of what is closed or cannot be branched on. */
  private readonly settled = new Map<number, number>();
  /** Sub-problems that have no branching left, and are not proved. */
  stuck = 0;
  /** Linear programs solved. */
  solved = 0;
  leaves = 0;
  depth = 0;
  /** Part of the tree that is closed: a leaf counts 2^−depth. */
  closedFraction = 0;

  constructor(
    private readonly region: RegionModel,
    readonly objectives: readonly number[],
    private readonly options: TreeOptions,
  ) {}

  /** Sub-problems that wait. */
  get open(): number {
    return this.stack.length;
  }

  /** Certified: the objective is nowhere on the region below this. At any time. */
  bound(objective: number): number {
    if (!this.started) return -Infinity;
    let least = this.settled.get(objective) ?? Infinity;
    for (const node of this.current === null ? this.stack : [...this.stack, this.current])
      for (const part of node.open) if (part.objective === objective) least = Math.min(least, part.bound);
    return least;
  }

  async run(limits: Limits, mostSolved = Infinity): Promise<TreeEnd> {
    if (!this.started) {
      const parts = this.objectives.map(objective => ({ objective, bound: -Infinity, basis: null }));
      const closing: (() => void)[] = [];
      const root = await this.node([], parts, limits, closing);
      if (root === 'stopped' || root === 'found') return { kind: root };
      this.started = true;
      for (const close of closing) close();
      if (root !== null) this.stack.push(root);
    }
    // A run that failed in the middle of a sub-problem has left it open.
    if (this.current !== null) this.stack.push(this.current);
    this.current = null;
    for (;;) {
      if (this.stack.length === 0)
        return this.stuck === 0 ? { kind: 'closed' } : { kind: 'exhausted', reason: this.stuckReason() };
      if (this.failures > PATIENCE) return { kind: 'exhausted', reason: this.failure! };
      if (limits.cancelled() || performance.now() >= limits.deadline || this.solved >= mostSolved)
        return { kind: 'stopped' };
      const node = this.next();
      this.current = node;
      const children = await this.branch(node, limits);
      this.current = null;
      if (children === 'stopped' || children === 'found') {
        this.stack.push(node);
        return { kind: children };
      }
      // The lower one last, to be taken next, from a basis that is nearly its own.
      this.stack.push(...children.sort((a, b) => b.open[0].bound - a.open[0].bound));
    }
  }

  private stuckReason(): string {
    const which = `${this.stuck} ${this.stuck === 1 ? 'sub-problem is' : 'sub-problems are'} neither proved nor can be branched on`;
    return this.failure === null ? which : `${which}. ${this.failure}`;
  }

  /** The sub-problem to go on with; where the bound is least, a violation is most likely. */
  private next(): OpenNode {
    const { stack } = this;
    if (this.options.order === 'depth' && this.leaves % LOWEST_EVERY !== 0) return stack.pop()!;
    let lowest = stack.length - 1;
    for (let k = lowest - 1; k >= 0; k--) if (stack[k].open[0].bound < stack[lowest].open[0].bound) lowest = k;
    return stack.splice(lowest, 1)[0];
  }

  /** The open children of a sub-problem, by the branching that promises most for its least objective. */
  private async branch(node: OpenNode, limits: Limits): Promise<OpenNode[] | Interruption> {
    const chosen = await this.choose(node, limits);
    if (typeof chosen === 'string') return chosen;
    const { candidate, outcomes } = chosen;
    const children: OpenNode[] = [];
    const closing: (() => void)[] = [];
    for (const side of [0, 1] as const) {
      const sides = [...node.sides, { branching: candidate.branching, side }];
      const child = await this.node(sides, node.open, limits, closing, outcomes?.[side]);
      if (child === 'stopped' || child === 'found') return child;
      if (outcomes === null) this.learn(node, candidate, side, child?.open[0].bound ?? Infinity);
      if (child !== null) children.push(child);
    }
    for (const close of closing) close();
    return children;
  }

  /** The branching to take; where little is known of those that promise most, they are tried, and what was solved for that is kept. */
  private async choose(
    node: OpenNode,
    limits: Limits,
  ): Promise<{ candidate: Candidate; outcomes: readonly RegionOutcome[] | null } | Interruption> {
    const { costs, threshold } = this.options;
    const [{ objective, bound, basis }] = node.open;
    const need = threshold - bound;
    const ranked = node.candidates
      .map(candidate => ({ candidate, score: costs.score(candidate, need) }))
      .sort((a, b) => b.score - a.score)
      .map(({ candidate }) => candidate);
    const trials = ranked.filter(({ branching }) => !costs.known(branching)).slice(0, TRIED);
    if (trials.length < 2 || trials[0] !== ranked[0]) return { candidate: ranked[0], outcomes: null };
    let best: { candidate: Candidate; outcomes: RegionOutcome[] } | null = null;
    let most = -Infinity;
    for (const candidate of trials) {
      const outcomes: RegionOutcome[] = [];
      let score = 1;
      for (const side of [0, 1] as const) {
        const outcome = await this.solve(
          objective,
          [...node.sides, { branching: candidate.branching, side }],
          basis,
          limits,
        );
        if (outcome.kind === 'stopped') return 'stopped';
        outcomes.push(outcome);
        this.learn(node, candidate, side, outcome.bound);
        score *= Math.max(SMALLEST_GAIN, Math.min(need, outcome.bound - bound));
      }
      if (score <= most) continue;
      best = { candidate, outcomes };
      most = score;
      if (outcomes.every(outcome => outcome.bound > threshold)) break;
    }
    return best!;
  }

  private learn({ open: [{ bound }] }: OpenNode, candidate: Candidate, side: 0 | 1, now: number): void {
    this.options.costs.note(candidate, side, Math.min(now, this.options.threshold) - bound);
  }

  /**
   * Bounds one sub-problem; null when nothing of it is left open. `known`: the outcome for its first objective, where that was solved already.
   * `closing` gets what there is to note once the sub-problem takes the place of its parent.
   */
  private async node(
    sides: readonly Side[],
    parents: readonly OpenObjective[],
    limits: Limits,
    closing: (() => void)[],
    known?: RegionOutcome,
  ): Promise<OpenNode | null | Interruption> {
    const open: { part: OpenObjective; outcome: CertifiedOutcome }[] = [];
    this.depth = Math.max(this.depth, sides.length);
    for (const [index, { objective, bound, basis }] of parents.entries()) {
      const outcome = index === 0 && known ? known : await this.solve(objective, sides, basis, limits);
      if (outcome.kind === 'stopped') return 'stopped';
      if (outcome.bound > this.options.threshold) {
        closing.push(() => this.close({ objective, sides, multipliers: outcome.multipliers!, bound: outcome.bound }));
        // Where there is no point, there is none for the other objectives either.
        if (outcome.bound === Infinity) return null;
        continue;
      }
      open.push({ part: { objective, bound: Math.max(bound, outcome.bound), basis: outcome.basis }, outcome });
      if (outcome.point !== null && (await this.options.point?.(outcome.point, objective))) return 'found';
    }
    open.sort((a, b) => a.part.bound - b.part.bound);
    for (;;) {
      const first = open[0];
      if (!first) return null;
      const candidates = this.candidates(sides, first.outcome);
      if (candidates.length > 0) return { sides, open: open.map(({ part }) => part), candidates };
      open.shift();
      closing.push(() => {
        this.stuck++;
        this.settle(first.part.objective, first.part.bound);
      });
    }
  }

  private async solve(
    objective: number,
    sides: readonly Side[],
    from: Basis | null,
    limits: Limits,
  ): Promise<RegionOutcome> {
    const outcome = await this.region.solve(objective, sides, from, limits);
    this.solved++;
    if (outcome.kind === 'failed') {
      this.failures++;
      this.failure = outcome.reason;
    } else if (outcome.kind === 'solved') {
      this.failures = 0;
      this.failure = outcome.reason ?? this.failure;
    }
    return outcome;
  }

  private close(leaf: ClosedLeaf): void {
    this.leaves++;
    this.settle(leaf.objective, leaf.bound);
    this.closedFraction += 2 ** -leaf.sides.length / this.objectives.length;
    this.options.closed?.(leaf);
  }

  private settle(objective: number, bound: number): void {
    this.settled.set(objective, Math.min(bound, this.settled.get(objective) ?? Infinity));
  }

  /** What may be branched on: what the relaxation's point violates, or, without a point, anything. */
  private candidates(sides: readonly Side[], { point, multipliers }: CertifiedOutcome): Candidate[] {
    const taken = new Set(sides.map(side => side.branching));
    const found: Candidate[] = [];
    this.region.written.branchings.forEach(({ hull, violation }, branching) => {
      if (taken.has(branching)) return;
      const amount = point === null ? 1 : violation(point);
      if (!(amount > VIOLATED)) return;
      const price = hull.reduce((sum, row) => sum + Math.abs(multipliers?.[row] ?? 0), 0);
      found.push({ branching, violation: amount, guess: price * amount });
    });
    return found.sort((a, b) => b.guess - a.guess || b.violation - a.violation).slice(0, KEPT_CANDIDATES);
  }
}
