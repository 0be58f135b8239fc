import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import {
  averagePairwiseDistance,
  histogram,
  jaccardDistance,
  jaccardSimilarity,
  randomMask,
  vennRegions,
} from '../../../src/graft/comparison';
import { createMask, DEFAULT_MASK_OPTIONS, graftScores, scorePlane, selectNeurons } from '../../../src/graft/mask';
import { readMask, readNeuronValues } from '../../../src/graft/neuron-file';
import { graftedCount, graftedPerLayer, type Mask, type NeuronValues } from '../../../src/graft/neurons';
import { RANKINGS, type Ranking } from '../../../src/graft/kinds';
import { ranks, scores } from '../../../src/graft/ranking';
import { must } from '../must';
import { sharedData } from '../shared-data';

describe('rankings', () => {
  const values = Float64Array.of(10, 20, 20, 50, 50, 50);
  const table: [Ranking, number[] | null, number[]][] = [
    ['min', [1, 2, 2, 4, 4, 4], [0, 0.33, 0.33, 1, 1, 1]],
    ['dense', [1, 2, 2, 3, 3, 3], [0, 0.5, 0.5, 1, 1, 1]],
    ['ordinal', [1, 2, 3, 4, 5, 6], [0, 0.2, 0.4, 0.6, 0.8, 1]],
    ['none', null, [0, 0.25, 0.25, 1, 1, 1]],
  ];
  it.each(table)('%s is as in table 3.1 of the thesis', (ranking, expected, normalised) => {
    if (expected) expect([...ranks(values, ranking)]).toEqual(expected);
    // The thesis has 0.4 for (20 − 10)/(50 − 10), which eq. 3.2 makes 0.25.
    [...scores(values, ranking)].forEach((score, k) => expect(score).toBeCloseTo(normalised[k], 2));
  });

  it('do not depend on where a value stands, except for ordinal, which takes equal ones in order', () => {
    const shuffled = Float64Array.of(50, 10, 50, 20, 20, 50);
    expect([...ranks(shuffled, 'min')]).toEqual([4, 1, 4, 2, 2, 4]);
    expect([...ranks(shuffled, 'dense')]).toEqual([3, 1, 3, 2, 2, 3]);
    expect([...ranks(shuffled, 'ordinal')]).toEqual([4, 1, 5, 2, 3, 6]);
  });

  it('keep the order of values and lie in [0, 1]', () => {
    const anyValues = fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(anyValues, fc.constantFrom(...RANKINGS), (array, ranking) => {
        const score = scores(Float64Array.from(array), ranking);
        for (let i = 0; i < array.length; i++) {
          expect(score[i]).toBeGreaterThanOrEqual(0);
          expect(score[i]).toBeLessThanOrEqual(1);
          for (let j = 0; j < array.length; j++) {
            if (array[i] < array[j]) expect(score[i]).toBeLessThan(score[j]);
            if (array[i] === array[j] && ranking !== 'ordinal') expect(score[i]).toBe(score[j]);
          }
        }
      }),
    );
  });
});

const layers = [
  { name: 'relu_1', shape: [2, 2], size: 4 },
  { name: 'relu_2', shape: [2], size: 2 },
];
const of = (...values: number[]): NeuronValues => ({ layers, values: Float64Array.from(values) });

describe('masks', () => {
  const instability = of(9, 8, 7, 0, 1, 2);
  const significance = of(1, 9, 2, 0, 0, 5);

  it('takes the largest γ·instability − significance, stage by stage and without replacement', () => {
    const plane = must(scorePlane(instability, significance, { ...DEFAULT_MASK_OPTIONS, significanceRanking: 'none' }));
    expect(graftScores(plane, 2)[0]).toBeCloseTo(2 - 1 / 9, 12);
    expect([...graftScores(plane, Infinity)]).toEqual([...plane.instability]);
    const { mask, stage } = must(selectNeurons(plane, { ratio: 0.5, schedule: [2, 0, 0], scope: 'global' }));
    // γ = 2 takes neuron 0; then significance alone takes the two that are of none.
    expect([...stage]).toEqual([1, 0, 0, 2, 3, 0]);
    expect(graftedPerLayer(mask)).toEqual([2, 1]);
  });

  it('per layer grafts the ratio of each, ranked within it', () => {
    const mask = must(
      createMask(instability, significance, { ...DEFAULT_MASK_OPTIONS, scope: 'layer', schedule: [Infinity] }),
    );
    expect([...mask.grafted]).toEqual([1, 1, 0, 0, 0, 1]);
  });

  it('grafts exactly the asked number, whatever the schedule', () => {
    const schedule = fc.array(fc.double({ min: 0, max: 3, noNaN: true }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), schedule, fc.integer(), (ratio, gammas, seed) => {
        const random = new Random(seed);
        const big = [{ name: 'a', shape: [50], size: 50 }];
        const draw = (): NeuronValues => ({
          layers: big,
          values: Float64Array.from({ length: 50 }, () => random.integer(5)),
        });
        const mask = must(createMask(draw(), draw(), { ...DEFAULT_MASK_OPTIONS, ratio, schedule: gammas }));
        expect(graftedCount(mask)).toBe(Math.round(50 * ratio));
      }),
    );
  });

  it('refuses what is no ratio, no schedule, or of another network', () => {
    const attempt = (changes: object) => createMask(instability, significance, { ...DEFAULT_MASK_OPTIONS, ...changes });
    expect(attempt({ ratio: 1.5 })).toMatchObject({
      error: { code: 'graft/ratio', message: expect.stringContaining('between 0 and 1') as string },
    });
    expect(attempt({ ratio: NaN })).toMatchObject({ error: { code: 'graft/ratio' } });
    expect(attempt({ schedule: [] })).toMatchObject({ error: { code: 'graft/schedule' } });
    expect(attempt({ schedule: [-1] })).toMatchObject({ error: { code: 'graft/schedule' } });
    const other = { layers: [layers[0]], values: new Float64Array(4) };
    expect(createMask(instability, other)).toMatchObject({
      error: { code: 'graft/architecture', message: expect.stringContaining('2×2, 2 neurons') as string },
    });
  });
});

describe('comparison of masks', () => {
  const mask = (...grafted: number[]): Mask => ({ layers, grafted: Uint8Array.from(grafted) });
  const a = mask(1, 1, 0, 0, 1, 0);
  const b = mask(1, 0, 1, 0, 1, 0);
  const c = mask(0, 0, 0, 1, 0, 1);

  it('measures similarity and mean distance by eq. 4.2 and 4.1', () => {
    expect(jaccardSimilarity(a, b)).toBe(0.5);
    expect(jaccardDistance(a, c)).toBe(1);
    expect(averagePairwiseDistance([a, b, c])).toBeCloseTo((0.5 + 1 + 1) / 3, 12);
    expect(jaccardSimilarity(mask(0, 0, 0, 0, 0, 0), mask(0, 0, 0, 0, 0, 0))).toBe(1);
    // In none, only a, only b, a and b, then the same with c.
    expect(vennRegions([a, b, c])).toEqual([0, 1, 1, 2, 2, 0, 0, 0]);
  });

  it('counts scores in bins', () => {
    expect([...histogram(Float64Array.of(0, 0.1, 0.25, 0.5, 0.99, 1), 4).counts]).toEqual([2, 1, 1, 2]);
  });

  it('draws random masks of the ratio, which overlap as chance has it', () => {
    const wide = [{ name: 'a', shape: [4000], size: 4000 }];
    const [first, second] = [1, 2].map(seed => randomMask(wide, 0.5, new Random(seed)));
    expect(graftedCount(first)).toBe(2000);
    expect(jaccardSimilarity(first, second)).toBeGreaterThan(0.3);
    expect(jaccardSimilarity(first, second)).toBeLessThan(0.37);
  });
});

const released = sharedData && path.join(sharedData, 'linearity_grafting');
describe.skipIf(!released)('the released CNN-B scores', () => {
  const file = (name: string): string => path.join(released as string, `cnn_b_${name}.npz`);

  it('reproduce the similarity of 0.6097 with the released mask, and leave other rankings below it', async () => {
    const official = must(await readMask(file('mask_FAT_eps2_255_graft50')));
    expect(graftedCount(official)).toBe(8317);
    const instability = must(await readNeuronValues(file('score_instability_pretrained')));
    const significance = must(await readNeuronValues(file('score_magnitude_pretrained')));
    const similarity = (instabilityRanking: Ranking, significanceRanking: Ranking): number => {
      const options = { ...DEFAULT_MASK_OPTIONS, instabilityRanking, significanceRanking };
      return jaccardSimilarity(official, must(createMask(instability, significance, options)));
    };
    const best: [Ranking, Ranking][] = [
      ['none', 'min'],
      ['none', 'dense'],
      ['dense', 'min'],
      ['dense', 'dense'],
    ];
    for (const pair of best) expect(Math.abs(similarity(...pair) - 0.6097), pair.join('/')).toBeLessThanOrEqual(0.0002);
    const others: [Ranking, Ranking][] = [
      ['min', 'min'],
      ['none', 'none'],
      ['ordinal', 'ordinal'],
      ['min', 'dense'],
    ];
    for (const pair of others) expect(similarity(...pair), pair.join('/')).toBeLessThan(0.6085);
  });

  it('are drawn anew in less than 100 ms when γ or ratio moves', async () => {
    const instability = must(await readNeuronValues(file('score_instability_pretrained')));
    const significance = must(await readNeuronValues(file('score_gradient_pretrained')));
    const plane = must(scorePlane(instability, significance, DEFAULT_MASK_OPTIONS));
    const times = [0.1, 0.3, 0.5, 0.7, 0.9].map(ratio => {
      const before = process.cpuUsage();
      must(selectNeurons(plane, { ...DEFAULT_MASK_OPTIONS, ratio }));
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    });
    expect(times.sort((x, y) => x - y)[2]).toBeLessThan(100);
  });
});
