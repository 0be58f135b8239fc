import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { denseChain } from '../../../src/bounds/chain';
import { ChainRegion } from '../../../src/bounds/chain-region';
import type { NeuronBounds } from '../../../src/bounds/split-bounds';
import type { NodeRanges } from '../../../src/lp/relu-program';
import { evaluate } from '../../../src/network/evaluate';
import type { Network } from '../../../src/network/network';
import { boundNeurons } from '../../../src/verify/neuron-split/neuron-trees';
import { optimum } from '../verify/oracle';
import { randomBox, randomChain } from './chains';

const SEEDS = Array.from({ length: 5 }, (_, seed) => seed);
const ROWS = 32;

function regionOf(seed: number, slope = 0) {
  const random = new Random(seed + 70);
  const network = randomChain(seed, [3, 8, 9, 7, 2], slope);
  const { lower, upper } = randomBox(random, 3, 1.5);
  const region = new ChainRegion(denseChain(network)!, [], ROWS);
  region.setBox(lower, upper, null);
  region.zonotope([]);
  region.crown([]);
  const samples = Array.from({ length: 1000 }, () =>
    evaluate(
      network,
      lower.map((l, i) => l + random.uniform() * (upper[i] - l)),
    ),
  );
  return { network, region, samples, box: { lower, upper } };
}

const all = (region: ChainRegion) => Array.from({ length: region.layers }, (_, layer) => region.neuronBounds(layer));

/** Every sampled value is inside. */
function contains(bounds: readonly NeuronBounds[], samples: readonly Float64Array[][]): void {
  for (const values of samples)
    bounds.forEach(({ lower, upper }, layer) =>
      values[1 + 2 * layer].forEach((y, i) => {
        const slack = 1e-10 * (1 + Math.abs(y));
        if (!(y >= lower[i] - slack && y <= upper[i] + slack))
          throw new Error(`layer ${layer}, neuron ${i}: ${y} outside [${lower[i]}, ${upper[i]}]`);
      }),
    );
}

/** The network up to what layer `layer` reads, with all that is known of the layers before. */
function upTo(
  network: Network,
  box: { lower: Float64Array; upper: Float64Array },
  known: readonly NeuronBounds[],
  layer: number,
): { network: Network; ranges: NodeRanges } {
  const nodes = network.nodes.slice(0, 2 + 2 * layer);
  const before = known.slice(0, layer).flatMap(({ lower, upper }) => [
    { lower, upper },
    { lower: lower.map(y => Math.max(0, y)), upper: upper.map(y => Math.max(0, y)) },
  ]);
  const ranges = [box, ...before, known[layer]];
  return {
    network: { ...network, nodes, outputSize: nodes[nodes.length - 1].size },
    ranges: { lower: ranges.map(({ lower }) => lower), upper: ranges.map(({ upper }) => upper) },
  };
}

const output = (index: number, sign: number) => ({
  outputs: { index: Int32Array.of(index), value: Float64Array.of(sign) },
  inputs: { index: new Int32Array(0), value: new Float64Array(0) },
  bound: 0,
  coefficientError: 0,
  strict: false,
});

describe('slopes of their own for inner neurons', () => {
  it.each(SEEDS)('hold at every sampled point and are no looser than CROWN, seed %i', seed => {
    const { region, samples } = regionOf(seed, seed % 3 === 0 ? 0.2 : 0);
    const before = all(region);
    let tighter = 0;
    for (let pass = 0; pass < 2; pass++) for (const _ of region.refining({ iterations: 20, alpha: 0.25 })) void _;
    all(region).forEach(({ lower, upper }, layer) =>
      lower.forEach((l, i) => {
        expect(l).toBeGreaterThanOrEqual(before[layer].lower[i]);
        expect(upper[i]).toBeLessThanOrEqual(before[layer].upper[i]);
        if (l > before[layer].lower[i] || upper[i] < before[layer].upper[i]) tighter++;
      }),
    );
    expect(tighter).toBeGreaterThan(0);
    contains(all(region), samples);
  });

  it.each(SEEDS)('reach the linear program of the triangles, seed %i', async seed => {
    const { network, region, box } = regionOf(seed);
    for (let layer = 1; layer < region.layers; layer++) {
      for (let k = 0; k < layer; k++) region.relax(k);
      const part = upTo(network, box, all(region), layer);
      const neurons = region.unstable(layer);
      const bounds = region.boundNeurons(layer, neurons, { iterations: 400, alpha: 0.1 });
      for (const [n, neuron] of neurons.entries()) {
        const lower = (await optimum(part.network, part.ranges, [output(neuron, 1)], 'triangle')).bound;
        const tolerance = 0.04 * (region.neuronBounds(layer).upper[neuron] - region.neuronBounds(layer).lower[neuron]);
        // The search ends where the sign is settled.
        if (lower > 0) expect(bounds.lower[n]).toBeGreaterThan(0);
        else expect(Math.abs(bounds.lower[n] - lower)).toBeLessThan(tolerance);
        expect(bounds.lower[n]).toBeLessThan(lower + 1e-6);
      }
    }
  });
});

describe('trees of inner neurons', () => {
  it.each(SEEDS)('hold at every sampled point, seed %i', seed => {
    const { region, samples } = regionOf(seed, seed % 3 === 0 ? 0.2 : 0);
    for (let layer = 0; layer < region.layers; layer++) {
      if (layer > 0) {
        const neurons = region.unstable(layer);
        region.tighten(layer, neurons, boundNeurons(region, layer, neurons, { splits: 12 }));
      }
      region.relax(layer);
    }
    contains(all(region), samples);
  });

  it.each(SEEDS)('are the same whatever rows there were before, seed %i', seed => {
    const grown = [false, true].map(others => {
      const { region } = regionOf(seed);
      // Rows about the question have places in all layers.
      if (others) region.splits();
      return Array.from({ length: region.layers - 1 }, (_, k) => {
        if (!others) for (let below = 0; below <= k; below++) region.relax(below);
        return boundNeurons(region, k + 1, region.unstable(k + 1), { splits: 12 });
      });
    });
    expect(grown[1]).toEqual(grown[0]);
  });

  it('count the sub-problems they bound: the root of both sides of every neuron, and what splits make of it', () => {
    const { region } = regionOf(1);
    region.relax(0);
    const neurons = region.unstable(1);
    expect(neurons.length).toBeGreaterThan(0);
    const counts = [0, 1, 12].map(splits => boundNeurons(region, 1, neurons, { splits }).subproblems);
    expect(counts[0]).toBe(0);
    expect(counts[1]).toBeGreaterThan(2 * neurons.length);
    expect(counts[2]).toBeGreaterThan(counts[1]);
  });

  it.each(SEEDS)('reach the mixed-integer program, and never exceed it, seed %i', async seed => {
    const { network, region, box } = regionOf(seed);
    for (let layer = 1; layer < region.layers; layer++) {
      for (let k = 0; k < layer; k++) region.relax(k);
      const part = upTo(network, box, all(region), layer);
      const neurons = region.unstable(layer);
      const before = region.neuronBounds(layer);
      const bounds = boundNeurons(region, layer, neurons, { splits: 400 });
      for (const [n, neuron] of neurons.entries()) {
        const width = before.upper[neuron] - before.lower[neuron];
        const least = (await optimum(part.network, part.ranges, [output(neuron, 1)], 'mixed-integer')).bound;
        const most = -(await optimum(part.network, part.ranges, [output(neuron, -1)], 'mixed-integer')).bound;
        expect(bounds.lower[n]).toBeLessThan(least + 1e-6);
        expect(bounds.upper[n]).toBeGreaterThan(most - 1e-6);
        // A tree ends where the sign is settled, or where it gains too little.
        if (least < -0.05 * width && most > 0.05 * width) {
          expect(bounds.lower[n]).toBeGreaterThan(least - 0.1 * width);
          expect(bounds.upper[n]).toBeLessThan(most + 0.1 * width);
        }
      }
    }
  });
});
