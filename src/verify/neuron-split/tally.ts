import type { ProofLeaf } from '../../report/verdict';
import { ProofRecord } from '../proof-record';
import type { SubProblem } from './sub-problem';

/** What has become of one disjunct. */
export class Tally {
  /** Sub-problems bounded, in all trees. */
  subproblems = 0;
  depth = 0;
  /** Certified bound of the disjunct over the whole region, and the constraint that has it. */
  whole = -Infinity;
  row = 0;

  /** Of the tree that is grown now: leaves, the part of the region that they cover, and the smallest certified bound among them. */
  leaves = 0;
  /** Sub-problems bounded in it. */
  grown = 0;
  closedFraction = 0;
  leafBound = Infinity;
  /** Sub-problems with no neuron left to split. */
  unsplittable = 0;
  unsplittableBound = Infinity;
  record = new ProofRecord();

  /** Closes a part of the tree; `leaf` is null when what proves it is not kept. */
  close(bound: number, depth: number, leaf: (() => ProofLeaf) | null): void {
    this.leaves++;
    this.depth = Math.max(this.depth, depth);
    this.leafBound = Math.min(this.leafBound, bound);
    this.closedFraction += 2 ** -depth;
    if (leaf === null) this.record.addAll(null);
    else if (this.record.complete) this.record.add(leaf());
  }

  /** Another sub-problem was bounded. */
  count(): void {
    this.subproblems++;
    this.grown++;
  }

  stuck({ bound, splits }: SubProblem): void {
    this.unsplittable++;
    this.depth = Math.max(this.depth, splits.length);
    this.unsplittableBound = Math.min(this.unsplittableBound, bound);
  }

  /** The tree is given up for one over tighter bounds. */
  restart(): void {
    this.leaves = 0;
    this.grown = 0;
    this.closedFraction = 0;
    this.leafBound = Infinity;
    this.unsplittable = 0;
    this.unsplittableBound = Infinity;
    this.record = new ProofRecord();
  }
}
