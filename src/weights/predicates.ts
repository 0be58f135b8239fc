import { gamma, inflate, ROUNDING } from '../base/rounding';
import type { LinearProgram } from '../lp/linear-program';

/** lower ≤ Σ value·column ≤ upper over the predicates' columns. */
export interface PredicateRow {
  readonly column: Int32Array;
  readonly value: Float64Array;
  readonly lower: number;
  readonly upper: number;
}

/**
 * The predicates of all stars of one reachability analysis: numbers η, each between two bounds, with linear rows over them. Every star's generators
 * belong to some of them (`generators`); the rest occur in rows only.
 */
export class Predicates {
  /** Bounds of every column. */
  readonly lower: number[] = [];
  readonly upper: number[] = [];
  /** Column of each generator. */
  readonly generators: number[] = [];
  readonly rows: PredicateRow[] = [];

  /** A predicate with a generator; returns the generator's index. */
  generator(lower: number, upper: number): number {
    this.generators.push(this.column(lower, upper));
    return this.generators.length - 1;
  }

  /** A predicate that no star has a generator for; returns its column. */
  column(lower: number, upper: number): number {
    this.lower.push(lower);
    this.upper.push(upper);
    return this.lower.length - 1;
  }

  row(lower: number, upper: number, column: ArrayLike<number>, value: ArrayLike<number>): void {
    this.rows.push({ column: Int32Array.from(column), value: Float64Array.from(value), lower, upper });
  }

  /** The least value of offset + cost·η; `extra` appends columns and rows for this program alone. */
  program(cost: Float64Array, offset: number, extra: readonly PredicateRow[] = [], free = 0): LinearProgram {
    const rows = [...this.rows, ...extra];
    const count = this.lower.length + free;
    const rowStart = new Int32Array(rows.length + 1);
    rows.forEach((row, i) => (rowStart[i + 1] = rowStart[i] + row.column.length));
    const column = new Int32Array(rowStart[rows.length]);
    const value = new Float64Array(column.length);
    rows.forEach((row, i) => {
      column.set(row.column, rowStart[i]);
      value.set(row.value, rowStart[i]);
    });
    const wide = new Float64Array(count);
    wide.set(cost);
    const columnLower = new Float64Array(count).fill(-ELASTIC);
    const columnUpper = new Float64Array(count).fill(ELASTIC);
    columnLower.set(this.lower);
    columnUpper.set(this.upper);
    return {
      cost: wide,
      offset,
      columnLower,
      columnUpper,
      integer: null,
      rowLower: Float64Array.from(rows, row => row.lower),
      rowUpper: Float64Array.from(rows, row => row.upper),
      rowStart,
      column,
      value,
    };
  }
}

/** How far the columns appended to a program may go: margins beyond this decide nothing. */
export const ELASTIC = 1e9;

/** A linear form over the generators with a constant, off from the exact one by at most `error` for all predicates within their bounds. */
export interface Form {
  readonly constant: number;
  /** One value a generator. */
  readonly value: Float64Array;
  readonly error: number;
}

/** Σ coefficient·form, with what the sums round and what `relative` says the coefficients may be off by. */
export function combined(
  parts: readonly { readonly coefficient: number; readonly form: Form; readonly size: number }[],
  constant: number,
  generators: number,
  relative: number,
): Form {
  const value = new Float64Array(generators);
  let sum = constant;
  let error = 0;
  const lost = gamma(parts.length + 4) + relative;
  for (const { coefficient, form, size } of parts) {
    sum += coefficient * form.constant;
    for (let g = 0; g < form.value.length; g++) value[g] += coefficient * form.value[g];
    error += Math.abs(coefficient) * (form.error + lost * size);
  }
  return {
    constant: sum,
    value,
    error: inflate(error + gamma(parts.length + 4) * Math.abs(constant) + 2 * ROUNDING.unit * Math.abs(sum)),
  };
}
