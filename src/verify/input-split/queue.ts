import { ProofRecord } from '../proof-record';
import type { Candidate, InputSearch } from './search';
import type { OpenBox } from './open-box';

/** What a queue has done so far; sums over queues give the whole search. */
export interface SearchCounts {
  readonly subproblems: number;
  readonly leaves: number;
  readonly depth: number;
  /** Part of the region that closed leaves cover: each counts 2^-depth. */
  readonly closedFraction: number;
  /** Smallest certified bound of a closed leaf. */
  readonly leafBound: number;
  /** Boxes too small to split, and the smallest bound among them. */
  readonly stuck: number;
  readonly stuckBound: number;
  readonly open: number;
  /** Smallest certified bound of an open box. */
  readonly openBound: number;
  readonly bestAttack: number;
}

const LOWEST_EVERY = 4;
/** Above so many open boxes only depth first, which closes them. */
const LOWEST_AMONG = 2048;

/** One thread's part of the search: a stack of open boxes. */
export class SearchQueue {
  private stack: OpenBox[] = [];
  private subproblems = 0;
  private leaves = 0;
  private depth = 0;
  private closedFraction = 0;
  private leafBound = Infinity;
  private stuck = 0;
  private stuckBound = Infinity;
  /** The most promising point since it was last taken. */
  private candidate: Candidate | null = null;

  readonly record = new ProofRecord();

  constructor(private readonly search: InputSearch) {}

  get length(): number {
    return this.stack.length;
  }

  push(boxes: readonly OpenBox[]): void {
    this.stack.push(...boxes);
  }

  /** For the search's `onCandidate`. */
  offer(candidate: Candidate): void {
    if (this.candidate === null || candidate.margin < this.candidate.margin) this.candidate = candidate;
  }

  takeCandidate(): Candidate | null {
    const { candidate } = this;
    this.candidate = null;
    return candidate;
  }

  /** Works until `until` (a `performance.now()` time), until nothing is open, until a point violates in float64, or `interrupted` says so. */
  run(until: number, interrupted: () => boolean): void {
    for (let count = 0; this.stack.length > 0; count++) {
      if ((count & 7) === 7 && (performance.now() >= until || interrupted())) return;
      this.step(this.next());
      if (this.candidate !== null && this.candidate.margin <= 0) return;
    }
  }

  /**
   * Depth first keeps the stack small; now and then the box with the lowest bound, where a counterexample is most likely: depth first alone can
   * spend hours in a hard corner while the violation lies elsewhere. The tree, and so the work of a proof, is the same in any order.
   */
  private next(): OpenBox {
    const { stack } = this;
    if (this.subproblems % LOWEST_EVERY !== 0 || stack.length > LOWEST_AMONG) return stack.pop()!;
    let lowest = stack.length - 1;
    for (let k = lowest - 1; k >= 0; k--) if (stack[k].bound < stack[lowest].bound) lowest = k;
    return stack.splice(lowest, 1)[0];
  }

  private step(box: OpenBox): void {
    this.subproblems++;
    this.depth = Math.max(this.depth, box.depth);
    const outcome = this.search.step(box);
    if (outcome.kind === 'split') {
      this.stack.push(...outcome.children);
      return;
    }
    this.leaves++;
    this.closedFraction += 2 ** -box.depth;
    if (outcome.kind === 'closed') {
      const { method, bound } = outcome;
      this.leafBound = Math.min(this.leafBound, bound);
      this.record.add({ kind: 'box', lower: box.lower, upper: box.upper, disjuncts: box.open, method, bound });
    } else {
      this.stuck++;
      this.stuckBound = Math.min(this.stuckBound, outcome.bound);
    }
  }

  /** Gives away the older half of the stack: the larger boxes. */
  share(): OpenBox[] {
    return this.stack.splice(0, this.stack.length >> 1);
  }

  counts(): SearchCounts {
    let openBound = Infinity;
    for (const box of this.stack) openBound = Math.min(openBound, box.bound);
    return {
      subproblems: this.subproblems,
      leaves: this.leaves,
      depth: this.depth,
      closedFraction: this.closedFraction,
      leafBound: this.leafBound,
      stuck: this.stuck,
      stuckBound: this.stuckBound,
      open: this.stack.length,
      openBound,
      bestAttack: this.search.bestAttack,
    };
  }
}

/** The counts of several queues as one. */
export function addCounts(all: readonly SearchCounts[]): SearchCounts {
  const sum = (of: (counts: SearchCounts) => number) => all.reduce((total, counts) => total + of(counts), 0);
  const min = (of: (counts: SearchCounts) => number) => Math.min(...all.map(of));
  return {
    subproblems: sum(c => c.subproblems),
    leaves: sum(c => c.leaves),
    depth: Math.max(...all.map(c => c.depth)),
    closedFraction: sum(c => c.closedFraction),
    leafBound: min(c => c.leafBound),
    stuck: sum(c => c.stuck),
    stuckBound: min(c => c.stuckBound),
    open: sum(c => c.open),
    openBound: min(c => c.openBound),
    bestAttack: min(c => c.bestAttack),
  };
}
