import type { Cut } from './cut';

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
  /** Those of the region's cuts, in their order; absent where there are none. */
  readonly cuts?: Float32Array;
}

/** How far the multipliers of rows are searched. */
export interface SearchEffort {
  readonly iterations: number;
  /** Step sizes of Adam. */
  readonly alpha: number;
  readonly beta: number;
  /** Absent: multipliers of cuts stay as they are. */
  readonly cut?: number;
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
  /** Neurons worth trying before one is split: more where a pass over the network costs little beside a search. */
  readonly tried: number;
  /** Steps of a search after a split; absent, the caller's own number. Fewer where a step costs much. */
  readonly steps?: number;
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
   * A split at `place`, tried on a sub-problem about `form`, raised the bounds of its two sides by `gain` in all: `candidates` may go by that from then on. Absent where nothing is learned.
   */
  learn?(form: number, place: number, gain: number): void;
  /**
   * The `count` unsplit unstable neurons whose relaxation costs row r most, by BaBSR's estimate at its last `estimate` or `optimise`, or by what was learned, best first.
   * Fewer when there are fewer.
   */
  candidates(r: number, count: number): number[];
  /** Which neuron a place stands for: of which hidden layer (activation), counted from 0. */
  neuron(place: number): { readonly layer: number; readonly neuron: number };
}

/** How far the bounds of inner neurons are searched (α-CROWN with inner rows). */
export interface RefineEffort {
  readonly iterations: number;
  /** Step size of Adam. */
  readonly alpha: number;
}

/**
 * The region that sub-problems share: bounds of its neurons, from cheap to tight, for a dense chain or any graph. Rows are constraints of the question, as in
 * `BoxBounder`. Holds the region last given to `setBox`; not reentrant.
 */
export interface SplitRegion {
  /**
   * The region; `bounds` are sound bounds of its neurons (from `bounds()` of another instance, say in another thread), or null to start from nothing. With bounds, the
   * neurons have exactly these, so that places mean the same in both instances, and all layers are relaxed.
   */
  setBox(lower: Float64Array, upper: Float64Array, bounds: Float64Array | null): void;
  /** What `zonotope` does here: on large networks intervals and a backward pass stand in for the zonotope. */
  readonly firstMethod: 'zonotope' | 'backward';
  /** Certified lower bounds of the rows by what is cheapest; null when nothing can be concluded on this region. */
  zonotope(rows: readonly number[]): Float64Array | null;
  /** Certified lower bounds of the rows by one backward pass over the neuron bounds there are. After `zonotope`, or a `setBox` with bounds. */
  backward(rows: readonly number[]): Float64Array;
  /** Tightens all unstable neurons by plain backward passes, a part at a time so that the caller can look at the clock; returns how many there were. */
  tightening(): Generator<void, number>;
  /** The same with slopes searched for every neuron. After `tightening`; bounds only ever get tighter. */
  refining(effort: RefineEffort): Generator<void, number>;
  /** A copy of the neuron bounds there are. */
  bounds(): Float64Array;
  /** Sub-problems, bounded with these cuts, over the neuron bounds there are at this moment, until the next `setBox` or tightening. After `backward`. */
  splits(rows: number, cuts?: readonly Cut[]): SplitBounds;
  /** The network's outputs at one point in plain float64: for trying points, never for conclusions. */
  evaluate(input: ArrayLike<number>): Float64Array;
  /** What every activation reads, by its name; null before a region was bounded. */
  preActivations():
    readonly { readonly node: string; readonly lower: Float64Array; readonly upper: Float64Array }[] | null;
}

/** Bounds of some neurons, in the order in which they were asked for. */
export interface NeuronBounds {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/**
 * A region whose neurons can be bounded a few at a time, so that threads share the work. Layers are the hidden ones (activations), counted from 0, each after
 * all that it reads.
 */
export interface NeuronRegion extends SplitRegion {
  readonly layers: number;
  unstable(layer: number): number[];
  /** A copy of the bounds of all of a layer's neurons. */
  neuronBounds(layer: number): NeuronBounds;
  /** Neurons that `boundNeurons` and `neuronSplits` take at once. */
  readonly neuronsAtOnce: number;
  /** Certified bounds of a layer's neurons with slopes of their own (α-CROWN). All layers before it must be relaxed. */
  boundNeurons(layer: number, neurons: readonly number[], effort: RefineEffort): NeuronBounds;
  /**
   * Rows about a layer's neurons instead of the question: form 2n is what neuron `neurons[n]` reads, 2n + 1 the negative of it. All layers before it must be relaxed.
   * Until the next of these, or `splits`. Absent where there are no such rows, null where there are none for the layer.
   */
  neuronSplits?(layer: number, neurons: readonly number[]): SplitBounds | null;
  /**
   * Cuts that raise the bound of a row, over the neuron bounds there are, from the multipliers it has without; none where they would cost more than they save, those found so far when `over` says so. Ends the use of
   * earlier `splits`. Absent where cuts are not known.
   */
  findCuts?(row: number, multipliers: Multipliers, over: () => boolean): readonly Cut[];
  /** About how many times as long all neurons take with small trees as with slopes alone. */
  readonly treeCost: number;
  /** Takes over bounds of a layer's neurons; only ever tightens. */
  tighten(layer: number, neurons: readonly number[], bounds: NeuronBounds): void;
  /** Relaxes a layer anew, after its bounds, or those of a layer before it, were tightened. False when they are of no use. */
  relax(layer: number): boolean;
}
