import type { NodeBounds } from '../../bounds/graph/interval';
import { copyOf, widen } from '../../bounds/symbolic/symbolic-region';
import type { Examined, OpenPart, Part } from './examine';

/** The refinement of the region for the labels of one question: its parts, and what holds on all of them. */
export class RefinementTree {
  /** How many parts have been split. */
  refinements = 0;
  /** Worked from its end. */
  private readonly stack: OpenPart[] = [];
  /** Parts on which no relaxed neuron is left that costs anything. */
  private readonly stuck: OpenPart[] = [];
  /** Bounds that hold on every part that was closed and is not empty. */
  private hull: NodeBounds | null = null;
  /** The part that was taken out and has not come back. */
  private working: OpenPart | null = null;
  private begun = false;

  constructor(readonly disjuncts: ReadonlySet<number>) {}

  get isDone(): boolean {
    return this.stack.length === 0;
  }

  /** Parts that are not proved, the one in work among them. */
  get open(): readonly OpenPart[] {
    return [...this.stack, ...this.stuck, ...(this.working ? [this.working] : [])];
  }

  /** Whether anything is known yet. */
  get isBegun(): boolean {
    return this.begun;
  }

  get stuckParts(): readonly OpenPart[] {
    return this.stuck;
  }

  /** Parts that may still be split. */
  get openParts(): readonly OpenPart[] {
    return this.stack;
  }

  /** The part to be split next, taken out; null when there is none. */
  next(): OpenPart | null {
    // One that a failure kept from coming back is still open.
    if (this.working) this.stack.push(this.working);
    return (this.working = this.stack.pop() ?? null);
  }

  /** Takes in what a part that was split, or the region, has become. */
  add(examined: readonly { readonly part: Part; readonly outcome: Examined }[]): void {
    this.begun = true;
    this.working = null;
    const open: OpenPart[] = [];
    for (const { part, outcome } of examined) {
      if (outcome.part?.next) open.push(outcome.part);
      else if (outcome.part) this.stuck.push(outcome.part);
      else if (!outcome.empty) this.cover(part.bounds);
    }
    // The one that looks worse is next: that is where a counterexample is, if there is one.
    this.stack.push(...open.sort((a, b) => leastBound(b) - leastBound(a)));
  }

  /** Bounds that hold on all parts of the tree, and so on the region; null when every part is empty. */
  wholeBounds(): NodeBounds | null {
    for (const { bounds } of this.open) this.cover(bounds);
    return this.hull;
  }

  private cover(bounds: NodeBounds): void {
    if (this.hull) widen(this.hull, bounds);
    else this.hull = copyOf(bounds);
  }
}

/** The smallest certified bound of a part's open disjuncts. */
export function leastBound(part: Part): number {
  return [...part.open.values()].reduce((least, bound) => Math.min(least, bound), Infinity);
}
