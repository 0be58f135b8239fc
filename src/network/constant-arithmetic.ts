import { Constant, type Values } from './constant';
import { type ElementType, isFloat } from './element-type';
import { broadcastMap, counting } from './index-maps';
import { boundSlack, productError, sumError, underflowError, unitRoundoff } from './rounding';

/**
 * Arithmetic among constants of the file, in float64 with a bound on the error of every result: the file's numbers are taken as exact,
 * and the exact result of the operation on them is what the network means.
 */
export type Arithmetic = 'Add' | 'Sub' | 'Mul' | 'Div';

/** The elementwise result of two constants broadcast to `shape`. */
export function combine(arithmetic: Arithmetic, a: Constant, b: Constant, shape: readonly number[]): Constant {
  return new Constant(shape, a.type, () => {
    const left = a.picked(shape, mapTo(a, shape));
    const right = b.picked(shape, mapTo(b, shape));
    const rule = isFloat(a.type) ? floatRules[arithmetic] : integerRules[arithmetic];
    const values = new Float64Array(left.size);
    const error = new Float64Array(left.size);
    let exact = true;
    for (let i = 0; i < values.length; i++) {
      values[i] = rule.value(left.values[i], right.values[i]);
      error[i] = rule.error(left.values[i], right.values[i], left.error?.[i] ?? 0, right.error?.[i] ?? 0) * boundSlack;
      exact &&= error[i] === 0;
    }
    return { values, error: exact ? null : error };
  });
}

function mapTo(constant: Constant, shape: readonly number[]): () => Int32Array {
  return () => broadcastMap(constant.shape, shape) ?? counting(constant.size);
}

interface Rule {
  value(a: number, b: number): number;
  /** Bound on |exact result − value| when the exact operands are within ea and eb of a and b; the few roundings of the bound itself are made up for by the caller. */
  error(a: number, b: number, ea: number, eb: number): number;
}

const floatRules: Record<Arithmetic, Rule> = {
  Add: { value: (a, b) => a + b, error: (a, b, ea, eb) => ea + eb + sumError(a, b) },
  Sub: { value: (a, b) => a - b, error: (a, b, ea, eb) => ea + eb + sumError(a, -b) },
  Mul: {
    value: (a, b) => a * b,
    error: (a, b, ea, eb) => Math.abs(a) * eb + Math.abs(b) * ea + ea * eb + productError(a, b),
  },
  Div: { value: (a, b) => a / b, error: quotientError },
};

const integerRules: Record<Arithmetic, Rule> = {
  Add: { value: (a, b) => a + b, error: () => 0 },
  Sub: { value: (a, b) => a - b, error: () => 0 },
  Mul: { value: (a, b) => a * b, error: () => 0 },
  Div: { value: (a, b) => Math.trunc(a / b), error: () => 0 },
};

/** Bound on |(a ± ea)/(b ± eb) − fl(a/b)|. A quotient that is a small whole multiple is recognised as exact. */
function quotientError(a: number, b: number, ea: number, eb: number): number {
  const quotient = a / b;
  const exact = quotient * b === a && productError(quotient, b) === 0;
  const rounding = exact ? 0 : Math.abs(quotient) * unitRoundoff + underflowError;
  if (ea === 0 && eb === 0) return rounding;
  if (eb >= Math.abs(b)) return Infinity;
  return rounding + (ea + Math.abs(quotient) * eb * (1 + 4 * unitRoundoff)) / (Math.abs(b) - eb);
}

/** A function of one number applied to every element, with a bound on its error from the bound on its operand's. */
export function applied(
  constant: Constant,
  type: ElementType,
  value: (x: number) => number,
  error: (x: number, y: number, ex: number) => number,
): Constant {
  return new Constant(constant.shape, type, (): Values => {
    const values = constant.values.map(value);
    const errors = values.map((y, i) => error(constant.values[i], y, constant.error?.[i] ?? 0) * boundSlack);
    return { values, error: errors.every(bound => bound === 0) ? null : errors };
  });
}

/** The smaller or larger of two constants, broadcast to `shape`: neither choice moves further than the operands' own errors. */
export function chosen(
  choose: (a: number, b: number) => number,
  a: Constant,
  b: Constant,
  shape: readonly number[],
): Constant {
  return new Constant(shape, a.type, () => {
    const left = a.picked(shape, mapTo(a, shape));
    const right = b.picked(shape, mapTo(b, shape));
    const error =
      left.error || right.error
        ? left.values.map((_, i) => Math.max(left.error?.[i] ?? 0, right.error?.[i] ?? 0))
        : null;
    return { values: left.values.map((value, i) => choose(value, right.values[i])), error };
  });
}

/** Constants one after the other, as one flat constant. */
export function joined(parts: readonly Constant[]): Constant {
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  return new Constant([size], parts[0].type, () => {
    const values = new Float64Array(size);
    const error = new Float64Array(size);
    let place = 0;
    for (const part of parts) {
      values.set(part.values, place);
      if (part.error) error.set(part.error, place);
      place += part.size;
    }
    return { values, error: parts.some(part => part.error) ? error : null };
  });
}

/** Each element of the result is made of the elements at start + offset, for one start and all offsets. */
export function reduced(
  constant: Constant,
  shape: readonly number[],
  kind: 'sum' | 'mean' | 'max' | 'min' | 'product',
  groups: () => { starts: Int32Array; offsets: Int32Array },
): Constant {
  return new Constant(shape, constant.type, () => {
    const { starts, offsets } = groups();
    const count = Constant.of([starts.length], constant.type, new Float64Array(starts.length).fill(offsets.length));
    const member = (offset: number): Constant =>
      constant.picked([starts.length], () => starts.map(start => start + offset));
    let result = member(offsets[0]);
    for (const offset of offsets.subarray(1)) {
      const next = member(offset);
      if (kind === 'max' || kind === 'min')
        result = chosen(kind === 'max' ? Math.max : Math.min, result, next, result.shape);
      else result = combine(kind === 'product' ? 'Mul' : 'Add', result, next, result.shape);
    }
    return kind === 'mean' ? combine('Div', result, count, result.shape) : result;
  });
}
