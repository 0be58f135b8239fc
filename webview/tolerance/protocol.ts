/** What crosses between the extension and the panel of weight tolerances. */
import type {
  LayerTolerance,
  ToleranceMethod,
  WeightToleranceReport,
} from '../../src/engine/study-protocols/weight-tolerance';

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
  /** The specification's address, and the model's where it was chosen: what a reload comes back to. */
  readonly address: string;
  readonly modelAddress: string | null;
  readonly model: string;
  readonly specification: string;
  readonly choice: Choice;
  readonly report: WeightToleranceReport | null;
  readonly busy: Busy | null;
  /** Why nothing could be asked, or what of the choice makes no sense. */
  readonly problem: string | null;
  readonly canRun: boolean;
}

export interface Busy {
  readonly fraction: number | null;
  readonly text: string;
}

export type ToPanel =
  | { readonly type: 'show'; readonly shown: Shown | null }
  | { readonly type: 'progress'; readonly busy: Busy }
  | { readonly type: 'layer'; readonly layer: LayerTolerance };

export type FromPanel =
  | { readonly type: 'ready' }
  | { readonly type: 'run'; readonly choice: Choice }
  | { readonly type: 'stop' }
  | { readonly type: 'openSpecification' }
  /** Asks where to keep the model with the changed weights of a layer, and copies it there. */
  | { readonly type: 'saveModel'; readonly layer: number }
  | { readonly type: 'openModel'; readonly layer: number };

/** What survives a reload of the window. */
export interface PanelState {
  /** The specification's address, and the model's where it was chosen; null before there is one. */
  readonly specification: string | null;
  readonly model: string | null;
  readonly choice: Choice | null;
  /** Number of the layer whose details are shown; null for the first that has any. */
  readonly layer: number | null;
}

export const INITIAL_STATE: PanelState = { specification: null, model: null, choice: null, layer: null };
