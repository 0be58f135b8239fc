import type { ChainRows } from './chain-rows';
import type { Multipliers, SearchEffort, Split, SplitBounds } from './split-bounds';

/**
 * Sub-problems of one region of a dense chain: rows about the question's forms. Places count the live neurons of all hidden layers, each layer padded to whole
 * vectors.
 */
export class ChainSplits implements SplitBounds {
  readonly tried = 3;
  private readonly splits: (readonly Split[])[] = [];

  constructor(private readonly work: ChainRows) {}

  get width(): number {
    return this.work.width;
  }

  get rows(): number {
    return this.work.rows;
  }

  set(r: number, form: number, splits: readonly Split[], multipliers: Multipliers | null): void {
    this.splits[r] = splits;
    this.work.set(r, form, splits, multipliers);
  }

  estimate(rows: number): Float64Array {
    return this.work.estimate(rows);
  }

  optimise(rows: number, effort: SearchEffort): Float64Array {
    return this.work.optimise(rows, effort);
  }

  certify(rows: readonly number[]): Float64Array {
    return this.work.certify(rows);
  }

  points(rows: readonly number[]): Float64Array {
    return this.work.points(rows);
  }

  multipliers(r: number): Multipliers {
    return this.work.multipliers(r, this.splits[r]);
  }

  candidates(r: number, count: number): number[] {
    return this.work.candidates(r, count);
  }

  neuron(place: number): { layer: number; neuron: number } {
    return this.work.neuron(place);
  }
}
