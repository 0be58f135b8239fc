import type { BoundMethod, Importance } from '../../graft/kinds';
import type { TensorReference } from '../reference';
import type { StudyTypes } from './study-types';
import type { StudySubject } from './subject';

/** How often each neuron is unstable over the regions of a check, at one ε or several, and how much each neuron matters. */
export type UnstableNeurons = StudyTypes<UnstableNeuronsParams, UnstableNeuronsPart, UnstableNeuronsResult>;

export interface UnstableNeuronsParams {
  readonly subject: StudySubject;
  /** The check whose regions are looked at; the first of the specification otherwise. */
  readonly check?: string;
  readonly method: BoundMethod;
  /** As a person writes them (`0.1`, `8/255`), in the units of the specification: measured one after the other. The check's own unless given. */
  readonly epsilons?: readonly string[];
  /** Measured too, when given. */
  readonly importance?: Importance;
}

export interface NeuronLayerInfo {
  /** As the model's file calls it. */
  readonly name: string;
  /** `[channels, height, width]`, or `[units]`. */
  readonly shape: readonly number[];
}

/** One ε. What was measured before on the same regions of the same model is not measured again. */
export interface UnstableRun {
  /** As it is written. */
  readonly epsilon: string;
  readonly samples: readonly number[];
  /** On how many samples each neuron is unstable, layer after layer. */
  readonly counts: TensorReference;
  /** Mean number of unstable neurons of each layer. */
  readonly perLayer: readonly number[];
  /** The unstable neuron ratio, 0..1, and as a sentence with its denominator. */
  readonly ratio: number;
  readonly statement: string;
  /** What every neuron reads lies between these, [samples, neurons], for the first `boundedSamples` samples; rounded to float32, for showing. */
  readonly lower: TensorReference;
  readonly upper: TensorReference;
  readonly boundedSamples: number;
  /** Of measuring it, when it was measured. */
  readonly seconds: number;
}

export interface MeasuredImportance {
  readonly kind: Importance;
  readonly values: TensorReference;
  /** On which samples, as a phrase. */
  readonly samples: string;
}

/** Finished parts, as they come. */
export type UnstableNeuronsPart =
  | { readonly kind: 'layers'; readonly layers: readonly NeuronLayerInfo[] }
  | { readonly kind: 'run'; readonly run: UnstableRun }
  | { readonly kind: 'importance'; readonly importance: MeasuredImportance };

export interface UnstableNeuronsResult {
  /** Path of the model. */
  readonly model: string;
  readonly check: string;
  /** All checks of inputs, by any of which regions could be meant. */
  readonly checks: readonly string[];
  readonly method: BoundMethod;
  readonly layers: readonly NeuronLayerInfo[];
  readonly runs: readonly UnstableRun[];
  readonly importance: MeasuredImportance | null;
}
