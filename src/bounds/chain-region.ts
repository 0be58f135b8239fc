import { assert } from '../base/assert';
import type { Constraint } from '../spec/question';
import { ChainLadder, type DenseChain } from './chain';
import { ChainRows } from './chain-rows';
import { ChainSplits } from './chain-splits';
import { doublesAt } from './core/core';
import type { NeuronBounds, NeuronRegion, RefineEffort } from './split-bounds';

/** A neuron's sign is settled by a bound beyond this; the search for its slopes ends there. */
const SETTLED = 1e-6;

/**
 * Steps of a search after a split. Rows start where their parents ended: for a neuron's bound more steps cost more than the splits they save; in the question's own
 * trees it takes some more to see that phases exclude one another.
 */
const STEPS = 8;
const NEURON_STEPS = 4;

/** The region of a dense chain that sub-problems share. The core counts layers from 1: hidden layer k here is its layer k + 1. */
export class ChainRegion extends ChainLadder implements NeuronRegion {
  readonly firstMethod = 'zonotope';
  readonly treeCost = 10;
  private readonly work: ChainRows;

  /** `rows`: how many go through the products together. */
  constructor(chain: DenseChain, constraints: readonly Constraint[], rows: number) {
    super(chain, constraints);
    this.work = new ChainRows(this.core, this.inputs, rows, this.rows);
  }

  get layers(): number {
    return this.chain.slopes.length;
  }

  get neuronsAtOnce(): number {
    return this.work.rows >> 1;
  }

  override setBox(lower: Float64Array, upper: Float64Array, bounds: Float64Array | null): void {
    super.setBox(lower, upper, bounds);
    if (bounds) for (let layer = 0; layer < this.layers; layer++) this.relax(layer);
  }

  *tightening(): Generator<void, number> {
    const rows: number[] = [];
    yield;
    return Math.max(0, this.crown(rows).unstable);
  }

  *refining(effort: RefineEffort): Generator<void, number> {
    let count = 0;
    for (let layer = 0; layer < this.layers; layer++) {
      const unstable = layer === 0 ? [] : this.unstable(layer);
      for (let from = 0; from < unstable.length; from += this.neuronsAtOnce) {
        const part = unstable.slice(from, from + this.neuronsAtOnce);
        this.tighten(layer, part, this.boundNeurons(layer, part, effort));
        yield;
      }
      count += unstable.length;
      if (!this.relax(layer)) return count;
    }
    return count;
  }

  unstable(layer: number): number[] {
    const { lower, upper } = this.boundsOf(layer);
    return [...lower.keys()].filter(i => lower[i] < 0 && upper[i] > 0);
  }

  boundNeurons(layer: number, neurons: readonly number[], { iterations, alpha }: RefineEffort): NeuronBounds {
    const splits = this.neuronSplits(layer, neurons);
    const rows = Array.from({ length: 2 * neurons.length }, (_, r) => r);
    for (const r of rows) splits.set(r, r, [], null);
    splits.optimise(rows.length, { iterations, alpha, beta: 0, enough: SETTLED });
    const bounds = splits.certify(rows);
    return {
      lower: Float64Array.from(neurons, (_, n) => bounds[2 * n]),
      upper: Float64Array.from(neurons, (_, n) => -bounds[2 * n + 1]),
    };
  }

  neuronSplits(layer: number, neurons: readonly number[]): ChainSplits {
    const { core } = this;
    assert(neurons.length <= this.neuronsAtOnce, () => `${neurons.length} neurons at once`);
    // Layers behind are no part of these rows: what is left of other rows there must not be taken for theirs.
    const { laid } = this.work;
    if (layer > 0 && laid !== layer) this.work.layOut(Math.min(laid + 1, layer), layer);
    core.startNeurons(layer + 1);
    neurons.forEach((neuron, n) => {
      core.startNeuron(2 * n, layer + 1, neuron, 1);
      core.startNeuron(2 * n + 1, layer + 1, neuron, -1);
    });
    return new ChainSplits(this.work, NEURON_STEPS);
  }

  tighten(layer: number, neurons: readonly number[], bounds: NeuronBounds): void {
    const { lower, upper } = this.boundsOf(layer);
    neurons.forEach((neuron, n) => {
      // Comparisons, not Math.max: a bound that is no number is none.
      if (bounds.lower[n] > lower[neuron]) lower[neuron] = bounds.lower[n];
      if (bounds.upper[n] < upper[neuron]) upper[neuron] = bounds.upper[n];
    });
  }

  relax(layer: number): boolean {
    if (this.core.ladderPrepare(layer + 1) === 0) return false;
    this.work.layOut(layer + 1, layer + 1);
    return true;
  }

  splits(): ChainSplits {
    for (let layer = 0; layer < this.layers; layer++) this.relax(layer);
    this.core.ladderPrepare(this.layers + 1);
    this.core.startForms();
    return new ChainSplits(this.work, STEPS);
  }

  preActivations(): { node: string; lower: Float64Array; upper: Float64Array }[] {
    return this.chain.activations.map((node, layer) => {
      return { node, ...this.neuronBounds(layer) };
    });
  }

  neuronBounds(layer: number): NeuronBounds {
    const { lower, upper } = this.boundsOf(layer);
    return { lower: lower.slice(), upper: upper.slice() };
  }

  /** Views, to be read at once. */
  private boundsOf(layer: number): { lower: Float64Array; upper: Float64Array } {
    const { core } = this;
    const { size } = this.chain.layers[layer];
    return {
      lower: doublesAt(core, core.layerLower(layer + 1), size),
      upper: doublesAt(core, core.layerUpper(layer + 1), size),
    };
  }
}
