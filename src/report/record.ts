import type { Problem, Range } from '../base/result';
import type { WeightMove } from '../spec/perturbation/weights-claim';
import type { Verdict } from './verdict';

/**
 * One answer with everything a reader of it needs. `T` is how its tensors are held: `Float32Array` inside a process (and for the
 * projections of this folder), `TensorReference` where the record crosses a process boundary.
 */
export interface ResultRecord<T = Float32Array> {
  /** Position in the run's plan: results of one run are told apart by it. */
  readonly index: number;
  /** Name of the check; for a VNN-LIB file its base name. */
  readonly check: string;
  /** Index of the sample in the data; null when the question has none (VNN-LIB). */
  readonly sample: number | null;
  /** Where the check (or property) stands in the specification's text; absent when it has no place of its own. */
  readonly range?: Range;
  /** What is claimed, as a sentence: "for every input within 0.0039 of sample 3, class 7 stays first". */
  readonly claim: string;
  readonly verdict: Verdict<T>;
  /** The unperturbed input in the model's units; absent when the question is a region without a centre (VNN-LIB). */
  readonly original?: T;
  /** The network's own output on `original`, from ONNX Runtime. */
  readonly originalOutput?: T;
  /** The true class, when the data has labels. */
  readonly label?: number;
  /** The class the network answers on `original`. */
  readonly predicted?: number;
  /** One name per output value, when the specification gives them. */
  readonly outputNames?: readonly string[];
  readonly inputShape: readonly number[];
  readonly outputShape: readonly number[];
  readonly epsilon?: Epsilon;
  /** What may happen to the weights of every perturbed layer, where a check perturbs weights. */
  readonly weights?: readonly WeightMove[];
  /** How raw data became the model's input, so that a picture can be drawn in raw units. */
  readonly preprocess?: Preprocess;
  /** Content key: model bytes, external data, the question's meaning, engine version, options that touch soundness. */
  readonly key: string;
  /** True when the verdict was decided by an earlier run and read from the store. */
  readonly cached: boolean;
}

/**
 * The radius of an input perturbation, in both units: one entry when it is the same for every feature, else the distinct values in ascending
 * order, or where there are many of them the smallest and the largest.
 */
export interface Epsilon {
  /** As written, in units of the raw data. */
  readonly raw: readonly number[];
  /** In the model's units, after scale, mean and standard deviation. */
  readonly model: readonly number[];
}

/** x ↦ (x·scale − mean)/std per channel. */
export interface Preprocess {
  readonly scale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly layout: string;
}

/** A whole run: what the projections of this folder are made from. */
export interface RunRecord {
  /** Path of the model, as the user wrote or the specification named it. */
  readonly model: string;
  readonly specification: string;
  /** Version of Certiscope. */
  readonly version: string;
  readonly seconds: number;
  readonly results: readonly ResultRecord[];
  readonly accuracy?: Accuracy;
  /** What is wrong with the files (the run then has no results) and what was noticed in them. */
  readonly problems?: readonly Problem[];
}

/** How often the network answers the label, measured in ONNX Runtime before anything is solved. */
export interface Accuracy {
  readonly correct: number;
  readonly total: number;
  readonly classes: number;
  /** Set when the accuracy is under twice chance: what is probably wrong with the preprocessing. */
  readonly warning?: string;
}
