import { assert } from '../base/assert';
import { inflate, ROUNDING } from '../base/rounding';

/**
 * minimise cost·x + offset subject to rowLower ≤ A x ≤ rowUpper and columnLower ≤ x ≤ columnUpper. A in compressed rows: row i has value[k] in
 * column[k] for k in rowStart[i] .. rowStart[i+1], no column twice. Bounds may be infinite.
 */
export interface LinearProgram {
  readonly cost: Float64Array;
  readonly offset: number;
  readonly columnLower: Float64Array;
  readonly columnUpper: Float64Array;
  /** 1 where a column must be a whole number; null when none must. */
  readonly integer: Uint8Array | null;
  readonly rowLower: Float64Array;
  readonly rowUpper: Float64Array;
  readonly rowStart: Int32Array;
  readonly column: Int32Array;
  readonly value: Float64Array;
}

/** Σ value·column + offset, no column twice: what a program minimises. */
export interface Objective {
  readonly columns: readonly number[];
  readonly values: readonly number[];
  readonly offset: number;
}

/** The program with an objective as its cost. */
export function withObjective(program: LinearProgram, objective: Objective): LinearProgram {
  return { ...program, cost: costOf(objective, program.cost.length), offset: objective.offset };
}

/** An objective's values, one for every column of a program. */
export function costOf({ columns, values }: Objective, size: number): Float64Array {
  const cost = new Float64Array(size);
  columns.forEach((column, k) => (cost[column] = values[k]));
  return cost;
}

/** Collects columns, then rows over them. */
export class ProgramBuilder {
  private readonly columnLower: number[] = [];
  private readonly columnUpper: number[] = [];
  private readonly integer: number[] = [];
  private readonly rowLower: number[] = [];
  private readonly rowUpper: number[] = [];
  private readonly rowStart: number[] = [0];
  private readonly column: number[] = [];
  private readonly value: number[] = [];
  /** Where each column last appeared in `column`. */
  private readonly lastEntry: number[] = [];

  /** Adds a column and returns its index. */
  addColumn(lower: number, upper: number, integer = false): number {
    assert(lower <= upper, () => `a column between ${lower} and ${upper}`);
    this.columnLower.push(lower);
    this.columnUpper.push(upper);
    this.integer.push(integer ? 1 : 0);
    this.lastEntry.push(-1);
    return this.columnLower.length - 1;
  }

  range(column: number): [lower: number, upper: number] {
    return [this.columnLower[column], this.columnUpper[column]];
  }

  /** The largest |x| a column allows. */
  magnitude(column: number): number {
    return Math.max(Math.abs(this.columnLower[column]), Math.abs(this.columnUpper[column]));
  }

  /**
   * Adds the row lower ≤ Σ value·x ≤ upper. A column may be named more than once: its coefficients are added up, and the row is widened by
   * what their rounding can lose, so that no point is cut off. Returns the row's index.
   */
  addRow(lower: number, upper: number, columns: readonly number[], values: readonly number[]): number {
    const start = this.column.length;
    let lost = 0;
    columns.forEach((column, k) => {
      const at = this.lastEntry[column];
      if (at >= start) {
        this.value[at] += values[k];
        lost += 2 * ROUNDING.unit * Math.abs(this.value[at]) * this.magnitude(column);
      } else {
        this.lastEntry[column] = this.column.length;
        this.column.push(column);
        this.value.push(values[k]);
      }
    });
    this.rowStart.push(this.column.length);
    this.rowLower.push(lost === 0 ? lower : widened(lower, -lost));
    this.rowUpper.push(lost === 0 ? upper : widened(upper, lost));
    return this.rowLower.length - 1;
  }

  /** The program so far, with cost 0. */
  build(): LinearProgram {
    return {
      cost: new Float64Array(this.columnLower.length),
      offset: 0,
      columnLower: Float64Array.from(this.columnLower),
      columnUpper: Float64Array.from(this.columnUpper),
      integer: this.integer.includes(1) ? Uint8Array.from(this.integer) : null,
      rowLower: Float64Array.from(this.rowLower),
      rowUpper: Float64Array.from(this.rowUpper),
      rowStart: Int32Array.from(this.rowStart),
      column: Int32Array.from(this.column),
      value: Float64Array.from(this.value),
    };
  }
}

/** At least (`by` > 0) or at most (`by` < 0) the exact value + by. */
export function widened(value: number, by: number): number {
  const sum = value + by;
  const outward = inflate(Math.abs(by) * 2 * ROUNDING.unit + Math.abs(sum) * 2 * ROUNDING.unit);
  return by > 0 ? sum + outward : sum - outward;
}
