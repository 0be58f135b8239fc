import { assert } from '../base/assert';
import { doublesAt, integersAt, singlesAt, stride, type CoreExports } from './core/core';
import type { Multipliers, SearchEffort, Split } from './split-bounds';
import type { SplitGains } from './split-gains';

/** Steps without getting better after which a row's search ends. */
const PATIENCE = 10;
const DECAY = 0.98;
/** Part of its score by which a neuron still counts whose splits have gained nothing. */
const LITTLE = 1e-6;

/**
 * Rows of the core that share one region's neuron bounds and are about forms of the question or about neurons: the part of `ChainSplits` and of the
 * tightening of neurons both need. Layers are counted from 1 here, as in the core.
 */
export class ChainRows {
  private offsets: number[] = [];
  private neurons: Int32Array[] = [];

  constructor(
    readonly core: CoreExports,
    private readonly inputs: number,
    /** Rows there is room for. */
    readonly rows: number,
    forms: number,
  ) {
    core.newRows(rows, forms);
    core.newSearch(rows);
    core.newCertify(rows);
  }

  /** Places of a row: the live neurons of the layers laid out, each layer padded to whole vectors. */
  get width(): number {
    return this.core.width.value;
  }

  /** Hidden layers that have places. */
  get laid(): number {
    return this.offsets.length;
  }

  /** After hidden layers from..to were prepared: their places. Those behind them have none from then on. */
  layOut(from: number, to: number): void {
    const { core } = this;
    core.layOut(from, to);
    this.offsets.length = from - 1;
    this.neurons.length = from - 1;
    for (let k = from; k <= to; k++) {
      this.offsets.push(core.placeOffset(k));
      this.neurons.push(integersAt(core, core.liveNeurons(k), core.liveCount(k)).slice());
    }
  }

  /** Prepares row r from start `slot`. */
  set(r: number, slot: number, splits: readonly Split[], multipliers: Multipliers | null): void {
    assert(r < this.rows, () => `row ${r} of ${this.rows}`);
    const { core, width } = this;
    assert(multipliers === null || multipliers.alpha.length === width, () => 'multipliers of another region');
    integersAt(core, core.asked.value, this.rows)[r] = slot;
    core.rowReset(r);
    if (multipliers) {
      singlesAt(core, core.rowSlopes(r), width).set(multipliers.alpha);
      core.rowClamp(r);
    }
    for (let k = 0; k < splits.length; k++) {
      const { place, sign } = splits[k];
      const layer = this.layerOf(place);
      core.rowFix(r, layer + 1, place - this.offsets[layer], sign, multipliers?.beta[k] ?? 0);
    }
  }

  private activate(rows: readonly number[]): void {
    integersAt(this.core, this.core.active.value, rows.length).set(rows);
  }

  private activateAll(rows: number): void {
    const active = integersAt(this.core, this.core.active.value, rows);
    for (let r = 0; r < rows; r++) active[r] = r;
  }

  estimate(rows: number): Float64Array {
    this.activateAll(rows);
    this.core.searchBackward(rows);
    return doublesAt(this.core, this.core.estimates.value, rows).slice();
  }

  optimise(rows: number, { iterations, alpha, beta, enough }: SearchEffort): Float64Array {
    const { core } = this;
    this.activateAll(rows);
    core.searchBackward(rows);
    core.searchBegin(rows);
    let open = core.searchNote(rows, enough, PATIENCE);
    let decay = 1;
    for (let t = 1; t <= iterations && open > 0; t++) {
      core.searchForward(open);
      core.searchStep(open, t, alpha * decay, beta * decay);
      core.searchBackward(open);
      open = core.searchNote(open, enough, PATIENCE);
      decay *= DECAY;
    }
    for (let r = 0; r < rows; r++) core.rowRestore(r);
    return doublesAt(core, core.best.value, rows).slice();
  }

  certify(rows: readonly number[]): Float64Array {
    this.activate(rows);
    this.core.certify(rows.length);
    return doublesAt(this.core, this.core.rowLower.value, rows.length).slice();
  }

  points(rows: readonly number[]): Float64Array {
    const { core, inputs } = this;
    this.activate(rows);
    core.searchBackward(rows.length);
    const wide = stride(inputs);
    const all = singlesAt(core, core.searchPoints(rows.length), rows.length * wide);
    const points = new Float64Array(rows.length * inputs);
    for (let k = 0; k < rows.length; k++) points.set(all.subarray(k * wide, k * wide + inputs), k * inputs);
    return points;
  }

  /** Row r's multipliers; β in the order of `splits`. */
  multipliers(r: number, splits: readonly Split[]): Multipliers {
    const { core, width } = this;
    const pushed = singlesAt(core, core.rowPush(r), width);
    return {
      alpha: singlesAt(core, core.rowSlopes(r), width).slice(),
      beta: Float32Array.from(splits, ({ place }) => Math.abs(pushed[place])),
    };
  }

  /** The `count` best neurons to split row r at: by what was learned, else by their scores. */
  candidates(r: number, count: number, gains: SplitGains): number[] {
    const scores = singlesAt(this.core, this.core.searchScores(r), this.width);
    const best: number[] = [];
    let least = 0;
    for (let place = 0; place < scores.length; place++) {
      const promise = scores[place];
      if (!(promise > 0)) continue;
      // A neuron whose splits gained nothing may still be all that is left.
      const score = Math.fround(Math.max(gains.expected(place, promise), LITTLE * promise));
      scores[place] = score;
      if (!(score > least)) continue;
      let at = best.length;
      while (at > 0 && scores[best[at - 1]] < score) at--;
      best.splice(at, 0, place);
      if (best.length > count) best.pop();
      if (best.length === count) least = scores[best[count - 1]];
    }
    return best;
  }

  /** Of which hidden layer, counted from 0, and which neuron of it. */
  neuron(place: number): { layer: number; neuron: number } {
    const layer = this.layerOf(place);
    return { layer, neuron: this.neurons[layer][place - this.offsets[layer]] };
  }

  /** Where a neuron stands; −1 where it is dead on the whole region. */
  place(layer: number, neuron: number): number {
    const index = this.neurons[layer].indexOf(neuron);
    return index < 0 ? -1 : this.offsets[layer] + index;
  }

  private layerOf(place: number): number {
    assert(place >= 0 && place < this.width, () => `no neuron at place ${place}`);
    let layer = this.offsets.length - 1;
    while (this.offsets[layer] > place) layer--;
    return layer;
  }
}
