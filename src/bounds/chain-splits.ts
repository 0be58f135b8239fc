import { assert } from '../base/assert';
import { doublesAt, stride, type CoreExports } from './core/core';
import type { Multipliers, Split, SplitBounds } from './split-bounds';

/**
 * Sub-problems of one box of a dense chain (β-CROWN, Wang et al. 2021): rows that share the box's neuron bounds and differ in splits and multipliers. Every
 * bound is certified, whatever the multipliers are. Places count the live neurons of all hidden layers, each layer padded to whole vectors.
 */
export class ChainSplits implements SplitBounds {
  /** Doubles in a row of multipliers. */
  readonly width: number;
  private readonly asked: number;
  /** First place of each hidden layer, and one past the last. */
  private readonly offsets: readonly number[];

  constructor(
    private readonly core: CoreExports,
    layers: number,
    private readonly inputs: number,
    readonly rows: number,
    forms: number,
  ) {
    core.newSplits(rows, forms);
    this.asked = core.allocate(rows * 4);
    this.width = core.width.value;
    this.offsets = Array.from({ length: layers - 1 }, (_, k) => core.splitOffset(k + 1));
  }

  /** Prepares row r: about `form`, with these splits and multipliers (null: the box's own slopes, no β). */
  set(r: number, form: number, splits: readonly Split[], multipliers: Multipliers | null): void {
    assert(r < this.rows, () => `row ${r} of ${this.rows}`);
    const { core, width } = this;
    new Int32Array(core.memory.buffer, this.asked, this.rows)[r] = form;
    core.splitReset(r);
    if (multipliers) {
      this.row(core.low.value, r).set(multipliers.alpha);
      this.row(core.beta.value, r).set(multipliers.beta);
      core.splitClamp(r);
    }
    for (const { place, sign } of splits) {
      assert(place >= 0 && place < width, () => `no neuron at place ${place}`);
      const layer = this.layerOf(place);
      core.splitFix(r, layer + 1, place - this.offsets[layer], sign);
    }
  }

  /** Certified lower bounds of rows 0..rows−1. */
  bound(rows: number): Float64Array {
    this.core.splitBackward(rows, this.asked);
    return doublesAt(this.core, this.core.rowLower.value, rows).slice();
  }

  /**
   * `iterations` steps of Adam on the multipliers of rows 0..rows−1 after `bound`; `after` sees the new bounds after each step and may end it by returning
   * true. Returns the last bounds.
   */
  improve(
    rows: number,
    iterations: number,
    rates: { readonly alpha: number; readonly beta: number },
    after: (lower: Float64Array, step: number) => boolean,
  ): void {
    for (let t = 1; t <= iterations; t++) {
      this.core.splitValues(rows, this.core.splitForward(rows));
      const decay = 0.98 ** (t - 1);
      this.core.splitStep(rows, t, rates.alpha * decay, rates.beta * decay);
      if (after(this.bound(rows), t)) return;
    }
  }

  /** The input at which row r's bound is attained, after `bound`: a point worth trying. For all rows at once, row-major. */
  points(rows: number): Float64Array {
    const wide = stride(this.inputs);
    const all = doublesAt(this.core, this.core.splitForward(rows), rows * wide);
    const points = new Float64Array(rows * this.inputs);
    for (let r = 0; r < rows; r++) points.set(all.subarray(r * wide, r * wide + this.inputs), r * this.inputs);
    return points;
  }

  multipliers(r: number): Multipliers {
    return { alpha: this.row(this.core.low.value, r).slice(), beta: this.row(this.core.beta.value, r).slice() };
  }

  /** The `count` unsplit unstable neurons whose relaxation costs row r most, by BaBSR's estimate, best first. Fewer when there are fewer. */
  candidates(r: number, count: number): number[] {
    const scores = doublesAt(this.core, this.core.splitScores(r), this.width);
    const best: number[] = [];
    for (let place = 0; place < scores.length; place++) {
      if (!(scores[place] > 0)) continue;
      if (best.length === count && scores[place] <= scores[best[count - 1]]) continue;
      let at = best.length;
      while (at > 0 && scores[best[at - 1]] < scores[place]) at--;
      best.splice(at, 0, place);
      if (best.length > count) best.pop();
    }
    return best;
  }

  /** Which neuron of which hidden layer (both counted from 0) stands at a place. */
  neuron(place: number): { layer: number; neuron: number } {
    const layer = this.layerOf(place);
    const { core } = this;
    const live = new Int32Array(core.memory.buffer, core.liveNeurons(layer + 1), core.liveCount(layer + 1));
    return { layer, neuron: live[place - this.offsets[layer]] };
  }

  private row(address: number, r: number): Float64Array {
    return doublesAt(this.core, address + r * this.width * 8, this.width);
  }

  private layerOf(place: number): number {
    let layer = this.offsets.length - 1;
    while (this.offsets[layer] > place) layer--;
    return layer;
  }
}
