import type { Outcome } from '../../graft/kinds';
import type { StudyTypes } from './study-types';
import type { StudySubject } from './subject';

/** What becomes of every sample under a base network and its graft, how samples move between the two, and what a proof about the graft says of the base. */
export type GraftOutcomes = StudyTypes<GraftOutcomesParams, GraftOutcomesPart, GraftOutcomesResult>;

export interface GraftOutcomesParams {
  /** The base network and the samples. */
  readonly subject: StudySubject;
  readonly check?: string;
  /** Path of the grafted model. */
  readonly grafted: string;
  /** Projected gradient descent before the verifier. */
  readonly attack: { readonly steps: number; readonly restarts: number };
  /** Seconds of the verifier for one sample. */
  readonly timeout: number;
  readonly seed: number;
  readonly threads: number;
  /** Bound both networks together, and carry verdicts of the graft back to the base. */
  readonly carry: boolean;
}

export type NetworkRole = 'base' | 'grafted';

export type GraftOutcomesPart =
  | {
      readonly kind: 'outcome';
      readonly network: NetworkRole;
      readonly sample: number;
      readonly outcome: Outcome;
    }
  | { readonly kind: 'carried'; readonly sample: number; readonly verified: boolean };

/** Parts of all samples. */
export interface NetworkAccuracies {
  /** Right. */
  readonly standard: number;
  /** Right and not attacked. */
  readonly robust: number;
  readonly verified: number;
  readonly counts: Readonly<Record<Outcome, number>>;
  /** The unstable neuron ratio, with its denominator: over all samples, and over those that reached branch and bound. */
  readonly unstable: readonly string[];
}

export interface SamplePair {
  readonly sample: number;
  readonly base: Outcome;
  readonly grafted: Outcome;
  /** Verified for the base network by way of the graft; null where that was not tried. */
  readonly carried: boolean | null;
}

export interface TransferCounts {
  readonly tried: number;
  readonly misclassified: number;
  readonly fooled: number;
  readonly withstood: number;
}

export interface ProvenDistance {
  readonly samples: number;
  /** Over those samples: the largest and the mean width of what is proven of graft − base, per output. */
  readonly outputs: readonly {
    readonly widest: number;
    readonly mean: number;
    readonly lower: number;
    readonly upper: number;
  }[];
  /** Per other class, over the samples: mean width of what is proven of the difference of the margins. */
  readonly marginWidth: number;
  readonly carried: number;
  /** Of the carried: not verified by the base network's own verification in the time that graft and pair took, or in its own limit where that is less. */
  readonly missedByBase: number;
  readonly onlyCarried: number;
  readonly secondsPerSample: number;
}

export interface GraftOutcomesResult {
  readonly base: NetworkAccuracies;
  readonly grafted: NetworkAccuracies;
  readonly samples: readonly SamplePair[];
  /** Samples by outcome of the base network, then of the graft. */
  readonly flow: Readonly<Record<Outcome, Readonly<Record<Outcome, number>>>>;
  readonly hypotheses: readonly {
    readonly statement: string;
    readonly contained: number;
    readonly of: number;
  }[];
  /** Adversarial examples of the graft tried on the base, and the other way round. */
  readonly transfer: { readonly toBase: TransferCounts; readonly toGrafted: TransferCounts };
  readonly distance: ProvenDistance | null;
}
