import type { TensorReference } from '../reference';
import type { StudyTypes } from './study-types';
import type { StudySubject } from './subject';

/** The smallest change of a model's weights that puts given inputs right. */
export type PatchModel = StudyTypes<PatchModelParams, PatchModelPart, PatchModelResult>;

export const PATCH_MEASURES = ['inf', 'one', 'count'] as const;

export interface PatchModelParams {
  readonly subject: StudySubject;
  /** Inputs that are to get another answer; the selected samples that the network takes for something else than their label unless given. */
  readonly inputs?: readonly WrongInput[];
  /** `each`: every layer by itself, to compare them; `in turn`: one on top of the other, from the last to the first unless `layers` says otherwise. */
  readonly mode: 'each' | 'in turn';
  /** Only these layers; all unless given. */
  readonly layers?: readonly string[];
  /** What is to be small: the largest change of a weight, the sum, or the number of changed weights; `inf` unless given. */
  readonly measure?: 'inf' | 'one' | 'count';
  /** Phases of the activations behind the layer: kept, or any; `fixed` unless given. */
  readonly phases?: 'fixed' | 'free';
  /** Lets each neuron only move the way that helps. */
  readonly marking?: boolean;
  /** By how much the wanted class is to win, in units of the outputs; 0.001 unless given. */
  readonly margin?: number;
  /** So many samples that are right before are to stay right; 0 unless given. */
  readonly keep?: number;
  /** Seconds for each layer; 60 unless given. */
  readonly seconds?: number;
  /** Folder for patched models; one of its own in the engine's store unless given. */
  readonly folder?: string;
}

export interface WrongInput {
  /** E.g. `sample 3` or `counterexample of sample 3`. */
  readonly title: string;
  /** In the model's units. */
  readonly input: TensorReference;
  readonly wanted: number;
}

export type PatchModelPart = PatchBegun | LayerPatch;

export interface PatchBegun {
  readonly kind: 'run';
  readonly specification: string;
  readonly model: string;
  readonly folder: string;
  /** The layers that can be patched, in the model's order. */
  readonly layers: readonly string[];
  readonly mode: PatchModelParams['mode'];
  readonly measure: 'inf' | 'one' | 'count';
  readonly inputs: readonly { readonly title: string; readonly before: number; readonly wanted: number }[];
  /** How many samples are to stay as they are. */
  readonly kept: number;
  /** Before any patch; null without labels. */
  readonly accuracy: Correct | null;
  readonly classes: readonly string[] | null;
}

export interface Correct {
  readonly correct: number;
  readonly total: number;
}

/** What became of one layer, or of several in turn. */
export interface LayerPatch {
  readonly kind: 'layer';
  /** The layer, or all that were changed in turn, joined by `, `. */
  readonly layer: string;
  readonly outcome: 'patched' | 'infeasible' | 'undecided';
  /** One sentence or two: what holds of it, and how far. */
  readonly statement: string;
  /** Of the change in the file; null without a patch. */
  readonly sizes: Readonly<Record<(typeof PATCH_MEASURES)[number], number>> | null;
  /** No smaller patch within the scope; null without a patch. */
  readonly lowerBound: number | null;
  readonly isCertified: boolean;
  /** ONNX Runtime answers as wanted on all inputs, on the patched file. */
  readonly holds: boolean;
  /** What ONNX Runtime answers on each input, on the patched file; empty without a patch. */
  readonly answers: readonly number[];
  readonly accuracy: Correct | null;
  readonly changes: readonly ChangedWeight[];
  /** Changed weights in all. */
  readonly changed: number;
  /** The patched model; null without a patch. */
  readonly file: string | null;
  readonly seconds: number;
}

export interface ChangedWeight {
  readonly layer: string;
  /** Which output of the layer, and which of its inputs. */
  readonly output: number;
  readonly input: number;
  readonly before: number;
  readonly after: number;
}

export interface PatchModelResult {
  readonly folder: string;
  /** The smallest patch that holds; null: there is none. */
  readonly best: string | null;
  readonly statement: string;
}
