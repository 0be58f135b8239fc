import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { GraphRegion } from '../../../src/bounds/graph/graph-region';
import type { Split } from '../../../src/bounds/split-bounds';
import type { Network, NetworkNode } from '../../../src/network/network';
import type { Constraint } from '../../../src/spec/question';

/** One neuron with a curve: y = curve(x). */
function curveNetwork(kind: 'sigmoid' | 'tanh'): Network {
  const dense = (id: number, name: string): NetworkNode => {
    const parameters = { weight: Float64Array.of(1), bias: Float64Array.of(0), relativeError: 0, biasError: null };
    return { kind: 'dense', id, inputs: [id - 1], size: 1, shape: [1], name, ...parameters };
  };
  const tensor = (name: string) => ({ name, shape: [1, 1], type: 'float32' as const, offset: 0, size: 1 });
  return {
    nodes: [
      { kind: 'input', id: 0, inputs: [], size: 1, shape: [1], name: 'input' },
      dense(1, 'fc_1'),
      { kind, id: 2, inputs: [1], size: 1, shape: [1], name: 'curve', slope: 0 },
      dense(3, 'fc_2'),
    ],
    inputs: [tensor('x')],
    outputs: [tensor('y')],
    inputSize: 1,
    outputSize: 1,
    trailing: 'none',
  };
}

/** sign · (curve(x) − slope · x). */
function marginOf(sign: number, slope: number): Constraint {
  return {
    outputs: { index: Int32Array.of(0), value: Float64Array.of(sign) },
    inputs: { index: Int32Array.of(0), value: Float64Array.of(-sign * slope) },
    bound: 0,
    coefficientError: 0,
    strict: false,
  };
}

const CURVES = {
  sigmoid: { value: (x: number) => 1 / (1 + Math.exp(-x)), steepest: 0.25 },
  tanh: { value: Math.tanh, steepest: 1 },
};
const RANGES = [
  [-4, 3],
  [-0.5, 6],
  [-6, 0.25],
  [0.5, 4],
  [-3, -1],
  [-0.3, 0.2],
] as const;
const SPLITS: readonly (readonly Split[])[] = [[{ place: 0, sign: 1 }], [{ place: 0, sign: -1 }], []];

/** The least margin on the part of the range that the splits leave. */
function least(margin: (x: number) => number, l: number, u: number, [split]: readonly Split[]): number {
  const middle = l < 0 && u > 0 ? 0 : l + (u - l) / 2;
  const [from, to] = split ? (split.sign > 0 ? [middle, u] : [l, middle]) : [l, u];
  return Array.from({ length: 1001 }, (_, k) => margin(from + ((to - from) * k) / 1000)).reduce((a, b) =>
    Math.min(a, b),
  );
}

/** Every range, side, slope and split, with a region's row about it. */
function* cases(kind: 'sigmoid' | 'tanh', random: Random) {
  const network = curveNetwork(kind);
  const { value, steepest } = CURVES[kind];
  for (const [l, u] of RANGES)
    for (const sign of [1, -1])
      for (const part of [0.02, 0.3, 0.7, 0.97, 1, 1.1]) {
        const slope = steepest * part;
        const region = new GraphRegion(network, [marginOf(sign, slope)]);
        region.setBox(Float64Array.of(l), Float64Array.of(u), null);
        region.zonotope([0]);
        const row = region.splits(1);
        const what = `${kind} on [${l}, ${u}], ${sign} times slope ${slope}`;
        for (const splits of SPLITS) {
          const most = least(x => sign * (value(x) - slope * x), l, u, splits);
          yield { row, splits, most, what, draw: () => 3 * random.normal() };
        }
      }
}

describe.each(['sigmoid', 'tanh'] as const)('rows over a %s', kind => {
  it('hold with any points of lines and any multipliers', () => {
    for (const { row, splits, most, what, draw } of cases(kind, new Random(1)))
      for (let trial = 0; trial < 30; trial++) {
        row.set(0, 0, splits, { alpha: Float32Array.of(draw(), draw()), beta: Float32Array.of(draw()) });
        // No estimate comes before: what was known of the row with other splits counts no more.
        expect(row.certify([0])[0], what).toBeLessThanOrEqual(most + 1e-12);
      }
  });

  it('hold wherever the search goes', () => {
    for (const { row, splits, most, what } of cases(kind, new Random(2)))
      for (const alpha of [0.1, 0.5, 2]) {
        row.set(0, 0, splits, null);
        const [bound] = row.optimise(1, { iterations: 25, alpha, beta: 0.5, enough: Infinity });
        expect(bound, what).toBeLessThanOrEqual(most + 1e-12);
        expect(row.certify([0])[0]).toBe(bound);
      }
  });
});
