import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { encodeModel } from '../../../src/network/codec';
import { model, node, tensor, valueInfo } from '../../../src/network/authoring';

/** y = (relu(x0 + x1), relu(x0 − x1)) + (0, 1/2): two inputs, two outputs. */
export function writeTinyModel(folder: string, name = 'tiny.onnx'): string {
  const file = path.join(folder, name);
  const proto = model({
    nodes: [node('Gemm', ['x', 'w', 'b'], ['h']), node('Relu', ['h'], ['r']), node('Add', ['r', 'c'], ['y'])],
    inputs: [valueInfo('x', 'float32', [1, 2])],
    outputs: [valueInfo('y', 'float32', [1, 2])],
    initializers: [
      tensor('w', [2, 2], Float32Array.of(1, 1, 1, -1)),
      tensor('b', [2], Float32Array.of(0, 0)),
      tensor('c', [2], Float32Array.of(0, 0.5)),
    ],
  });
  writeFileSync(file, encodeModel(proto));
  return file;
}

/** y = sigmoid(x0 + x1), sigmoid(x0 − x1): what not every back end takes. */
export function writeSigmoidModel(folder: string, name = 'sigmoid.onnx'): string {
  const file = path.join(folder, name);
  const proto = model({
    nodes: [node('Gemm', ['x', 'w'], ['h']), node('Sigmoid', ['h'], ['y'], {}, 'squash')],
    inputs: [valueInfo('x', 'float32', [1, 2])],
    outputs: [valueInfo('y', 'float32', [1, 2])],
    initializers: [tensor('w', [2, 2], Float32Array.of(1, 1, 1, -1))],
  });
  writeFileSync(file, encodeModel(proto));
  return file;
}

/** y = (3, relu(x0), relu(x1), −1) over 30 inputs, so that neurons are split and not inputs. Class 1 wins where x0 is at least 3. */
export function writeFourClasses(folder: string, name = 'four.onnx'): string {
  const file = path.join(folder, name);
  const weight = new Float32Array(30 * 4);
  weight[1] = 1;
  weight[4 + 2] = 1;
  const proto = model({
    nodes: [
      node('Gemm', ['x', 'w'], ['h']),
      node('Relu', ['h'], ['r'], {}, 'rectified'),
      node('Gemm', ['r', 'one', 'c'], ['y']),
    ],
    inputs: [valueInfo('x', 'float32', [1, 30])],
    outputs: [valueInfo('y', 'float32', [1, 4])],
    initializers: [
      tensor('w', [30, 4], weight),
      tensor(
        'one',
        [4, 4],
        Float32Array.from({ length: 16 }, (_, k) => (k % 5 === 0 ? 1 : 0)),
      ),
      tensor('c', [4], Float32Array.of(3, 0, 0, -1)),
    ],
  });
  writeFileSync(file, encodeModel(proto));
  return file;
}

/** Inputs in [0, 1]²; unsafe where Y_0 is at least `limit` (its largest value there is 2). */
export function property(limit: number): string {
  const lines = [
    '(declare-const X_0 Real)',
    '(declare-const X_1 Real)',
    '(declare-const Y_0 Real)',
    '(declare-const Y_1 Real)',
  ];
  for (const input of ['X_0', 'X_1']) lines.push(`(assert (>= ${input} 0.0))`, `(assert (<= ${input} 1.0))`);
  lines.push(`(assert (>= Y_0 ${limit}))`);
  return `${lines.join('\n')}\n`;
}

/** A perturbation spec of the tiny model: three samples, of which the last has another label than the network's answer. */
export function perturbation(changes: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify(
    {
      model: 'tiny.onnx',
      inputs: {
        data: [
          [1, 0.9],
          [0.5, 0.1],
          [1, 0.9],
        ],
        labels: [0, 1, 1],
      },
      property: { kind: 'label' },
      checks: [{ name: 'noise', perturb: 'input', norm: 'inf', epsilon: 0.05 }],
      ...changes,
    },
    undefined,
    2,
  );
}
