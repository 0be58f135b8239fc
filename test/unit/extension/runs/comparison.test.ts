import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CHANGES, compareRuns } from '../../../../src/extension/runs/comparison';
import type { KeptResult } from '../../../../src/extension/runs/kept-run';
import type { VerdictKind } from '../../../../src/report/verdict';
import { result, VERDICT } from '../records';

const at = (index: number, kind: VerdictKind): KeptResult =>
  ({ ...result(index, 'near', VERDICT.unknown), verdict: { ...VERDICT.unknown, kind } }) as KeptResult;

it('new counterexamples come first, then what changed otherwise, then the same', () => {
  const before = [at(0, 'verified'), at(1, 'verified'), at(2, 'falsified'), at(3, 'unknown'), at(4, 'falsified')];
  const after = [at(0, 'verified'), at(1, 'falsified'), at(2, 'verified'), at(3, 'timeout'), at(5, 'unknown')];
  const { questions, counts } = compareRuns(before, after);
  expect(questions.map(({ sample, change }) => `${sample} ${change}`)).toEqual([
    '1 broken',
    '3 worse',
    '2 fixed',
    '5 added',
    '4 removed',
    '0 same',
  ]);
  expect(counts).toEqual({ broken: 1, worse: 1, better: 0, fixed: 1, added: 1, removed: 1, same: 1 });
});

it('a counterexample that is no longer found is progress, though nothing is proved', () => {
  expect(compareRuns([at(0, 'falsified')], [at(0, 'unknown')]).questions[0]!.change).toBe('better');
});

it('every question of either run is there once', () => {
  const kinds = fc.constantFrom<VerdictKind>('verified', 'falsified', 'unknown', 'timeout', 'misclassified', 'error');
  const runs = fc.uniqueArray(fc.tuple(fc.nat(20), kinds), { selector: ([sample]) => sample, maxLength: 15 });
  fc.assert(
    fc.property(runs, runs, (first, second) => {
      const [before, after] = [first, second].map(some => some.map(([sample, kind]) => at(sample, kind)));
      const { questions, counts } = compareRuns(before!, after!);
      const samples = new Set([...first, ...second].map(([sample]) => sample));
      expect(new Set(questions.map(({ sample }) => sample))).toEqual(samples);
      expect(questions).toHaveLength(samples.size);
      expect(CHANGES.reduce((sum, change) => sum + counts[change], 0)).toBe(samples.size);
      const places = questions.map(({ change }) => CHANGES.indexOf(change));
      expect(places).toEqual([...places].sort((a, b) => a - b));
      for (const { change, before: was, after: is } of questions)
        if (is?.verdict.kind === 'falsified' && was?.verdict.kind !== 'falsified') expect(change).toBe('broken');
    }),
  );
});
