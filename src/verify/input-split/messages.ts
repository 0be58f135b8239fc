import type { Network } from '../../network/network';
import type { ProofLeaf } from '../../report/verdict';
import type { OpenBox } from './open-box';
import type { SearchCounts } from './queue';
import type { BoxProblem, Candidate } from './search';

/** What a worker is started with. */
export interface WorkerStart {
  readonly network: Network;
  readonly problem: BoxProblem;
  /** Two shared integers: how many threads are out of work, and whether to stop. */
  readonly shared: SharedArrayBuffer;
}

export const HUNGRY = 0;
export const STOP = 1;

export type ToWorker = { readonly kind: 'boxes'; readonly boxes: readonly OpenBox[] };

export type FromWorker =
  | { readonly kind: 'ready' }
  /** Nothing left to do; `counts` are final until more boxes come. `leaves`: those closed since the last time, null when too many. */
  | { readonly kind: 'idle'; readonly counts: SearchCounts; readonly leaves: readonly ProofLeaf[] | null }
  | { readonly kind: 'progress'; readonly counts: SearchCounts }
  | { readonly kind: 'share'; readonly boxes: readonly OpenBox[] }
  | { readonly kind: 'candidate'; readonly candidate: Candidate };
