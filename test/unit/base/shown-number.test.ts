import fc from 'fast-check';
import { expect, it } from 'vitest';
import { shownAbove, shownBelow } from '../../../src/base/shown-number';

it('never says more than is known, nor much less', () => {
  fc.assert(
    fc.property(fc.double({ min: -1e12, max: 1e12, noNaN: true }), fc.integer({ min: 2, max: 6 }), (value, digits) => {
      fc.pre(value === 0 || Math.abs(value) > 1e-12);
      const [below, above] = [Number(shownBelow(value, digits)), Number(shownAbove(value, digits))];
      expect(below).toBeLessThanOrEqual(value);
      expect(above).toBeGreaterThanOrEqual(value);
      expect(above - below).toBeLessThanOrEqual(Math.abs(value) * 2 * 10 ** (1 - digits));
    }),
  );
});

it.each([
  [0.99996, '0.9999', '1'],
  [-0.0082785, '-0.008279', '-0.008278'],
  [5.60449, '5.604', '5.605'],
  [2, '2', '2'],
  [0, '0', '0'],
])('%d', (value, below, above) => {
  expect([shownBelow(value), shownAbove(value)]).toEqual([below, above]);
});
