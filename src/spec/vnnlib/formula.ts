import type { Constraint } from '../question';

/** A part of a text, as offsets. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** One side of an input's interval: a row of the `BoundTable`. */
export interface Bound extends Span {
  readonly kind: 'bound';
  readonly id: number;
}

/** A linear relation that is no bound of one input. */
export interface Row extends Span {
  readonly kind: 'row';
  readonly constraint: Constraint;
}

/** A relation without variables, e.g. (<= 0 1). */
export interface Truth extends Span {
  readonly kind: 'truth';
  readonly value: boolean;
}

export interface Connective extends Span {
  readonly kind: 'and' | 'or';
  readonly parts: readonly Formula[];
}

export type Formula = Bound | Row | Truth | Connective;

/** A conjunction: one disjunct of the normal form. Its span is the most telling part of the text it came from. */
export interface Clause extends Span {
  /** Rows of the `BoundTable`. */
  readonly bounds: readonly number[];
  readonly rows: readonly Row[];
}

/** Nested or/and multiply out; a file that would give more disjuncts than this is refused. Written one by one there may be as many. */
export const MAX_EXPANDED = 65536;

/** Disjunctive normal form, or null when multiplying out would exceed `MAX_EXPANDED` disjuncts. */
export function disjuncts(formula: Formula): Clause[] | null {
  switch (formula.kind) {
    case 'bound':
      return [{ bounds: [formula.id], rows: [], start: formula.start, end: formula.end }];
    case 'row':
      return [{ bounds: [], rows: [formula], start: formula.start, end: formula.end }];
    case 'truth':
      return formula.value ? [{ bounds: [], rows: [], start: formula.start, end: formula.end }] : [];
    case 'or': {
      const all: Clause[] = [];
      for (const part of formula.parts) {
        const clauses = disjuncts(part);
        if (clauses === null) return null;
        for (const clause of clauses) all.push(clause);
      }
      return all;
    }
    case 'and':
      return conjunction(formula);
  }
}

function conjunction(formula: Connective): Clause[] | null {
  const bounds: number[] = [];
  const rows: Row[] = [];
  const choices: Clause[][] = [];
  for (const part of formula.parts) {
    const clauses = disjuncts(part);
    if (clauses === null) return null;
    if (clauses.length === 0) return [];
    if (clauses.length === 1) {
      for (const bound of clauses[0].bounds) bounds.push(bound);
      for (const row of clauses[0].rows) rows.push(row);
    } else choices.push(clauses);
  }
  return product({ bounds, rows, start: formula.start, end: formula.end }, choices);
}

/** Every way to take one clause of each of `choices`, together with `common`; null above `MAX_EXPANDED`. */
export function product(common: Clause, choices: readonly (readonly Clause[])[]): Clause[] | null {
  const count = choices.reduce((total, choice) => total * choice.length, 1);
  if (choices.length > 1 && count > MAX_EXPANDED) return null;
  let clauses: Clause[] = [common];
  for (const choice of choices) {
    clauses = clauses.flatMap(left =>
      choice.map(right => ({
        bounds: left.bounds.concat(right.bounds),
        rows: left.rows.concat(right.rows),
        // The alternative chosen last tells disjuncts apart; what they have in common does not.
        start: right.start,
        end: right.end,
      })),
    );
  }
  return clauses;
}
