import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { searchWorst } from '../../../../src/verify/tuning/worst';
import type { Decided } from '../../../../src/verify/tuning/bracket';

const LIMITS = { start: 100, most: 10_000, mostOpen: 2 };

describe('the bracket of several samples', () => {
  it('is that of the weakest one where everything is decided', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1, maxLength: 8 }), async largest => {
        const samples = largest.map((_, k) => 10 + k);
        const outcome = await searchWorst(samples, LIMITS, (sample, place) =>
          Promise.resolve<Decided>(place <= largest[sample - 10] ? 'verified' : 'falsified'),
        );
        const least = Math.min(...largest);
        expect(outcome).toMatchObject({
          certified: least,
          attacked: least + 1,
          settled: samples.length,
          stopped: false,
        });
        expect(largest[(outcome.limiting ?? 0) - 10]).toBe(least);
        expect(largest[(outcome.failing ?? 0) - 10]).toBe(least);
      }),
    );
  });

  it('is certified for every sample that it counts, however the decider wavers and whenever it stops', async () => {
    const behaviour = fc.record({
      largest: fc.array(fc.integer({ min: 0, max: 2000 }), { minLength: 1, maxLength: 6 }),
      openEvery: fc.integer({ min: 1, max: 5 }),
      stopAfter: fc.oneof(fc.constant(Infinity), fc.integer({ min: 0, max: 40 })),
    });
    await fc.assert(
      fc.asyncProperty(behaviour, async ({ largest, openEvery, stopAfter }) => {
        const answers: { sample: number; place: number; answer: Decided }[] = [];
        const samples = largest.map((_, k) => k);
        const outcome = await searchWorst(samples, LIMITS, (sample, place) => {
          let answer: Decided = place <= largest[sample] ? 'verified' : 'falsified';
          if ((place + sample) % openEvery === 1) answer = 'open';
          if (answers.length >= stopAfter) answer = 'stopped';
          answers.push({ sample, place, answer });
          return Promise.resolve(answer);
        });
        expect(new Set(answers.map(({ sample, place }) => `${sample} ${place}`)).size).toBe(answers.length);
        const { certified, attacked, failing, settled } = outcome;
        if (certified > 0)
          for (const sample of samples.slice(0, settled))
            expect(
              answers.some(each => each.sample === sample && each.answer === 'verified' && each.place >= certified),
            ).toBe(true);
        if (attacked !== null)
          expect(answers).toContainEqual({ sample: failing, place: attacked, answer: 'falsified' });
        if (stopAfter === Infinity && certified > 0) expect(settled).toBe(samples.length);
        if (outcome.stopped) expect(answers.at(-1)?.answer).toBe('stopped');
      }),
      { numRuns: 500 },
    );
  });

  it('asks each further sample once where it holds', async () => {
    const asked: [number, number][] = [];
    await searchWorst([0, 1, 2, 3], LIMITS, (sample, place) => {
      asked.push([sample, place]);
      return Promise.resolve<Decided>(place <= (sample === 0 ? 150 : 500) ? 'verified' : 'falsified');
    });
    expect(asked.filter(([sample]) => sample > 0)).toEqual([1, 2, 3].map(sample => [sample, 150]));
  });
});
