import type { Cut } from '../../bounds/cut';
import type { NeuronBounds } from '../../bounds/split-bounds';
import type { Network } from '../../network/network';
import type { BoxProblem } from '../input-split/search';
import type { TreeBounds, TreeEffort } from './neuron-trees';
import type { Settled, SubProblem } from './sub-problem';

/** Rows that go through the products together, in every thread. */
export const ROWS = 64;

/** What a worker is started with. */
export interface WorkerStart {
  readonly network: Network;
  readonly problem: BoxProblem;
}

export type ToWorker =
  /** Bounds of all neurons and cuts, which replace the worker's. Not answered. */
  | { readonly kind: 'region'; readonly bounds: Float64Array; readonly cuts: readonly Cut[] }
  /** Bounds of all of a layer's neurons, tighter than before. Not answered. */
  | { readonly kind: 'layer'; readonly layer: number; readonly bounds: NeuronBounds }
  | {
      readonly kind: 'neurons';
      readonly layer: number;
      readonly neurons: readonly number[];
      readonly effort: TreeEffort;
    }
  /** Work on these for so many milliseconds. */
  | { readonly kind: 'expand'; readonly subs: readonly SubProblem[]; readonly milliseconds: number };

/** One answer to each of the last two. */
export type FromWorker =
  { readonly kind: 'neurons'; readonly bounds: TreeBounds } | { readonly kind: 'expanded'; readonly settled: Settled };
