/** One neuron fixed to one side of 0: y ≥ 0 (sign 1) or y ≤ 0 (sign −1). `place` is its position in a row of multipliers. */
export interface Split {
  readonly place: number;
  readonly sign: 1 | -1;
}

/**
 * The multipliers of a row: lower slopes (α) of all neurons by place, and β of its splits in their order (0 for those beyond its end). Values outside their
 * range are replaced, so that any are sound.
 */
export interface Multipliers {
  readonly alpha: Float32Array;
  readonly beta: Float32Array;
}

/** How far the multipliers of rows are searched. */
export interface SearchEffort {
  readonly iterations: number;
  /** Step sizes of Adam. */
  readonly alpha: number;
  readonly beta: number;
  /** A row whose estimate exceeds this is left alone from then on. */
  readonly enough: number;
}

/**
 * Sub-problems of one region (β-CROWN, Wang et al. 2021): rows that share the region's neuron bounds and differ in form, splits and multipliers. Searching is done on
 * estimates, which may be in float32; `certify` gives bounds that hold, whatever the multipliers are.
 */
export interface SplitBounds {
  /** Length of a row of multipliers. */
  readonly width: number;
  /** Rows there is room for. */
  readonly rows: number;
  /** Prepares row r: about constraint `form`, with these splits and multipliers (null: the region's own slopes, no β). */
  set(r: number, form: number, splits: readonly Split[], multipliers: Multipliers | null): void;
  /** Estimated lower bounds of rows 0..rows−1 with the multipliers they have. Not certified. */
  estimate(rows: number): Float64Array;
  /** Adam on the multipliers of rows 0..rows−1, which keep the best they had. Returns the estimates of these. */
  optimise(rows: number, effort: SearchEffort): Float64Array;
  /** Certified lower bounds of the rows listed, with the multipliers they have; in the order of the list. */
  certify(rows: readonly number[]): Float64Array;
  /** The inputs at which the bounds of the rows listed are attained, row-major: points worth trying. */
  points(rows: readonly number[]): Float64Array;
  multipliers(r: number): Multipliers;
  /**
   * The `count` unsplit unstable neurons whose relaxation costs row r most, by BaBSR's estimate at its last `estimate` or `optimise`, best first. Fewer when there
   * are fewer.
   */
  candidates(r: number, count: number): number[];
  /** Which neuron a place stands for: of which hidden layer (activation), counted from 0. */
  neuron(place: number): { readonly layer: number; readonly neuron: number };
}
