import { assert } from '../../base/assert';
import { forEachTap } from '../../network/convolution-taps';
import type { ConvNode, DenseNode, ScaleNode, SparseNode } from '../../network/network';
import { doublesAt, stride, type CoreExports } from '../core/core';

/**
 * The linear part of an affine node, applied to blocks of rows in the core's memory. A block of r rows over n values is r·stride(n) doubles
 * whose padding is zero; every method keeps it so. Every entry written is a sum of at most `forwardTerms` (`backwardTerms`) products.
 */
export interface LinearMap {
  readonly inputSize: number;
  readonly outputSize: number;
  readonly forwardTerms: number;
  readonly backwardTerms: number;
  /** output [rows × outputSize] = input [rows × inputSize] · Wᵀ. */
  forward(output: number, input: number, rows: number): void;
  /** output [rows × inputSize] = input [rows × outputSize] · W. */
  backward(output: number, input: number, rows: number): void;
  /** output = |W|·input for one row. */
  absolute(output: number, input: number): void;
  /** One row of zeros at `output` becomes sign · (row `index` of W): what `backward` makes of a unit vector, without the product. */
  unit(output: number, index: number, sign: 1 | -1): void;
}

/** A copy of `values` in the core's memory, rows of `width` values each padded to whole vectors. */
function place(core: CoreExports, values: Float64Array, width: number): number {
  const rows = values.length / width;
  const wide = stride(width);
  const address = core.allocate(rows * wide * 8);
  const target = doublesAt(core, address, rows * wide);
  if (wide === width) target.set(values);
  else for (let i = 0; i < rows; i++) target.set(values.subarray(i * width, (i + 1) * width), i * wide);
  return address;
}

function transposed(values: Float64Array, rows: number, columns: number): Float64Array {
  const result = new Float64Array(values.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result[j * rows + i] = values[i * columns + j];
  return result;
}

export function denseMap(core: CoreExports, node: DenseNode): LinearMap {
  const outputSize = node.size;
  const inputSize = node.weight.length / node.size;
  const weight = place(core, node.weight, inputSize);
  const weightT = place(core, transposed(node.weight, outputSize, inputSize), outputSize);
  const wideIn = stride(inputSize);
  const wideOut = stride(outputSize);
  return {
    inputSize,
    outputSize,
    forwardTerms: inputSize,
    backwardTerms: outputSize,
    forward: (output, input, rows) =>
      core.gemm(output, input, weightT, rows, inputSize, wideOut, wideIn, wideOut, wideOut),
    backward: (output, input, rows) =>
      core.gemm(output, input, weight, rows, outputSize, wideIn, wideOut, wideIn, wideIn),
    absolute: (output, input) => core.absoluteProduct(output, weight, input, outputSize, inputSize, wideIn),
    unit: (output, index, sign) => {
      const row = doublesAt(core, output, inputSize);
      for (let j = 0; j < inputSize; j++) row[j] = sign * node.weight[index * inputSize + j];
    },
  };
}

export function convMap(core: CoreExports, node: ConvNode): LinearMap {
  const inputSize = node.inputShape[0] * node.inputShape[1] * node.inputShape[2];
  const outputSize = node.size;
  const [kernelHeight, kernelWidth] = node.kernel;
  const taps = (node.inputShape[0] / node.groups) * kernelHeight * kernelWidth;
  const own = node.outputShape[0] / node.groups;
  const geometry = core.newGeometry();
  new Int32Array(core.memory.buffer, geometry, 15).set([
    ...node.inputShape,
    ...node.outputShape,
    ...node.kernel,
    ...node.strides,
    ...node.dilations,
    node.pads[0],
    node.pads[1],
    node.groups,
  ]);
  core.reserveConvolution(geometry);
  const plain = (values: Float64Array) => place(core, values, values.length);
  const weight = plain(node.weight);
  const absoluteWeight = plain(node.weight.map(Math.abs));
  const perGroup = own * taps;
  const weightsT = new Float64Array(node.weight.length);
  for (let g = 0; g < node.groups; g++)
    weightsT.set(transposed(node.weight.subarray(g * perGroup, (g + 1) * perGroup), own, taps), g * perGroup);
  const weightT = plain(weightsT);
  const rowIn = stride(inputSize) * 8;
  const rowOut = stride(outputSize) * 8;
  return {
    inputSize,
    outputSize,
    forwardTerms: taps,
    backwardTerms: own * kernelHeight * kernelWidth,
    forward: (output, input, rows) => {
      for (let r = 0; r < rows; r++) core.convolve(geometry, output + r * rowOut, input + r * rowIn, weight);
    },
    backward: (output, input, rows) => {
      for (let r = 0; r < rows; r++) core.convolveBack(geometry, output + r * rowIn, input + r * rowOut, weightT);
    },
    absolute: (output, input) => core.convolve(geometry, output, input, absoluteWeight),
    unit: (output, index, sign) => {
      const row = doublesAt(core, output, inputSize);
      forEachTap(node, index, (i, weight) => (row[i] = sign * weight));
    },
  };
}

export function scaleMap(core: CoreExports, node: ScaleNode): LinearMap {
  const { size } = node;
  const wide = stride(size);
  const scale = node.scale ?? new Float64Array(size).fill(1);
  const apply = (output: number, input: number, rows: number, factor: (i: number) => number) => {
    const x = doublesAt(core, input, rows * wide);
    const y = doublesAt(core, output, rows * wide);
    for (let r = 0; r < rows; r++) {
      const at = r * wide;
      for (let i = 0; i < size; i++) y[at + i] = factor(i) * x[at + i];
      y.fill(0, at + size, at + wide);
    }
  };
  return {
    inputSize: size,
    outputSize: size,
    forwardTerms: 1,
    backwardTerms: 1,
    forward: (output, input, rows) => apply(output, input, rows, i => scale[i]),
    backward: (output, input, rows) => apply(output, input, rows, i => scale[i]),
    absolute: (output, input) => apply(output, input, 1, i => Math.abs(scale[i])),
    unit: (output, index, sign) => {
      doublesAt(core, output, size)[index] = sign * scale[index];
    },
  };
}

export function sparseMap(core: CoreExports, node: SparseNode, inputSize: number): LinearMap {
  const { size, rowStart, column, value } = node;
  const wideIn = stride(inputSize);
  const wideOut = stride(size);
  let longestRow = 0;
  const uses = new Int32Array(inputSize);
  for (let i = 0; i < size; i++) longestRow = Math.max(longestRow, rowStart[i + 1] - rowStart[i]);
  for (let k = rowStart[0]; k < rowStart[size]; k++) uses[column[k]]++;
  const mostUses = uses.reduce((most, count) => Math.max(most, count), 0);
  const coefficient = value ?? new Float64Array(column.length).fill(1);
  const forward = (output: number, input: number, rows: number, coefficients: Float64Array) => {
    const x = doublesAt(core, input, rows * wideIn);
    const y = doublesAt(core, output, rows * wideOut);
    for (let r = 0; r < rows; r++) {
      const from = r * wideIn;
      const to = r * wideOut;
      for (let i = 0; i < size; i++) {
        let sum = 0;
        for (let k = rowStart[i]; k < rowStart[i + 1]; k++) sum += coefficients[k] * x[from + column[k]];
        y[to + i] = sum;
      }
      y.fill(0, to + size, to + wideOut);
    }
  };
  const absoluteCoefficient = coefficient.map(Math.abs);
  return {
    inputSize,
    outputSize: size,
    forwardTerms: longestRow,
    backwardTerms: mostUses,
    forward: (output, input, rows) => forward(output, input, rows, coefficient),
    backward: (output, input, rows) => {
      const a = doublesAt(core, input, rows * wideOut);
      const y = doublesAt(core, output, rows * wideIn).fill(0);
      for (let r = 0; r < rows; r++) {
        const from = r * wideOut;
        const to = r * wideIn;
        for (let i = 0; i < size; i++) {
          const ai = a[from + i];
          if (ai !== 0) for (let k = rowStart[i]; k < rowStart[i + 1]; k++) y[to + column[k]] += ai * coefficient[k];
        }
      }
    },
    absolute: (output, input) => forward(output, input, 1, absoluteCoefficient),
    unit: (output, index, sign) => {
      const row = doublesAt(core, output, inputSize);
      for (let k = rowStart[index]; k < rowStart[index + 1]; k++) row[column[k]] += sign * coefficient[k];
    },
  };
}

/** The linear map of an affine node; its arrays live in the core's memory from now on. */
export function linearMap(
  core: CoreExports,
  node: DenseNode | ConvNode | ScaleNode | SparseNode,
  inputSize: number,
): LinearMap {
  const map =
    node.kind === 'dense'
      ? denseMap(core, node)
      : node.kind === 'conv'
        ? convMap(core, node)
        : node.kind === 'scale'
          ? scaleMap(core, node)
          : sparseMap(core, node, inputSize);
  assert(map.inputSize === inputSize, () => `${node.name} takes ${map.inputSize} values and is given ${inputSize}`);
  return map;
}
