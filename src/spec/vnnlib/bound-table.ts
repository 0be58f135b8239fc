import type { Limit } from '../numbers/decimal';
import type { Span } from './formula';

/**
 * Every bound of one input that a file writes, in columns: a file may have hundreds of thousands. A bound is known by its row number.
 * The written number lies in [down, up]; `single` is its nearest float32.
 */
export class BoundTable {
  private length = 0;
  private inputs = new Int32Array(256);
  private uppers = new Uint8Array(256);
  private downs = new Float64Array(256);
  private ups = new Float64Array(256);
  private singles = new Float32Array(256);
  private starts = new Int32Array(256);
  private ends = new Int32Array(256);

  add(input: number, upper: boolean, limit: Limit, start: number, end: number): number {
    if (this.length === this.inputs.length) this.grow();
    const id = this.length++;
    this.inputs[id] = input;
    this.uppers[id] = upper ? 1 : 0;
    this.downs[id] = limit.down;
    this.ups[id] = limit.up;
    this.singles[id] = limit.single;
    this.starts[id] = start;
    this.ends[id] = end;
    return id;
  }

  input(id: number): number {
    return this.inputs[id];
  }

  isUpper(id: number): boolean {
    return this.uppers[id] === 1;
  }

  down(id: number): number {
    return this.downs[id];
  }

  up(id: number): number {
    return this.ups[id];
  }

  single(id: number): number {
    return this.singles[id];
  }

  span(id: number): Span {
    return { start: this.starts[id], end: this.ends[id] };
  }

  /** Whether bound `id` is tighter than `other`. Of two that lie within a rounding error of each other either will do. */
  tighter(id: number, other: number): boolean {
    return this.uppers[id] === 1 ? this.ups[id] < this.ups[other] : this.downs[id] > this.downs[other];
  }

  /** Whether no number satisfies both. Written equal, or equal up to a float64's rounding, is a fixed input and no contradiction. */
  contradict(lower: number, upper: number): boolean {
    return this.downs[lower] > this.ups[upper] || this.singles[lower] > this.singles[upper];
  }

  private grow(): void {
    this.inputs = doubled(this.inputs);
    this.uppers = doubled(this.uppers);
    this.downs = doubled(this.downs);
    this.ups = doubled(this.ups);
    this.singles = doubled(this.singles);
    this.starts = doubled(this.starts);
    this.ends = doubled(this.ends);
  }
}

/** The same numbers at the beginning of an array twice as long. */
export function doubled<T extends Int32Array | Uint8Array | Float64Array | Float32Array>(array: T): T {
  const larger = new (array.constructor as new (length: number) => T)(2 * array.length);
  larger.set(array);
  return larger;
}
