import type { ProofLeaf } from '../report/verdict';
import type { SearchCounts } from './input-split/queue';
import type { Budget } from './progress';

/** How the work of a prover on one box problem ended, for now or for good. */
export type ProofEnd =
  /** No point of the region violates: every leaf (of the disjuncts asked for) is closed. */
  | { readonly kind: 'verified' }
  /** A point was replayed and accepted. */
  | { readonly kind: 'falsified' }
  /** The budget is spent; the prover may be run again. */
  | { readonly kind: 'stopped' }
  /** The prover can do no more, and has not decided. */
  | { readonly kind: 'exhausted'; readonly reason: string };

/** What a prover knows of one disjunct of its problem. */
export interface Standing {
  /** Certified lower bound of the disjunct's margin over the whole region (over what is closed and what is open); −∞ before the first. */
  readonly bound: number;
  readonly proved: boolean;
  /** Sub-problems that were bounded for it; where one was bounded for several disjuncts, each counts it. */
  readonly subproblems: number;
}

/** Bounds of what an activation node reads, over the whole region. */
export interface PreActivationBounds {
  /** Name of the activation node. */
  readonly node: string;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/** A method that proves one box problem, in as many runs as it is given. What one run learned serves the next. */
export interface Prover {
  /**
   * Works on the given disjuncts of the problem, or on all; the answer is about these. A prover that bounds all disjuncts together anyway may
   * work on more than was asked.
   */
  run(budget: Budget, disjuncts?: readonly number[]): Promise<ProofEnd>;
  counts(): SearchCounts;
  /** Per disjunct of the problem. */
  standings(): readonly Standing[];
  /** The tightest bounds of every activation's inputs over the whole region; null before there are any. */
  preActivations(): readonly PreActivationBounds[] | null;
  /** After `verified`: the leaves of the proof; null when they were too many to keep. */
  proof(): readonly ProofLeaf[] | null;
  close(): Promise<void>;
}
