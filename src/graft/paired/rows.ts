import type { NetworkPair } from './pair';
import type { PairRelaxation } from './relaxation';

/** The rows of a backward pass over a pair of networks. */

/** Coefficients over f's values, and over what g's values are more. */
export type Stream = 'base' | 'difference';
export const STREAMS: readonly Stream[] = ['base', 'difference'];

/** What one row's coefficients become behind a layer of activations, neuron by neuron. */
export class RowSum {
  constant = 0;
  /** Sum of the sizes of the constant's terms, and of coefficients times the values they meet, as before they were added up. */
  terms = 0;
  scaled = 0;
  ofV = 0;
  ofD = 0;

  neuron(lines: PairRelaxation, i: number, e: number, c: number, sizeV: number, sizeD: number): void {
    const { graft, slack, base, grafted, difference } = lines;
    const q = e - c;
    this.ofV = 0;
    this.ofD = 0;
    if (graft?.mask[i]) {
      this.part(c, graft.slope[i], graft.intercept[i], 'both', sizeV, sizeD);
      this.part(
        q,
        q > 0 ? base.lowerSlope[i] : base.upperSlope[i],
        q > 0 ? base.lowerIntercept[i] : base.upperIntercept[i],
        'base',
        sizeV,
        sizeD,
      );
      return;
    }
    const together = Math.abs(c) * slack.difference[i] + Math.abs(e) * slack.base[i];
    const apart = Math.abs(c) * slack.grafted[i] + Math.abs(q) * slack.base[i];
    const pairwise = together <= apart;
    const own = pairwise ? difference : grafted;
    const rest = pairwise ? e : q;
    this.part(
      c,
      c > 0 ? own.lowerSlope[i] : own.upperSlope[i],
      c > 0 ? own.lowerIntercept[i] : own.upperIntercept[i],
      pairwise ? 'difference' : 'both',
      sizeV,
      sizeD,
    );
    this.part(
      rest,
      rest > 0 ? base.lowerSlope[i] : base.upperSlope[i],
      rest > 0 ? base.lowerIntercept[i] : base.upperIntercept[i],
      'base',
      sizeV,
      sizeD,
    );
  }

  /** factor·(slope·what it reads + intercept). */
  private part(
    factor: number,
    slope: number,
    intercept: number,
    reads: 'base' | 'difference' | 'both',
    sizeV: number,
    sizeD: number,
  ): void {
    if (factor === 0) return;
    const back = factor * slope;
    const term = factor * intercept;
    this.constant += term;
    this.terms += Math.abs(term);
    if (reads !== 'difference') {
      this.ofV += back;
      this.scaled += Math.abs(back) * sizeV;
    }
    if (reads !== 'base') {
      this.ofD += back;
      this.scaled += Math.abs(back) * sizeD;
    }
  }
}

/** The rows of one pass: blocks by stream and node, constants, and the bound on everything lost so far. */
export class Pass {
  readonly constants: Float64Array;
  readonly errors: Float64Array;
  private readonly pending = new Map<string, number>();

  constructor(
    private readonly pair: NetworkPair,
    readonly rows: number,
  ) {
    this.constants = new Float64Array(rows);
    this.errors = new Float64Array(rows);
  }

  wide(id: number): number {
    return this.pair.base.wide[id];
  }

  has(stream: Stream, id: number): boolean {
    return this.pending.has(stream + id);
  }

  /** A zeroed block of rows over the values of a node. */
  fresh(id: number): number {
    return this.pair.base.core.allocate(this.rows * this.wide(id) * 8);
  }

  /** The block that has arrived at a node, made now if none has. */
  claimAddress(stream: Stream, id: number): number {
    let address = this.pending.get(stream + id);
    if (address === undefined) this.pending.set(stream + id, (address = this.fresh(id)));
    return address;
  }

  /** Good until the next allocation, which may move the core's memory. */
  view(address: number, id: number): Float64Array {
    return this.pair.base.view(address, this.rows * this.wide(id));
  }

  /** Address of the block that has arrived, taken off what is pending; null for none. */
  take(stream: Stream, id: number): number | null {
    const address = this.pending.get(stream + id) ?? null;
    this.pending.delete(stream + id);
    return address;
  }
}
