/**
 * What crosses the door of the quick lane: a small process of its own beside the engine, so that an answer while typing never waits behind a run. It bounds whole
 * regions and tries short attacks; it splits nothing, keeps nothing on the disk and writes no verdicts.
 *
 * A newer request ends an older one of its kind; that one answers with `superseded`.
 */
import { RequestType } from 'vscode-jsonrpc';
import type { Epsilon, Preprocess } from '../../report/record';
import type { QuickMethod } from '../../verify/tuning/quick-method';
import type { FileState } from '../../base/file-state';
import type { Answer, TensorReference } from '../protocol';

/** One check of a perturbation specification on one sample. */
export interface QuickSubject {
  readonly specification: { readonly path: string; readonly text?: string };
  /** Over the model that the specification names. */
  readonly model?: string;
  /** Index of a check of inputs: names may be made from ε, which changes while someone types. */
  readonly check: number;
  /** Index in the data; else the first of the specification that the network classifies rightly. */
  readonly sample?: number;
  /** Instead of the check's own ε, as it would be written. */
  readonly epsilon?: string;
}

export interface QuickBoundParams extends QuickSubject {
  /** Milliseconds that bounds may take, beyond what reading the files does. */
  readonly milliseconds: number;
  /** The sample and the ends of its region, too. */
  readonly tensors?: boolean;
}

export interface QuickBound {
  readonly check: string;
  readonly sample: number;
  /** ε as it is written. */
  readonly epsilon: string;
  readonly units: Epsilon;
  readonly claim: string;
  /** `holds` is certified. A misclassified sample is bounded no further. */
  readonly outcome: 'holds' | 'open' | 'misclassified';
  /** Certified lower bound of the margin over the whole region; null where there is none. */
  readonly margin: number | null;
  /** Per way to fail; a label is null where the way is not one label's. */
  readonly ways: readonly { readonly label: number | null; readonly margin: number | null }[];
  readonly method: QuickMethod;
  /** What bounding took, without reading files. */
  readonly milliseconds: number;
  readonly label: number | null;
  readonly predicted: number | null;
  readonly outputNames: readonly string[];
  readonly inputShape: readonly number[];
  readonly preprocess: Preprocess;
  /** What the answer follows from beside the text, as it was read. */
  readonly files: readonly FileState[];
  readonly tensors?: {
    readonly original: TensorReference;
    readonly lower: TensorReference;
    readonly upper: TensorReference;
    readonly output: TensorReference;
  };
}

export const quickBoundRequest = new RequestType<QuickBoundParams, Answer<QuickBound>, void>('quick/bound');

export interface QuickBracketParams extends QuickSubject {
  /** Milliseconds in all. */
  readonly milliseconds: number;
}

/** The largest ε of one sample, as far as bounds of the whole region and short attacks tell. */
export interface QuickBracket {
  readonly check: string;
  readonly sample: number;
  /** The largest ε that is certified, as it is written; null where there is none. */
  readonly certified: string | null;
  /** The smallest ε at which ONNX Runtime was shown to fail; null where there is none. */
  readonly attacked: string | null;
  /** The input that fails at `attacked`, and what the network answers on it. */
  readonly counterexample: { readonly input: TensorReference; readonly output: TensorReference } | null;
}

export const quickBracketRequest = new RequestType<QuickBracketParams, Answer<QuickBracket>, void>('quick/bracket');

/** The check has no one number ε that could be tuned, or the model is too large for quick answers. */
export const UNTUNABLE = 'quick/untunable';
/** A newer request has taken its place. */
export const SUPERSEDED = 'quick/superseded';
