import type { ChainRows } from './chain-rows';
import type { Multipliers, SearchEffort, Split, SplitBounds } from './split-bounds';
import { SplitGains } from './split-gains';

/**
 * Sub-problems of one region of a dense chain: rows about the question's forms. Places count the live neurons of all hidden layers, each layer padded to whole
 * vectors.
 */
export class ChainSplits implements SplitBounds {
  readonly tried = 6;
  private readonly forms: number[] = [];
  private readonly splits: (readonly Split[])[] = [];
  /** By form. */
  private readonly gains = new Map<number, SplitGains>();

  constructor(
    private readonly work: ChainRows,
    readonly steps: number,
  ) {}

  get width(): number {
    return this.work.width;
  }

  get rows(): number {
    return this.work.rows;
  }

  set(r: number, form: number, splits: readonly Split[], multipliers: Multipliers | null): void {
    this.forms[r] = form;
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

  learn(form: number, place: number, gain: number): void {
    this.gainsOf(form).learn(place, gain);
  }

  private gainsOf(form: number): SplitGains {
    let gains = this.gains.get(form);
    if (!gains) this.gains.set(form, (gains = new SplitGains(this.width)));
    return gains;
  }

  candidates(r: number, count: number): number[] {
    return this.work.candidates(r, count, this.gainsOf(this.forms[r]));
  }

  neuron(place: number): { layer: number; neuron: number } {
    return this.work.neuron(place);
  }
}
