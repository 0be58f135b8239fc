import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { Random } from '../../../src/base/random';
import type { Cut } from '../../../src/bounds/cut';
import { GraphRegion } from '../../../src/bounds/graph/graph-region';
import type { Network, NetworkNode } from '../../../src/network/network';
import type { Constraint } from '../../../src/spec/question';
import type { BoxProblem } from '../../../src/verify/input-split/search';
import { NeuronSplitProver, type NeuronSplitOptions } from '../../../src/verify/neuron-split/prover';
import { randomChain, randomConstraints } from '../bounds/chains';
import { bundle } from '../bundle';
import { fewFreeInputs, lowered, truth } from './oracle';

const budget = () => ({ deadline: performance.now() + 30_000, cancelled: () => false });
const SEEDS = Array.from({ length: 8 }, (_, seed) => seed);

/** Margins as far from a tie as this tells, by disjunct: positive is safe. */
async function problemOf(seed: number, distances: readonly number[], sizes = [4, 9, 9, 7, 3], radius = 0.7) {
  const random = new Random(seed + 5000);
  const network = randomChain(seed, sizes);
  const box = fewFreeInputs(random, sizes[0], sizes[0], radius);
  const constraints: Constraint[] = [];
  for (const distance of distances) {
    const drawn = randomConstraints(random, 1, sizes[sizes.length - 1], sizes[0]);
    const { bound } = await truth(network, box, drawn);
    constraints.push(...lowered(drawn, bound - distance));
  }
  const problem: BoxProblem = { box, constraints, disjuncts: constraints.map((_, row) => [row]) };
  return { network, problem };
}

/** Accepts every point that violates in float64. */
const hooks = (threads = 1): NeuronSplitOptions => ({
  threads,
  tryCandidate: ({ margin }) => Promise.resolve(margin <= 0),
  onProgress: () => {},
});

describe('one disjunct at a time', () => {
  it.each(SEEDS)('answers for the disjuncts asked for, and only works on them, seed %i', async seed => {
    const distances = [0.02, seed % 2 === 0 ? -0.02 : 0.02, 0.02];
    const { network, problem } = await problemOf(seed, distances);
    const prover = new NeuronSplitProver(network, problem, hooks());
    // The others stay as their first bounds left them.
    expect((await prover.run(budget(), [0])).kind).toBe('verified');
    const first = prover.standings();
    expect(first[0].proved).toBe(true);
    expect(first[0].bound).toBeGreaterThan(0);
    if (seed % 2 === 0) expect(first[1].proved).toBe(false);
    // A point that the first bounds found for another disjunct falsifies the question all the same.
    const end = await prover.run(budget(), [2]);
    if (seed % 2 === 1 || end.kind !== 'falsified') expect(end.kind).toBe('verified');
    const second = prover.standings();
    if (seed % 2 === 0) expect(second[1].proved).toBe(false);
    // A certified bound is no larger than the least margin.
    second.forEach(({ bound }, k) => expect(bound).toBeLessThanOrEqual(distances[k] + 1e-6));
    expect((await prover.run(budget())).kind).toBe(seed % 2 === 0 ? 'falsified' : 'verified');
    const { subproblems } = prover.counts();
    expect(prover.standings().reduce((sum, standing) => sum + standing.subproblems, 0)).toBe(subproblems);
    await prover.close();
  });

  it('an interrupted run goes on where it stopped', async () => {
    const { network, problem } = await problemOf(3, [0.01, 0.01]);
    const prover = new NeuronSplitProver(network, problem, hooks());
    let end = await prover.run({ deadline: 0, cancelled: () => false });
    expect(end.kind).toBe('stopped');
    for (let turn = 0; end.kind === 'stopped' && turn < 10_000; turn++)
      end = await prover.run({ deadline: performance.now() + 1, cancelled: () => false });
    expect(end.kind).toBe('verified');
    expect(prover.standings().every(({ proved, bound }) => proved && bound > 0)).toBe(true);
  });
});

describe('a replay that confirms nothing', () => {
  it.each([1, 2, 3, 112])('leaves a violated question undecided, seed %i', async seed => {
    // On so small a region hardly a neuron is left to split: what the last pass over the inner neurons leaves waits for the linear program, and must not be forgotten.
    const { network, problem } = await problemOf(seed, [-1e-4, 1e-4], [4, 5, 5, 3], 0.02);
    const prover = new NeuronSplitProver(network, problem, { ...hooks(), tryCandidate: () => Promise.resolve(false) });
    expect((await prover.run(budget())).kind).toBe('exhausted');
    expect(prover.standings()[0].proved).toBe(false);
    expect((await prover.run(budget(), [1])).kind).toBe('verified');
    await prover.close();
  });
});

/** The same function, its first layer written as a convolution over single pixels. */
function asConvolution(network: Network): Network {
  const nodes = network.nodes.map((node): NetworkNode => {
    if (node.id !== 1 || node.kind !== 'dense') return node;
    const { weight, bias, relativeError, biasError, id, name, inputs, size } = node;
    return {
      ...{ kind: 'conv', id, name, inputs, size, weight, bias, relativeError, biasError, groups: 1 },
      shape: [size, 1, 1],
      inputShape: [network.inputSize, 1, 1],
      outputShape: [size, 1, 1],
      kernel: [1, 1],
      strides: [1, 1],
      dilations: [1, 1],
      pads: [0, 0, 0, 0],
    };
  });
  return { ...network, nodes };
}

describe('cuts', () => {
  it('lead to the same answers, however the work is interrupted', async () => {
    const found = vi.spyOn(GraphRegion.prototype, 'findCuts');
    for (const seed of SEEDS)
      for (const distance of seed < 2 ? [0.01, -0.01] : [0.01]) {
        const { network, problem } = await problemOf(seed, [0.01, distance, 0.02], [4, 9, 9, 7, 3], 0.7);
        const prover = new NeuronSplitProver(asConvolution(network), problem, { ...hooks(), cutsAfter: 0 });
        let end = await prover.run({ deadline: 0, cancelled: () => false });
        for (let turn = 0; end.kind === 'stopped' && turn < 10_000; turn++)
          end = await prover.run({ deadline: performance.now() + 20, cancelled: () => false }, [
            turn % 3,
            (turn + 1) % 3,
          ]);
        if (end.kind === 'verified') end = await prover.run(budget());
        expect(end.kind).toBe(distance > 0 ? 'verified' : 'falsified');
        prover
          .standings()
          .forEach(({ bound }, k) => expect(bound).toBeLessThanOrEqual([0.01, distance, 0.02][k] + 1e-6));
        await prover.close();
      }
    expect(found.mock.results.filter(({ value }) => (value as readonly Cut[]).length > 0).length).toBeGreaterThan(2);
    found.mockRestore();
  }, 120_000);
});

describe('threads', () => {
  it('come to the same answers as one thread does', async () => {
    const folder = bundle('neuron-split', {
      'neuron-worker': 'src/verify/neuron-split/worker.ts',
      prover: 'src/verify/neuron-split/prover.ts',
    });
    const bundled = createRequire(import.meta.url)(path.join(folder, 'prover.js')) as {
      NeuronSplitProver: typeof NeuronSplitProver;
    };
    for (const distance of [0.001, -0.001]) {
      const { network, problem } = await problemOf(2, [distance, 0.001], [5, 14, 14, 12, 3]);
      const kinds: string[] = [];
      for (const threads of [1, 3]) {
        const prover = new bundled.NeuronSplitProver(network, problem, hooks(threads));
        kinds.push((await prover.run(budget())).kind);
        await prover.close();
      }
      expect(kinds).toEqual(distance > 0 ? ['verified', 'verified'] : ['falsified', 'falsified']);
    }
  }, 120_000);
});
