/**
 * What is asked of a network, in the one form every engine answers: is the unsafe set empty?
 *
 * The unsafe set is a union of disjuncts; each is a box of inputs with a conjunction of linear constraints. `verified` means no point of
 * any disjunct satisfies all its constraints; `falsified` means ONNX Runtime shows one that does.
 */

/** Σ_k value[k]·v_{index[k]}: a sparse linear form over the network's flat input or output vector. No index occurs twice. */
export interface LinearForm {
  readonly index: Int32Array;
  readonly value: Float64Array;
}

/**
 * outputs·y + inputs·x ≤ bound. All such constraints together describe a violation. Numbers written in decimal are rounded to
 * float64; `bound` has been moved up (never down) so that the stored constraint contains the written one, and `coefficientError` bounds the
 * relative error of every coefficient (0 when all are exact).
 */
export interface Constraint {
  readonly outputs: LinearForm;
  readonly inputs: LinearForm;
  readonly bound: number;
  readonly coefficientError: number;
  /** The written relation was strict (<). A verdict proves the closed form, a counterexample must satisfy the strict one. */
  readonly strict: boolean;
}

/** A box of inputs. All arrays have the network's input size. */
export interface Box {
  /** Outward-rounded float64 hull of the written interval and of [fl(lo), fl(hi)], fl being rounding to the nearest float32: what `verified` covers. */
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /** fl(lo) and fl(hi): a counterexample is a float32 point between them. */
  readonly lowerPoint: Float32Array;
  readonly upperPoint: Float32Array;
  /**
   * The interval as it was written, rounded outward to float64; absent where every written edge is a float32. Only for telling a person
   * that a counterexample lies on the float32 edge but outside of what they wrote.
   */
  readonly writtenLower?: Float64Array;
  readonly writtenUpper?: Float64Array;
}

/** A point x in the box with every constraint satisfied is a counterexample. No constraints: the whole box is unsafe. */
export interface Disjunct {
  readonly box: Box;
  readonly constraints: readonly Constraint[];
}

export interface Question {
  /** Disjuncts that share a box share the same `Box` object, so that bounds are computed once per box. */
  readonly disjuncts: readonly Disjunct[];
  readonly inputSize: number;
  readonly outputSize: number;
}
