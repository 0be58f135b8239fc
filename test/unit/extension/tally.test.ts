import fc from 'fast-check';
import { expect, it } from 'vitest';
import { countsOf, tallyOf, worstOf } from '../../../src/extension/core/tally';
import { countVerdicts } from '../../../src/report/summary';
import { worst } from '../../../src/report/verdict';
import { result, VERDICT } from './records';

it('is what counting everything anew gives, however the list grew', () => {
  const kinds = fc.constantFrom('verified', 'falsified', 'unknown');
  fc.assert(
    fc.property(fc.array(fc.tuple(kinds, fc.boolean()), { maxLength: 40 }), steps => {
      const results: ReturnType<typeof result>[] = [];
      for (const [index, [kind, asked]] of steps.entries()) {
        results.push(result(index, 'a', VERDICT[kind as keyof typeof VERDICT]));
        if (asked) tallyOf(results);
      }
      expect(countsOf(results)).toEqual(countVerdicts(results));
      expect(worstOf(results)).toBe(results.length === 0 ? null : worst(results.map(({ verdict }) => verdict.kind)));
      expect(tallyOf(results).seconds).toBeCloseTo(results.reduce((sum, { verdict }) => sum + verdict.seconds, 0));
    }),
  );
});
