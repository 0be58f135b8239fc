import { assert } from '../base/assert';

/**
 * Expressions over tensors of fixed shape: the form in which attacks, slope optimisation and training are written down, differentiated
 * (`gradient.ts`) and turned into an ONNX graph (`compile.ts`). An expression is immutable; using one twice shares its value.
 */

export type FloatType = 'float32' | 'float64';
export type ExpressionType = FloatType | 'bool';
export type Shape = readonly number[];
export type FloatArray = Float32Array | Float64Array;

/** Elementwise operators of one argument, named as in ONNX. */
export type UnaryOperator = 'Neg' | 'Abs' | 'Sign' | 'Exp' | 'Log' | 'Sqrt' | 'Sigmoid' | 'Tanh' | 'Relu';
/** Elementwise operators of two arguments that broadcast, named as in ONNX. */
export type BinaryOperator = 'Add' | 'Sub' | 'Mul' | 'Div' | 'Max' | 'Min';
export type Comparison = 'Greater' | 'GreaterOrEqual' | 'Equal';

/** Geometry of a two-dimensional convolution; pads are top, left, bottom, right. */
export interface ConvGeometry {
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  readonly pads: readonly [number, number, number, number];
  readonly groups: number;
}

export type Operation =
  | { readonly name: 'input'; readonly label: string }
  | { readonly name: 'constant'; readonly data: FloatArray }
  | { readonly name: UnaryOperator | BinaryOperator | Comparison | 'Where' | 'StopGradient' | 'Expand' | 'Reshape' }
  | { readonly name: 'MatMul'; readonly transposeA: boolean; readonly transposeB: boolean }
  | { readonly name: 'Conv'; readonly geometry: ConvGeometry }
  | {
      readonly name: 'ConvTranspose';
      readonly geometry: ConvGeometry;
      readonly outputPadding: readonly [number, number];
    }
  | { readonly name: 'ReduceSum' | 'ReduceMax'; readonly axes: readonly number[] }
  | { readonly name: 'Transpose'; readonly permutation: readonly number[] }
  | { readonly name: 'Concat'; readonly axis: number }
  | { readonly name: 'Slice'; readonly axis: number; readonly start: number; readonly end: number }
  | { readonly name: 'Pad'; readonly axis: number; readonly before: number; readonly after: number }
  | { readonly name: 'Gather'; readonly axis: number; readonly indices: Int32Array };

export interface Expression {
  readonly operation: Operation;
  readonly arguments: readonly Expression[];
  readonly shape: Shape;
  readonly type: ExpressionType;
}

export function sizeOf(shape: Shape): number {
  return shape.reduce((product, each) => product * each, 1);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((each, axis) => each === b[axis]);
}

export function describe(expression: Expression): string {
  return `${expression.operation.name}[${expression.shape.join('×')}] ${expression.type}`;
}

/** Builds an expression node after the checks that hold for all of them. For the operator modules of this folder. */
export function makeNode(
  operation: Operation,
  args: readonly Expression[],
  shape: Shape,
  type: ExpressionType,
): Expression {
  assert(
    shape.every(each => Number.isInteger(each) && each >= 0),
    () => `${operation.name} has shape [${shape.join(', ')}]`,
  );
  return { operation, arguments: args, shape, type };
}

/** The common float type of some expressions. */
export function floatTypeOf(what: string, ...expressions: readonly Expression[]): FloatType {
  const type = expressions[0].type;
  assert(type !== 'bool' && expressions.every(each => each.type === type), () => {
    return `${what} of ${expressions.map(describe).join(' and ')}`;
  });
  return type;
}

/** A tensor that is fed at every run, under this label. */
export function input(label: string, shape: Shape, type: FloatType = 'float32'): Expression {
  return makeNode({ name: 'input', label }, [], shape, type);
}

/** A tensor known when the graph is authored; its element type is that of the array, which must not change afterwards. */
export function constant(data: FloatArray, shape: Shape): Expression {
  assert(sizeOf(shape) === data.length, () => `constant of ${data.length} values with shape [${shape.join(', ')}]`);
  return makeNode({ name: 'constant', data }, [], shape, data instanceof Float32Array ? 'float32' : 'float64');
}

/** One number, of shape []. */
export function scalar(value: number, type: FloatType = 'float32'): Expression {
  return constant(type === 'float32' ? Float32Array.of(value) : Float64Array.of(value), []);
}

/** An axis counted from the front; negative ones count from the back. */
export function axisOf(expression: Expression, axis: number): number {
  const rank = expression.shape.length;
  const positive = axis < 0 ? axis + rank : axis;
  assert(positive >= 0 && positive < rank, () => `axis ${axis} of ${describe(expression)}`);
  return positive;
}
