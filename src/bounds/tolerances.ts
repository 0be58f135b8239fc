/**
 * Every tolerance of the project, each with its reason. The WebAssembly core has the same three rounding constants in
 * `core/assembly/rounding.ts`; a test holds them together.
 */

/** What the error analysis of float64 rests on (docs/rounding.md). None of these is a tolerance in the sense of "close enough". */
export const ROUNDING = {
  /** A little more than 2^-53, the unit roundoff, so that multiplying with it rounds to the safe side. */
  unit: 1.110223024625157e-16,
  /** Added where a product may underflow: far more than any number of such products can lose, far below anything that matters. */
  underflow: 1e-200,
  /** A bound that meets larger numbers gives up (−∞): keeps overflow and underflow out of the analysis. */
  magnitudeLimit: 1e60,
} as const;

/** What Math.exp and Math.tanh may be wrong by. */
export const TRANSCENDENTAL = {
  /**
   * Absolute error of sigmoid and tanh as computed here. V8's exp and tanh follow fdlibm (below 1 ulp), three more operations follow, and all
   * values are at most 1 in size: 1e-14 is 90 roundings of 1. At a stationary point of σ(y) − slope·y an inexact y costs only the
   * square of its error, which is far below this too. A test compares with 60-digit arithmetic.
   */
  error: 1e-14,
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
