import { describe, expect, it } from 'vitest';
import { Random } from '../../../../src/base/random';
import { featureLayer, featuresOf, frechetDistance } from '../../../../src/attack/metrics/frechet';
import { normsOf, normSpreads, spreadOf } from '../../../../src/attack/metrics/norms';
import { accuracy, defectDetection, pielouScore, transferability } from '../../../../src/attack/metrics/rates';
import { AttackedModel } from '../../../../src/attack/attacked-model';
import { evaluate } from '../../../../src/network/evaluate';
import { denseModel, must } from '../patch/models';

describe('norms', () => {
  const original = [0, 0, 0, 0, 0, 0];
  const input = [0.3, 0, 0, -0.4, 0, 0];

  it('are those of the difference', () => {
    const norms = normsOf({ original, input });
    expect(norms).toMatchObject({ values: 2, pixels: 2, inf: 0.4 });
    expect(norms.pixelPercent).toBeCloseTo(100 / 3, 12);
    expect(norms.one).toBeCloseTo(0.7, 12);
    expect(norms.two).toBeCloseTo(0.5, 12);
  });

  it('count a pixel once, however many of its channels differ, in either order', () => {
    // CHW: values 0 and 3 are the same pixel of 3; HWC: value 0 is in pixel 0, value 3 in pixel 1, with 2 channels 3 pixels.
    expect(normsOf({ original, input }, { channels: 2, order: 'CHW' })).toMatchObject({ values: 2, pixels: 1 });
    expect(normsOf({ original, input }, { channels: 2, order: 'HWC' })).toMatchObject({ values: 2, pixels: 2 });
    expect(normsOf({ original, input }, { channels: 3, order: 'HWC' }).pixelPercent).toBe(100);
  });

  it('are summarised by largest, mean and median', () => {
    expect(spreadOf([4, 1, 1])).toEqual({ largest: 4, mean: 2, median: 1 });
    expect(spreadOf([4, 1, 1, 2]).median).toBe(1.5);
    expect(spreadOf([]).mean).toBeNaN();
    expect(
      normSpreads([
        { original, input },
        { original, input: original },
      ]).values,
    ).toEqual({ largest: 2, mean: 1, median: 1 });
  });
});

describe('rates', () => {
  it('defect detection is a percentage', () => {
    expect(defectDetection(412, 500)).toBeCloseTo(82.4, 12);
  });

  it('Pielou scores go from one class only to all classes alike', () => {
    expect(pielouScore([3, 3, 3], 10)).toBe(0);
    expect(pielouScore([0, 1, 2, 3, 0, 1, 2, 3], 4)).toBeCloseTo(1, 12);
    // p = (3/4, 1/4): −Σ p ln p = 0.5623, over ln 4.
    expect(pielouScore([0, 0, 0, 1], 4)).toBeCloseTo(0.562335 / Math.log(4), 5);
  });

  it('transfer counts only inputs that the other model answers alike before', async () => {
    // Class 1 where x_1 > x_0; the other model has a margin of 1 in favour of class 0.
    const one = must(
      await AttackedModel.open(
        denseModel([
          {
            weight: [
              [1, 0],
              [0, 1],
            ],
          },
        ]),
      ),
    );
    const other = must(
      await AttackedModel.open(
        denseModel([
          {
            weight: [
              [1, 0],
              [0, 1],
            ],
            bias: [1, 0],
          },
        ]),
      ),
    );
    const changed = (original: number[], input: number[]) => ({
      original: Float32Array.from(original),
      input: Float32Array.from(input),
      from: original[0] >= original[1] ? 0 : 1,
      to: 1,
      originalLogits: new Float64Array(2),
      logits: new Float64Array(2),
      foundBy: 'test',
    });
    const all = [changed([1, 0], [1, 1.5]), changed([1, 0], [1, 3]), changed([0, 0.5], [1, 0])];
    expect(must(await transferability(other, all))).toEqual({ comparable: 2, fooled: 1, percent: 50 });
    expect(
      must(
        await accuracy(
          one,
          all.map(each => each.input),
          [1, 1, 1],
        ),
      ),
    ).toBeCloseTo(200 / 3, 12);
    await one.close();
    await other.close();
  });
});

describe('Fréchet distance', () => {
  const random = new Random(3);
  const sample = (n: number, mean: number[], scale: number[]) =>
    Array.from({ length: n }, () => Float64Array.from(mean, (m, i) => m + scale[i] * random.normal()));

  it('is 0 between a set and itself', async () => {
    const a = sample(50, [0, 1, 2], [1, 2, 3]);
    expect(must(await frechetDistance(a, a)).distance).toBeLessThan(1e-9);
  });

  it('is the squared distance of the means for sets that are only shifted', async () => {
    const a = sample(60, [0, 0], [1, 2]);
    const b = a.map(vector => vector.map((value, i) => value + [3, -4][i]));
    expect(must(await frechetDistance(a, b))).toMatchObject({ samples: 60, dimension: 2 });
    expect(must(await frechetDistance(a, b)).distance).toBeCloseTo(25, 8);
  });

  it('is Σ (σ_a − σ_b)² where the covariances are diagonal alike', async () => {
    // Four points at ±1 on each axis have a diagonal covariance; stretching the axes scales it.
    const cross = [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ].map(each => Float64Array.from(each));
    const stretched = cross.map(([x, y]) => Float64Array.of(3 * x, 0.5 * y));
    const sigma = Math.sqrt(2 / 3);
    expect(must(await frechetDistance(cross, stretched)).distance).toBeCloseTo(
      (2 * sigma) ** 2 + (0.5 * sigma) ** 2,
      10,
    );
  });

  it('is refused on too few samples', async () => {
    const result = await frechetDistance(sample(7, [0, 0, 0, 0], [1, 1, 1, 1]), sample(9, [0, 0, 0, 0], [1, 1, 1, 1]));
    expect(result.ok ? '' : result.error.message).toMatch(
      /4 features needs at least 8 inputs in each set; there are 7/,
    );
  });

  it('is over what the last layer reads, or over the output of a network named for it', () => {
    const { network } = denseModel([
      { weight: [[1], [2], [3]] },
      {
        weight: [
          [1, 1, 1],
          [0, 0, 1],
        ],
      },
    ]);
    const layer = featureLayer(network, 'last hidden');
    expect(layer).toMatchObject({ dimension: 3, label: 'Fréchet distance over relu_1 (3 features)' });
    expect(featuresOf(network, layer, [[2]])).toEqual([Float64Array.of(2, 4, 6)]);
    expect(featuresOf(network, featureLayer(network, 'output'), [[2]])[0]).toEqual(
      evaluate(network, Float64Array.of(2)).at(-1),
    );
  });
});
