import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { milpRefusal } from '../../../src/verify/milp/prover';
import { randomChain, randomConstraints } from '../bounds/chains';
import { LIES } from '../lp/lying-solver';
import { randomNetwork } from '../tensor/random-network';
import { caseOf, DISTANCES, guided, leastMargins, moved, proverOf, UNLIMITED, type Case } from './milp-cases';
import { fewFreeInputs, lowered, truth } from './oracle';

describe('the back end milp', () => {
  let agreed = 0;

  it.each(Array.from({ length: 40 }, (_, k) => k))(
    'agrees with all patterns of phases, guided and unguided, networks %i × 5',
    async block => {
      for (let seed = 5 * block; seed < 5 * block + 5; seed++) {
        const drawn = caseOf(seed);
        const least = await leastMargins(drawn);
        if (least === null) continue;
        const distance = DISTANCES[seed % DISTANCES.length];
        const of = moved(drawn, least, distance);
        const expected = distance > 0 ? 'verified' : 'falsified';
        const one = proverOf(of);
        const all = proverOf(of);
        expect((await guided(one, of.disjuncts.length)).kind, `guided, seed ${seed}`).toBe(expected);
        expect((await all.run(UNLIMITED)).kind, `unguided, seed ${seed}`).toBe(expected);
        for (const prover of [one, all]) {
          prover.standings().forEach(({ bound }, k) => {
            expect(bound).toBeLessThan((k === 0 ? distance : Math.abs(distance) + k) + 1e-6);
            if (expected === 'verified') expect(bound).toBeGreaterThan(0);
          });
          await prover.close();
        }
        agreed++;
      }
    },
  );

  it('was asked about more than a hundred networks', () => expect(agreed).toBeGreaterThan(100));

  it('keeps the leaves of its proof, for every disjunct', async () => {
    const drawn = caseOf(6);
    const least = (await leastMargins(drawn))!;
    const of = moved(drawn, least, 0.02);
    for (const asked of [undefined, [0]]) {
      const prover = proverOf(of);
      expect((await prover.run(UNLIMITED, asked)).kind).toBe('verified');
      const leaves = prover.proof()!;
      expect(leaves.length).toBeGreaterThan(0);
      const covered = leaves.reduce((sum, leaf) => {
        if (leaf.kind === 'box') return sum + (leaf.disjuncts.includes(0) ? 1 : 0);
        return leaf.kind === 'program' && leaf.disjunct === 0 ? sum + 2 ** -leaf.sides.length : sum;
      }, 0);
      expect(covered).toBe(1);
      expect(prover.preActivations()!.length).toBe(2);
      await prover.close();
    }
  });

  it('stops when it is told to, and goes on', async () => {
    const network = randomChain(5, [4, 10, 10, 3]);
    const random = new Random(5);
    const box = fewFreeInputs(random, 4, 4, 1);
    const drawn = [randomConstraints(random, 1, 3, 4)];
    const { bound } = await truth(network, box, drawn[0]);
    const disjuncts = [lowered(drawn[0], bound - 1e-3)];
    const prover = proverOf({ network, disjuncts, problem: { box, constraints: disjuncts[0], disjuncts: [[0]] } });
    expect(await prover.run({ deadline: Infinity, cancelled: () => true })).toEqual({ kind: 'stopped' });
    expect(await prover.run({ deadline: 0, cancelled: () => false })).toEqual({ kind: 'stopped' });
    let polls = 0;
    let runs = 0;
    while ((await prover.run({ deadline: Infinity, cancelled: () => polls++ % 25 === 24 })).kind === 'stopped') runs++;
    expect(runs).toBeGreaterThan(0);
    expect(prover.standings()[0].proved).toBe(true);
    await prover.close();
  });

  it('has nothing to prove for a disjunct without constraints: every point violates', async () => {
    const { network, problem } = caseOf(2);
    const of: Case = { network, disjuncts: [[]], problem: { ...problem, constraints: [], disjuncts: [[]] } };
    expect(await proverOf(of).run(UNLIMITED)).toEqual({ kind: 'falsified' });
  });

  it('says which node it cannot take', () => {
    for (const [kind, word] of [
      ['sigmoid', 'Sigmoid'],
      ['tanh', 'Tanh'],
    ] as const) {
      const refused = milpRefusal(randomNetwork(3, [kind]));
      expect(refused.ok).toBe(false);
      if (!refused.ok) expect(refused.error.message).toMatch(new RegExp(`^\\S+ is a ${word}, .*"crown" or "auto"\\.$`));
    }
    const steep = randomChain(1, [2, 3, 2], 1.5);
    expect(milpRefusal(steep)).toMatchObject({ ok: false, error: { code: 'lp-unsupported' } });
    expect(milpRefusal(randomChain(1, [2, 3, 2], 0.5)).ok).toBe(true);
  });

  it.each(Object.entries(LIES))(
    'never verifies what is false with a solver that %s, and says what happened',
    async (_, open) => {
      let judged = 0;
      for (const seed of [0, 2, 4, 6, 10]) {
        const drawn = caseOf(seed);
        const least = await leastMargins(drawn);
        if (least === null) continue;
        judged++;
        for (const distance of [-0.02, 0.02]) {
          const of = moved(drawn, least, distance);
          const prover = proverOf(of, open);
          const end = await prover.run({ ...UNLIMITED, deadline: performance.now() + 10_000 });
          if (distance < 0) expect(end.kind).not.toBe('verified');
          if (end.kind === 'exhausted') expect(end.reason).toMatch(/HiGHS|linear program|sub-problem/);
          prover
            .standings()
            .forEach(({ bound }, k) =>
              expect(bound).toBeLessThan((k === 0 ? distance : Math.abs(distance) + k) + 1e-6),
            );
          // What the region's bounds alone show is still there.
          expect(Math.min(...prover.standings().map(({ bound }) => bound))).toBeGreaterThan(-Infinity);
          await prover.close();
        }
      }
      expect(judged).toBeGreaterThan(2);
    },
  );
});
