/** One neuron fixed to one side of 0: y ≥ 0 (sign 1) or y ≤ 0 (sign −1). `place` is its position in a row of multipliers. */
export interface Split {
  readonly place: number;
  readonly sign: 1 | -1;
}

/**
 * The multipliers of a row: lower slopes (α) of all neurons, and β of its splits (elsewhere 0). Values outside their range are replaced, so
 * that any are sound.
 */
export interface Multipliers {
  readonly alpha: Float64Array;
  readonly beta: Float64Array;
}

/**
 * Sub-problems of one region (β-CROWN, Wang et al. 2021): rows that share the region's neuron bounds and differ in form, splits and multipliers. Every bound is
 * certified, whatever the multipliers are.
 */
export interface SplitBounds {
  /** Length of a row of multipliers. */
  readonly width: number;
  /** Rows there is room for. */
  readonly rows: number;
  /** Prepares row r: about constraint `form`, with these splits and multipliers (null: the region's own slopes, no β). */
  set(r: number, form: number, splits: readonly Split[], multipliers: Multipliers | null): void;
  /** Certified lower bounds of rows 0..rows−1. */
  bound(rows: number): Float64Array;
  /**
   * Steps of Adam on the multipliers of rows 0..rows−1 after `bound`; `after` sees the new bounds after each step and may end it by returning true.
   */
  improve(
    rows: number,
    iterations: number,
    rates: { readonly alpha: number; readonly beta: number },
    after: (lower: Float64Array, step: number) => boolean,
  ): void;
  /** The inputs at which the rows' bounds are attained, after `bound`, row-major: points worth trying. */
  points(rows: number): Float64Array;
  multipliers(r: number): Multipliers;
  /** The `count` unsplit unstable neurons whose relaxation costs row r most, by BaBSR's estimate, best first. Fewer when there are fewer. */
  candidates(r: number, count: number): number[];
  /** Which neuron a place stands for. */
  neuron(place: number): { readonly layer: number; readonly neuron: number };
}
