import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { denseChain } from '../../../src/bounds/chain';
import { ChainRegion } from '../../../src/bounds/chain-region';
import { evaluate } from '../../../src/network/evaluate';
import type { ActivationNode, Network } from '../../../src/network/network';
import type { Constraint } from '../../../src/spec/question';
import { marginAt } from '../../../src/verify/input-split/search';
import { NeuronSplitProver } from '../../../src/verify/neuron-split/prover';
import { randomBox, randomChain } from './chains';

/** A random chain whose outputs go through a ReLU. */
function rectified(seed: number): Network {
  const chain = randomChain(seed, [4, 7, 6, 3]);
  const { id, size, shape } = chain.nodes[chain.nodes.length - 1];
  const relu: ActivationNode = { kind: 'relu', id: id + 1, inputs: [id], size, shape, slope: 0, name: 'last' };
  return { ...chain, nodes: [...chain.nodes, relu] };
}

/** output 0 − output 1 ≤ bound. */
const difference = (bound: number): Constraint => ({
  outputs: { index: Int32Array.of(0, 1), value: Float64Array.of(1, -1) },
  inputs: { index: new Int32Array(0), value: new Float64Array(0) },
  bound,
  coefficientError: 0,
  strict: false,
});

describe('a chain that ends in an activation', () => {
  it.each(Array.from({ length: 25 }, (_, seed) => seed))(
    'is bounded and decided like any other, seed %i',
    async seed => {
      const random = new Random(seed + 5);
      const network = rectified(seed);
      const chain = denseChain(network);
      expect(chain?.activations).toEqual(['relu_1', 'relu_2', 'last']);
      const { lower, upper } = randomBox(random, 4, 0.8);
      const samples = Array.from({ length: 3000 }, () =>
        lower.map((l, i) =>
          random.integer(2) ? l + random.uniform() * (upper[i] - l) : random.integer(2) ? l : upper[i],
        ),
      );
      const least = (constraint: Constraint) =>
        samples.reduce((smallest, input) => {
          const values = evaluate(network, input);
          return Math.min(smallest, marginAt(constraint, input, values[values.length - 1]).margin);
        }, Infinity);
      const region = new ChainRegion(chain!, [difference(0)], 8);
      region.setBox(lower, upper, null);
      region.zonotope([0]);
      const bound = region.crown([0]).lower[0];
      const reached = least(difference(0));
      expect(bound).toBeLessThanOrEqual(reached + 1e-9);
      // Below what is reached it is proved to the end, also where both outputs are 0; above, never.
      for (const shift of [-0.3, 0.02]) {
        const problem = {
          box: { lower, upper, lowerPoint: Float32Array.from(lower), upperPoint: Float32Array.from(upper) },
          constraints: [difference(reached + shift)],
          disjuncts: [[0]],
        };
        const prover = new NeuronSplitProver(network, problem, {
          threads: 1,
          tryCandidate: ({ margin }) => Promise.resolve(margin <= 0),
          onProgress: () => {},
        });
        const end = await prover.run({ deadline: performance.now() + 20_000, cancelled: () => false });
        await prover.close();
        expect(end.kind).toBe(shift < 0 ? 'verified' : 'falsified');
      }
    },
  );

  it('needs no linear program where a phase excludes another and the margin is exactly 0', () => {
    // Outputs max(0, x) and max(0, x + 3).
    const network = rectified(0);
    const [input, dense] = network.nodes;
    const small: Network = {
      ...network,
      nodes: [
        { ...input, size: 1, shape: [1] },
        { ...dense, size: 2, shape: [2], weight: Float64Array.of(1, 1), bias: Float64Array.of(0, 3) } as typeof dense,
        { ...network.nodes[2], size: 2, shape: [2] },
      ],
      inputSize: 1,
      outputSize: 2,
    };
    const region = new ChainRegion(denseChain(small)!, [difference(0)], 8);
    region.setBox(Float64Array.of(-4), Float64Array.of(4), null);
    region.zonotope([0]);
    region.crown([0]);
    const splits = region.splits();
    // x ≥ 0 excludes x + 3 ≤ 0.
    const place = (neuron: number) =>
      Array.from({ length: splits.width }, (_, k) => k).find(k => k < 2 && splits.neuron(k).neuron === neuron)!;
    splits.set(
      0,
      0,
      [
        { place: place(0), sign: 1 },
        { place: place(1), sign: -1 },
      ],
      null,
    );
    splits.optimise(1, { iterations: 40, alpha: 0.1, beta: 0.5, enough: 1e-5 });
    expect(splits.certify([0])[0]).toBeGreaterThan(0);
    // Neither appears in the margin where both are 0; nothing excludes that here.
    splits.set(
      0,
      0,
      [
        { place: place(0), sign: -1 },
        { place: place(1), sign: -1 },
      ],
      null,
    );
    splits.optimise(1, { iterations: 40, alpha: 0.1, beta: 0.5, enough: 1e-5 });
    expect(splits.certify([0])[0]).toBeLessThanOrEqual(0);
  });
});
