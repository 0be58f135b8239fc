import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { measureImportance } from '../../../src/graft/importance';
import { BOUND_METHODS, type BoundMethod } from '../../../src/graft/kinds';
import {
  instabilityCounts,
  instabilityOf,
  measureInstability,
  perChannel,
  perPixel,
  unstableRatio,
} from '../../../src/graft/instability';
import { maskOf } from '../../../src/graft/graft';
import { graftedCount, neuronCount, neuronLayers, rectifiers } from '../../../src/graft/neurons';
import { ungrafted, type GraftedNetwork } from '../../../src/train/grafted-network';
import { must } from '../must';
import { bars, CONVOLUTIONAL, randomGrafts, randomNetwork } from '../train/shapes';
import { evaluateGrafted } from './evaluate-grafted';

const RADIUS = 0.1;
const data = bars(6, 1);
const regions = Array.from({ length: data.count }, (_, k) => {
  const x = Float64Array.from(data.inputs.subarray(36 * k, 36 * (k + 1)));
  return { lower: x.map(v => v - RADIUS), upper: x.map(v => v + RADIUS) };
});

/** What all rectifiers read, layer after layer. */
function readings(model: GraftedNetwork, x: ArrayLike<number>): number[] {
  const values = evaluateGrafted(model, x);
  return rectifiers(model.network).flatMap(({ inputs }) => [...values[inputs[0]]]);
}

const models: [string, GraftedNetwork][] = [
  ['a network', ungrafted(randomNetwork(CONVOLUTIONAL, 1))],
  ['a grafted network', randomGrafts(randomNetwork(CONVOLUTIONAL, 2), 2)],
  ['a network with all neurons linear', randomGrafts(randomNetwork(CONVOLUTIONAL, 3), 3, 1)],
];

describe.each(models)('instability of %s', (_, model) => {
  const measure = async (method: BoundMethod) =>
    must(await measureInstability(model, regions, { method, keepBounds: Infinity }));

  it.each(BOUND_METHODS)(
    'by %s: every value lies within its bounds, and whoever changes sign is unstable',
    async method => {
      const { bounds, unstable, layers } = await measure(method);
      const random = new Random(3);
      regions.forEach(({ lower, upper }, k) => {
        const seen = Array.from({ length: 60 }, () =>
          readings(
            model,
            lower.map((low, i) => low + (random.integer(2) ? random.uniform() : random.integer(2)) * (upper[i] - low)),
          ),
        );
        const { lower: low, upper: high } = bounds[k];
        const outside = seen.filter(values =>
          values.some((value, i) => value < low[i] - 1e-5 || value > high[i] + 1e-5),
        );
        expect(outside).toEqual([]);
        const missed = Array.from({ length: neuronCount(layers) }, (_, i) => i).filter(
          i => unstable[k][i] === 0 && seen.some(values => values[i] < 0) && seen.some(values => values[i] > 0),
        );
        expect(missed).toEqual([]);
      });
    },
  );

  it('falls with the effort, and is exact behind the first affine layer', async () => {
    const [intervals, crown, alpha] = await Promise.all(BOUND_METHODS.map(measure));
    const total = (each: typeof crown): number => instabilityCounts(each).values.reduce((sum, count) => sum + count, 0);
    expect(total(crown)).toBeLessThanOrEqual(total(intervals));
    expect(total(alpha)).toBeLessThanOrEqual(total(crown));
    expect(total(crown)).toBeGreaterThan(0);
    const first = neuronLayers(model.network)[0].size;
    const part = ({ unstable }: typeof crown) => unstable.map(flags => [...flags.subarray(0, first)]);
    expect(part(alpha)).toEqual(part(intervals));
  });
});

describe('counts and ratios', () => {
  it('add up, with the denominator stated', async () => {
    const model = models[1][1];
    const measured = must(await measureInstability(model, regions, { method: 'crown' }));
    const { values, layers } = instabilityCounts(measured);
    const neurons = layers.reduce((sum, { size }) => sum + size, 0);
    const total = values.reduce((sum, count) => sum + count, 0);
    const all = unstableRatio(measured);
    expect(all.ratio).toBeCloseTo(total / (neurons * regions.length), 12);
    const two = unstableRatio(measured, { regions: [0, 4], among: 'the samples that reach branch and bound' });
    expect(two.regions).toBe(2);
    expect(two.statement).toContain(
      `of ${neurons} neurons, mean over 2 regions (the samples that reach branch and bound), bounds by crown`,
    );
    const mask = maskOf(model);
    const without = unstableRatio(measured, { mask, graftedCount: false });
    const linear = values.reduce((sum, count, i) => sum + (mask.grafted[i] ? count : 0), 0);
    expect(linear).toBeGreaterThan(0);
    expect(all.ratio - without.ratio).toBeCloseTo(linear / (neurons * regions.length), 12);
    expect(graftedCount(mask)).toBeGreaterThan(0);
    expect(Number.isNaN(unstableRatio(measured, { regions: [] }).ratio)).toBe(true);
  });

  it('are summed by channel and by pixel', () => {
    const layer = { name: 'conv', shape: [2, 1, 3], size: 6 };
    expect([...perChannel(layer, [1, 2, 3, 4, 5, 6])]).toEqual([6, 15]);
    expect([...perPixel(layer, [1, 2, 3, 4, 5, 6])]).toEqual([5, 7, 9]);
    expect([...perChannel({ name: 'fc', shape: [3], size: 3 }, [1, 2, 3])]).toEqual([1, 2, 3]);
  });

  it('take the bounds of a prover', () => {
    const { network } = models[0][1];
    const of = (lower: number, upper: number) =>
      rectifiers(network).map(({ name, size }) => ({
        node: name,
        lower: new Float64Array(size).fill(lower),
        upper: new Float64Array(size).fill(upper),
      }));
    const { values } = instabilityCounts(instabilityOf(network, [of(-1, 1), of(0.5, 1), of(0, 1)]));
    expect(new Set(values)).toEqual(new Set([2]));
  });

  it('can be cancelled', async () => {
    let polls = 0;
    const cancelled = (): boolean => ++polls > 2;
    expect(await measureInstability(models[0][1], regions, { method: 'crown', cancelled })).toMatchObject({
      error: { code: 'graft/cancelled' },
    });
  });
});

describe('importance', () => {
  const many = bars(100, 5);
  const model = models[1][1];
  const sample = (k: number): Float32Array => many.inputs.subarray(36 * k, 36 * (k + 1));

  it('SAP and VAP are mean and variance of |pre-activations|', async () => {
    const sizes = Array.from({ length: many.count }, (_, k) => readings(model, sample(k)).map(Math.abs));
    const sap = must(await measureImportance(model, many, 'sap')).values;
    const vap = must(await measureImportance(model, { ...many, labels: null }, 'vap')).values;
    for (let i = 0; i < sap.length; i++) {
      const mean = sizes.reduce((sum, row) => sum + row[i], 0) / many.count;
      expect(sap[i]).toBeCloseTo(mean, 5);
      expect(vap[i]).toBeCloseTo(sizes.reduce((sum, row) => sum + (row[i] - mean) ** 2, 0) / many.count, 5);
    }
  });

  it('GAP is the mean size of the loss gradient at each pre-activation', async () => {
    const gap = must(await measureImportance(model, many, 'gap')).values;
    // What is added to a pre-activation of the last layer moves the loss along the last weights.
    const last = rectifiers(model.network).at(-1)!;
    const graft = model.grafts.get(last.id)!;
    const dense = model.network.nodes.at(-1)!;
    if (dense.kind !== 'dense') throw new Error('the last layer is dense');
    const offset = gap.length - last.size;
    const expected = new Float64Array(last.size);
    for (let k = 0; k < many.count; k++) {
      const values = evaluateGrafted(model, sample(k));
      const y = values.at(-1)!;
      const p = 1 / (1 + Math.exp(y[1] - y[0]));
      const slopes = [p - (many.labels[k] === 0 ? 1 : 0), 1 - p - (many.labels[k] === 1 ? 1 : 0)];
      for (let i = 0; i < last.size; i++) {
        const own = graft.mask[i] ? graft.slope[i] : values[last.inputs[0]][i] > 0 ? 1 : 0;
        const back = slopes[0] * dense.weight[i] + slopes[1] * dense.weight[last.size + i];
        expected[i] += Math.abs(own * back) / many.count;
      }
    }
    expected.forEach((value, i) => expect(gap[offset + i]).toBeCloseTo(value, 5));
  });

  it('says what it lacks', async () => {
    expect(await measureImportance(model, { ...many, labels: null }, 'gap')).toMatchObject({
      error: { code: 'graft/no-labels' },
    });
    expect(await measureImportance(model, bars(0, 1), 'sap')).toMatchObject({ error: { code: 'graft/no-samples' } });
  });
});
