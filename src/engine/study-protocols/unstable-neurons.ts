import type { TensorReference } from '../protocol';
import type { StudyTypes } from './kinds';
import type { StudySubject } from './subject';

/** How often each neuron is unstable over the regions of a check. */
export type UnstableNeurons = StudyTypes<UnstableNeuronsParams, UnstableNeuronsPart, UnstableNeuronsResult>;

export interface UnstableNeuronsParams {
  readonly subject: StudySubject;
  /** The check whose regions are looked at; the first of the specification otherwise. */
  readonly check?: string;
  /** Where the bounds come from. */
  readonly method: 'intervals' | 'crown' | 'alpha-crown';
}

/** A finished region. */
export interface UnstableNeuronsPart {
  readonly sample: number;
  readonly unstable: number;
}

export interface UnstableNeuronsResult {
  readonly layers: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly samples: number;
  /** On how many samples each neuron is unstable, layer after layer. */
  readonly counts: TensorReference;
  /** The unstable neuron ratio as a sentence, with its denominator. */
  readonly statement: string;
}
