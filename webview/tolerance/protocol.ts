/** What crosses between the extension and the panel of weight tolerances. */
import type {
  LayerTolerance,
  ToleranceMethod,
  WeightToleranceReport,
} from '../../src/engine/study-protocols/weight-tolerance';
import type { Asked, Busy, ProgressMessage, StudyMessage } from '../kit/study';

/** What a person may choose. Texts are kept as they were typed, so that a mistake can be put right. */
export interface Choice {
  /** Numbers of layers; null for all. */
  readonly layers: readonly number[] | null;
  readonly methods: readonly ToleranceMethod[];
  /** Magnitudes of the curve; empty for automatic ones. */
  readonly grid: string;
  readonly samples: string;
  /** Seconds for one complete verdict. */
  readonly timeout: string;
}

export const FIRST_CHOICE: Choice = {
  layers: null,
  methods: ['star', 'complete', 'weng-margin', 'weng-range', 'tsai'],
  grid: '',
  samples: '10',
  timeout: '10',
};

/** Everything but the layers' own news. */
export interface Shown {
  /** What a reload comes back to. */
  readonly asked: Asked;
  readonly model: string;
  readonly specification: string;
  readonly choice: Choice;
  readonly report: WeightToleranceReport | null;
  readonly busy: Busy | null;
  /** Why nothing could be asked, or what of the choice makes no sense. */
  readonly problem: string | null;
  readonly canRun: boolean;
}

export type ToPanel =
  | { readonly type: 'show'; readonly shown: Shown | null }
  | ProgressMessage
  | { readonly type: 'layer'; readonly layer: LayerTolerance };

export type FromPanel =
  | StudyMessage
  | { readonly type: 'run'; readonly choice: Choice }
  /** Asks where to keep the model with the changed weights of a layer, and copies it there. */
  | { readonly type: 'saveModel'; readonly layer: number }
  | { readonly type: 'openModel'; readonly layer: number };

/** What survives a reload of the window. */
export interface PanelState {
  /** Null before there is anything. */
  readonly asked: Asked | null;
  readonly choice: Choice | null;
  /** Number of the layer whose details are shown; null for the first that has any. */
  readonly layer: number | null;
}

export const INITIAL_STATE: PanelState = { asked: null, choice: null, layer: null };
