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

/** One weight that was changed; `index` is its place in the tensor as the file stores it, one number a dimension. */
export interface WeightChange {
  readonly layer: string;
  readonly tensor: string;
  readonly index: readonly number[];
  readonly before: number;
  readonly after: number;
}

/** A change of weights that makes the network fail, confirmed by ONNX Runtime on the changed file. */
export interface WeightChanges {
  /** How many weights are changed; 0 where the file fails as it is. */
  readonly changed: number;
  readonly layers: readonly string[];
  /** Size of the largest change. */
  readonly largest: number;
  /** The largest changes first, at most a thousand of them. */
  readonly changes: readonly WeightChange[];
  /** The changed model, in memory or on disk (absolute path); null where there is none or where the disk refused it. */
  readonly patched:
    { readonly kind: 'bytes'; readonly bytes: Uint8Array } | { readonly kind: 'file'; readonly path: string } | null;
}

/** One leaf of a proof: a part of the region and what closed it. Enough to check the verdict again without the search. */
export type ProofLeaf =
  /** A box of inputs on which the method's bound is positive for all disjuncts that were still open there. */
  | {
      readonly kind: 'box';
      readonly lower: Float64Array;
      readonly upper: Float64Array;
      readonly disjuncts: readonly number[];
      /**
       * `clip`: the planes of the box leave no part where all constraints of a disjunct can hold. `outputs`: the bounds of each output by itself
       * (backward passes) exclude it.
       */
      readonly method: 'zonotope' | 'backward' | 'crown' | 'alpha-crown' | 'clip' | 'outputs';
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
    }
  /**
   * The whole region with some neurons fixed, one after the other: symbolic lines, each step from the bounds of the one before (the first from those that hold on all
   * leaves of the labels before), and a linear program over the inputs whose multipliers, of the phases' lines and then of several
   * constraints' lines, make the disjunct's bound positive. No multipliers: the lines do so alone, or (bound ∞) leave no point.
   */
  | {
      readonly kind: 'lines';
      readonly lower: Float64Array;
      readonly upper: Float64Array;
      readonly disjunct: number;
      readonly phases: readonly { readonly node: string; readonly neuron: number; readonly sign: 1 | -1 }[];
      readonly multipliers: Float64Array;
      readonly bound: number;
    }
  /** The whole region with some branchings decided; the multipliers of the rows of its triangle program make the disjunct's margin positive. */
  | {
      readonly kind: 'program';
      readonly lower: Float64Array;
      readonly upper: Float64Array;
      readonly disjunct: number;
      /** Per node of the network the bounds that the program was written with, the same in all leaves of a tree. How they were proved is not kept. */
      readonly ranges: { readonly lower: readonly Float64Array[]; readonly upper: readonly Float64Array[] };
      /** Activations on one side of 0 (1: at least 0), and entries of pools that are (1) or are not the maximum. */
      readonly sides: readonly {
        readonly node: number;
        readonly neuron: number;
        readonly entry: number | null;
        readonly side: 0 | 1;
      }[];
      readonly multipliers: Float64Array;
      /** Infinity where no point has these sides: then for every disjunct. */
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

/** What became of one disjunct of a question: of one target label, where the property is a classification. */
export interface LabelResult {
  /** Index of the disjunct in the question. */
  readonly disjunct: number;
  /** The output that would win; null where the disjunct is not of the form "this output is at least that one". */
  readonly label: number | null;
  /** `discarded`: sorting alone showed that it cannot win. `open`: the run ended before it was settled. */
  readonly outcome: 'discarded' | 'verified' | 'falsified' | 'unknown' | 'open' | 'not tried';
  /** Certified lower bound of its margin; null before any. */
  readonly margin: number | null;
  readonly seconds: number;
  readonly subproblems: number;
  /** Why it was discarded or is unknown, in a sentence. */
  readonly reason: string | null;
}

/** One point of a run's history. */
export interface TracePoint {
  readonly seconds: number;
  readonly lowerBound: number | null;
  readonly open: number;
  readonly depth: number;
  readonly subproblems: number;
}

/** The neurons of one activation node over the whole region: pre-activation bounds, and how many have both signs. */
export interface NeuronBounds<T = Float32Array> {
  readonly node: string;
  readonly unstable: number;
  readonly size: number;
  /** Rounded outward to float32. */
  readonly lower: T;
  readonly upper: T;
}

export interface Statistics<T = Float32Array> {
  /** Sub-problems that were bounded. */
  readonly subproblems: number;
  /** The back end that decided or tried last. */
  readonly backend?: string;
  /** In the order in which the labels were taken. */
  readonly labels?: readonly LabelResult[];
  /** Seconds spent on sorting the labels. */
  readonly sortSeconds?: number;
  /** At most a few hundred points, thinned out as the run goes on. */
  readonly trace?: readonly TracePoint[];
  readonly neurons?: readonly NeuronBounds<T>[];
}

interface VerdictBase<T> {
  readonly seconds: number;
  /**
   * Certified lower bound of the distance to violation over the whole region (> 0 where verified); rounding is already subtracted.
   * Null when no bound was computed.
   */
  readonly lowerBound: number | null;
  readonly statistics?: Statistics<T>;
}

export type Verdict<T = Float32Array> =
  | (VerdictBase<T> & {
      readonly kind: 'verified';
      readonly soundness: 'real' | 'runtime';
      /** Absent where a verdict rests on something that is not a tree of parts: the star set of changed weights. */
      readonly proof?: Proof;
      readonly note?: string;
    })
  | (VerdictBase<T> & {
      readonly kind: 'falsified';
      readonly counterexample: Counterexample<T>;
      /** The weights with which the input fails, where a check perturbs weights. */
      readonly weights?: WeightChanges;
    })
  | (VerdictBase<T> & {
      readonly kind: 'misclassified';
      readonly reason: string;
      readonly predicted: number;
      readonly label: number;
    })
  | (VerdictBase<T> & { readonly kind: 'unknown' | 'timeout'; readonly reason: string; readonly advice: string })
  | (VerdictBase<T> & { readonly kind: 'error'; readonly reason: string; readonly advice: string });

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
