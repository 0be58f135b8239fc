import type { SubProblem } from './sub-problem';

/** What has become of one disjunct's sub-problems. */
export class Tally {
  subproblems = 0;
  leaves = 0;
  depth = 0;
  closedFraction = 0;
  /** Smallest certified bound of a leaf. */
  leafBound = Infinity;
  unsplittable = 0;
  unsplittableBound = Infinity;

  closed(bound: number, depth: number): void {
    this.leaves++;
    this.depth = Math.max(this.depth, depth);
    this.leafBound = Math.min(this.leafBound, bound);
    this.closedFraction += 2 ** -depth;
  }

  stuck({ bound, splits }: SubProblem): void {
    this.unsplittable++;
    this.depth = Math.max(this.depth, splits.length);
    this.unsplittableBound = Math.min(this.unsplittableBound, bound);
  }
}
