import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { bestCombination } from '../../../src/verify/input-split/combine';
import { clip } from '../../../src/verify/input-split/clip';

describe('combining planes', () => {
  it('closes a box on which each constraint holds somewhere, and both nowhere', () => {
    // x ≤ −0.1 and −x ≤ −0.1 exclude each other.
    const planes = [
      { coefficients: Float64Array.of(1), constant: 0.1 },
      { coefficients: Float64Array.of(-1), constant: 0.1 },
    ];
    const lower = Float64Array.of(-1);
    const upper = Float64Array.of(1);
    expect(clip(lower.slice(), upper.slice(), planes[0])).toBe(false);
    expect(clip(lower.slice(), upper.slice(), bestCombination(lower, upper, planes))).toBe(true);
  });

  it('never closes, and never cuts away, a point where all planes are non-positive', () => {
    const random = new Random(5);
    let kept = 0;
    for (let trial = 0; trial < 3000; trial++) {
      const n = 1 + random.integer(4);
      const lower = Float64Array.from({ length: n }, () => random.normal());
      const upper = lower.map(l => l + 2 * random.uniform());
      const point = lower.map((l, i) => l + random.uniform() * (upper[i] - l));
      const planes = Array.from({ length: 2 + random.integer(3) }, () => {
        const coefficients = Float64Array.from({ length: n }, () => random.normal());
        const at = coefficients.reduce((sum, a, i) => sum + a * point[i], 0);
        // At the point the plane is zero, or a little below.
        return { coefficients, constant: -at - (random.integer(2) === 0 ? 1e-12 : 0.1 * random.uniform()) };
      });
      const low = lower.slice();
      const high = upper.slice();
      expect(clip(low, high, bestCombination(lower, upper, planes))).toBe(false);
      point.forEach((x, i) => expect(x >= low[i] && x <= high[i]).toBe(true));
      kept++;
    }
    expect(kept).toBe(3000);
  });
});
