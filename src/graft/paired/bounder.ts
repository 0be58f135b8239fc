import { assert } from '../../base/assert';
import { ROUNDING } from '../../base/rounding';
import { ok, type Result } from '../../base/result';
import type { ActivationNode, Network } from '../../network/network';
import type { GraftedNetwork } from '../../train/grafted-network';
import { PairBackward } from './backward';
import { agree, pairIntervals, slopesOn, type PairBounds } from './intervals';
import { pairNetworks, type NetworkPair } from './pair';

/** Certified bounds on how far a base network f and its graft g differ over a box. */

export interface Interval {
  readonly lower: number;
  readonly upper: number;
}

/** What is known of two classes over the box. The margin of a network is its answer for the label minus that for the other class. */
export interface PairMargin {
  readonly other: number;
  readonly base: Interval;
  readonly grafted: Interval;
  /** margin of f − margin of g. */
  readonly difference: Interval;
}

/** Doubles that the rows of one backward pass may take at the widest node. */
const ROWS_LIMIT = 2 ** 20;

/** Holds the state of the box last given to `setBox`; not reentrant. Everything it returns is certified in float64. */
export class PairBounder {
  private bounds: PairBounds | null = null;
  private backward: PairBackward | null = null;
  private readonly last: number;
  private readonly outputs: number;
  private readonly chunk: number;

  private constructor(private readonly pair: NetworkPair) {
    const { nodes, wide } = pair.base;
    this.last = nodes.length - 1;
    this.outputs = nodes[this.last].size;
    this.chunk = Math.max(1, Math.floor(ROWS_LIMIT / wide.reduce((most, each) => Math.max(most, each), 1)));
  }

  /** Errors: those of `pairNetworks`. */
  static create(base: Network, grafted: GraftedNetwork): Result<PairBounder> {
    const pair = pairNetworks(base, grafted);
    return pair.ok ? ok(new PairBounder(pair.value)) : pair;
  }

  /** The box to work on, by intervals. False when nothing can be concluded on it. */
  setBox(lower: Float64Array, upper: Float64Array): boolean {
    const bounds = pairIntervals(this.pair, lower, upper);
    const limit = ROUNDING.magnitudeLimit;
    const usable = [bounds.base, bounds.difference, bounds.grafted].every(each =>
      each.lower.every((low, id) => low.every((l, i) => l >= -limit && each.upper[id][i] <= limit)),
    );
    this.bounds = usable ? bounds : null;
    this.backward = usable ? new PairBackward(this.pair, bounds, lower, upper) : null;
    return usable;
  }

  /** Backward passes for every neuron that intervals leave open, layer by layer, a part at a time. */
  *tightening(): Generator<void, void> {
    const bounds = this.known();
    for (const node of this.pair.base.nodes) {
      if (node.kind !== 'relu' && node.kind !== 'leakyRelu' && node.kind !== 'sigmoid' && node.kind !== 'tanh')
        continue;
      const [input] = node.inputs;
      const wanted = this.open(node, bounds);
      for (const stream of ['base', 'grafted', 'difference'] as const) {
        for (let from = 0; from < wanted[stream].length; from += this.chunk) {
          this.tighten(input, stream, wanted[stream].slice(from, from + this.chunk), bounds);
          yield;
        }
      }
      agree(bounds, input);
      this.backward?.refresh(input);
    }
  }

  /** What g answers minus what f answers, per output. */
  outputDifferences(): Interval[] {
    const rows = Array.from({ length: this.outputs }, (_, j) => this.unit(j));
    return this.intervals(null, rows);
  }

  /** Margins of the label over every other class, of either network and of their difference. */
  margins(label: number): PairMargin[] {
    assert(label >= 0 && label < this.outputs, () => `label ${label} of ${this.outputs} outputs`);
    const others = Array.from({ length: this.outputs }, (_, j) => j).filter(j => j !== label);
    const forms = others.map(other => {
      const row = this.unit(label);
      row[other] = -1;
      return row;
    });
    const base = this.intervals(forms, null);
    const grafted = this.intervals(forms, forms);
    const negated = forms.map(row => row.map(each => -each));
    const difference = this.intervals(null, negated);
    return others.map((other, k) => ({ other, base: base[k], grafted: grafted[k], difference: difference[k] }));
  }

  /** Bounds of f's values, of the differences, and of g's values, by node. */
  nodeBounds(): PairBounds {
    return this.known();
  }

  private known(): PairBounds {
    assert(this.bounds, () => 'no box has been set');
    return this.bounds;
  }

  private unit(j: number): Float64Array {
    const row = new Float64Array(this.outputs);
    row[j] = 1;
    return row;
  }

  /** Neurons whose bounds lines depend on and that are not settled yet. */
  private open(
    node: ActivationNode,
    { base, grafted, difference }: PairBounds,
  ): Record<'base' | 'grafted' | 'difference', number[]> {
    const [input] = node.inputs;
    const graft = this.pair.grafts.get(node.id);
    const wanted = { base: [] as number[], grafted: [] as number[], difference: [] as number[] };
    for (let i = 0; i < node.size; i++) {
      const [y, z, d] = [base, grafted, difference].map(each => [each.lower[input][i], each.upper[input][i]] as const);
      const isOpen = (low: number, high: number): boolean => {
        const [least, most] = slopesOn(node, low, high);
        return most > least && high > low;
      };
      if (isOpen(...y)) wanted.base.push(i);
      if (graft?.mask[i]) continue;
      if (isOpen(...z)) wanted.grafted.push(i);
      if (d[1] > d[0] && isOpen(Math.min(y[0], z[0]), Math.max(y[1], z[1]))) wanted.difference.push(i);
    }
    return wanted;
  }

  private tighten(
    id: number,
    stream: 'base' | 'grafted' | 'difference',
    neurons: readonly number[],
    bounds: PairBounds,
  ): void {
    const { size } = this.pair.base.nodes[id];
    const units = new Float64Array(2 * neurons.length * size);
    neurons.forEach((i, k) => {
      units[2 * k * size + i] = 1;
      units[(2 * k + 1) * size + i] = -1;
    });
    const rows = {
      count: 2 * neurons.length,
      base: stream === 'difference' ? null : units,
      difference: stream === 'base' ? null : units,
    };
    const lower = this.backward!.lowerBounds(id, rows);
    neurons.forEach((i, k) => {
      bounds[stream].lower[id][i] = Math.max(bounds[stream].lower[id][i], lower[2 * k]);
      bounds[stream].upper[id][i] = Math.min(bounds[stream].upper[id][i], -lower[2 * k + 1]);
    });
  }

  /** Bounds of rows over the outputs of f and over the differences. */
  private intervals(base: readonly Float64Array[] | null, difference: readonly Float64Array[] | null): Interval[] {
    const joined = (rows: readonly Float64Array[] | null): Float64Array | null =>
      rows && Float64Array.from(rows.flatMap(row => [...row, ...row.map(each => -each)]));
    const count = 2 * (base ?? difference ?? []).length;
    this.known();
    const lower = this.backward!.lowerBounds(this.last, { count, base: joined(base), difference: joined(difference) });
    return Array.from({ length: count / 2 }, (_, k) => ({ lower: lower[2 * k], upper: -lower[2 * k + 1] }));
  }
}
