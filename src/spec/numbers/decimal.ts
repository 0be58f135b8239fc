import { nextDown, nextUp } from './float';
import { multiply, rational, round, type Rational } from './rational';

/** A written number as the solver may use it: float64 numbers on either side of it, equal when it is one itself, and its nearest float32. */
export interface Limit {
  readonly down: number;
  readonly up: number;
  readonly single: number;
}

/** Digits beyond this, or exponents beyond ±MAX_EXPONENT, are refused: nobody writes them, and exact arithmetic on them would take forever. */
const MAX_DIGITS = 1000;
const MAX_EXPONENT = 400;

/** Powers of ten up to 10^22 and of five up to 5^22 are exact float64 numbers. */
const POWERS_OF_TEN = Array.from({ length: 23 }, (_, k) => Number(10n ** BigInt(k)));
const POWERS_OF_FIVE = Array.from({ length: 23 }, (_, k) => Number(5n ** BigInt(k)));

const DOT = 46;
const MINUS = 45;
const PLUS = 43;
const DIGIT_0 = 48;
const DIGIT_9 = 57;

/**
 * Reads decimal literals out of a text, without making an object per number: the result stays in the fields until the next call.
 * Files of 10 MB are read through this.
 */
export class DecimalReader {
  /** Nearest float64. */
  value = 0;
  /** Whether `value` is exactly the written number. */
  exact = true;
  /** Nearest float32 of the written number itself (not of `value`: rounding twice can end elsewhere). */
  single = 0;

  /** Reads text[start, end). `malformed`: not a decimal number at all; `range`: a number no float can stand for (`1e999`). */
  read(text: string, start: number, end: number): 'ok' | 'malformed' | 'range' {
    let i = start;
    const first = text.charCodeAt(i);
    const negative = first === MINUS;
    if (negative || first === PLUS) i++;
    let mantissa = 0;
    let significant = 0;
    let digits = 0;
    let fraction = 0;
    let seenDot = false;
    for (; i < end; i++) {
      const c = text.charCodeAt(i);
      if (c >= DIGIT_0 && c <= DIGIT_9) {
        digits++;
        if (significant > 0 || c !== DIGIT_0) significant++;
        if (significant <= 15) mantissa = mantissa * 10 + (c - DIGIT_0);
        if (seenDot) fraction++;
      } else if (c === DOT && !seenDot) seenDot = true;
      else break;
    }
    if (digits === 0) return 'malformed';
    let exponent = 0;
    if (i < end) {
      if ((text.charCodeAt(i) | 32) !== 101) return 'malformed';
      i++;
      const sign = text.charCodeAt(i);
      if (sign === MINUS || sign === PLUS) i++;
      if (i >= end) return 'malformed';
      for (; i < end; i++) {
        const c = text.charCodeAt(i);
        if (c < DIGIT_0 || c > DIGIT_9) return 'malformed';
        exponent = Math.min(exponent * 10 + (c - DIGIT_0), 1e6);
      }
      if (sign === MINUS) exponent = -exponent;
    }
    if (significant === 0) {
      this.value = 0;
      this.exact = true;
      this.single = 0;
      return 'ok';
    }
    if (digits > MAX_DIGITS || Math.abs(exponent) > MAX_EXPONENT) return 'range';
    const scale = exponent - fraction;
    if (significant <= 15 && scale >= -22 && scale <= 22) {
      // Both operands are exact, so the one operation rounds correctly.
      const power = POWERS_OF_TEN[Math.abs(scale)];
      const magnitude = scale < 0 ? mantissa / power : mantissa * power;
      this.value = negative ? -magnitude : magnitude;
      // m·10^-k = (m/5^k)·2^-k is a float64 exactly when 5^k divides m, for then the quotient has at most 53 bits.
      this.exact =
        scale < 0
          ? mantissa % POWERS_OF_FIVE[-scale] === 0
          : magnitude <= Number.MAX_SAFE_INTEGER || isFloat64(text, start, end);
    } else {
      this.value = Number(text.slice(start, end));
      // A decimal with k digits after the point is a binary fraction only if 2^k times it is an integer: that leaves few to look at closely.
      this.exact = (scale >= 0 || Number.isInteger(this.value * 2 ** -scale)) && isFloat64(text, start, end);
    }
    if (!Number.isFinite(this.value) || this.value === 0) return 'range';
    this.single = Math.fround(this.value);
    // Only a value exactly between two float32 numbers can be rounded to the wrong one of them.
    if (!this.exact && this.single !== this.value) {
      const mirrored = this.value + (this.value - this.single);
      if (Math.fround(mirrored) === mirrored) this.single = round(readRational(text, start, end), 'nearest', 'float32');
    }
    return Number.isFinite(this.single) ? 'ok' : 'range';
  }

  /** A float64 number not above the written one. */
  get down(): number {
    return this.exact ? this.value : nextDown(this.value);
  }

  /** A float64 number not below the written one. */
  get up(): number {
    return this.exact ? this.value : nextUp(this.value);
  }
}

function isFloat64(text: string, start: number, end: number): boolean {
  const value = readRational(text, start, end);
  return round(value, 'down') === round(value, 'up');
}

/** The exact value of a decimal literal that `DecimalReader.read` accepts. */
export function readRational(text: string, start = 0, end = text.length): Rational {
  const literal = text.slice(start, end);
  const [mantissa, exponent = '0'] = literal.toLowerCase().replace(/^\+/, '').split('e');
  const [whole, fraction = ''] = mantissa.split('.');
  const negative = whole.startsWith('-');
  const digits = BigInt((negative ? whole.slice(1) : whole) + fraction || '0');
  const scale = Number(exponent) - fraction.length;
  const value = rational(negative ? -digits : digits);
  if (digits === 0n) return value;
  const power = 10n ** BigInt(Math.abs(scale));
  return multiply(value, scale < 0 ? rational(1n, power) : rational(power));
}

/** The limits of an exact number. */
export function limitOf(value: Rational): Limit {
  return { down: round(value, 'down'), up: round(value, 'up'), single: round(value, 'nearest', 'float32') };
}
