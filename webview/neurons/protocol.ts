/** What crosses between the extension and the panel of unstable neurons. Numbers per neuron cross as typed arrays. */
import type { BoundMethod, Importance } from '../../src/engine/study-protocols/graft';
import type { Asked, Busy, ProgressMessage, StudyMessage } from '../kit/study';
import type { View } from './arrangement';

export interface ShownRun {
  /** As it is written. */
  readonly epsilon: string;
  readonly perLayer: readonly number[];
  readonly ratio: number;
  readonly statement: string;
  readonly samples: number;
}

export interface ShownNeurons {
  /** Kept by the page, for when the window is reloaded. */
  readonly request: NeuronsRequest;
  readonly model: string;
  readonly specification: string;
  readonly check: string;
  /** Checks that could be meant. */
  readonly checks: readonly string[];
  readonly method: BoundMethod;
  readonly layers: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** By ε, the smallest first. */
  readonly runs: readonly ShownRun[];
  readonly importance: { readonly kind: Importance; readonly samples: string } | null;
  /** The runs were measured otherwise than is asked now, and stay until the first new one comes. */
  readonly stale: boolean;
  /** Null when no study is at work. */
  readonly busy: Busy | null;
  /** What went wrong, in a sentence. */
  readonly problem: string | null;
  readonly canRun: boolean;
}

export type ToNeurons =
  | { readonly type: 'show'; readonly shown: ShownNeurons | null }
  | ProgressMessage
  /** On how many samples each neuron is unstable. */
  | { readonly type: 'counts'; readonly epsilon: string; readonly counts: Float32Array }
  | { readonly type: 'importance'; readonly values: Float32Array }
  | {
      readonly type: 'bounds';
      readonly epsilon: string;
      readonly neuron: number;
      readonly samples: readonly number[];
      readonly lower: Float32Array;
      readonly upper: Float32Array;
    };

export type FromNeurons =
  | StudyMessage
  | { readonly type: 'again' }
  /** Measures another ε as well. */
  | { readonly type: 'addEpsilon'; readonly epsilon: string }
  | { readonly type: 'check'; readonly check: string }
  | { readonly type: 'method'; readonly method: BoundMethod }
  | { readonly type: 'importanceKind'; readonly kind: Importance }
  /** Asks for the bounds of one neuron, an index over all layers. */
  | { readonly type: 'bounds'; readonly epsilon: string; readonly neuron: number }
  | { readonly type: 'graft' };

/** What is measured; enough to measure it again, from what the engine keeps. */
export interface NeuronsRequest extends Asked {
  /** Whose regions are meant; the first of the specification where it is null. */
  readonly check: string | null;
  readonly method: BoundMethod;
  readonly epsilons: readonly string[] | null;
  readonly importance: Importance;
}

/** What survives a reload of the window. */
export interface NeuronsState {
  readonly request: NeuronsRequest | null;
  readonly epsilon: string | null;
  readonly view: View;
  readonly neuron: number | null;
}

export const INITIAL_STATE: NeuronsState = { request: null, epsilon: null, view: 'neurons', neuron: null };
