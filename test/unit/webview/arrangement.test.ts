import { describe, expect, it } from 'vitest';
import { arrange, placeName, summed, VIEWS } from '../../../webview/neurons/arrangement';

const SHAPES = [[3, 4, 5], [1, 2, 2], [64, 32, 32], [17], [1], [6, 7]] as const;

describe('the arrangement of a layer', () => {
  it.each(SHAPES.flatMap(shape => VIEWS.map(view => [shape, view] as const)))(
    '%j by %s has every number once, in a rectangle',
    (shape, view) => {
      const size = shape.reduce<number>((a, b) => a * b, 1);
      const values = Float32Array.from({ length: size }, (_, i) => i);
      const numbers = summed(shape, view, values);
      for (const most of [8, 100, 400]) {
        const { width, height, place } = arrange(shape, view, most);
        expect(place).toHaveLength(width * height);
        const placed = Array.from(place).filter(index => index >= 0);
        expect(placed.sort((a, b) => a - b)).toEqual(Array.from(numbers.keys()));
      }
    },
  );

  it('keeps the pixels of a channel together and in order', () => {
    const { width, place } = arrange([3, 4, 5], 'neurons', 100);
    expect(width).toBe(3 * 5 + 2);
    expect(Array.from(place.subarray(0, 5))).toEqual([0, 1, 2, 3, 4]);
    expect(place[5]).toBe(-1);
    expect(Array.from(place.subarray(width + 6, width + 11))).toEqual([25, 26, 27, 28, 29]);
  });

  it('means over pixels and over channels', () => {
    const values = Float32Array.of(1, 2, 3, 4, 10, 20, 30, 40);
    expect(Array.from(summed([2, 2, 2], 'channels', values))).toEqual([2.5, 25]);
    expect(Array.from(summed([2, 2, 2], 'pixels', values))).toEqual([5.5, 11, 16.5, 22]);
  });

  it('names places as people do', () => {
    expect(placeName([3, 4, 5], 'neurons', 27)).toBe('channel 1, row 1, column 2');
    expect(placeName([3, 4, 5], 'channels', 2)).toBe('channel 2');
    expect(placeName([3, 4, 5], 'pixels', 7)).toBe('row 1, column 2');
    expect(placeName([17], 'neurons', 16)).toBe('unit 16');
  });
});
