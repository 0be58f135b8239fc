import { Random } from '../../../src/base/random';
import type { Network, NetworkNode } from '../../../src/network/network';
import type { Constraint, Disjunct, Question } from '../../../src/spec/question';
import { model, node, tensor as initializer, valueInfo } from '../../../src/network/authoring';
import { encodeModel } from '../../../src/network/codec';

/** A fully connected ReLU network of these widths, and the ONNX file it would come from. */
export function reluNetwork(widths: number[], seed: number): { network: Network; bytes: Uint8Array } {
  const random = new Random(seed);
  const nodes: NetworkNode[] = [{ id: 0, kind: 'input', inputs: [], size: widths[0], shape: [widths[0]], name: 'x' }];
  const initializers: ReturnType<typeof initializer>[] = [];
  const graph: ReturnType<typeof node>[] = [];
  for (let k = 1; k < widths.length; k++) {
    const [inner, size] = [widths[k - 1], widths[k]];
    const weight = Float64Array.from({ length: inner * size }, () => Math.fround(random.normal() / Math.sqrt(inner)));
    const bias = Float64Array.from({ length: size }, () => Math.fround(0.3 * random.normal()));
    const last = nodes.length - 1;
    nodes.push({
      id: last + 1,
      kind: 'dense',
      inputs: [last],
      size,
      shape: [size],
      name: `fc${k}`,
      weight,
      bias,
      relativeError: 0,
      biasError: null,
    });
    initializers.push(initializer(`w${k}`, [size, inner], Float32Array.from(weight)));
    initializers.push(initializer(`b${k}`, [size], Float32Array.from(bias)));
    graph.push(node('Gemm', [k === 1 ? 'x' : `z${k - 1}`, `w${k}`, `b${k}`], [`y${k}`], { transB: { int: 1 } }));
    if (k + 1 < widths.length) {
      nodes.push({ id: last + 2, kind: 'relu', inputs: [last + 1], size, shape: [size], name: `relu${k}`, slope: 0 });
      graph.push(node('Relu', [`y${k}`], [`z${k}`]));
    }
  }
  const [inputSize, outputSize] = [widths[0], widths[widths.length - 1]];
  const output = `y${widths.length - 1}`;
  const tensor = (name: string, size: number) => ({ name, shape: [1, size], type: 'float32' as const });
  return {
    network: {
      nodes,
      inputSize,
      outputSize,
      trailing: 'none',
      inputs: [{ ...tensor('x', inputSize), offset: 0, size: inputSize }],
      outputs: [{ ...tensor(output, outputSize), offset: 0, size: outputSize }],
    },
    bytes: encodeModel(
      model({
        inputs: [valueInfo('x', 'float32', [1, inputSize])],
        outputs: [valueInfo(output, 'float32', [1, outputSize])],
        nodes: graph,
        initializers,
      }),
    ),
  };
}

/** Σ coefficients·y ≤ bound. */
export function outputConstraint(coefficients: Record<number, number>, bound: number, strict = false): Constraint {
  const entries = Object.entries(coefficients).map(([index, value]) => [Number(index), value]);
  const outputs = { index: Int32Array.from(entries.map(e => e[0])), value: Float64Array.from(entries.map(e => e[1])) };
  const inputs = { index: new Int32Array(0), value: new Float64Array(0) };
  return { outputs, inputs, bound, coefficientError: 0, strict };
}

export function boxAround(centre: number[], radius: number): Disjunct['box'] {
  const lowerPoint = Float32Array.from(centre.map(x => x - radius));
  const upperPoint = Float32Array.from(centre.map(x => x + radius));
  return { lower: Float64Array.from(lowerPoint), upper: Float64Array.from(upperPoint), lowerPoint, upperPoint };
}

export function questionOf(disjuncts: Disjunct[], outputSize: number): Question {
  return { disjuncts, inputSize: disjuncts[0].box.lower.length, outputSize };
}

export const patient = { deadline: Infinity, cancelled: () => false };
