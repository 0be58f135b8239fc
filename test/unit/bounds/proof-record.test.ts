import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { ChainLadder, denseChain } from '../../../src/bounds/chain';
import { ChainRegion } from '../../../src/bounds/chain-region';
import type { ProofLeaf } from '../../../src/report/verdict';
import { ParallelSearch } from '../../../src/verify/input-split/parallel';
import { NeuronSplitProver } from '../../../src/verify/neuron-split/prover';
import { ProofRecord } from '../../../src/verify/proof-record';
import { randomBox, randomChain, randomConstraints } from './chains';

const budget = { deadline: Infinity, cancelled: () => false };
const hooks = { tryCandidate: () => Promise.resolve(false), onProgress: () => {} };

/** A chain, a box and constraints that hold nowhere on it, with a margin that takes some splitting to prove. */
function provable(seed: number) {
  const random = new Random(seed);
  const network = randomChain(seed, [3, 8, 8, 2]);
  const { lower, upper } = randomBox(random, 3, 0.8);
  const box = { lower, upper, lowerPoint: Float32Array.from(lower), upperPoint: Float32Array.from(upper) };
  const constraints = randomConstraints(random, 2, 2, 3).map(constraint => ({ ...constraint }));
  const ladder = new ChainLadder(denseChain(network)!, constraints);
  const sample = Array.from({ length: 2000 }, () => lower.map((l, i) => l + random.uniform() * (upper[i] - l)));
  constraints.forEach((constraint, row) => {
    const margins = sample.map(x => {
      const y = ladder.evaluate(x);
      const at = (form: { index: Int32Array; value: Float64Array }, v: ArrayLike<number>) =>
        form.index.reduce((sum, i, k) => sum + form.value[k] * v[i], 0);
      return at(constraint.outputs, y) + at(constraint.inputs, x) - constraint.bound;
    });
    constraints[row] = { ...constraint, bound: constraint.bound + Math.min(...margins) - 0.2 };
  });
  return { network, problem: { box, constraints, disjuncts: [[0], [1]] } };
}

describe('what a verified verdict rests on', () => {
  it.each([1, 2, 3, 4, 5, 6])('input splits: the boxes cover the region and each is bounded, seed %i', async seed => {
    const { network, problem } = provable(seed);
    const search = new ParallelSearch(network, problem, { seed, threads: 1, ...hooks });
    expect((await search.run(budget)).kind).toBe('verified');
    const leaves = search.proof() as Extract<ProofLeaf, { kind: 'box' }>[];
    expect(leaves).toHaveLength(search.counts().leaves);
    const ladder = new ChainLadder(denseChain(network)!, problem.constraints);
    for (const leaf of leaves.filter(({ method }) => method !== 'clip')) {
      ladder.setBox(leaf.lower, leaf.upper, null);
      ladder.zonotope([0, 1]);
      const { lower } = ladder.crown([0, 1]);
      // Without what the boxes around it knew, the bound may be a little weaker, never by much here.
      for (const index of leaf.disjuncts) expect(lower[index]).toBeGreaterThan(-0.2);
    }
  });

  it.each([1, 2, 3, 4, 5, 6])(
    'neuron splits: every leaf is bounded again by its own multipliers, seed %i',
    async seed => {
      const { network, problem } = provable(seed);
      const prover = new NeuronSplitProver(network, problem, { threads: 1, ...hooks });
      const end = await prover.run(budget);
      if (end.kind !== 'verified') return;
      const leaves = prover.proof()!;
      expect(leaves).toHaveLength(prover.counts().leaves);
      const region = new ChainRegion(denseChain(network)!, problem.constraints, 4);
      region.setBox(problem.box.lower, problem.box.upper, null);
      region.zonotope([0, 1]);
      region.crown([0, 1]);
      // The multipliers are those of the neurons that the prover's own bounds leave live.
      prover.preActivations()!.forEach((bounds, layer) => {
        region.tighten(layer, [...bounds.lower.keys()], bounds);
        region.relax(layer);
      });
      const splits = region.splits();
      for (const leaf of leaves) {
        if (leaf.kind !== 'phases') continue;
        const chosen = leaf.phases.map(({ layer, neuron, sign }) => {
          const place = Array.from({ length: splits.width }, (_, k) => k).find(k => {
            const own = splits.neuron(k);
            return own.layer === layer && own.neuron === neuron;
          })!;
          return { place, sign };
        });
        splits.set(0, leaf.constraint, chosen, {
          alpha: Float32Array.from(leaf.alpha),
          beta: Float32Array.from(chosen, ({ place }) => leaf.beta[place]),
        });
        expect(splits.certify([0])[0]).toBeGreaterThan(0);
      }
    },
  );

  it('gives up keeping leaves that take too much memory, and says so', () => {
    const record = new ProofRecord();
    const wide = new Float64Array(2 ** 18);
    for (let k = 0; k < 10; k++)
      record.add({ kind: 'box', lower: wide, upper: wide, disjuncts: [0], method: 'crown', bound: 1 });
    expect(record.take()).toBeNull();
  });
});
