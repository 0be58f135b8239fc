import type { Values } from './constant';
import { pick } from './index-maps';
import { refuse } from './refusal';
import { boundSlack } from './rounding';

/** Factors of a linear map: the exact coefficient w and the stored ŵ obey |w − ŵ| ≤ relativeError·|ŵ|. */
export interface Coefficients {
  readonly values: Float64Array;
  readonly relativeError: number;
}

/** Added constants with a bound on the error of each; null when exact. */
export interface Offsets {
  readonly values: Float64Array;
  readonly error: Float64Array | null;
}

/** One exact coefficient, for maps whose values are all 1. */
export function exactly(value: number): Coefficients {
  return { values: Float64Array.of(value), relativeError: 0 };
}

/** Constants used as offsets; `name` is theirs, for messages. Refuses NaN and infinities. */
export function asOffsets(constant: Values, name: string): Offsets {
  const { values, error } = constant;
  checkFinite(values, name);
  return { values, error };
}

/**
 * Constants used as coefficients; `name` is theirs, for messages. Refuses NaN and infinities, and a constant that the file computes from others with so much
 * cancellation that its relative error is not small.
 */
export function asCoefficients(constant: Values, name: string): Coefficients {
  const { values, error } = constant;
  checkFinite(values, name);
  let relativeError = 0;
  if (error)
    for (let i = 0; i < values.length; i++)
      if (error[i] > 0) relativeError = Math.max(relativeError, (error[i] / Math.abs(values[i])) * boundSlack);
  if (relativeError > 2 ** -30)
    refuse(
      'weights-imprecise',
      `${name}: these weights are computed inside the file in a way that loses too much precision; store them as they are.`,
    );
  return { values, relativeError };
}

function checkFinite(values: Float64Array, name: string): void {
  // A plain loop: with a callback this alone would be a third of the time that a small network takes to load.
  let place = 0;
  while (place < values.length && Number.isFinite(values[place])) place++;
  if (place < values.length)
    refuse(
      'weights-not-finite',
      `${name} contains ${values[place]} (element ${place}), and with that the network is not defined. Export the model again from weights that are finite.`,
    );
}

/** Summands picked by `map`; where it is -1 nothing is added. */
export function pickOffsets(from: Offsets, map: Int32Array | null): Offsets {
  return map ? { values: pick(from.values, map), error: from.error && pick(from.error, map) } : from;
}

/** Factors picked by `map`. */
export function pickCoefficients(from: Coefficients, map: Int32Array | null): Coefficients {
  return { values: pick(from.values, map), relativeError: from.relativeError };
}
