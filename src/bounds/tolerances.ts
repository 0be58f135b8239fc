/** Every tolerance of the project, each with its reason. */

export { ROUNDING } from '../base/rounding';

/** What Math.exp and Math.tanh may be wrong by. */
export const TRANSCENDENTAL = {
  /**
   * Absolute error of sigmoid and tanh as computed here. V8's exp and tanh follow fdlibm (below 1 ulp), three more operations follow, and all
   * values are at most 1 in size: 1e-14 is 90 roundings of 1. At a stationary point of σ(y) − slope·y an inexact y costs only the
   * square of its error, which is far below this too. A test compares with 60-digit arithmetic.
   */
  error: 1e-14,
} as const;

/** What ONNX Runtime's float32 arithmetic can lose, for "soundness": "runtime". */
export const FLOAT32 = {
  /** A little more than 2^-24, the unit roundoff of float32. */
  unit: 5.9604645e-8 * 1.0000002,
  /**
   * Roundings a node may do beyond its own sum: what the runtime's optimiser fuses (a normalisation into a convolution rounds each weight three
   * times) and how constants were computed. A test compares with the runtime on networks of every kind.
   */
  extraRoundings: 8,
  /** Flushed denormals: each loses less than 2^-126; far more than a node has terms. */
  underflow: 1e-30,
  /** Values near float32's largest may overflow in between. */
  magnitudeLimit: 1e30,
} as const;

/** Where the search decides what to try; nothing here can change a verdict, only the time it takes. */
export const SEARCH = {
  /**
   * A point is worth replaying in ONNX Runtime when its margin in float64 is below this part of the margins' size: float32 inference is
   * accurate to about 1e-6 of the magnitudes it adds up, and a replay costs little.
   */
  replayMargin: 1e-6,
  /**
   * A box whose every edge is shorter than this part of its coordinates' size is not split further: float32 inputs cannot tell its points
   * apart, so bisecting on would only chase a margin below rounding.
   */
  smallestEdge: 2 ** -30,
} as const;
