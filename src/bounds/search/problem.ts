import type { Network } from '../../network/network';

/** What the slope search is asked, and what it answers. */

/** Some boxes of inputs, row-major [count × inputSize]. */
export interface Boxes {
  readonly count: number;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/** Sound bounds of what a node reads, row-major [boxes × size]. */
export interface Interval {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/**
 * Linear forms over the values of one node, plus forms over the inputs, plus offsets: value_r = forms_r·v + inputForms_r·x + offset_r.
 * Row-major [count × size of the node] and [count × inputSize].
 */
export interface Rows {
  /** The node the forms are over; the network's last one for its outputs. */
  readonly node: number;
  readonly count: number;
  readonly forms: Float64Array;
  readonly inputForms: Float64Array | null;
  readonly offsets: Float64Array | null;
}

export interface SlopeProblem {
  readonly network: Network;
  readonly boxes: Boxes;
  /** Bounds of the inputs of every activation and max-pooling node below `rows.node`, by that node's id. */
  readonly intervals: ReadonlyMap<number, Interval>;
  readonly rows: Rows;
  /**
   * Neurons whose own bounds are to be computed from slopes of their own and improved together with the rows (Relu and LeakyRelu nodes only),
   * by the activation node's id. It costs as many backward passes as there are neurons, twice, at every step.
   */
  readonly joint?: ReadonlyMap<number, Int32Array>;
}

export interface SlopeOptions {
  /** Steps of Adam; 20 unless given. */
  readonly iterations?: number;
  /** First step in units of the slopes' range [0, 1]; 0.1 unless given. */
  readonly rate?: number;
  /** Factor of the step from one iteration to the next; 0.98 unless given. */
  readonly decay?: number;
  readonly threads?: number;
  /** Floating-point operations of one graph run; rows are dealt with in parts so as not to exceed it (joint neurons cannot be). 1e9 unless given. */
  readonly operationsPerRun?: number;
  /** Stop as soon as every row of every box is above this; +∞ (never) unless given. */
  readonly enough?: number;
  /** Polled between steps. */
  readonly cancelled?: () => boolean;
}

/**
 * What was chosen for one node's neurons, row-major [boxes × rows × size]: for Relu and LeakyRelu where between the negative side's slope (0) and
 * 1 the lower line's slope lies; for Sigmoid and Tanh the tangent points of the lower and of the upper line (`NaN`: the chord).
 */
export type Choice = { readonly slope: Float32Array } | { readonly below: Float32Array; readonly above: Float32Array };

export interface SlopeResult {
  /** Bounds of CROWN's own choice, [boxes × rows], float32 and without any account of rounding. */
  readonly initial: Float32Array;
  /** The best bounds reached; never below `initial`. */
  readonly lower: Float32Array;
  /** The choices that reached them, by activation node. They are valid relaxations whatever rounding did; the bounds are not certified. */
  readonly choices: ReadonlyMap<number, Choice>;
  /**
   * With joint neurons: the choices behind their bounds, by the neurons' activation node; rows are first the neurons' lower bounds, then
   * their negated upper ones.
   */
  readonly joint: ReadonlyMap<number, ReadonlyMap<number, Choice>>;
  readonly iterations: number;
}
