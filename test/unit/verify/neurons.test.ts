import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { evaluate } from '../../../src/network/evaluate';
import { boundsOfRegion, neuronBounds } from '../../../src/verify/neurons';
import { randomChain } from '../bounds/chains';
import { fewFreeInputs } from './oracle';

describe('the neurons of a run', () => {
  it('have bounds that are outward in float32, and are unstable where both signs occur', () => {
    const third = 1 / 3;
    const tiny = 1e-60;
    const [bounds] = neuronBounds([
      [
        {
          node: 'r',
          lower: Float64Array.of(-third, third, tiny, -0.5, -tiny, -1e300),
          upper: Float64Array.of(third, 2 * third, 2 * tiny, 0, tiny, 1e300),
        },
      ],
    ])!;
    expect([bounds.node, bounds.unstable, bounds.size]).toEqual(['r', 3, 6]);
    const lower = [-third, third, tiny, -0.5, -tiny, -1e300];
    const upper = [third, 2 * third, 2 * tiny, 0, tiny, 1e300];
    lower.forEach((exact, i) => expect(bounds.lower[i]).toBeLessThanOrEqual(exact));
    upper.forEach((exact, i) => expect(bounds.upper[i]).toBeGreaterThanOrEqual(exact));
    expect(bounds.lower[0]).toBeGreaterThan(-third - 1e-7);
    expect([bounds.lower[3], bounds.upper[3]]).toEqual([-0.5, 0]);
  });

  it('of several regions are the hull; unknown where one is', () => {
    const region = (low: number, high: number) => [
      { node: 'r', lower: Float64Array.of(low), upper: Float64Array.of(high) },
    ];
    const [hull] = neuronBounds([region(-1, 1), region(0.5, 3)])!;
    expect([hull.lower[0], hull.upper[0]]).toEqual([-1, 3]);
    expect(neuronBounds([region(-1, 1), null])).toBeNull();
    expect(neuronBounds([])).toBeNull();
  });

  it('of a region contain what every point of it gives', () => {
    for (let seed = 0; seed < 20; seed++) {
      const network = randomChain(seed, [3, 6, 6, 2]);
      const random = new Random(seed);
      const box = fewFreeInputs(random, 3, 3, 0.5);
      const found = boundsOfRegion(network, box)!;
      expect(found.map(({ node }) => node)).toEqual(['relu_1', 'relu_2']);
      for (let k = 0; k < 20; k++) {
        const values = evaluate(
          network,
          box.lower.map((low, i) => low + (box.upper[i] - low) * random.uniform()),
        );
        for (const { node, lower, upper } of found) {
          const { inputs } = network.nodes.find(({ name }) => name === node)!;
          values[inputs[0]].forEach((value, i) => {
            expect(value).toBeGreaterThanOrEqual(lower[i] - 1e-12);
            expect(value).toBeLessThanOrEqual(upper[i] + 1e-12);
          });
        }
      }
    }
  });
});
