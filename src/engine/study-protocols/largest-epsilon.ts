import type { SolverOptions } from '../../verify/options';
import type { TensorReference } from '../reference';
import type { StudyTypes } from './study-types';
import type { StudySubject } from './subject';

/** The largest ε with which a check holds: certified from below, attacked from above. */
export type LargestEpsilon = StudyTypes<LargestEpsilonParams, LargestEpsilonPart, LargestEpsilonResult>;

export interface LargestEpsilonParams {
  /** With several samples it is about the worst of them. */
  readonly subject: StudySubject;
  /** Name of a check of inputs with one ε; else the first of the specification. */
  readonly check?: string;
  /** The same by its index: names may be made from ε. */
  readonly checkIndex?: number;
  /** Significant digits of ε; 3 unless given. Never fewer digits after the point than the specification has. */
  readonly digits?: number;
  /** Over the check's own solver settings. The timeout is that of each single question. */
  readonly options?: Partial<SolverOptions>;
}

/** Where the search stands. Every ε is written the way the specification writes it. */
export interface LargestEpsilonPart {
  /** Certified for the samples that are settled and the one in work. */
  readonly certified: string | null;
  readonly attacked: string | null;
  /** The ε that is being decided, and for which sample. */
  readonly asking: string;
  readonly sample: number;
  /** Samples that are done, of how many. */
  readonly settled: number;
  readonly samples: number;
}

export interface LargestEpsilonResult {
  readonly check: string;
  /** Index of the check in the specification. */
  readonly checkIndex: number;
  /** What the specification said, in its own way. */
  readonly written: string;
  /**
   * The largest ε that was verified for every sample, to its last digit as it is written here. Null where none was, or where the search was stopped before every
   * sample was asked.
   */
  readonly certified: string | null;
  /** The sample that keeps it from being larger. */
  readonly limiting: number | null;
  /** The smallest ε at which a sample was shown to fail in ONNX Runtime. */
  readonly attacked: {
    readonly epsilon: string;
    readonly sample: number;
    readonly input: TensorReference;
    readonly output: TensorReference;
  } | null;
  /** Samples it is about, and those that the network misclassifies without any perturbation, which are left out. */
  readonly samples: readonly number[];
  readonly misclassified: readonly number[];
  /** Not every sample was asked. */
  readonly stopped: boolean;
  /** What was certified for how many samples before it was stopped. */
  readonly soFar: { readonly certified: string; readonly samples: number } | null;
  /** Questions that were decided, and those that stayed open within their time. */
  readonly questions: number;
  readonly open: number;
  readonly seconds: number;
}
