import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  brightness,
  differenceColour,
  differencePicture,
  distance,
  layoutOf,
  photograph,
  valueIndex,
} from '../../../webview/kit/picture';

const PREPROCESS = { scale: 1 / 255, mean: [0.5], std: [0.25], layout: 'CHW' };

describe('layoutOf', () => {
  it.each([
    [[1, 28, 28], { channels: 1, height: 28, width: 28, order: 'CHW' }],
    [[1, 1, 28, 20], { channels: 1, height: 28, width: 20, order: 'CHW' }],
    [[1, 3, 32, 24], { channels: 3, height: 32, width: 24, order: 'CHW' }],
    [[1, 32, 24, 3], { channels: 3, height: 32, width: 24, order: 'HWC' }],
    [[28, 28], { channels: 1, height: 28, width: 28, order: 'CHW' }],
  ])('%j is a picture', (shape, layout) => expect(layoutOf(shape, null)).toEqual(layout));

  it.each([[[1, 5]], [[5]], [[1, 1, 1, 5]], [[1, 7, 32, 32]], [[2, 3, 32, 32]]])('%j is none', shape => {
    expect(layoutOf(shape, PREPROCESS)).toBeNull();
  });

  it('a flat square input is a picture when its data was preprocessed', () => {
    expect(layoutOf([1, 784], PREPROCESS)).toMatchObject({ width: 28, height: 28 });
    expect(layoutOf([1, 784], null)).toBeNull();
    expect(layoutOf([1, 36], PREPROCESS)).toBeNull();
  });
});

describe('painting', () => {
  const grey = layoutOf([1, 4, 4], null)!;

  it('undoes the preprocessing', () => {
    const raw = Float32Array.from({ length: 16 }, (_, index) => 17 * index);
    const seen = raw.map(value => (value / 255 - 0.5) / 0.25);
    const pixels = photograph(grey, brightness(grey, PREPROCESS, seen)[0]!);
    raw.forEach((value, index) => expect(Math.abs(pixels[4 * index]! - value)).toBeLessThanOrEqual(1));
  });

  it('shows data that was never scaled in bytes', () => {
    const bytes = Float32Array.from({ length: 16 }, (_, index) => 16 * index);
    const [bright] = brightness(grey, { scale: 1, mean: [0], std: [1], layout: 'CHW' }, bytes);
    expect(bright![15]).toBeCloseTo(240 / 255);
  });

  it('spreads an input of unknown units between its extremes', () => {
    const [bright] = brightness(
      grey,
      null,
      Float32Array.from({ length: 16 }, (_, index) => index - 8),
    );
    expect([bright![0], bright![15]]).toEqual([0, 1]);
  });

  it('finds every value of both orders exactly once', () => {
    for (const shape of [
      [3, 4, 5],
      [4, 5, 3],
    ]) {
      const layout = layoutOf(shape, null)!;
      const seen = new Set<number>();
      for (let row = 0; row < layout.height; row++)
        for (let column = 0; column < layout.width; column++)
          for (let channel = 0; channel < 3; channel++) seen.add(valueIndex(layout, row, column, channel));
      expect([seen.size, Math.max(...seen)]).toEqual([60, 59]);
    }
  });

  it('less is blue, more is orange, the same is near white', () => {
    const [less, same, more] = [-1, 0, 1].map(differenceColour);
    expect(less![2]).toBeGreaterThan(less![0]!);
    expect(more![0]).toBeGreaterThan(more![2]!);
    expect(Math.min(...same!)).toBeGreaterThan(240);
    const pixels = differencePicture(
      grey,
      Float32Array.from({ length: 16 }, (_, index) => (index === 3 ? 0.5 : 0)),
      0.5,
    );
    expect([...pixels.slice(12, 15)]).toEqual(differenceColour(1).map(Math.round));
  });
});

describe('distance', () => {
  it('norms are ordered: L∞ ≤ L2 ≤ L1', () => {
    fc.assert(
      fc.property(fc.float32Array({ noNaN: true, min: -1e3, max: 1e3, minLength: 1 }), difference => {
        const { changed, largest, euclidean, sum } = distance(difference);
        expect(changed).toBe(difference.filter(value => value !== 0).length);
        expect(largest).toBeLessThanOrEqual(euclidean * (1 + 1e-9));
        expect(euclidean).toBeLessThanOrEqual(sum * (1 + 1e-9));
      }),
    );
  });
});
