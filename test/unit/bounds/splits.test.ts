import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { denseChain } from '../../../src/bounds/chain';
import { ChainRegion } from '../../../src/bounds/chain-region';
import type { Split } from '../../../src/bounds/split-bounds';
import { evaluate } from '../../../src/network/evaluate';
import type { Box, Constraint } from '../../../src/spec/question';
import { ParallelSearch } from '../../../src/verify/input-split/parallel';
import { marginAt } from '../../../src/verify/input-split/search';
import { NeuronSplitProver } from '../../../src/verify/neuron-split/prover';
import { randomBox, randomChain, randomConstraints } from './chains';

const SLACK = 1e-10;

describe('bounds of sub-problems', () => {
  it.each(Array.from({ length: 12 }, (_, seed) => seed))(
    'hold where their splits hold, for any multipliers, seed %i',
    seed => {
      const random = new Random(seed + 900);
      const slope = seed % 3 === 0 ? 0.1 : 0;
      const network = randomChain(seed, [3, 7, 9, 6, 2], slope);
      const constraints = randomConstraints(random, 3, 2, 3);
      const { lower, upper } = randomBox(random, 3, 1.5);
      const region = new ChainRegion(denseChain(network)!, constraints, 8);
      region.setBox(lower, upper, null);
      const rows = [0, 1, 2];
      region.zonotope(rows);
      const whole = region.crown(rows).lower;
      const splits = region.splits();
      // Without splits a sub-problem is the box itself.
      rows.forEach(row => splits.set(row, row, [], null));
      splits
        .certify(rows)
        .forEach((bound, row) => expect(Math.abs(bound - whole[row])).toBeLessThan(1e-7 * (1 + Math.abs(bound))));
      splits
        .estimate(3)
        .forEach((bound, row) => expect(Math.abs(bound - whole[row])).toBeLessThan(1e-4 * (1 + Math.abs(bound))));
      const candidates = splits.candidates(0, 4);
      const samples = Array.from({ length: 4000 }, () => {
        const input = lower.map((l, i) => l + random.uniform() * (upper[i] - l));
        return { input, values: evaluate(network, input) };
      });
      let checked = 0;
      for (let trial = 0; trial < 20; trial++) {
        const chosen: Split[] = candidates
          .filter(() => random.integer(2) === 0)
          .map(place => ({ place, sign: random.integer(2) === 0 ? 1 : -1 }));
        const multipliers = {
          // Sensible ones and, every other time, any numbers at all.
          alpha: Float32Array.from({ length: splits.width }, () =>
            trial % 2 === 0
              ? slope + (1 - slope) * random.uniform()
              : random.integer(5) === 0
                ? NaN
                : 3 * random.normal(),
          ),
          beta: Float32Array.from({ length: chosen.length }, () =>
            trial % 2 === 0 ? 3 * random.uniform() : random.integer(5) === 0 ? NaN : 3 * random.normal(),
          ),
        };
        rows.forEach(row => splits.set(row, row, chosen, multipliers));
        const bounds = [splits.certify(rows)];
        for (let step = 0; step < 3; step++) {
          splits.optimise(3, { iterations: 2, alpha: 0.1, beta: 0.1, enough: Infinity });
          bounds.push(splits.certify(rows));
        }
        // What the search keeps is no worse than what it began with, but for float32.
        rows.forEach(row =>
          expect(bounds[3][row]).toBeGreaterThan(bounds[0][row] - 1e-4 * (1 + Math.abs(bounds[0][row]))),
        );
        const inside = samples.filter(({ values }) =>
          chosen.every(({ place, sign }) => {
            const { layer, neuron } = splits.neuron(place);
            return values[1 + 2 * layer][neuron] * sign >= 0;
          }),
        );
        for (const { input, values } of inside)
          rows.forEach(row => {
            const { margin } = marginAt(constraints[row], input, values[values.length - 1]);
            for (const bound of bounds)
              if (!(margin - bound[row] > -SLACK * (1 + Math.abs(margin))))
                throw new Error(`row ${row}: ${bound[row]} above ${margin}`);
            checked++;
          });
      }
      expect(checked).toBeGreaterThan(100);
    },
  );
});

function boxOf(lower: Float64Array, upper: Float64Array): Box {
  const low = Float32Array.from(lower);
  const high = Float32Array.from(upper);
  return { lower: Float64Array.from(low), upper: Float64Array.from(high), lowerPoint: low, upperPoint: high };
}

describe('splitting neurons and splitting inputs', () => {
  it.each(Array.from({ length: 40 }, (_, seed) => seed))('come to the same answer, seed %i', async seed => {
    const random = new Random(seed + 40);
    const network = randomChain(seed, [3, 6, 7, 5, 3]);
    const { lower, upper } = randomBox(random, 3, 1);
    const constraints: Constraint[] = randomConstraints(random, 3, 3, 3);
    const problem = { box: boxOf(lower, upper), constraints, disjuncts: [[0], [1], [2]] };
    const answers: string[] = [];
    const hooks = () => {
      let best = Infinity;
      return {
        tryCandidate: (candidate: { margin: number }) => {
          best = Math.min(best, candidate.margin);
          return Promise.resolve(best <= 0);
        },
        onProgress: () => {},
      };
    };
    const budget = { deadline: performance.now() + 20_000, cancelled: () => false };
    for (const prover of [
      new ParallelSearch(network, problem, { seed: 1, threads: 1, ...hooks() }),
      new NeuronSplitProver(network, problem, { threads: 1, ...hooks() }),
    ]) {
      answers.push((await prover.run(budget)).kind);
      // What is not proved is never covered by the bound of what is.
      const { stuck, stuckBound } = prover.counts();
      expect(stuck > 0 ? stuckBound : 0).toBeLessThanOrEqual(0);
      await prover.close();
    }
    // A neuron-split tree may end with all phases fixed and the bound not quite there; it must never contradict.
    expect([answers[0], 'exhausted']).toContain(answers[1]);
  });
});
