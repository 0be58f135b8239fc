import { assert, unreachable } from '../base/assert';
import type { ActivationNode, ConvNode, Network, NetworkNode } from '../network/network';
import { constant, describe, type Expression, type FloatArray, type FloatType, type Shape } from './expression';
import { conv, dense, gather, sparse } from './linear';
import {
  add,
  concat,
  expand,
  greater,
  max,
  min,
  mul,
  neg,
  reduceMax,
  relu,
  reshape,
  sigmoid,
  stopGradient,
  sub,
  tanh,
  where,
} from './operators';

/** The network as an expression, for whoever searches: attacks, training-like optimisation, batches of forward passes. */

const converted = new WeakMap<Float64Array, Float32Array>();

/** Weights in the element type of the search. Converted once per array, so that programs of one network share them. */
export function weights(data: Float64Array, shape: Shape, type: FloatType): Expression {
  return constant(inType(data, type), shape);
}

function inType(data: Float64Array, type: FloatType): FloatArray {
  if (type === 'float64') return data;
  const known = converted.get(data);
  if (known) return known;
  const single = Float32Array.from(data);
  converted.set(data, single);
  return single;
}

/** The geometry of a conv node with its kernel, as expressions take them. */
export function kernelOf(node: ConvNode, type: FloatType): Expression {
  return weights(node.weight, [node.outputShape[0], node.inputShape[0] / node.groups, ...node.kernel], type);
}

export interface ForwardOptions {
  /**
   * Gradients pass inactive ReLUs with this slope instead of 0; the values stay what they are. For searches that would stand still where
   * the network is flat. 0 unless given.
   */
  readonly leak?: number;
  /** What takes the place of an affine node's numbers (of the shape they have here), e.g. an input that training feeds; undefined: its own. */
  readonly parameter?: (node: NetworkNode, part: 'weight' | 'bias') => Expression | undefined;
  /** What takes the place of an activation of `a`, [batch, size], e.g. where some neurons are linear; undefined: the activation. */
  readonly activation?: (node: ActivationNode, a: Expression) => Expression | undefined;
}

/** Values of every node of the network, each [batch, node.size], for x of shape [batch, inputSize]. The last one is the output. */
export function forwardNodes(network: Network, x: Expression, options: ForwardOptions = {}): Expression[] {
  assert(
    x.shape.length === 2 && x.shape[1] === network.inputSize,
    () => `${describe(x)} fed to ${network.inputSize} inputs`,
  );
  const type = x.type === 'float64' ? 'float64' : 'float32';
  const values: Expression[] = [];
  for (const node of network.nodes)
    values.push(
      forwardNode(
        node,
        node.inputs.map(id => values[id]),
        x,
        type,
        options,
      ),
    );
  return values;
}

/** The network's output, [batch, outputSize]. */
export function forward(network: Network, x: Expression, options: ForwardOptions = {}): Expression {
  return forwardNodes(network, x, options)[network.nodes.length - 1];
}

function forwardNode(
  node: NetworkNode,
  inputs: readonly Expression[],
  x: Expression,
  type: FloatType,
  options: ForwardOptions,
): Expression {
  const batch = x.shape[0];
  const [a] = inputs;
  const numbers = (part: 'weight' | 'bias', data: Float64Array, shape: Shape): Expression =>
    options.parameter?.(node, part) ?? weights(data, shape, type);
  switch (node.kind) {
    case 'input':
      return x;
    case 'constant':
      return expand(weights(node.bias, [1, node.size], type), [batch, node.size]);
    case 'dense':
      return dense(
        a,
        numbers('weight', node.weight, [node.size, a.shape[1]]),
        node.bias && numbers('bias', node.bias, [node.size]),
      );
    case 'conv': {
      const kernel = options.parameter?.(node, 'weight') ?? kernelOf(node, type);
      const y = conv(reshape(a, [batch, ...node.inputShape]), kernel, node);
      const biased = node.bias ? add(y, numbers('bias', node.bias, [node.outputShape[0], 1, 1])) : y;
      return reshape(biased, [batch, node.size]);
    }
    case 'scale': {
      const scaled = node.scale ? mul(a, weights(node.scale, [node.size], type)) : a;
      return node.bias ? add(scaled, weights(node.bias, [node.size], type)) : scaled;
    }
    case 'sparse': {
      const y = sparse(a, node);
      return node.bias ? add(y, weights(node.bias, [node.size], type)) : y;
    }
    case 'add':
      return inputs.map((each, k) => timesExactly(each, node.coefficients[k])).reduce((sum, each) => add(sum, each));
    case 'concat':
      return concat(inputs, 1);
    case 'relu':
    case 'leakyRelu':
    case 'sigmoid':
    case 'tanh':
      return options.activation?.(node, a) ?? activation(node, a, options.leak ?? 0);
    case 'maxPool':
      return windowMax(a, node.rowStart, node.column);
    default:
      return unreachable(node);
  }
}

function activation(node: ActivationNode, a: Expression, leak: number): Expression {
  switch (node.kind) {
    case 'relu':
      return leak === 0 ? relu(a) : add(relu(a), slopeOnly(mul(min(a, 0), leak)));
    case 'leakyRelu':
      return node.slope >= 0 && node.slope <= 1
        ? max(a, mul(a, node.slope))
        : where(greater(a, 0), a, mul(a, node.slope));
    case 'sigmoid':
      return sigmoid(a);
    case 'tanh':
      return tanh(a);
  }
}

/** The value 0 with the gradient of `a`. */
function slopeOnly(a: Expression): Expression {
  return sub(a, stopGradient(a));
}

function timesExactly(a: Expression, coefficient: number): Expression {
  return coefficient === 1 ? a : coefficient === -1 ? neg(a) : mul(a, coefficient);
}

/** Largest element of each window of the last axis; shorter windows repeat their last element. */
export function windowMax(a: Expression, rowStart: Int32Array, column: Int32Array): Expression {
  const count = rowStart.length - 1;
  let width = 0;
  for (let row = 0; row < count; row++) width = Math.max(width, rowStart[row + 1] - rowStart[row]);
  const indices = new Int32Array(count * width);
  for (let row = 0; row < count; row++) {
    for (let k = 0; k < width; k++)
      indices[row * width + k] = column[Math.min(rowStart[row] + k, rowStart[row + 1] - 1)];
  }
  const leading = a.shape.slice(0, -1);
  return reshape(reduceMax(reshape(gather(a, -1, indices), [...leading, count, width]), [-1]), [...leading, count]);
}

/** Floating-point operations of one forward pass on one point, to size batches by. */
export function forwardOperations(network: Network): number {
  let operations = 0;
  for (const node of network.nodes) {
    operations += 4 * node.size;
    if (node.kind === 'dense') operations += 2 * node.weight.length;
    else if (node.kind === 'conv') operations += (2 * (node.size * node.weight.length)) / node.outputShape[0];
    // Gathers are slow for the arithmetic they do.
    else if (node.kind === 'sparse' || node.kind === 'maxPool') operations += 20 * node.column.length;
  }
  return operations;
}
