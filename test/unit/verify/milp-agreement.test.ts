import { describe, expect, it } from 'vitest';
import { NeuronSplitProver } from '../../../src/verify/neuron-split/prover';
import { caseOf, DISTANCES, judge, leastMargins, moved, proverOf, UNLIMITED } from './milp-cases';

describe('milp and neuron splits', () => {
  it.each(Array.from({ length: 20 }, (_, k) => k))('agree, networks %i × 5', async block => {
    for (let seed = 5 * block; seed < 5 * block + 5; seed++) {
      const drawn = caseOf(1000 + seed);
      // Neuron splits bound the constraints of a conjunction one by one.
      const least = drawn.disjuncts.some(own => own.length > 1) ? null : await leastMargins(drawn);
      if (least === null) continue;
      const of = moved(drawn, least, DISTANCES[seed % DISTANCES.length]);
      const [milp, splits] = [
        proverOf(of),
        new NeuronSplitProver(of.network, of.problem, { ...judge(of), onProgress: () => {}, threads: 1 }),
      ];
      const one = await milp.run(UNLIMITED);
      const other = await splits.run({ deadline: performance.now() + 10_000, cancelled: () => false });
      expect(['verified', 'falsified'], `seed ${seed}`).toContain(one.kind);
      if (other.kind === 'verified' || other.kind === 'falsified') expect(one.kind, `seed ${seed}`).toBe(other.kind);
      await milp.close();
      await splits.close();
    }
  });
});
