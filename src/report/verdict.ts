/** The one record of an answer. The editor, the command line, SARIF, JUnit and the competition format are projections of it. */

export type VerdictKind = 'verified' | 'falsified' | 'misclassified' | 'unknown' | 'timeout' | 'error';

/** An input that ONNX Runtime maps to a violation, on the original file. `T` is how tensors are held (see record.ts). */
export interface Counterexample<T = Float32Array> {
  /** The float32 input, flat, in the model's own units. */
  readonly input: T;
  /** What ONNX Runtime answered. */
  readonly output: T;
  /** By how much the violated constraints are violated in ONNX Runtime's own numbers (≥ 0; 0 is a tie, which falsifies). */
  readonly margin: number;
  /** True when the point lies on the float32 edge of the region but outside the interval as it was written. */
  readonly outsideWritten: boolean;
  /** Which method found it, e.g. `pgd`, `corner`, `centre`. */
  readonly foundBy: string;
}

/** One leaf of a proof: a part of the region and what closed it. Enough to check the verdict again without the search. */
export type ProofLeaf =
  /** A box of inputs on which the method's bound is positive for all disjuncts that were still open there. */
  | {
      readonly kind: 'box';
      readonly lower: Float64Array;
      readonly upper: Float64Array;
      readonly disjuncts: readonly number[];
      /** `clip`: the planes of the box leave no part where all constraints of a disjunct can hold. */
      readonly method: 'zonotope' | 'backward' | 'crown' | 'alpha-crown' | 'clip';
      readonly bound: number;
    }
  /** The whole region with some neurons fixed to one side of 0; α and β are the multipliers that make the constraint's bound positive. */
  | {
      readonly kind: 'phases';
      readonly lower: Float64Array;
      readonly upper: Float64Array;
      readonly disjunct: number;
      readonly constraint: number;
      readonly phases: readonly { readonly layer: number; readonly neuron: number; readonly sign: 1 | -1 }[];
      /** Per hidden layer and live neuron, in the order of `liveNeurons`. */
      readonly alpha: Float64Array;
      readonly beta: Float64Array;
      readonly bound: number;
    };

/** What a `verified` rests on. */
export interface Proof {
  readonly leaves: number;
  /** The leaves themselves; absent when together they would take too much memory (the counts stay). */
  readonly kept?: readonly ProofLeaf[];
  /** Largest depth of the tree. */
  readonly depth: number;
}

export interface Statistics {
  /** Sub-problems that were bounded. */
  readonly subproblems: number;
  /** Neurons per activation node: unstable in the root box, with the method that bounded them. */
  readonly unstable?: readonly { readonly node: string; readonly unstable: number; readonly size: number }[];
}

interface VerdictBase {
  readonly seconds: number;
  /**
   * Certified lower bound of the distance to violation over the whole region (> 0 where verified); rounding is already subtracted.
   * Null when no bound was computed.
   */
  readonly lowerBound: number | null;
  readonly statistics?: Statistics;
}

export type Verdict<T = Float32Array> =
  | (VerdictBase & {
      readonly kind: 'verified';
      readonly soundness: 'real' | 'runtime';
      readonly proof: Proof;
      readonly note?: string;
    })
  | (VerdictBase & { readonly kind: 'falsified'; readonly counterexample: Counterexample<T> })
  | (VerdictBase & {
      readonly kind: 'misclassified';
      readonly reason: string;
      readonly predicted: number;
      readonly label: number;
    })
  | (VerdictBase & { readonly kind: 'unknown' | 'timeout'; readonly reason: string; readonly advice: string })
  | (VerdictBase & { readonly kind: 'error'; readonly reason: string; readonly advice: string });

/** Worst first: the order in which the verdict of a whole run is taken from its results (design, section 5). */
export const WORST_FIRST: readonly VerdictKind[] = [
  'error',
  'falsified',
  'timeout',
  'unknown',
  'misclassified',
  'verified',
];

export function worst(kinds: readonly VerdictKind[]): VerdictKind {
  for (const kind of WORST_FIRST) if (kinds.includes(kind)) return kind;
  return 'verified';
}
