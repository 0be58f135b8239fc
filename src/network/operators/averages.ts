import type { Coefficients } from '../coefficients';
import { unitRoundoff } from '../rounding';

/** `size` coefficients 1/count; the quotient is rounded once unless count is a power of two. */
export function reciprocalOf(count: number, size: number): Coefficients {
  return { values: new Float64Array(size).fill(1 / count), relativeError: reciprocalError(count) };
}

/** Relative error of fl(1/count) against 1/count. */
export function reciprocalError(count: number): number {
  // Relative to the rounded quotient the error is at most u/(1 − u); a power of two divides exactly.
  return Number.isInteger(Math.log2(count)) && 2 ** Math.log2(count) === count
    ? 0
    : unitRoundoff * (1 + 4 * unitRoundoff);
}
