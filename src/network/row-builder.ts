import type { Offsets } from './coefficients';
import type { Draft } from './draft';
import type { Operation } from './operation';

/** More coefficients than this would not fit beside everything else in memory: 12 bytes each. */
const largest = 2 ** 26;

/** Collects the rows of a sparse map, in order. Grows as it goes, so a lying shape costs no memory. */
export class RowBuilder {
  private columns = new Int32Array(1024);
  private values = new Float64Array(1024);
  private count = 0;
  private readonly rowStart: Int32Array;
  private row = 0;

  constructor(
    private readonly operation: Operation,
    rowCount: number,
  ) {
    this.rowStart = new Int32Array(rowCount + 1);
  }

  /** Appends a coefficient of `row`; rows come in ascending order, and some may stay empty. */
  add(row: number, column: number, value: number): void {
    this.advance(row);
    if (this.count === this.columns.length) this.grow();
    this.columns[this.count] = column;
    this.values[this.count++] = value;
  }

  private advance(row: number): void {
    while (this.row < row) this.rowStart[++this.row] = this.count;
  }

  private grow(): void {
    if (this.count * 2 > largest)
      this.operation.unsupported('it would need too many coefficients to be held in memory');
    const columns = new Int32Array(this.count * 2);
    const values = new Float64Array(this.count * 2);
    columns.set(this.columns);
    values.set(this.values);
    this.columns = columns;
    this.values = values;
  }

  /** Where the rows begin, and their columns. */
  finish(): { rowStart: Int32Array; column: Int32Array } {
    this.advance(this.rowStart.length - 1);
    return { rowStart: this.rowStart, column: this.columns.slice(0, this.count) };
  }

  /** Appends a sparse node of these rows to the draft; coefficients that are all exactly 1 are left out. */
  node(
    draft: Draft,
    input: number,
    shape: readonly number[],
    name: string,
    relativeError: number,
    bias: Offsets | null,
  ): number {
    const values = this.values.slice(0, this.count);
    const ones = relativeError === 0 && values.every(value => value === 1);
    return draft.sparse(input, shape, name, this.finish(), ones ? null : { values, relativeError }, bias);
  }
}
