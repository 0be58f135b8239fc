import { Random } from '../../../src/base/random';
import type { Network, NetworkNode } from '../../../src/network/network';
import type { Constraint } from '../../../src/spec/question';

/** A random dense chain; `spread` widens the exponents of the weights, so that sums cancel. */
export function randomChain(seed: number, sizes: readonly number[], slope = 0, spread = 0): Network {
  const random = new Random(seed);
  const draw = (scale: number) => Math.fround(scale * random.normal() * 2 ** (spread * (random.uniform() - 0.5)));
  const nodes: NetworkNode[] = [{ kind: 'input', id: 0, inputs: [], size: sizes[0], shape: [sizes[0]], name: 'input' }];
  for (let k = 1; k < sizes.length; k++) {
    const size = sizes[k];
    const id = nodes.length;
    nodes.push({
      kind: 'dense',
      id,
      inputs: [id - 1],
      size,
      shape: [size],
      name: `fc_${k}`,
      weight: Float64Array.from({ length: size * sizes[k - 1] }, () => draw(1.4 / Math.sqrt(sizes[k - 1]))),
      bias: Float64Array.from({ length: size }, () => draw(0.3)),
      relativeError: 0,
      biasError: null,
    });
    if (k + 1 < sizes.length)
      nodes.push({
        kind: slope === 0 ? 'relu' : 'leakyRelu',
        id: id + 1,
        inputs: [id],
        size,
        shape: [size],
        slope,
        name: `relu_${k}`,
      });
  }
  const tensor = (name: string, size: number) => ({ name, shape: [1, size], type: 'float32', offset: 0, size });
  const outputSize = sizes[sizes.length - 1];
  return {
    nodes,
    inputs: [tensor('x', sizes[0])],
    outputs: [tensor('y', outputSize)],
    inputSize: sizes[0],
    outputSize,
    trailing: 'none',
  };
}

/** A box around a random point; `radius` 0 makes it that point. */
export function randomBox(random: Random, size: number, radius: number): { lower: Float64Array; upper: Float64Array } {
  const lower = new Float64Array(size);
  const upper = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const centre = random.normal();
    const half = radius * random.uniform();
    lower[i] = centre - half;
    upper[i] = centre + half;
  }
  return { lower, upper };
}

/** Random linear constraints over outputs, some over inputs too. */
export function randomConstraints(random: Random, count: number, outputs: number, inputs: number): Constraint[] {
  const form = (size: number, terms: number) => ({
    index: Int32Array.from({ length: terms }, () => random.integer(size)),
    value: Float64Array.from({ length: terms }, () => random.normal()),
  });
  return Array.from({ length: count }, (_, k) => ({
    outputs: form(outputs, 2),
    inputs: form(inputs, k % 3 === 0 ? 2 : 0),
    bound: random.normal(),
    coefficientError: 0,
    strict: false,
  }));
}
