import { add, multiply, negate, ONE, rational, round, ZERO, type Rational } from './numbers/rational';
import type { Constraint, LinearForm } from './question';

/** A variable as one number: even for an input, odd for an output, its flat index times two. */
export type VariableRef = number;

export function inputRef(index: number): VariableRef {
  return 2 * index;
}

export function outputRef(index: number): VariableRef {
  return 2 * index + 1;
}

export function isInput(ref: VariableRef): boolean {
  return (ref & 1) === 0;
}

/** Flat index of the variable in its side's vector. */
export function indexOf(ref: VariableRef): number {
  return ref >>> 1;
}

/** constant + Σ coefficient·variable, exactly as written. Coefficients that cancel to zero are left out. */
export interface LinearTerm {
  readonly constant: Rational;
  readonly coefficients: ReadonlyMap<VariableRef, Rational>;
}

export function constantTerm(constant: Rational): LinearTerm {
  return { constant, coefficients: new Map() };
}

export function variableTerm(ref: VariableRef): LinearTerm {
  return { constant: ZERO, coefficients: new Map([[ref, ONE]]) };
}

export function isConstant(term: LinearTerm): boolean {
  return term.coefficients.size === 0;
}

export function sumOf(terms: readonly LinearTerm[]): LinearTerm {
  const coefficients = new Map<VariableRef, Rational>();
  let constant = ZERO;
  for (const term of terms) {
    constant = add(constant, term.constant);
    for (const [ref, value] of term.coefficients) {
      const sum = add(coefficients.get(ref) ?? ZERO, value);
      if (sum.n === 0n) coefficients.delete(ref);
      else coefficients.set(ref, sum);
    }
  }
  return { constant, coefficients };
}

export function scaleTerm(term: LinearTerm, factor: Rational): LinearTerm {
  if (factor.n === 0n) return constantTerm(ZERO);
  const coefficients = new Map([...term.coefficients].map(([ref, value]) => [ref, multiply(value, factor)]));
  return { constant: multiply(term.constant, factor), coefficients };
}

export function negateTerm(term: LinearTerm): LinearTerm {
  return scaleTerm(term, rational(-1n));
}

const NO_VARIABLES: LinearForm = { index: new Int32Array(0), value: new Float64Array(0) };

/** Below this a coefficient is subnormal, and its relative rounding error is no longer bounded by 2^-53. */
const SMALLEST_NORMAL = 2 ** -1022;

/**
 * term ≤ 0 (or < 0) as a constraint whose float64 numbers contain the written relation. Null when a coefficient is too large or too small to
 * be a float64.
 */
export function constraintOf(term: LinearTerm, strict: boolean): Constraint | null {
  let inexact = false;
  const sides: { index: number[]; value: number[] }[] = [
    { index: [], value: [] },
    { index: [], value: [] },
  ];
  for (const [ref, exact] of [...term.coefficients].sort((a, b) => a[0] - b[0])) {
    const value = round(exact);
    if (!Number.isFinite(value) || Math.abs(value) < SMALLEST_NORMAL) return null;
    inexact ||= round(exact, 'down') !== round(exact, 'up');
    const side = sides[isInput(ref) ? 0 : 1];
    side.index.push(indexOf(ref));
    side.value.push(value);
  }
  const bound = round(negate(term.constant), 'up');
  if (!Number.isFinite(bound)) return null;
  return {
    outputs: linearForm(sides[1].index, sides[1].value),
    inputs: linearForm(sides[0].index, sides[0].value),
    bound,
    coefficientError: inexact ? 2 ** -53 : 0,
    strict,
  };
}

/** a − b ≤ 0 (or < 0) between two different variables: by far the most common relation, so without exact arithmetic. */
export function differenceConstraint(a: VariableRef, b: VariableRef, strict: boolean): Constraint {
  const [first, second, sign] = a < b ? [a, b, 1] : [b, a, -1];
  const both = isInput(a) === isInput(b);
  const pair = both ? linearForm([indexOf(first), indexOf(second)], [sign, -sign]) : NO_VARIABLES;
  const one = (ref: VariableRef): LinearForm => linearForm([indexOf(ref)], [ref === a ? 1 : -1]);
  const outputs = both ? (isInput(a) ? NO_VARIABLES : pair) : one(isInput(a) ? b : a);
  const inputs = both ? (isInput(a) ? pair : NO_VARIABLES) : one(isInput(a) ? a : b);
  return { outputs, inputs, bound: 0, coefficientError: 0, strict };
}

/** ±y ≤ bound (or <) for one output. */
export function outputConstraint(ref: VariableRef, sign: 1 | -1, bound: number, strict: boolean): Constraint {
  return { outputs: linearForm([indexOf(ref)], [sign]), inputs: NO_VARIABLES, bound, coefficientError: 0, strict };
}

/** ±x < bound for one input: what is left of a strict bound after its closed form went into the box. */
export function inputConstraint(index: number, sign: 1 | -1, bound: number): Constraint {
  return { outputs: NO_VARIABLES, inputs: linearForm([index], [sign]), bound, coefficientError: 0, strict: true };
}

function linearForm(index: readonly number[], value: readonly number[]): LinearForm {
  return index.length === 0 ? NO_VARIABLES : { index: Int32Array.from(index), value: Float64Array.from(value) };
}
