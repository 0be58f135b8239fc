import { Random } from '../../../src/base/random';
import { model, node, tensor, valueInfo } from '../../../src/network/authoring';
import { encodeModel } from '../../../src/network/codec';
import { evaluate } from '../../../src/network/evaluate';
import { loadModelBytes, type LoadedModel } from '../../../src/network/load';
import { differenceConstraint, outputRef } from '../../../src/spec/linear-term';
import type { Constraint } from '../../../src/spec/question';
import type { Budget } from '../../../src/verify/progress';
import { WeightModel } from '../../../src/weights/weight-model';

/** Models whose parameters are at hand, so that a test can change them without the code it tests. */

export interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export interface TestModel {
  readonly tensors: readonly Tensor[];
  readonly inputSize: number;
  /** The ONNX file with these tensors in place of the model's own. */
  bytes(tensors?: readonly Tensor[]): Uint8Array;
}

export const ENDLESS: Budget = { deadline: Infinity, cancelled: () => false };

export function must<T>(result: { ok: true; value: T } | { ok: false; error: { message: string } }): T {
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

export function loaded(it: TestModel, tensors = it.tensors): LoadedModel {
  return must(loadModelBytes(it.bytes(tensors), 'test.onnx'));
}

export function weightModel(it: TestModel): WeightModel {
  return must(WeightModel.open(loaded(it)));
}

/** What the model with these tensors answers, in float64. */
export function outputOf(it: TestModel, tensors: readonly Tensor[], x: ArrayLike<number>): Float64Array {
  return evaluate(loaded(it, tensors).network, Float64Array.from(x)).at(-1)!;
}

export function randomTensor(random: Random, name: string, shape: readonly number[], scale: number): Tensor {
  const count = shape.reduce((product, n) => product * n, 1);
  return { name, shape, values: Float32Array.from({ length: count }, () => scale * random.normal()) };
}

/** Dense layers fc_1, fc_2, … with ReLUs between them; tensors W1, b1, W2, b2, … */
export function mlp(seed: number, sizes: readonly number[]): TestModel {
  const random = new Random(seed);
  const tensors = sizes
    .slice(1)
    .flatMap((size, k) => [
      randomTensor(random, `W${k + 1}`, [size, sizes[k]], 1 / Math.sqrt(sizes[k])),
      randomTensor(random, `b${k + 1}`, [size], 0.2),
    ]);
  const layers = sizes.length - 1;
  const nodes = Array.from({ length: layers }, (_, k) => {
    const input = k === 0 ? 'x' : `z${k}`;
    const gemm = node(
      'Gemm',
      [input, `W${k + 1}`, `b${k + 1}`],
      [k === layers - 1 ? 'y' : `y${k + 1}`],
      { transB: { int: 1 } },
      `fc_${k + 1}`,
    );
    return k === layers - 1 ? [gemm] : [gemm, node('Relu', [`y${k + 1}`], [`z${k + 1}`], {}, `relu_${k + 1}`)];
  }).flat();
  return assembled(tensors, nodes, [1, sizes[0]], [1, sizes[layers]]);
}

/**
 * Every kind of layer: Mul, Conv, BatchNormalization, ReLU, a residual Conv, MaxPool, MatMul + Add, LeakyRelu, AveragePool before, Gemm. Input [1, 2, 4, 4], three
 * outputs.
 */
export function convolutional(seed: number): TestModel {
  const random = new Random(seed);
  const positive = (name: string, size: number): Tensor => ({
    name,
    shape: [size],
    values: Float32Array.from({ length: size }, () => 0.5 + random.uniform()),
  });
  const tensors = [
    randomTensor(random, 'scale', [1, 2, 1, 1], 1),
    randomTensor(random, 'K1', [3, 2, 3, 3], 0.3),
    randomTensor(random, 'k1', [3], 0.2),
    positive('gamma', 3),
    randomTensor(random, 'beta', [3], 0.3),
    randomTensor(random, 'mean', [3], 0.3),
    positive('variance', 3),
    randomTensor(random, 'K2', [3, 3, 3, 3], 0.25),
    randomTensor(random, 'M', [12, 5], 0.4),
    randomTensor(random, 'm', [5], 0.2),
    randomTensor(random, 'W', [3, 5], 0.6),
    randomTensor(random, 'w', [3], 0.2),
  ];
  const pads = { ints: [1, 1, 1, 1] };
  const nodes = [
    node('Mul', ['x', 'scale'], ['a'], {}, 'factor'),
    node('Conv', ['a', 'K1', 'k1'], ['b'], { pads }, 'conv_1'),
    node('BatchNormalization', ['b', 'gamma', 'beta', 'mean', 'variance'], ['c'], {}, 'bn'),
    node('Relu', ['c'], ['d'], {}, 'relu_1'),
    node('Conv', ['d', 'K2'], ['e'], { pads }, 'conv_2'),
    node('Add', ['e', 'd'], ['f'], {}, 'residual'),
    node('Relu', ['f'], ['g'], {}, 'relu_2'),
    node(
      'AveragePool',
      ['g'],
      ['g2'],
      { kernel_shape: { ints: [2, 2] }, strides: { ints: [1, 1] }, pads: { ints: [0, 0, 1, 1] } },
      'average',
    ),
    node('MaxPool', ['g2'], ['h'], { kernel_shape: { ints: [2, 2] }, strides: { ints: [2, 2] } }, 'pool'),
    node('Flatten', ['h'], ['i'], {}, 'flatten'),
    node('MatMul', ['i', 'M'], ['j'], {}, 'matmul'),
    node('Add', ['j', 'm'], ['k'], {}, 'shift'),
    node('LeakyRelu', ['k'], ['l'], { alpha: { float: 0.125 } }, 'leaky'),
    node('Gemm', ['l', 'W', 'w'], ['y'], { transB: { int: 1 }, alpha: { float: 0.5 } }, 'fc'),
  ];
  return assembled(tensors, nodes, [1, 2, 4, 4], [1, 3]);
}

function assembled(
  own: readonly Tensor[],
  nodes: ReturnType<typeof node>[],
  input: readonly number[],
  output: readonly number[],
): TestModel {
  return {
    tensors: own,
    inputSize: input.reduce((product, n) => product * n, 1),
    bytes: (tensors = own) =>
      encodeModel(
        model({
          nodes,
          inputs: [valueInfo('x', 'float32', input)],
          outputs: [valueInfo('y', 'float32', output)],
          initializers: tensors.map(({ name, shape, values }) => tensor(name, shape, values)),
        }),
      ),
  };
}

export function randomInput(random: Random, size: number): Float32Array {
  return Float32Array.from({ length: size }, () => random.normal());
}

/** The sets in which another output is at least output `label`. */
export function otherWins(outputs: number, label: number): Constraint[][] {
  return Array.from({ length: outputs }, (_, j) => j)
    .filter(j => j !== label)
    .map(j => [differenceConstraint(outputRef(label), outputRef(j), false)]);
}

export function largest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}

/** A tensor with values moved; `move` gives by how much. */
export function withMoved(tensors: readonly Tensor[], name: string, move: (k: number) => number): Tensor[] {
  return tensors.map(each => (each.name === name ? { ...each, values: each.values.map((v, k) => v + move(k)) } : each));
}
