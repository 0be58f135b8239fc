import type { BoundMethod, Importance, Ranking } from '../../graft/kinds';
export { BOUND_METHODS, IMPORTANCES, OUTCOMES, RANKINGS } from '../../graft/kinds';
export type { BoundMethod, Importance, Outcome, Ranking } from '../../graft/kinds';
import type { StudyTypes } from './study-types';
import type { StudySubject } from './subject';

/** A grafted model: a mask, then the training of what is linear now. */
export type Graft = StudyTypes<GraftParams, GraftPart, GraftResult>;

/** Which neurons become linear. */
export type MaskSource =
  | {
      readonly from: 'scores';
      readonly method: BoundMethod;
      /** Of the regions on which instability is counted; the check's own unless given. */
      readonly epsilon?: string;
      readonly importance: Importance;
      readonly instabilityRanking: Ranking;
      readonly significanceRanking: Ranking;
      /** γ of every stage; `infinity`: by instability alone. */
      readonly schedule: readonly (number | 'infinity')[];
      /** Part of the neurons, 0..1. */
      readonly ratio: number;
      readonly scope: 'global' | 'layer';
    }
  /** A NumPy archive with one array of 0 and 1 a layer. */
  | { readonly from: 'file'; readonly path: string };

/** Rates fall along half a cosine. */
export interface GraftTraining {
  readonly epochs: number;
  readonly batch: number;
  /** Of weights and biases; null: they stay as they are. */
  readonly weightRate: number | null;
  readonly weightDecay: number;
  /** Of slopes and intercepts. */
  readonly lineRate: number;
  /** One signed step from a random start, with gradient alignment; false: on the samples as they are. */
  readonly adversarial: boolean;
  /** λ of gradient alignment. */
  readonly alignment: number;
  /** Ends after so many epochs without a better score on the held-out samples; null: never. */
  readonly patience: number | null;
  /** Samples of the data that are trained on, at most. */
  readonly samples: number;
  readonly seed: number;
  readonly threads: number;
}

export interface GraftParams {
  readonly subject: StudySubject;
  /** The check that training and mask are about; the first of the specification otherwise. */
  readonly check?: string;
  readonly mask: MaskSource;
  readonly training: GraftTraining;
  /** Begin anew, also where the same training was interrupted before. */
  readonly fresh?: boolean;
}

export interface GraftEpoch {
  /** From 1. */
  readonly epoch: number;
  readonly meanLoss: number;
  /** Part of the held-out samples that are right (under attack, when training is adversarial); null without any. */
  readonly score: number | null;
  readonly seconds: number;
}

/** The mask in words and numbers. */
export interface GraftMask {
  /** Where it is kept. */
  readonly file: string;
  readonly layers: readonly { readonly name: string; readonly size: number; readonly grafted: number }[];
}

export type GraftPart =
  | { readonly kind: 'mask'; readonly mask: GraftMask }
  /** What is trained on and held out, and where a resumed training goes on. */
  | { readonly kind: 'data'; readonly statement: string; readonly history: readonly GraftEpoch[] }
  | { readonly kind: 'epoch'; readonly epoch: GraftEpoch }
  /** Something that went wrong without ending the training: a checkpoint that could not be written. */
  | { readonly kind: 'problem'; readonly message: string };

export interface GraftResult {
  /** The grafted model, a plain ONNX file. */
  readonly model: string;
  readonly mask: GraftMask;
  readonly end: 'finished' | 'stopped-early' | 'cancelled' | 'diverged';
  /** What happened, in a sentence. */
  readonly message: string;
  /** What was trained on. */
  readonly data: string;
  readonly history: readonly GraftEpoch[];
}

/** The mask of the paper: half of all neurons, γ = 2, 1.5, 1, 0 in equal stages, instability as counted; importance by SAP, which comes closest to the released mask (Chen et al. 2022; Brandis 2023). */
export const DEFAULT_MASK_SOURCE: Extract<MaskSource, { from: 'scores' }> = {
  from: 'scores',
  method: 'crown',
  importance: 'sap',
  instabilityRanking: 'none',
  significanceRanking: 'min',
  schedule: [2, 1.5, 1, 0],
  ratio: 0.5,
  scope: 'global',
};

/** Rates and decay of the paper; few epochs, which a small network needs. */
export const DEFAULT_GRAFT_TRAINING: GraftTraining = {
  epochs: 5,
  batch: 128,
  weightRate: 1e-3,
  weightDecay: 5e-4,
  lineRate: 0.01,
  adversarial: true,
  alignment: 0.2,
  patience: null,
  samples: 10_000,
  seed: 1,
  threads: 0,
};
