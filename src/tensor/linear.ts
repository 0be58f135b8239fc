import { assert } from '../base/assert';
import {
  axisOf,
  constant,
  describe,
  floatTypeOf,
  makeNode,
  sizeOf,
  type ConvGeometry,
  type Expression,
  type FloatType,
} from './expression';
import { add, broadcastShape, concat, mul, reduceSum, reshape, slice, transpose } from './operators';

/** Linear maps: matrix products, convolutions, and sparse sums made of gathers. */

/** Matrix product over the last two axes; leading axes broadcast. A transposed operand is read with those two axes swapped. */
export function matmul(a: Expression, b: Expression, transposeA = false, transposeB = false): Expression {
  assert(a.shape.length >= 2 && b.shape.length >= 2, () => `product of ${describe(a)} and ${describe(b)}`);
  const [rows, inner] = matrixOf(a, transposeA);
  const [innerB, columns] = matrixOf(b, transposeB);
  assert(inner === innerB, () => {
    return `product of ${describe(a)}${transposeA ? ' transposed' : ''} and ${describe(b)}${transposeB ? ' transposed' : ''}`;
  });
  const shape = [...broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2)), rows, columns];
  return makeNode({ name: 'MatMul', transposeA, transposeB }, [a, b], shape, floatTypeOf('MatMul', a, b));
}

function matrixOf(a: Expression, transposed: boolean): [number, number] {
  const [rows, columns] = a.shape.slice(-2);
  return transposed ? [columns, rows] : [rows, columns];
}

/** x Wᵀ + b over the last axis of x; W is [outputs, inputs] as in `DenseNode`, bias [outputs] or null. */
export function dense(x: Expression, weight: Expression, bias: Expression | null): Expression {
  const product = reshape(
    matmul(reshape(x, [sizeOf(x.shape.slice(0, -1)), x.shape[x.shape.length - 1]]), weight, false, true),
    [...x.shape.slice(0, -1), weight.shape[0]],
  );
  return bias ? add(product, bias) : product;
}

/** Length of a convolution's output along one axis. */
function convLength(
  length: number,
  kernel: number,
  stride: number,
  dilation: number,
  before: number,
  after: number,
): number {
  return Math.floor((length + before + after - dilation * (kernel - 1) - 1) / stride) + 1;
}

function assertConvolution(what: string, x: Expression, weight: Expression): void {
  assert(floatTypeOf(what, x, weight) === 'float32', () => `${what} in float64: ONNX Runtime has none on the CPU`);
  assert(x.shape.length === 4 && weight.shape.length === 4, () => `${what} of ${describe(x)} with ${describe(weight)}`);
}

/** ONNX Conv in two dimensions, float32 only: x [B, C, H, W], weight [O, C/groups, kh, kw] → [B, O, H', W']. */
export function conv(x: Expression, weight: Expression, geometry: ConvGeometry): Expression {
  assertConvolution('Conv', x, weight);
  const { strides, dilations, pads, groups } = geometry;
  assert(x.shape[1] === weight.shape[1] * groups && weight.shape[0] % groups === 0, () => {
    return `Conv of ${describe(x)} with ${describe(weight)} in ${groups} groups`;
  });
  const height = convLength(x.shape[2], weight.shape[2], strides[0], dilations[0], pads[0], pads[2]);
  const width = convLength(x.shape[3], weight.shape[3], strides[1], dilations[1], pads[1], pads[3]);
  return makeNode({ name: 'Conv', geometry }, [x, weight], [x.shape[0], weight.shape[0], height, width], 'float32');
}

/**
 * The transpose of `conv` as a linear map of x, float32 only: g [B, O, H', W'], weight [O, C/groups, kh, kw] → [B, C, H, W]. Several
 * input sizes have the same H', so the size meant is given.
 */
export function convTranspose(
  g: Expression,
  weight: Expression,
  geometry: ConvGeometry,
  inputSize: readonly [number, number],
): Expression {
  assertConvolution('ConvTranspose', g, weight);
  const { strides, dilations, pads, groups } = geometry;
  assert(g.shape[1] === weight.shape[0], () => `ConvTranspose of ${describe(g)} with ${describe(weight)}`);
  const extra = ([0, 1] as const).map(k => {
    const reached =
      (g.shape[2 + k] - 1) * strides[k] + dilations[k] * (weight.shape[2 + k] - 1) + 1 - pads[k] - pads[2 + k];
    return inputSize[k] - reached;
  });
  assert(
    extra.every((each, k) => each >= 0 && each < strides[k]),
    () => {
      return `ConvTranspose of ${describe(g)} with ${describe(weight)} to ${inputSize.join('×')}`;
    },
  );
  const shape = [g.shape[0], weight.shape[1] * groups, ...inputSize];
  return makeNode(
    { name: 'ConvTranspose', geometry, outputPadding: [extra[0], extra[1]] },
    [g, weight],
    shape,
    'float32',
  );
}

/**
 * The gradient of Σ g ⊙ conv(x, weight) with respect to the weight, itself a convolution: channels take the place of the batch, and
 * stride and dilation change places. Result [O, C/groups, kh, kw].
 */
export function convWeightGradient(
  x: Expression,
  g: Expression,
  geometry: ConvGeometry,
  kernel: readonly [number, number],
): Expression {
  const { strides, dilations, pads, groups } = geometry;
  const swapped: ConvGeometry = { strides: dilations, dilations: strides, pads, groups: 1 };
  const channels = x.shape[1] / groups;
  const outputs = g.shape[1] / groups;
  const parts = Array.from({ length: groups }, (_, group) => {
    const part = conv(
      transpose(slice(x, 1, group * channels, (group + 1) * channels), [1, 0, 2, 3]),
      transpose(slice(g, 1, group * outputs, (group + 1) * outputs), [1, 0, 2, 3]),
      swapped,
    );
    return transpose(slice(slice(part, 2, 0, kernel[0]), 3, 0, kernel[1]), [1, 0, 2, 3]);
  });
  return concat(parts, 0);
}

/** Elements at fixed positions along one axis. */
export function gather(a: Expression, axis: number, indices: Int32Array): Expression {
  const along = axisOf(a, axis);
  assert(
    indices.every(index => index >= 0 && index < a.shape[along]),
    () => `${describe(a)} gathered outside of axis ${axis}`,
  );
  const shape = a.shape.map((each, k) => (k === along ? indices.length : each));
  return makeNode({ name: 'Gather', axis: along, indices }, [a], shape, a.type);
}

/** A sparse matrix in compressed rows; `value` null means every coefficient is 1. */
export interface SparseRows {
  readonly rowStart: Int32Array;
  readonly column: Int32Array;
  readonly value: Float64Array | null;
}

export function transposeRows(rows: SparseRows, columns: number): SparseRows {
  const rowStart = new Int32Array(columns + 1);
  for (const column of rows.column) rowStart[column + 1]++;
  for (let k = 0; k < columns; k++) rowStart[k + 1] += rowStart[k];
  const next = rowStart.slice(0, columns);
  const column = new Int32Array(rows.column.length);
  const value = rows.value && new Float64Array(rows.value.length);
  for (let row = 0; row + 1 < rows.rowStart.length; row++) {
    for (let k = rows.rowStart[row]; k < rows.rowStart[row + 1]; k++) {
      const place = next[rows.column[k]]++;
      column[place] = row;
      if (value && rows.value) value[place] = rows.value[k];
    }
  }
  return { rowStart, column, value };
}

/**
 * Sparse matrix times the last axis of x: [..., columns] → [..., rows]. Rows of similar length (to a power of two) are gathered together,
 * padded by coefficients 0 and summed, so that at most twice the entries are touched; its gradient is of the same form.
 */
export function sparse(x: Expression, rows: SparseRows): Expression {
  const type = floatTypeOf('sparse', x);
  const count = rows.rowStart.length - 1;
  const buckets = new Map<number, number[]>();
  for (let row = 0; row < count; row++) {
    const length = rows.rowStart[row + 1] - rows.rowStart[row];
    const padded = 2 ** Math.ceil(Math.log2(Math.max(1, length)));
    const bucket = buckets.get(padded);
    if (bucket) bucket.push(row);
    else buckets.set(padded, [row]);
  }
  const order = new Int32Array(count);
  let done = 0;
  const parts = [...buckets.values()].map(members => {
    for (const row of members) order[row] = done++;
    return sumRows(x, rows, members, type);
  });
  const joined = concat(parts, -1);
  return parts.length === 1 ? joined : gather(joined, -1, order);
}

function sumRows(x: Expression, rows: SparseRows, members: readonly number[], type: FloatType): Expression {
  const lengths = members.map(row => rows.rowStart[row + 1] - rows.rowStart[row]);
  const width = Math.max(1, ...new Set(lengths));
  const indices = new Int32Array(members.length * width);
  const values = type === 'float32' ? new Float32Array(indices.length) : new Float64Array(indices.length);
  members.forEach((row, m) => {
    for (let k = 0; k < lengths[m]; k++) {
      indices[m * width + k] = rows.column[rows.rowStart[row] + k];
      values[m * width + k] = rows.value ? rows.value[rows.rowStart[row] + k] : 1;
    }
  });
  const gathered = gather(x, -1, indices);
  const weighted = values.every(value => value === 1) ? gathered : mul(gathered, constant(values, [values.length]));
  if (width === 1) return weighted;
  const leading = x.shape.slice(0, -1);
  return reshape(reduceSum(reshape(weighted, [...leading, members.length, width]), [-1]), [...leading, members.length]);
}
