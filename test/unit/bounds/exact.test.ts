import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROUNDING } from '../../../src/base/rounding';
import { Rational } from '../network/rational';
import { bounders } from './bounders';
import { Dyadic } from './dyadic';
import { exactCase, FAMILIES, fault } from './exact';

const SEEDS = Array.from({ length: 6 }, (_, seed) => seed);

describe('bounds against exact arithmetic', () => {
  it.each(Object.keys(FAMILIES))('%s', family => {
    for (const seed of SEEDS) {
      const it = exactCase(family, seed);
      for (const [name, bounder] of Object.entries(bounders)) {
        const rungs = bounder(it);
        if (rungs) expect(fault(rungs, it), `${name}, seed ${seed}`).toBeNull();
      }
    }
  });
});

describe('what the comparison rests on', () => {
  it('exact numbers agree with fractions', () => {
    const values = [1, -0.1, 2 ** -1074, 1e300, -3.7e-200, 2 ** 53 + 2, Number.MAX_VALUE];
    for (const a of values)
      for (const b of values) {
        const [x, y] = [Rational.of(a), Rational.of(b)];
        expect(Dyadic.of(a).atMost(Dyadic.of(b))).toBe(a <= b);
        for (const c of values) {
          const exact = x.times(y).plus(Rational.of(c));
          for (const d of values)
            expect(Dyadic.of(a).times(Dyadic.of(b)).plus(Dyadic.of(c)).atMost(Dyadic.of(d))).toBe(
              exact.atMost(Rational.of(d)),
            );
        }
      }
  });

  it('the WebAssembly core has the same constants', () => {
    const source = readFileSync(path.join(__dirname, '../../../src/bounds/core/assembly/rounding.ts'), 'utf8');
    const constant = (name: string) => Number(new RegExp(`${name}: f64 = ([-+.e\\d]+);`).exec(source)![1]);
    expect(constant('UNIT')).toBe(ROUNDING.unit);
    expect(constant('UNDERFLOW')).toBe(ROUNDING.underflow);
    expect(constant('MAGNITUDE_LIMIT')).toBe(ROUNDING.magnitudeLimit);
  });
});
