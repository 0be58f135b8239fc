/** Splits in the tree of every neuron, pass by pass; without a tree neurons get slopes of their own. */
const PASSES: readonly number[] = [0, 64, 256, 1024];
/** What a pass is expected to take: the first so many times the whole region's first bounds; each one with trees, but the first of these, so many times the one before it. */
const FIRST_COST = 4;
const GROWTH = 4;
/** A pass of trees that brings the worst bound closer to 0 by less than this part is the last. */
const WORTHWHILE = 0.03;
/** Splitting goes on while it looks as if it ended within so many times the cost of the next pass, after which there is splitting to do again. */
const PATIENCE = 1;

interface Mark {
  /** Milliseconds of splitting. */
  readonly time: number;
  readonly closed: number;
}

const START: Mark = { time: 0, closed: 0 };

/**
 * When the inner neurons of a region are worth another pass, and when the question itself is worth splitting: whichever is expected to be done sooner. A
 * pass makes trees smaller by orders of magnitude, but a small tree is done before it.
 */
export class RefinementPlan {
  private next = 0;
  private cost: number;
  private branched = 0;
  /** Where splitting stood at two earlier moments, each half of what follows it. */
  private marks: readonly [Mark, Mark] = [START, START];

  /** `first`: milliseconds that the first bounds of the region took; `treeCost`: what the first pass with trees takes, in passes with slopes alone; null where neurons have no trees. */
  constructor(
    first: number,
    private readonly treeCost: number | null,
  ) {
    this.cost = FIRST_COST * first;
  }

  /** Splits of the next pass; null when there is none. */
  get splits(): number | null {
    if (this.next >= PASSES.length || (PASSES[this.next] > 0 && this.treeCost === null)) return null;
    return PASSES[this.next];
  }

  /** After a pass: what it took, and the worst bound among the open disjuncts before and after. */
  passed(milliseconds: number, before: number, after: number): void {
    const wasTree = PASSES[this.next] > 0;
    this.cost = (wasTree ? GROWTH : (this.treeCost ?? 1)) * milliseconds;
    this.regrown();
    this.next++;
    if (wasTree && !(after > before * (1 - WORTHWHILE))) this.next = PASSES.length;
  }

  /** A tree is grown anew: what was closed before tells nothing of its pace. */
  regrown(): void {
    this.marks = [START, START];
    this.branched = 0;
  }

  /** Notes time spent on splitting, and which part of the region is closed. */
  spent(milliseconds: number, closedFraction: number): void {
    this.branched += milliseconds;
    const [, last] = this.marks;
    if (this.branched >= 2 * last.time + 1) this.marks = [last, { time: this.branched, closed: closedFraction }];
  }

  /** Whether to go on splitting. */
  goOn(closedFraction: number): boolean {
    if (this.splits === null || this.branched < 0.1 * this.cost) return true;
    // What is left at the pace of late: large parts are closed first, so that all of the time would promise too much.
    const [since] = this.marks;
    const pace = (closedFraction - since.closed) / (this.branched - since.time);
    return (1 - closedFraction) / pace < PATIENCE * this.cost;
  }
}
