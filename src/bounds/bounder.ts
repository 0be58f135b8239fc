/** A certified plane: margin(x) ≥ coefficients·x + constant for every x of the box it was computed on. */
export interface Plane {
  readonly coefficients: Float64Array;
  readonly constant: number;
}

/**
 * Bounds on one box at a time, in float64 with all rounding subtracted, by a ladder of methods from cheap to tight. A row r stands for the margin
 * of one constraint of the question, outputs·y + inputs·x − bound: a certified lower bound above 0 means that the constraint holds nowhere
 * on the box. Holds the state of the box last given to `setBox`; not reentrant.
 */
export interface BoxBounder {
  /** The box to work on; `bounds` are sound bounds of a box around it (from `bounds()`), or null to start from nothing. */
  setBox(lower: Float64Array, upper: Float64Array, bounds: Float64Array | null): void;
  /** Certified lower bounds of the given rows by a forward zonotope alone; null when nothing can be concluded on this box. */
  zonotope(rows: readonly number[]): Float64Array | null;
  /** Certified lower bounds of the given rows by one backward pass over the bounds there are. After `zonotope`. */
  backward(rows: readonly number[]): Float64Array;
  /**
   * Backward passes for every unstable neuron, layer by layer, then for the rows. After `zonotope`. `unstable` is −1 when nothing can be
   * concluded.
   */
  crown(rows: readonly number[]): { unstable: number; lower: Float64Array };
  /** The certified plane of the k-th row of the last `backward` or `crown`. */
  plane(k: number): Plane;
  /** A copy of all bounds on the current box, to start a smaller box from. */
  bounds(): Float64Array;
  /** The network's outputs at one point in plain float64: for trying points, never for conclusions. */
  evaluate(input: ArrayLike<number>): Float64Array;
  /** Gradient, with respect to the input, of a row's margin at the point last evaluated; absent where it is not cheap. */
  gradient?(row: number): Float64Array;
}
