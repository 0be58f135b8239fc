import { doubled } from './bound-table';
import type { Span } from './formula';

/** The declared variables of one side, by index, with where each was declared. Grows as declarations come. */
export class VariableTable {
  /** Number of declared variables. */
  count = 0;
  /** One more than the largest declared index. */
  extent = 0;
  private starts = new Int32Array(64).fill(-1);
  private ends = new Int32Array(64);

  has(index: number): boolean {
    return index < this.extent && this.starts[index] >= 0;
  }

  /** Where variable `index` was declared; it must have been. */
  span(index: number): Span {
    return { start: this.starts[index], end: this.ends[index] };
  }

  declare(index: number, start: number, end: number): void {
    if (index >= this.starts.length) {
      const size = Math.max(index + 1, 2 * this.starts.length);
      const starts = new Int32Array(size).fill(-1);
      starts.set(this.starts);
      const ends = new Int32Array(size);
      ends.set(this.ends);
      this.starts = starts;
      this.ends = ends;
    }
    this.starts[index] = start;
    this.ends[index] = end;
    this.count++;
    this.extent = Math.max(this.extent, index + 1);
  }
}

/** A list of spans without an object per entry: even entries start, odd entries end. */
export class SpanList {
  private data = new Int32Array(128);
  length = 0;

  push(start: number, end: number): void {
    if (2 * this.length === this.data.length) this.data = doubled(this.data);
    this.data[2 * this.length] = start;
    this.data[2 * this.length + 1] = end;
    this.length++;
  }

  at(i: number): Span {
    return { start: this.data[2 * i], end: this.data[2 * i + 1] };
  }
}
