import { describe, expect, it } from 'vitest';
import { SplitGains } from '../../../src/bounds/split-gains';

describe('SplitGains', () => {
  it('goes by scores as long as nothing was tried', () => {
    const gains = new SplitGains(3);
    expect(gains.expected(0, 0.25)).toBe(0.25);
    expect(gains.expected(2, 4)).toBe(4);
  });

  it('expects of a tried place what it gained, the latest trial counting most', () => {
    const gains = new SplitGains(2);
    gains.expected(0, 1);
    gains.learn(0, 3);
    expect(gains.expected(0, 100)).toBe(3);
    gains.learn(0, 1);
    const expected = gains.expected(0, 100);
    expect(expected).toBeGreaterThan(1);
    expect(expected).toBeLessThan(2);
  });

  it('brings scores of places that were never tried to the scale of what was gained', () => {
    const gains = new SplitGains(3);
    gains.expected(0, 10);
    gains.expected(1, 30);
    gains.learn(0, 1);
    gains.learn(1, 3);
    expect(gains.expected(2, 5)).toBeCloseTo(0.5, 2);
  });

  it('ranks a place that gained nothing below one that was never tried', () => {
    const gains = new SplitGains(3);
    gains.expected(0, 10);
    gains.expected(1, 1);
    gains.learn(0, 0);
    gains.learn(1, 1);
    expect(gains.expected(0, 10)).toBeLessThan(gains.expected(2, 0.5));
  });
});
