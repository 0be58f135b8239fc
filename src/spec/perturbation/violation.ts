import { add, fromNumber, negate, subtract, type Rational } from '../numbers/rational';
import type { Written } from '../numbers/written';
import { constraintOf, differenceConstraint, outputRef, type LinearTerm } from '../linear-term';
import type { Box, Constraint, Disjunct } from '../question';
import type { Property } from './spec';

/** More ways to fail than this are refused; choosing k of n classes grows fast. */
export const MAX_COMBINATIONS = 4096;

/** Number of ways in which `k` of `n` others can come before a class; Infinity when beyond counting. */
export function combinations(n: number, k: number): number {
  let count = 1;
  for (let i = 1; i <= k; i++) count = (count * (n - k + i)) / i;
  return Math.round(count);
}

/**
 * All ways in which a property fails on a box, as disjuncts that share the box. Null when a number of the property is too large for float64.
 * Classes and lengths were checked against `outputs`, the number of outputs, before.
 * @param reference the class that the property speaks of
 * @param nominal what the network answers on the unperturbed input
 */
export function violations(
  property: Property,
  box: Box,
  outputs: number,
  reference: number,
  nominal: Float32Array,
): Disjunct[] | null {
  const others = (one: number): number[] => Array.from({ length: outputs }, (_, j) => j).filter(j => j !== one);
  // a tie y_j = y_t is a violation, so the relation is not strict
  const atLeast = (j: number, t: number): Constraint => differenceConstraint(outputRef(t), outputRef(j), false);
  switch (property.kind) {
    case 'label':
      return others(reference).map(j => ({ box, constraints: [atLeast(j, reference)] }));
    case 'target':
      return [{ box, constraints: others(property.class).map(j => atLeast(property.class, j)) }];
    case 'topk':
      return subsets(others(reference), property.k).map(winners => ({
        box,
        constraints: winners.map(j => atLeast(j, reference)),
      }));
    case 'range':
      return alternatives(box, leavesRange(property, outputs, nominal));
    case 'linear':
      return alternatives(
        box,
        property.C.map((row, k) => exceeds(row, property.d[k])),
      );
  }
}

/** Every output above its upper or below its lower end. */
function leavesRange(
  property: Extract<Property, { kind: 'range' }>,
  outputs: number,
  nominal: Float32Array,
): (Constraint | null)[] {
  const constraints: (Constraint | null)[] = [];
  for (let j = 0; j < outputs; j++) {
    const center = property.center ? property.center[j].exact : fromNumber(nominal[j]);
    const radius = property.radius[property.radius.length === 1 ? 0 : j].exact;
    constraints.push(beyond(j, 1, add(center, radius)), beyond(j, -1, subtract(center, radius)));
  }
  return constraints;
}

/** y_j > limit, or y_j < limit for sign −1. */
function beyond(j: number, sign: 1 | -1, limit: Rational): Constraint | null {
  const coefficient: Rational = { n: BigInt(-sign), d: 1n };
  return constraintOf(
    { constant: sign === 1 ? limit : negate(limit), coefficients: new Map([[outputRef(j), coefficient]]) },
    true,
  );
}

/** row·y > limit: one row of C·y ≤ d violated. */
function exceeds(row: readonly Written[], limit: Written): Constraint | null {
  const coefficients = new Map<number, Rational>();
  row.forEach((coefficient, j) => {
    if (coefficient.exact.n !== 0n) coefficients.set(outputRef(j), negate(coefficient.exact));
  });
  const term: LinearTerm = { constant: limit.exact, coefficients };
  return constraintOf(term, true);
}

function alternatives(box: Box, constraints: readonly (Constraint | null)[]): Disjunct[] | null {
  const disjuncts: Disjunct[] = [];
  for (const constraint of constraints) {
    if (constraint === null) return null;
    disjuncts.push({ box, constraints: [constraint] });
  }
  return disjuncts;
}

/** All choices of `k` of the items, in lexicographic order. */
function subsets(items: readonly number[], k: number): number[][] {
  if (k === 0) return [[]];
  return items.flatMap((item, i) => subsets(items.slice(i + 1), k - 1).map(rest => [item, ...rest]));
}
