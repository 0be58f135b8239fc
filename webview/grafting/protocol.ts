/** What crosses between the extension and the panel of masks and grafted models. Numbers per neuron cross as typed arrays. */
import type {
  BoundMethod,
  GraftEpoch,
  GraftTraining,
  Importance,
  MaskSource,
} from '../../src/engine/study-protocols/graft';
import type { GraftOutcomesResult } from '../../src/engine/study-protocols/graft-outcomes';
import type { Asked, Busy, ProgressMessage, StudyMessage } from '../kit/study';

export type ScoredMask = Extract<MaskSource, { from: 'scores' }>;

export interface GraftRequest extends Asked {
  /** Whose regions are meant; the first of the specification where it is null. */
  readonly check: string | null;
  readonly method: BoundMethod;
  /** Of the regions on which instability is counted; the check's own where it is null. */
  readonly epsilon: string | null;
  readonly importance: Importance;
}

export interface ShownTraining {
  readonly state: 'running' | 'ended';
  /** Linear neurons of every layer, once the mask is there. */
  readonly mask: string;
  /** What is trained on. */
  readonly data: string;
  readonly epochs: number;
  readonly history: readonly GraftEpoch[];
  /** How it ended, in a sentence. */
  readonly message: string;
  readonly problems: readonly string[];
  /** There is a grafted model to save. */
  readonly model: boolean;
}

export interface ShownGraft {
  /** Kept by the page, for when the window is reloaded. */
  readonly request: GraftRequest;
  readonly model: string;
  readonly specification: string;
  readonly check: string;
  /** Of the regions on which instability is counted. */
  readonly epsilon: string;
  readonly layers: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly samples: number;
  /** How significance was measured, and on what. */
  readonly importance: Importance | null;
  readonly importanceOf: string;
  readonly training: ShownTraining | null;
  readonly outcomes: GraftOutcomesResult | null;
  readonly busy: Busy | null;
  readonly problem: string | null;
  readonly canRun: boolean;
}

export type ToGrafting =
  | { readonly type: 'show'; readonly shown: ShownGraft | null }
  | ProgressMessage
  | { readonly type: 'scores'; readonly instability: Float32Array; readonly significance: Float32Array };

export type FromGrafting =
  | StudyMessage
  | { readonly type: 'again' }
  | { readonly type: 'importance'; readonly kind: Importance }
  | { readonly type: 'train'; readonly mask: ScoredMask; readonly training: GraftTraining; readonly fresh: boolean }
  | { readonly type: 'save' }
  | { readonly type: 'compare'; readonly timeout: number; readonly restarts: number };

/** What survives a reload of the window: where the person was. */
export interface GraftingState {
  readonly request: GraftRequest | null;
  readonly mask: ScoredMask;
  readonly training: GraftTraining;
  readonly timeout: number;
}
