import type { ProofLeaf } from '../report/verdict';
import type { SearchCounts } from './input-split/queue';
import type { Budget } from './progress';

/** How the work of a prover on one box problem ended, for now or for good. */
export type ProofEnd =
  /** No point of the region violates: every leaf is closed. */
  | { readonly kind: 'verified' }
  /** A point was replayed and accepted. */
  | { readonly kind: 'falsified' }
  /** The budget is spent; the prover may be run again. */
  | { readonly kind: 'stopped' }
  /** The prover can do no more, and has not decided. */
  | { readonly kind: 'exhausted'; readonly reason: string };

/** A method that proves one box problem, in as many runs as it is given. */
export interface Prover {
  run(budget: Budget): Promise<ProofEnd>;
  counts(): SearchCounts;
  /** After `verified`: the leaves of the proof; null when they were too many to keep. */
  proof(): readonly ProofLeaf[] | null;
  close(): Promise<void>;
}
