import { gamma, inflate, ROUNDING } from '../base/rounding';
import type { PerturbedLayer } from './perturbed-layer';

/** Closed intervals, one a value. */
export interface Intervals {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/** Roundings behind a perturbation's bound, which was computed from what a person wrote: a decimal, a range, a factor, a sum of maps. */
const BOUND_ROUNDINGS = 16;

/**
 * How far every output of a layer can move when the parameters that `chosen` admits move, each by itself, and what the layer reads lies within
 * `reads`. Exact, up to outward rounding, where `reads` is a point and no parameter counts in two outputs.
 */
export function outputMoves(
  { terms, lower, upper }: PerturbedLayer,
  reads: Intervals,
  chosen: (parameter: number) => boolean = () => true,
): Intervals {
  const { outputSize, rowStart, column, parameter, factor, factorError } = terms;
  const low = new Float64Array(outputSize);
  const high = new Float64Array(outputSize);
  for (let row = 0; row < outputSize; row++) {
    let least = 0;
    let most = 0;
    let size = 0;
    for (let t = rowStart[row]; t < rowStart[row + 1]; t++) {
      const p = parameter[t];
      const a = factor[t] * lower[p];
      const b = factor[t] * upper[p];
      if ((a === 0 && b === 0) || !chosen(p)) continue;
      const c = column[t];
      const from = c < 0 ? 1 : reads.lower[c];
      const to = c < 0 ? 1 : reads.upper[c];
      const small = Math.min(a * from, a * to, b * from, b * to);
      const large = Math.max(a * from, a * to, b * from, b * to);
      least += small;
      most += large;
      size += Math.max(Math.abs(small), Math.abs(large));
    }
    const lost =
      size === 0 ? 0 : inflate(size * (gamma(rowStart[row + 1] - rowStart[row] + BOUND_ROUNDINGS) + factorError));
    low[row] = least - lost;
    high[row] = most + lost;
  }
  return { lower: low, upper: high };
}

/** A bound outward by what computing it from what a person wrote may have lost. */
export function outward(bound: number, direction: 1 | -1): number {
  return bound === 0 ? 0 : bound + direction * BOUND_ROUNDINGS * ROUNDING.unit * Math.abs(bound);
}

/** A sum or product that was rounded once, moved down by what that may have lost. */
export function down(value: number): number {
  return value - (Math.abs(value) * 2 * ROUNDING.unit + ROUNDING.underflow);
}

/** The same upwards. */
export function up(value: number): number {
  return value + (Math.abs(value) * 2 * ROUNDING.unit + ROUNDING.underflow);
}
