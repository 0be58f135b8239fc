import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { model, node, tensor, valueInfo } from '../../../src/network/authoring';
import { encodeModel } from '../../../src/network/codec';
import { baselineMargins } from '../../../src/weights/baselines';
import { Opening } from '../../../src/weights/open-network';
import { perturbedLayer } from '../../../src/weights/perturbed-layer';
import { starReach } from '../../../src/weights/star';
import {
  ENDLESS,
  largest,
  mlp,
  must,
  otherWins,
  outputOf,
  randomInput,
  weightModel,
  withMoved,
  type TestModel,
} from './models';

async function compare(it: TestModel, layer: string, p: number, x: Float32Array, label: number, outputs: number) {
  const own = weightModel(it);
  const resolved = must(
    perturbedLayer(own, {
      layer,
      maps: [
        {
          tensor: 'weights',
          select: { kind: 'all' },
          amount: { kind: 'interval', lower: -p, upper: p, of: 'absolute' },
        },
      ],
    }),
  );
  const unsafe = otherWins(outputs, label);
  const input = { kind: 'point', values: x } as const;
  const star = await starReach(new Opening(own, [resolved]).at(input), unsafe, {}, ENDLESS);
  return {
    star: star.margins,
    ...must(baselineMargins(new Opening(own, [resolved], { absorb: false }).at(input), unsafe)),
  };
}

describe('baselines', () => {
  it('are sound, ordered, and never above the star', async () => {
    let looser = 0;
    for (let seed = 1; seed <= 15; seed++) {
      const random = new Random(seed, 2);
      const one = mlp(seed, [5, 8, 8, 8, 3]);
      const x = randomInput(random, 5);
      const label = largest(outputOf(one, one.tensors, x));
      const layer = 1 + (seed % 4);
      const p = 0.3 * random.uniform();
      const { star, wengRanges, wengMargins, tsai } = await compare(one, `fc_${layer}`, p, x, label, 3);
      for (let k = 0; k < 60; k++) {
        const y = outputOf(
          one,
          withMoved(one.tensors, `W${layer}`, () => (random.uniform() < 0.5 ? p : -p)),
          x,
        );
        [0, 1, 2]
          .filter(j => j !== label)
          .forEach((j, set) => {
            const margin = y[label] - y[j] + 1e-5;
            expect(margin).toBeGreaterThanOrEqual(wengRanges[set]);
            expect(margin).toBeGreaterThanOrEqual(wengMargins[set]);
            expect(margin).toBeGreaterThanOrEqual(tsai[set]);
          });
      }
      star.forEach((margin, set) => {
        // A star goes no further than a proof; short of one it is at least as tight as both.
        if (margin <= 0) expect(margin).toBeGreaterThanOrEqual(Math.max(wengMargins[set], tsai[set]) - 1e-7);
        expect(wengMargins[set]).toBeGreaterThanOrEqual(wengRanges[set] - 1e-7);
        if (margin > 0 && wengMargins[set] <= 0) looser++;
      });
    }
    expect(looser).toBeGreaterThan(0);
  });

  it('Tsai needs row sums: with column sums the bound claims what a change of weights refutes', async () => {
    // n neurons of weight 0 and bias 1, a neuron that sums them, outputs ±1 of it: the margin can drop by 2nε, and column sums say 2ε.
    const n = 6;
    const nodes = [
      node('Gemm', ['x', 'W1', 'b1'], ['y1'], { transB: { int: 1 } }, 'fc_1'),
      node('Relu', ['y1'], ['z1']),
      node('Gemm', ['z1', 'W2', 'b2'], ['y2'], { transB: { int: 1 } }, 'fc_2'),
      node('Relu', ['y2'], ['z2']),
      node('Gemm', ['z2', 'W3', 'b3'], ['y'], { transB: { int: 1 } }, 'fc_3'),
    ];
    const make = (name: string, shape: number[], value: (k: number) => number) => ({
      name,
      shape,
      values: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, k) => value(k)),
    });
    const tensors = [
      make('W1', [n, 1], () => 0),
      make('b1', [n], () => 1),
      make('W2', [1, n], () => 1),
      make('b2', [1], () => 0),
      make('W3', [2, 1], k => (k === 0 ? 1 : -1)),
      make('b3', [2], () => 0),
    ];
    const one: TestModel = {
      tensors,
      inputSize: 1,
      bytes: (own = tensors) =>
        encodeModel(
          model({
            nodes,
            inputs: [valueInfo('x', 'float32', [1, 1])],
            outputs: [valueInfo('y', 'float32', [1, 2])],
            initializers: own.map(each => tensor(each.name, each.shape, each.values)),
          }),
        ),
    };
    const epsilon = 0.125;
    const x = Float32Array.of(1);
    const { star, tsai } = await compare(one, 'fc_1', epsilon, x, 0, 2);
    const nominal = 2 * n;
    const y = outputOf(
      one,
      withMoved(tensors, 'W1', () => -epsilon),
      x,
    );
    const dropped = y[0] - y[1];
    expect(dropped).toBeCloseTo(nominal - 2 * n * epsilon, 6);
    expect(tsai[0]).toBeCloseTo(dropped, 5);
    expect(star[0]).toBeCloseTo(dropped, 5);
    const byColumns = nominal - 2 * epsilon;
    expect(byColumns).toBeGreaterThan(dropped);
  });
});
