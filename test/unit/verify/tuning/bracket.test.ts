import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NOTHING_KNOWN, searchBracket, type Bracket, type Decided } from '../../../../src/verify/tuning/bracket';

const LIMITS = { start: 200, most: 100_000, mostOpen: 3 };

/** Asks a decider, and keeps what it answered. */
function recorded(decide: (place: number) => Decided): {
  readonly answers: Map<number, Decided>;
  readonly decide: (place: number) => Promise<Decided>;
} {
  const answers = new Map<number, Decided>();
  return {
    answers,
    decide: place => {
      expect(answers.has(place)).toBe(false);
      const answer = decide(place);
      answers.set(place, answer);
      return Promise.resolve(answer);
    },
  };
}

describe('the bracket of the largest size that holds', () => {
  it('closes to neighbours where every question is decided, in about as many questions as the numbers have bits', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 90_000 }),
        fc.integer({ min: 1, max: 5000 }),
        async (largest, start) => {
          const { answers, decide } = recorded(place => (place <= largest ? 'verified' : 'falsified'));
          const { bracket, stopped } = await searchBracket({ ...LIMITS, start }, NOTHING_KNOWN, decide);
          expect(bracket).toEqual({ certified: largest, attacked: largest + 1 });
          expect(stopped).toBe(false);
          expect(answers.size).toBeLessThan(45);
        },
      ),
    );
  });

  it('claims only what was answered, however the decider wavers', async () => {
    const behaviour = fc.record({
      largest: fc.integer({ min: 0, max: 3000 }),
      start: fc.integer({ min: 1, max: 3000 }),
      most: fc.integer({ min: 1, max: 4000 }),
      mostOpen: fc.integer({ min: 0, max: 5 }),
      /** Which places stay open, by their remainder. */
      openEvery: fc.integer({ min: 1, max: 5 }),
      stopAfter: fc.oneof(fc.constant(Infinity), fc.integer({ min: 0, max: 12 })),
    });
    await fc.assert(
      fc.asyncProperty(behaviour, async ({ largest, start, most, mostOpen, openEvery, stopAfter }) => {
        const { answers, decide } = recorded(place => {
          if (answers.size >= stopAfter) return 'stopped';
          if (place % openEvery === 1) return 'open';
          return place <= largest ? 'verified' : 'falsified';
        });
        const told: Bracket[] = [];
        const { bracket } = await searchBracket({ start, most, mostOpen }, NOTHING_KNOWN, decide, each =>
          told.push(each),
        );
        const places = [...answers.keys()];
        expect(places.every(place => Number.isInteger(place) && place >= 1 && place <= most)).toBe(true);
        if (bracket.certified > 0) expect(answers.get(bracket.certified)).toBe('verified');
        if (bracket.attacked !== null) {
          expect(answers.get(bracket.attacked)).toBe('falsified');
          expect(bracket.attacked).toBeGreaterThan(bracket.certified);
        }
        const verified = places.filter(place => answers.get(place) === 'verified');
        const falsified = places.filter(place => answers.get(place) === 'falsified');
        expect(bracket.certified).toBe(Math.max(0, ...verified));
        expect(bracket.attacked).toBe(falsified.length === 0 ? null : Math.min(...falsified));
        // Every change is told, and the ends only ever come nearer.
        if (verified.length + falsified.length > 0) expect(told.at(-1)).toEqual(bracket);
        for (let k = 1; k < told.length; k++) {
          expect(told[k].certified).toBeGreaterThanOrEqual(told[k - 1].certified);
          expect(told[k].attacked ?? Infinity).toBeLessThanOrEqual(told[k - 1].attacked ?? Infinity);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('goes on from what is known, and asks nothing where that is all', async () => {
    const { answers, decide } = recorded(place => (place <= 120 ? 'verified' : 'falsified'));
    const known = { certified: 100, attacked: 200 };
    const { bracket } = await searchBracket({ ...LIMITS, start: 150 }, known, decide);
    expect(bracket).toEqual({ certified: 120, attacked: 121 });
    expect([...answers.keys()].every(place => place > 100 && place < 200)).toBe(true);
    const again = recorded(() => 'open');
    await searchBracket({ ...LIMITS, start: 150 }, bracket, again.decide);
    expect(again.answers.size).toBe(0);
  });

  it('finds the attacked end above what stays open, within its patience', async () => {
    const { answers, decide } = recorded(place => (place <= 50 ? 'verified' : place >= 800 ? 'falsified' : 'open'));
    const { bracket } = await searchBracket({ start: 200, most: 2000, mostOpen: 30 }, NOTHING_KNOWN, decide);
    expect(bracket).toEqual({ certified: 50, attacked: 800 });
    expect(answers.size).toBeLessThan(30);
  });

  it('never goes beyond the largest place, where everything holds', async () => {
    const { answers, decide } = recorded(() => 'verified');
    const { bracket } = await searchBracket({ start: 200, most: 1000, mostOpen: 3 }, NOTHING_KNOWN, decide);
    expect(bracket).toEqual({ certified: 1000, attacked: null });
    expect([...answers.keys()]).toEqual([200, 400, 800, 1000]);
  });
});
