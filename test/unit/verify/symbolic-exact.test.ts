import { describe, expect, it } from 'vitest';
import { SymbolicRegion } from '../../../src/bounds/symbolic/symbolic-region';
import { Dyadic } from '../bounds/dyadic';
import { exactCase, FAMILIES } from '../bounds/exact';

describe('symbolic lines against exact arithmetic', () => {
  it.each(Object.keys(FAMILIES))('%s', family => {
    for (let seed = 0; seed < 6; seed++) {
      const { network, constraints, lower, upper, exact, slack } = exactCase(family, seed);
      const region = new SymbolicRegion(network, constraints, { lower, upper });
      expect(region.propagate(region.root!)).toBe('lines');
      constraints.forEach((_, row) => {
        const { bound, constant } = region.marginLine(row);
        expect(Dyadic.of(bound).atMost(exact[row]), `row ${row}, seed ${seed}`).toBe(true);
        // Over a point the line is its constant.
        if (region.symbols === 0) expect(Dyadic.of(constant).atMost(exact[row])).toBe(true);
        if (slack < Infinity) expect(exact[row].atMost(Dyadic.of(bound + slack))).toBe(true);
      });
    }
  });
});
