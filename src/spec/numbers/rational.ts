import { assert } from '../../base/assert';

/**
 * An exact number. Whatever a person writes in a specification (decimals, fractions, sums and products of them) is rational, so it can be
 * computed without error and rounded once, in the direction that is sound. The denominator is positive and the fraction reduced.
 */
export interface Rational {
  readonly n: bigint;
  readonly d: bigint;
}

export const ZERO: Rational = { n: 0n, d: 1n };
export const ONE: Rational = { n: 1n, d: 1n };

/** n/d in lowest terms; `d` must not be zero. */
export function rational(n: bigint, d = 1n): Rational {
  assert(d !== 0n, () => 'a rational with denominator 0');
  if (d < 0n) [n, d] = [-n, -d];
  let a = n < 0n ? -n : n;
  let b = d;
  while (b !== 0n) [a, b] = [b, a % b];
  return a === 1n ? { n, d } : { n: n / a, d: d / a };
}

export function add(a: Rational, b: Rational): Rational {
  return a.d === b.d ? rational(a.n + b.n, a.d) : rational(a.n * b.d + b.n * a.d, a.d * b.d);
}

export function negate(a: Rational): Rational {
  return { n: -a.n, d: a.d };
}

export function subtract(a: Rational, b: Rational): Rational {
  return add(a, negate(b));
}

export function multiply(a: Rational, b: Rational): Rational {
  return rational(a.n * b.n, a.d * b.d);
}

/** a/b; `b` must not be zero. */
export function divide(a: Rational, b: Rational): Rational {
  return rational(a.n * b.d, a.d * b.n);
}

/** Negative, zero or positive as a is below, equal to or above b. */
export function compare(a: Rational, b: Rational): number {
  const difference = a.n * b.d - b.n * a.d;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** Exactly the value of a finite float64. */
export function fromNumber(x: number): Rational {
  assert(Number.isFinite(x), () => `no rational equals ${x}`);
  let exponent = 0;
  // Multiplying by two is exact until the number is an integer; at most 1074 steps, taken 32 at a time.
  while (!Number.isInteger(x)) {
    x *= 2 ** 32;
    exponent += 32;
  }
  return rational(BigInt(x), 1n << BigInt(exponent));
}

/** A binary floating-point format: values are integers below 2^precision times 2^e with minExponent ≤ e ≤ maxExponent. */
interface Format {
  readonly precision: number;
  readonly minExponent: number;
  readonly maxExponent: number;
}

const FORMATS = {
  float64: { precision: 53, minExponent: -1074, maxExponent: 971 },
  float32: { precision: 24, minExponent: -149, maxExponent: 104 },
} as const satisfies Record<string, Format>;

export type Rounding = 'nearest' | 'down' | 'up';

/**
 * `value` correctly rounded to float64 or float32 (ties to even). Beyond the largest finite number the answer is infinite, or that
 * number where the direction points back to it.
 */
export function round(
  value: Rational,
  rounding: Rounding = 'nearest',
  format: keyof typeof FORMATS = 'float64',
): number {
  if (value.n === 0n) return 0;
  if (value.n < 0n) {
    const mirrored = rounding === 'down' ? 'up' : rounding === 'up' ? 'down' : 'nearest';
    return -round(negate(value), mirrored, format);
  }
  const { precision, minExponent, maxExponent } = FORMATS[format];
  // 2^(precision-1) < value / 2^exponent < 2^(precision+1), or fewer bits where the format's smallest exponent stops us.
  let exponent = Math.max(bitLength(value.n) - bitLength(value.d) - precision, minExponent);
  let [quotient, remainder, divisor] = scaled(value, exponent);
  if (quotient >= 1n << BigInt(precision)) {
    exponent += 1;
    [quotient, remainder, divisor] = scaled(value, exponent);
  }
  const twice = 2n * remainder;
  const roundUp =
    rounding === 'up'
      ? remainder > 0n
      : rounding === 'nearest' && (twice > divisor || (twice === divisor && (quotient & 1n) === 1n));
  if (roundUp) quotient += 1n;
  const largest = (2 ** precision - 1) * 2 ** maxExponent;
  if (exponent > maxExponent) return rounding === 'down' ? largest : Infinity;
  const result = Number(quotient) * 2 ** exponent;
  return result > largest ? Infinity : result;
}

/** Quotient, remainder and divisor of value / 2^exponent. */
function scaled(value: Rational, exponent: number): [bigint, bigint, bigint] {
  const shift = BigInt(Math.abs(exponent));
  const dividend = exponent < 0 ? value.n << shift : value.n;
  const divisor = exponent < 0 ? value.d : value.d << shift;
  return [dividend / divisor, dividend % divisor, divisor];
}

/** Number of bits of a positive integer. */
function bitLength(n: bigint): number {
  const hex = n.toString(16);
  return hex.length * 4 - Math.clz32(parseInt(hex[0], 16)) + 28;
}
