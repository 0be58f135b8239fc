import { beforeAll, describe, expect, it } from 'vitest';
import { evaluate } from '../../../src/network/evaluate';
import type { Network } from '../../../src/network/network';
import type { Verdict } from '../../../src/report/verdict';
import { differenceConstraint, outputRef } from '../../../src/spec/linear-term';
import type { Disjunct } from '../../../src/spec/question';
import type { Backend } from '../../../src/verify/options';
import { randomChain } from '../bounds/chains';
import { LIES } from '../lp/lying-solver';
import { decideOn } from './deciding';

const BACKENDS = ['milp', 'symbolic', 'crown', 'auto'] as const;
const SEEDS = [1, 2, 3];
/** From where bounds suffice to where there are counterexamples; between them programs decide. */
const RADII = [0.1, 0.3, 0.8];

/** Whether the output that leads in the middle can be behind two others at once, which bounds one by one do not settle, or behind the last. */
function questionOf(seed: number, radius: number): { network: Network; disjuncts: Disjunct[] } {
  const network = randomChain(seed, [3, 5, 5, 4]);
  const box = {
    lower: new Float64Array(3).fill(-radius),
    upper: new Float64Array(3).fill(radius),
    lowerPoint: new Float32Array(3).fill(-radius),
    upperPoint: new Float32Array(3).fill(radius),
  };
  const middle = evaluate(network, new Float64Array(3)).at(-1)!;
  const [leader, ...others] = [0, 1, 2, 3].sort((a, b) => middle[b] - middle[a]);
  const [first, second, last] = others.map(other => differenceConstraint(outputRef(leader), outputRef(other), false));
  return {
    network,
    disjuncts: [
      { box, constraints: [first, second] },
      { box, constraints: [last] },
    ],
  };
}

const QUESTIONS = SEEDS.flatMap(seed => RADII.map(radius => questionOf(seed, radius)));

function decide(question: number, backend: Backend, open?: (typeof LIES)[string]): Promise<Verdict> {
  const { network, disjuncts } = QUESTIONS[question];
  return decideOn(network, disjuncts, { timeout: 10, backend }, undefined, open);
}

describe('a verdict with a solver of programs', () => {
  let truths: Verdict['kind'][] = [];
  let undecided = 0;

  beforeAll(async () => {
    truths = (await Promise.all(QUESTIONS.map((_, question) => decide(question, 'milp')))).map(({ kind }) => kind);
  });

  it('is known for the questions asked here, both ways', () => {
    expect(new Set(truths)).toEqual(new Set(['verified', 'falsified']));
  });

  describe.each(Object.entries(LIES))('that %s', (_, open) => {
    it.each(BACKENDS)('is true, or undecided with the bound that was proved and what happened: %s', async backend => {
      for (const [question, truth] of truths.entries()) {
        const verdict = await decide(question, backend, open);
        expect([truth, 'unknown']).toContain(verdict.kind);
        if (verdict.kind !== 'unknown') continue;
        undecided++;
        expect(verdict.lowerBound).not.toBeNull();
        expect(verdict.reason).toMatch(/HiGHS|linear program/);
        expect(verdict.reason).toMatch(/The certified lower bound reached -?\d/);
      }
    });
  });

  it('was needed for some of them', () => expect(undecided).toBeGreaterThan(10));
});
