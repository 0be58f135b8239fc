import { asCoefficients, asOffsets, type Coefficients, type Offsets } from '../coefficients';
import { combine } from '../constant-arithmetic';
import { Constant } from '../constant';
import type { Draft } from '../draft';
import { broadcastMap, strided, stridesOf } from '../index-maps';
import { broadcastShape, checkedShape, checkedWork, type Operation, type Operator } from '../operation';
import { RowBuilder } from '../row-builder';
import { sizeOf } from '../tensor';

/** One matrix of a product: rows × columns, and how far apart neighbours lie in the flat tensor. */
interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly rowStep: number;
  readonly columnStep: number;
  /** Where each matrix of the batch begins. */
  readonly starts: Int32Array;
}

/**
 * The product of an activation and a constant, one of them on each side. A single row or column becomes a dense node; otherwise the constant
 * is shared over rows and the map is mostly zeros: a sparse node.
 */
function product(
  operation: Operation,
  draft: Draft,
  shape: readonly number[],
  left: Matrix,
  right: Matrix,
  constantSide: 'left' | 'right',
  weight: Coefficients,
  bias: Offsets | null,
): number {
  const index = constantSide === 'left' ? 1 : 0;
  const input = operation.draftId(index, draft);
  const [fixed, moving] = constantSide === 'left' ? [left, right] : [right, left];
  const batches = fixed.starts.length;
  const inner = left.columns;
  // Calls back for every coefficient, output by output.
  const visit = (term: (output: number, column: number, value: number) => void): void => {
    let output = 0;
    for (let batch = 0; batch < batches; batch++)
      for (let row = 0; row < left.rows; row++)
        for (let column = 0; column < right.columns; column++, output++)
          for (let k = 0; k < inner; k++) {
            const [a, b] = [row * left.rowStep + k * left.columnStep, k * right.rowStep + column * right.columnStep];
            const [at, from] = constantSide === 'left' ? [a, b] : [b, a];
            term(output, moving.starts[batch] + from, weight.values[fixed.starts[batch] + at]);
          }
  };
  if (batches === 1 && (constantSide === 'left' ? right.columns : left.rows) === 1) {
    const values = constantSide === 'left' ? rowMajor(weight.values, left) : rowMajor(weight.values, transposed(right));
    return draft.dense(input, shape, operation.node.name, { ...weight, values }, bias);
  }
  checkedWork(operation, sizeOf(shape) * inner);
  const rows = new RowBuilder(operation, sizeOf(shape));
  visit((output, column, value) => {
    if (value !== 0) rows.add(output, column, value);
  });
  return rows.node(draft, input, shape, operation.node.name, weight.relativeError, bias);
}

function transposed(matrix: Matrix): Matrix {
  return {
    ...matrix,
    rows: matrix.columns,
    columns: matrix.rows,
    rowStep: matrix.columnStep,
    columnStep: matrix.rowStep,
  };
}

/** The only matrix of `values`, one row after the other. */
function rowMajor(values: Float64Array, matrix: Matrix): Float64Array {
  const { rows, columns, rowStep, columnStep } = matrix;
  if (columnStep === 1 && rowStep === columns) return values;
  const result = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      result[row * columns + column] = values[row * rowStep + column * columnStep];
  return result;
}

const gemm: Operator = {
  infer(operation) {
    const { rows, columns } = gemmShapes(operation);
    if (operation.input(0).constant === null && operation.input(1).constant === null)
      operation.unsupported("both matrices depend on the network's input");
    return [{ shape: checkedShape(operation, [rows, columns]) }];
  },
  lower(operation, draft) {
    const { left, right } = gemmShapes(operation);
    const { shape } = operation.outputs[0];
    const constantSide = operation.input(1).constant ? 'right' : 'left';
    const fixed = constantSide === 'right' ? 1 : 0;
    const weight = times(operation, fixed, operation.float('alpha', 1));
    const hasBias = operation.has(2);
    const biasMap = hasBias ? broadcastMap(operation.input(2).shape, shape) : null;
    const beta = operation.float('beta', 1);
    if (hasBias && !operation.input(2).constant) {
      const result = product(operation, draft, shape, left, right, constantSide, weight, null);
      let summand = operation.draftId(2, draft);
      if (biasMap || beta !== 1)
        summand = draft.view(summand, shape, operation.node.name, {
          map: biasMap,
          scale: { values: new Float64Array(sizeOf(shape)).fill(beta), relativeError: 0 },
        });
      return [draft.add([result, summand], shape, operation.node.name, [1, 1])];
    }
    let bias: Offsets | null = null;
    if (hasBias) {
      const constant = operation.constant(2, 'bias');
      const scaled =
        beta === 1 ? constant : combine('Mul', constant, Constant.of([], constant.type, [beta]), constant.shape);
      bias = asOffsets(
        biasMap ? scaled.picked(shape, () => biasMap) : scaled,
        `tensor "${operation.input(2).name}" of ${operation.label}`,
      );
    }
    return [product(operation, draft, shape, left, right, constantSide, weight, bias)];
  },
};

/** Constant input `index` times a number of the file. */
function times(operation: Operation, index: number, factor: number): Coefficients {
  if (factor === 1) return operation.coefficients(index, 'matrix');
  const constant = operation.constant(index, 'matrix');
  const scaled = combine('Mul', constant, Constant.of([], constant.type, [factor]), constant.shape);
  return asCoefficients(scaled, `tensor "${operation.input(index).name}" of ${operation.label}`);
}

function gemmShapes(operation: Operation): { rows: number; columns: number; left: Matrix; right: Matrix } {
  const [a, b] = [operation.input(0).shape, operation.input(1).shape];
  if (a.length !== 2 || b.length !== 2)
    operation.invalid(`multiplies shapes [${a.join(', ')}] and [${b.join(', ')}], which are not matrices`);
  const matrix = (shape: readonly number[], transposed: boolean): Matrix => ({
    rows: shape[transposed ? 1 : 0],
    columns: shape[transposed ? 0 : 1],
    rowStep: transposed ? 1 : shape[1],
    columnStep: transposed ? shape[1] : 1,
    starts: Int32Array.of(0),
  });
  const left = matrix(a, operation.int('transA', 0) !== 0);
  const right = matrix(b, operation.int('transB', 0) !== 0);
  if (left.columns !== right.rows)
    operation.invalid(`multiplies shapes [${a.join(', ')}] and [${b.join(', ')}], which do not fit`);
  return { rows: left.rows, columns: right.columns, left, right };
}

const matMul: Operator = {
  infer(operation) {
    if (operation.input(0).constant === null && operation.input(1).constant === null)
      operation.unsupported("both matrices depend on the network's input");
    return [{ shape: checkedShape(operation, matMulShapes(operation).shape) }];
  },
  lower(operation, draft) {
    const { left, right } = matMulShapes(operation);
    const constantSide = operation.input(1).constant ? 'right' : 'left';
    const weight = operation.coefficients(constantSide === 'right' ? 1 : 0, 'matrix');
    return [product(operation, draft, operation.outputs[0].shape, left, right, constantSide, weight, null)];
  },
};

/** MatMul as NumPy's: vectors gain a dimension that the result then lacks, and all but the last two dimensions are broadcast. */
function matMulShapes(operation: Operation): { shape: number[]; left: Matrix; right: Matrix } {
  const [a, b] = [operation.input(0).shape, operation.input(1).shape];
  if (a.length === 0 || b.length === 0) operation.invalid('multiplies a number where a matrix is needed');
  const wideA = a.length === 1 ? [1, ...a] : a;
  const wideB = b.length === 1 ? [...b, 1] : b;
  const [m, k] = wideA.slice(-2);
  const [rows, n] = wideB.slice(-2);
  if (k !== rows) operation.invalid(`multiplies shapes [${a.join(', ')}] and [${b.join(', ')}], which do not fit`);
  const batch = broadcastShape(operation, [wideA.slice(0, -2), wideB.slice(0, -2)]);
  return {
    shape: [...batch, ...(a.length === 1 ? [] : [m]), ...(b.length === 1 ? [] : [n])],
    left: { rows: m, columns: k, rowStep: k, columnStep: 1, starts: batchStarts(wideA, batch) },
    right: { rows: k, columns: n, rowStep: n, columnStep: 1, starts: batchStarts(wideB, batch) },
  };
}

function batchStarts(shape: readonly number[], batch: readonly number[]): Int32Array {
  const own = shape.slice(0, -2);
  const strides = stridesOf(shape);
  return strided(
    batch,
    batch.map((_, axis) => {
      const place = axis - batch.length + own.length;
      return place < 0 || own[place] === 1 ? 0 : strides[place];
    }),
  );
}

export const linear: Record<string, Operator> = { Gemm: gemm, MatMul: matMul };
