import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { evaluate } from '../../../src/network/evaluate';
import type { Network } from '../../../src/network/network';
import type { LabelResult, Verdict } from '../../../src/report/verdict';
import type { Box, Disjunct } from '../../../src/spec/question';
import { backendRefusal } from '../../../src/verify/create-prover';
import { BACKENDS, LABEL_ORDERS } from '../../../src/verify/options';
import { randomChain } from '../bounds/chains';
import { decideOn, otherLabels } from './deciding';
import { fewFreeInputs, margins } from './oracle';

interface Case {
  readonly network: Network;
  readonly box: Box;
  readonly disjuncts: readonly Disjunct[];
}

/** "The network's own answer at the centre stays", on a small random chain; one in three has too many inputs for splitting them. */
function randomCase(seed: number): Case {
  const random = new Random(seed, 77);
  const inputs = seed % 3 === 0 ? 26 : 4;
  const network = randomChain(seed, [inputs, 6, 6, 5]);
  const box = fewFreeInputs(random, inputs, inputs, 0.05 + 0.35 * random.uniform());
  const centre = box.lower.map((low, i) => low + (box.upper[i] - low) / 2);
  const output = evaluate(network, centre)[network.nodes.length - 1];
  return { network, box, disjuncts: otherLabels(box, 5, output.indexOf(Math.max(...output))) };
}

/** The results of all labels must say what the verdict says. */
function consistent(verdict: Verdict, { network, box, disjuncts }: Case, guided: boolean): readonly LabelResult[] {
  const labels = verdict.statistics?.labels ?? [];
  expect(labels.map(({ disjunct }) => disjunct).sort()).toEqual(disjuncts.map((_, k) => k));
  for (const { disjunct, label } of labels)
    expect(
      disjuncts[disjunct].constraints[0].outputs.value[
        disjuncts[disjunct].constraints[0].outputs.index.indexOf(label ?? -1)
      ],
    ).toBe(-1);
  const outcomes = labels.map(({ outcome }) => outcome);
  const isProved = ({ outcome }: LabelResult): boolean => outcome === 'verified' || outcome === 'discarded';
  if (verdict.kind === 'verified') expect(labels.every(isProved)).toBe(true);
  else expect(labels.every(isProved)).toBe(false);
  expect(outcomes.filter(outcome => outcome === 'falsified')).toHaveLength(verdict.kind === 'falsified' ? 1 : 0);
  if (verdict.kind === 'falsified') {
    const { disjunct } = labels.find(({ outcome }) => outcome === 'falsified')!;
    const [margin] = margins(network, disjuncts[disjunct].constraints, Float64Array.from(verdict.counterexample.input));
    expect(margin).toBeLessThan(1e-5);
  }
  const random = new Random(1);
  const points = Array.from({ length: 20 }, () =>
    box.lower.map((low, i) => low + (box.upper[i] - low) * random.uniform()),
  );
  for (const { disjunct, outcome, margin, seconds, reason } of labels) {
    expect(seconds).toBeGreaterThanOrEqual(0);
    expect(reason !== null).toBe(outcome === 'discarded' || outcome === 'unknown');
    if (!guided) expect(outcome).not.toBe('discarded');
    if (outcome === 'verified' || outcome === 'discarded') expect(margin).toBeGreaterThan(0);
    for (const point of points) {
      const [reached] = margins(network, disjuncts[disjunct].constraints, point);
      if (margin !== null) expect(margin).toBeLessThanOrEqual(reached + 1e-9);
    }
  }
  if (verdict.lowerBound !== null) {
    const least = Math.min(...labels.map(({ margin }) => margin ?? -Infinity));
    expect(verdict.lowerBound).toBe(least);
  }
  return labels;
}

const CASES = 120;

describe('guided by labels', () => {
  const { network: sample } = randomCase(0);
  const available = BACKENDS.filter(backend => backendRefusal(backend, sample) === null);

  for (const backend of available)
    it(`${backend}: guided and unguided give the same verdicts, with every label told of`, async () => {
      const kinds = new Map<string, number>();
      let discarded = 0;
      for (let seed = 0; seed < (backend === 'zonotope' ? CASES / 2 : CASES); seed++) {
        const question = randomCase(seed);
        const { network, disjuncts } = question;
        const guided = await decideOn(network, disjuncts, { backend, guided: true, seed });
        const unguided = await decideOn(network, disjuncts, { backend, guided: false, seed });
        discarded += consistent(guided, question, true).filter(({ outcome }) => outcome === 'discarded').length;
        consistent(unguided, question, false);
        const what = `seed ${seed}: guided ${guided.kind}, unguided ${unguided.kind}`;
        // What sorting discards may settle a question that a back end which never splits leaves open.
        if (backend === 'zonotope' && unguided.kind === 'unknown') expect(guided.kind, what).not.toBe('falsified');
        else expect(guided.kind, what).toBe(unguided.kind);
        kinds.set(guided.kind, (kinds.get(guided.kind) ?? 0) + 1);
      }
      expect(kinds.get('verified')).toBeGreaterThan(10);
      expect(kinds.get('falsified')).toBeGreaterThan(10);
      expect(discarded).toBeGreaterThan(backend === 'auto' ? 10 : 50);
    }, 120_000);

  it('every order gives the same verdicts', async () => {
    for (let seed = 0; seed < 30; seed++) {
      const question = randomCase(seed);
      const { network, disjuncts } = question;
      const kinds = new Set<string>();
      for (const backend of ['crown', 'milp'] as const)
        for (const labelOrder of LABEL_ORDERS) {
          const verdict = await decideOn(network, disjuncts, { backend, labelOrder, seed });
          consistent(verdict, question, true);
          kinds.add(verdict.kind);
        }
      expect(kinds.size, `seed ${seed}: ${[...kinds].join()}`).toBe(1);
    }
  }, 60_000);
});
