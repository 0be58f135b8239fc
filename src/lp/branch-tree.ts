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
  /** A sub-problem is closed when its bound is above this. */
  readonly threshold: number;
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

interface OpenNode {
  readonly sides: readonly Side[];
  /** What is not yet above the threshold, and the certified bound of each. */
  readonly open: readonly { readonly objective: number; readonly bound: number }[];
  /** Least of the bounds. */
  readonly bound: number;
  readonly basis: Basis | null;
  /** Most promising first. */
  readonly candidates: readonly Candidate[];
}

/** What is violated by less than this is not worth a branch: the solver's own tolerance. */
const VIOLATED = 1e-7;
const KEPT_CANDIDATES = 8;
/** Branchings that are tried before one is taken, as long as little is known of them. */
const TRIED = 4;
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
      const root = await this.node([], this.objectives.map(objective => ({ objective, bound: -Infinity })), null, limits); // prettier-ignore
      if (root === 'stopped' || root === 'found') return { kind: root };
      this.started = true;
      if (root !== null) this.stack.push(root);
    }
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
      this.stack.push(...children.sort((a, b) => b.bound - a.bound));
    }
  }

  private stuckReason(): string {
    const which = `${this.stuck} ${this.stuck === 1 ? 'sub-problem is' : 'sub-problems are'} neither proved nor can be branched on`;
    return this.failure === null ? which : `${which}. ${this.failure}`;
  }

  /** Depth first, and now and then the sub-problem with the least bound, where a violation is most likely. */
  private next(): OpenNode {
    const { stack } = this;
    if (this.leaves % 8 !== 7) return stack.pop()!;
    let lowest = stack.length - 1;
    for (let k = lowest - 1; k >= 0; k--) if (stack[k].bound < stack[lowest].bound) lowest = k;
    return stack.splice(lowest, 1)[0];
  }

  /** The open children of a sub-problem, by the branching that promises most. */
  private async branch(node: OpenNode, limits: Limits): Promise<OpenNode[] | 'stopped' | 'found'> {
    const { costs } = this.options;
    const need = this.options.threshold - node.bound;
    const ranked = node.candidates
      .map(candidate => ({ ...candidate, score: costs.score(candidate, need) }))
      .sort((a, b) => b.score - a.score);
    const trials = ranked.filter(({ branching }) => !costs.known(branching)).slice(0, TRIED);
    if (!trials.includes(ranked[0]) || trials.length === 1) return this.children(node, ranked[0], limits);
    let best: OpenNode[] | null = null;
    let most = -Infinity;
    let closing: (() => void)[] = [];
    for (const candidate of trials) {
      const pending: (() => void)[] = [];
      const children = await this.children(node, candidate, limits, pending);
      if (children === 'stopped' || children === 'found') return children;
      const score = (2 - children.length) * need * need + children.reduce((product, child) => product * Math.max(1e-9, child.bound - node.bound), 1); // prettier-ignore
      if (score <= most) continue;
      [best, most, closing] = [children, score, pending];
      if (children.length === 0) break;
    }
    closing.forEach(close => close());
    return best!;
  }

  /** Bounds both sides of a branching. `pending` gets what is to be noted if they are kept; without it, it is noted at once. */
  private async children(
    node: OpenNode,
    candidate: Candidate,
    limits: Limits,
    pending?: (() => void)[],
  ): Promise<OpenNode[] | 'stopped' | 'found'> {
    const children: OpenNode[] = [];
    const notes: (() => void)[] = pending ?? [];
    for (const side of [0, 1] as const) {
      const sides = [...node.sides, { branching: candidate.branching, side }];
      const child = await this.node(sides, node.open, node.basis, limits, notes);
      if (child === 'stopped' || child === 'found') return child;
      const gain = (child === null ? this.options.threshold : child.bound) - node.bound;
      this.options.costs.note(candidate, side, gain);
      if (child !== null) children.push(child);
    }
    if (!pending) notes.forEach(note => note());
    return children;
  }

  /** Bounds one sub-problem; null when nothing of it is left open. */
  private async node(
    sides: readonly Side[],
    parents: OpenNode['open'],
    from: Basis | null,
    limits: Limits,
    notes?: (() => void)[],
  ): Promise<OpenNode | null | 'stopped' | 'found'> {
    const { threshold } = this.options;
    const open: { objective: number; bound: number; outcome: CertifiedOutcome }[] = [];
    let basis = from;
    const closing: (() => void)[] = [];
    let nowhere = false;
    for (const parent of parents) {
      const outcome = await this.solve(parent.objective, sides, basis, limits);
      if (outcome.kind === 'stopped') return 'stopped';
      basis = outcome.basis;
      const { point, multipliers } = outcome;
      const bound = Math.max(parent.bound, outcome.bound);
      if (outcome.bound > threshold) {
        const { objective } = parent;
        closing.push(() => this.close({ objective, sides, multipliers: multipliers!, bound: outcome.bound }));
        if (outcome.bound < Infinity) continue;
        // There is no point for the other objectives either.
        nowhere = true;
        break;
      }
      open.push({ objective: parent.objective, bound, outcome });
      if (point !== null && (await this.options.point?.(point, parent.objective))) return 'found';
    }
    const finish = () => closing.forEach(close => close());
    if (notes) notes.push(finish);
    else finish();
    this.depth = Math.max(this.depth, sides.length);
    if (nowhere || open.length === 0) return null;
    const worst = open.reduce((a, b) => (b.bound < a.bound ? b : a));
    const candidates = this.candidates(sides, worst.outcome);
    if (candidates.length === 0) {
      const stuck = () => {
        this.stuck++;
        for (const { objective, bound } of open) this.settle(objective, bound);
      };
      if (notes) notes.push(stuck);
      else stuck();
      return null;
    }
    return {
      sides,
      open: open.map(({ objective, bound }) => ({ objective, bound })),
      bound: worst.bound,
      basis,
      candidates,
    };
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
    } else if (outcome.kind === 'solved') this.failures = 0;
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
