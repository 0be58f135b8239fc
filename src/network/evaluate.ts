import { assert, unreachable } from '../base/assert';
import type {
  ActivationNode,
  ConvNode,
  DenseNode,
  MaxPoolNode,
  Network,
  NetworkNode,
  ScaleNode,
  SparseNode,
} from './network';

/**
 * The values of every node for one input, in float64 and in the plainest loops: the oracle that every faster engine is tested against.
 * `input` has length `inputSize`; result i belongs to `nodes[i]`, the last one is the network's output. `faster` may have a quicker way to a node's value; null where it has none.
 */
export function evaluate(
  network: Network,
  input: Float64Array,
  faster: (node: NetworkNode, inputs: readonly Float64Array[]) => Float64Array | null = () => null,
): Float64Array[] {
  assert(
    input.length === network.inputSize,
    () => `an input of ${input.length} values for a network of ${network.inputSize}`,
  );
  const values: Float64Array[] = [];
  for (const node of network.nodes) {
    const inputs = node.inputs.map(id => values[id]);
    values.push(faster(node, inputs) ?? nodeValue(node, input, inputs));
  }
  return values;
}

function nodeValue(node: NetworkNode, input: Float64Array, inputs: readonly Float64Array[]): Float64Array {
  switch (node.kind) {
    case 'input':
      return input;
    case 'constant':
      return node.bias;
    case 'dense':
      return dense(node, inputs[0]);
    case 'conv':
      return convolution(node, inputs[0]);
    case 'scale':
      return scale(node, inputs[0]);
    case 'sparse':
      return sparse(node, inputs[0]);
    case 'add':
      return Float64Array.from({ length: node.size }, (_, i) =>
        inputs.reduce((sum, x, k) => sum + node.coefficients[k] * x[i], 0),
      );
    case 'concat':
      return Float64Array.from(inputs.flatMap(x => Array.from(x)));
    case 'relu':
    case 'leakyRelu':
    case 'sigmoid':
    case 'tanh':
      return inputs[0].map(x => activation(node, x));
    case 'maxPool':
      return maxPool(node, inputs[0]);
    default:
      return unreachable(node);
  }
}

function dense({ size, weight, bias }: DenseNode, x: Float64Array): Float64Array {
  const y = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    let sum = bias?.[i] ?? 0;
    for (let j = 0; j < x.length; j++) sum += weight[i * x.length + j] * x[j];
    y[i] = sum;
  }
  return y;
}

function convolution(node: ConvNode, x: Float64Array): Float64Array {
  const [channels, height, width] = node.inputShape;
  const [outputs, rows, columns] = node.outputShape;
  const [kernelRows, kernelColumns] = node.kernel;
  const perGroup = channels / node.groups;
  const y = new Float64Array(node.size);
  for (let output = 0; output < outputs; output++) {
    const firstChannel = Math.floor(output / (outputs / node.groups)) * perGroup;
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++) {
        let sum = node.bias?.[output] ?? 0;
        for (let own = 0; own < perGroup; own++)
          for (let i = 0; i < kernelRows; i++)
            for (let j = 0; j < kernelColumns; j++) {
              const r = row * node.strides[0] - node.pads[0] + i * node.dilations[0];
              const c = column * node.strides[1] - node.pads[1] + j * node.dilations[1];
              if (r < 0 || r >= height || c < 0 || c >= width) continue;
              const w = node.weight[((output * perGroup + own) * kernelRows + i) * kernelColumns + j];
              sum += w * x[((firstChannel + own) * height + r) * width + c];
            }
        y[(output * rows + row) * columns + column] = sum;
      }
  }
  return y;
}

function scale(node: ScaleNode, x: Float64Array): Float64Array {
  return x.map((value, i) => (node.scale?.[i] ?? 1) * value + (node.bias?.[i] ?? 0));
}

function sparse({ size, rowStart, column, value, bias }: SparseNode, x: Float64Array): Float64Array {
  const y = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    let sum = bias?.[i] ?? 0;
    for (let k = rowStart[i]; k < rowStart[i + 1]; k++) sum += (value?.[k] ?? 1) * x[column[k]];
    y[i] = sum;
  }
  return y;
}

function activation({ kind, slope }: ActivationNode, x: number): number {
  switch (kind) {
    case 'relu':
      return Math.max(x, 0);
    case 'leakyRelu':
      return x < 0 ? slope * x : x;
    case 'sigmoid':
      return 1 / (1 + Math.exp(-x));
    case 'tanh':
      return Math.tanh(x);
  }
}

function maxPool({ size, rowStart, column }: MaxPoolNode, x: Float64Array): Float64Array {
  const y = new Float64Array(size).fill(-Infinity);
  for (let i = 0; i < size; i++)
    for (let k = rowStart[i]; k < rowStart[i + 1]; k++) y[i] = Math.max(y[i], x[column[k]]);
  return y;
}
