import { assert } from '../base/assert';
import {
  axisOf,
  describe,
  floatTypeOf,
  makeNode,
  sameShape,
  scalar,
  sizeOf,
  type BinaryOperator,
  type Comparison,
  type Expression,
  type FloatType,
  type Shape,
  type UnaryOperator,
} from './expression';

/** Elementwise operators, reductions and changes of shape. A plain number stands for a scalar of the other operand's type. */

export type Operand = Expression | number;

/** The shape of an elementwise result, by ONNX's (NumPy's) rule. */
export function broadcastShape(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, k) => {
    const left = a[a.length - rank + k] ?? 1;
    const right = b[b.length - rank + k] ?? 1;
    assert(
      left === right || left === 1 || right === 1,
      () => `[${a.join(', ')}] does not broadcast with [${b.join(', ')}]`,
    );
    return left === 1 ? right : left;
  });
}

function unary(name: UnaryOperator) {
  return (a: Expression): Expression => makeNode({ name }, [a], a.shape, floatTypeOf(name, a));
}

export const neg = unary('Neg');
export const abs = unary('Abs');
/** −1, 0 or 1. Its gradient is taken to be 0. */
export const sign = unary('Sign');
export const exp = unary('Exp');
export const log = unary('Log');
export const sqrt = unary('Sqrt');
export const sigmoid = unary('Sigmoid');
export const tanh = unary('Tanh');
/** max(a, 0); its gradient at 0 is taken to be 0. */
export const relu = unary('Relu');

function pair(name: string, a: Operand, b: Operand): { a: Expression; b: Expression; type: FloatType } {
  assert(typeof a !== 'number' || typeof b !== 'number', () => `${name} of two numbers`);
  const of = (operand: Operand, other: Operand): Expression =>
    typeof operand === 'number' ? scalar(operand, floatTypeOf(name, other as Expression)) : operand;
  const left = of(a, b);
  const right = of(b, a);
  return { a: left, b: right, type: floatTypeOf(name, left, right) };
}

function binary(name: BinaryOperator) {
  return (left: Operand, right: Operand): Expression => {
    const { a, b, type } = pair(name, left, right);
    return makeNode({ name }, [a, b], broadcastShape(a.shape, b.shape), type);
  };
}

export const add = binary('Add');
export const sub = binary('Sub');
export const mul = binary('Mul');
export const div = binary('Div');
/** The larger of two; where they are equal the gradient goes to the first. */
export const max = binary('Max');
/** The smaller of two; where they are equal the gradient goes to the first. */
export const min = binary('Min');

function comparison(name: Comparison) {
  return (left: Operand, right: Operand): Expression => {
    const { a, b } = pair(name, left, right);
    return makeNode({ name }, [a, b], broadcastShape(a.shape, b.shape), 'bool');
  };
}

export const greater = comparison('Greater');
export const greaterOrEqual = comparison('GreaterOrEqual');
export const equal = comparison('Equal');

/** Elementwise choice; the condition passes no gradient. */
export function where(condition: Expression, yes: Operand, no: Operand): Expression {
  assert(condition.type === 'bool', () => `where on ${describe(condition)}`);
  const { a, b, type } = pair('Where', yes, no);
  return makeNode(
    { name: 'Where' },
    [condition, a, b],
    broadcastShape(condition.shape, broadcastShape(a.shape, b.shape)),
    type,
  );
}

/** max(lower, min(a, upper)). */
export function clip(a: Expression, lower: Operand, upper: Operand): Expression {
  return max(min(a, upper), lower);
}

/** The same value, through which no gradient flows. */
export function stopGradient(a: Expression): Expression {
  return makeNode({ name: 'StopGradient' }, [a], a.shape, a.type);
}

function reduced(a: Expression, axes: readonly number[]): { axes: readonly number[]; shape: Shape } {
  const positive = axes.map(axis => axisOf(a, axis)).sort((x, y) => x - y);
  return { axes: positive, shape: a.shape.map((each, axis) => (positive.includes(axis) ? 1 : each)) };
}

/** Sum over the axes, which stay with length 1. */
export function reduceSum(a: Expression, axes: readonly number[] = a.shape.map((_, axis) => axis)): Expression {
  const result = reduced(a, axes);
  if (result.axes.length === 0) return a;
  return makeNode({ name: 'ReduceSum', axes: result.axes }, [a], result.shape, floatTypeOf('ReduceSum', a));
}

/** Largest over the axes, which stay with length 1; equal ones share the gradient. ONNX Runtime drops NaN here. */
export function reduceMax(a: Expression, axes: readonly number[] = a.shape.map((_, axis) => axis)): Expression {
  const result = reduced(a, axes);
  return makeNode({ name: 'ReduceMax', axes: result.axes }, [a], result.shape, floatTypeOf('ReduceMax', a));
}

/** Mean over the axes, which stay with length 1. */
export function reduceMean(a: Expression, axes: readonly number[] = a.shape.map((_, axis) => axis)): Expression {
  const sum = reduceSum(a, axes);
  return mul(sum, sizeOf(sum.shape) / sizeOf(a.shape));
}

/** log Σ exp along an axis (which stays with length 1), without overflow. */
export function logSumExp(a: Expression, axis: number): Expression {
  // The shift cancels, so it needs no gradient.
  const shift = stopGradient(reduceMax(a, [axis]));
  return add(log(reduceSum(exp(sub(a, shift)), [axis])), shift);
}

export function softmax(a: Expression, axis: number): Expression {
  return exp(sub(a, logSumExp(a, axis)));
}

export function reshape(a: Expression, shape: Shape): Expression {
  assert(sizeOf(shape) === sizeOf(a.shape), () => `${describe(a)} reshaped to [${shape.join(', ')}]`);
  return sameShape(shape, a.shape) ? a : makeNode({ name: 'Reshape' }, [a], shape, a.type);
}

/** Axis k of the result is axis permutation[k] of the argument. */
export function transpose(a: Expression, permutation: readonly number[]): Expression {
  assert(
    permutation.length === a.shape.length &&
      [...permutation].sort((x, y) => x - y).every((each, axis) => each === axis),
    () => `${describe(a)} transposed by [${permutation.join(', ')}]`,
  );
  return makeNode(
    { name: 'Transpose', permutation },
    [a],
    permutation.map(axis => a.shape[axis]),
    a.type,
  );
}

/** Repeats along axes of length 1 (and new leading axes) up to this shape. */
export function expand(a: Expression, shape: Shape): Expression {
  assert(sameShape(broadcastShape(a.shape, shape), shape), () => `${describe(a)} expanded to [${shape.join(', ')}]`);
  return sameShape(a.shape, shape) ? a : makeNode({ name: 'Expand' }, [a], shape, a.type);
}

/** Undoes a broadcast: sums over the axes along which `shape` was repeated. */
export function sumTo(a: Expression, shape: Shape): Expression {
  if (sameShape(a.shape, shape)) return a;
  const leading = a.shape.length - shape.length;
  const axes = a.shape
    .map((_, axis) => axis)
    .filter(axis => axis < leading || (shape[axis - leading] === 1 && a.shape[axis] !== 1));
  return reshape(reduceSum(a, axes), shape);
}

export function concat(parts: readonly Expression[], axis: number): Expression {
  if (parts.length === 1) return parts[0];
  const along = axisOf(parts[0], axis);
  for (const part of parts) {
    assert(
      part.type === parts[0].type &&
        part.shape.length === parts[0].shape.length &&
        part.shape.every((each, k) => k === along || each === parts[0].shape[k]),
      () => `concatenation of ${parts.map(describe).join(' and ')} along axis ${axis}`,
    );
  }
  const shape = parts[0].shape.map((each, k) =>
    k === along ? parts.reduce((sum, part) => sum + part.shape[k], 0) : each,
  );
  return makeNode({ name: 'Concat', axis: along }, parts, shape, parts[0].type);
}

/** Elements start .. end − 1 along one axis. */
export function slice(a: Expression, axis: number, start: number, end: number): Expression {
  const along = axisOf(a, axis);
  assert(
    0 <= start && start <= end && end <= a.shape[along],
    () => `${describe(a)} sliced ${start}..${end} on axis ${axis}`,
  );
  if (start === 0 && end === a.shape[along]) return a;
  const shape = a.shape.map((each, k) => (k === along ? end - start : each));
  return makeNode({ name: 'Slice', axis: along, start, end }, [a], shape, a.type);
}

/** Zeros before and after, along one axis. */
export function pad(a: Expression, axis: number, before: number, after: number): Expression {
  const along = axisOf(a, axis);
  assert(before >= 0 && after >= 0, () => `${describe(a)} padded by ${before} and ${after}`);
  if (before === 0 && after === 0) return a;
  const shape = a.shape.map((each, k) => (k === along ? before + each + after : each));
  return makeNode({ name: 'Pad', axis: along, before, after }, [a], shape, floatTypeOf('Pad', a));
}
