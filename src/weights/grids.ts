import { ok, problem, type Result } from '../base/result';
import type { Amount } from './perturbation';

/** Distance between neighbours of a grid of 2^bits values from the smallest to the largest weight. */
export function gridStep(range: number, bits: number): Result<number> {
  if (!(Number.isInteger(bits) && bits >= 1 && bits <= 32))
    return problem('weights/bits', `A grid of ${bits} bits is none; give a whole number from 1 to 32.`);
  return ok(range / (2 ** bits - 1));
}

type BitFlips = Extract<Amount, { kind: 'bit-flips' }>;

/**
 * The moves of a weight that one flip may make, as a function of the weight, sorted, 0 included. The weight is first taken to its place on the grid, so
 * what rounding to the grid does to it is one of them.
 */
export function flipMoves(weights: Float64Array, amount: BitFlips): Result<(weight: number) => Float64Array> {
  return amount.format === 'integer' ? integerFlips(weights, amount) : floatFlips(amount);
}

function integerFlips(
  weights: Float64Array,
  { bits = 8, scale: given, flips }: BitFlips,
): Result<(weight: number) => Float64Array> {
  if (!(Number.isInteger(bits) && bits >= 2 && bits <= 32))
    return problem('weights/bits', `weights of ${bits} bits cannot flip bits; give a whole number from 2 to 32.`);
  const wrong = flips.find(k => !(Number.isInteger(k) && k >= 0 && k < bits));
  if (wrong !== undefined)
    return problem('weights/flips', `there is no bit ${wrong} in ${bits} bits; the bits are 0 to ${bits - 1}.`);
  const most = weights.reduce((largest, w) => Math.max(largest, Math.abs(w)), 0);
  const scale = given ?? most / (2 ** (bits - 1) - 1);
  if (!(Number.isFinite(scale) && scale > 0))
    return problem('weights/scale', `a grid with steps of ${scale} is none; give a scale above 0.`);
  const half = 2 ** (bits - 1);
  return ok(weight => {
    const v = Math.min(half - 1, Math.max(-half, Math.round(weight / scale)));
    // Flipping bit k of a two's complement number adds or takes 2^k; for the sign bit it is the other way round.
    const images = flips.map(k => {
      const isSet = Math.floor((v + (v < 0 ? 2 * half : 0)) / 2 ** k) % 2 === 1;
      const away = isSet === (k === bits - 1) ? 2 ** k : -(2 ** k);
      return (v + away) * scale - weight;
    });
    return Float64Array.from([0, v * scale - weight, ...images]).sort();
  });
}

const MANTISSA = 23;
const SIGN = 31;

function floatFlips({ flips }: BitFlips): Result<(weight: number) => Float64Array> {
  const wrong = flips.find(k => !(Number.isInteger(k) && k >= 0 && k <= SIGN));
  if (wrong !== undefined)
    return problem('weights/flips', `there is no bit ${wrong} in a float32; the bits are 0 to ${SIGN}.`);
  const exponent = flips.find(k => k >= MANTISSA && k < SIGN);
  if (exponent !== undefined)
    return problem(
      'weights/exponent',
      `bit ${exponent} is in the exponent of a float32: flipped, it makes a weight up to 2^128 times larger, and no bound on the weights is left. Ask about bits 0 to 22 or 31, or about an integer grid.`,
    );
  const number = new Float32Array(1);
  const pattern = new Uint32Array(number.buffer);
  return ok(weight => {
    const images = flips.map(k => {
      number[0] = weight;
      pattern[0] ^= 2 ** k;
      return number[0] - weight;
    });
    return Float64Array.from([0, ...images]).sort();
  });
}
