import { gamma, inflate, ROUNDING } from '../../base/rounding';
import type { Network, NetworkNode } from '../../network/network';
import type { Constraint } from '../../spec/question';
import type { SplitGains } from '../split-gains';
import type { Multipliers, NeuronBounds, NeuronRegion, RefineEffort } from '../split-bounds';
import type { Cut } from '../cut';
import { TILE_ROWS } from './affine-plan';
import { findCuts } from './cut-search';
import { CutTables } from './cut-tables';
import { GraphBounder } from './graph-bounder';
import { GraphSplits } from './graph-splits';
import { tightenIntervals } from './interval';
import { withoutPools } from './pool-tree';
import { isNonlinear, PreparedGraph } from './prepared-graph';
import { Tile, type TileRow } from './tile';
import { TilePasses } from './tile-pass';
import { fitsTiles, TileTables } from './tile-tables';

/** Multiplications over which a zonotope takes longer than tightening from intervals. */
const MOST_ZONOTOPE_WORK = 2e7;

/** Neurons that are bounded before the caller may look at the clock. */
const NEURONS_AT_ONCE = 16;

/** Rows of the trees of single neurons. */
const TREE_ROWS = 64;

/** A bound that tightens by a smaller part is no reason to search those that depend on it again. */
const WORTH_MENTIONING = 1e-3;

/** Neurons that vary less are left as they are. */
const NARROW = 1e-6;

/** A neuron's sign is settled by a bound beyond this; the search for its slopes ends there. */
const SETTLED = 1e-6;
/** In float32 an estimate is not that exact. */
const SETTLED_SINGLE = 1e-5;

/** Bytes that plans, weights and blocks may take; the core can address 4 GB, and a zonotope and tiles must fit too. */
const MOST_MEMORY = 2 ** 30;

/** Whether a network is piecewise linear and small enough for `GraphRegion`. */
export function suitsGraphRegion(network: Network): boolean {
  if (!fitsTiles(network)) return false;
  let bytes = 0;
  for (const node of network.nodes) {
    bytes += node.size * (TILE_ROWS + 8) * 8;
    if (node.kind === 'dense') bytes += 5 * 8 * node.weight.length;
    if (node.kind === 'sparse') bytes += 3 * 24 * node.column.length;
    // Pools become ReLUs over pairs.
    if (node.kind === 'maxPool') bytes += node.column.length * 6 * (TILE_ROWS + 16) * 8;
    if (node.kind === 'conv') {
      const taps = (node.weight.length / node.outputShape[0]) * node.groups;
      bytes +=
        2 *
        8 *
        node.outputShape[1] *
        node.outputShape[2] *
        (taps + node.outputShape[0] * node.kernel[0] * node.kernel[1]);
    }
  }
  return bytes < MOST_MEMORY;
}

/** Regions of any piecewise linear graph: bounds by zonotope and tiles of backward rows, and their sub-problems. */
export class GraphRegion implements NeuronRegion {
  /** Measured on convolutional networks; a row's search costs little beside its trials there. */
  readonly treeCost = 100;
  readonly neuronSplits?: (layer: number, neurons: readonly number[]) => GraphSplits | null;
  private readonly tables: TileTables;
  private readonly passes: TilePasses;
  private readonly bounder: GraphBounder;
  /** Ids of the activations, layer by layer. */
  private readonly activations: readonly number[];
  /** Names of the network's own nodes, which pools are rewritten between. */
  private readonly names: ReadonlySet<string>;
  private readonly last: number;
  private readonly zonotopeWork: number;
  /** Where the core's memory is free from. */
  private readonly mark: number;
  private lower: Float64Array = new Float64Array(0);
  private gains: { readonly places: number; readonly byForm: Map<number, SplitGains> } = {
    places: 0,
    byForm: new Map(),
  };
  /** How often a layer's bounds have become tighter. */
  private readonly changes: number[];
  /** Per layer: what it was searched with, and how often all before it had changed when each neuron was. */
  private readonly searched: { effort: number; readonly stamps: Int32Array }[];

  constructor(
    network: Network,
    private readonly constraints: readonly Constraint[],
  ) {
    const rewritten = withoutPools(network);
    const graph = new PreparedGraph(rewritten);
    this.tables = new TileTables(graph);
    this.passes = new TilePasses(this.tables);
    this.bounder = new GraphBounder(rewritten, constraints, undefined, graph);
    this.activations = graph.nodes.filter(isNonlinear).map(node => node.id);
    this.changes = this.activations.map(() => 0);
    this.searched = this.activations.map((_, layer) => ({ effort: 0, stamps: new Int32Array(this.reads(layer).size) }));
    this.names = new Set(network.nodes.map(node => node.name));
    this.last = graph.nodes.length - 1;
    this.zonotopeWork = graph.nodes[0].size * graph.products;
    this.mark = graph.core.mark();
    if (this.activations.some((_, layer) => this.growsTrees(layer)))
      this.neuronSplits = (layer, neurons) => this.treeRows(layer, neurons);
  }

  setBox(lower: Float64Array, upper: Float64Array, bounds: Float64Array | null): void {
    this.lower = lower;
    this.changes.fill(0);
    for (const layer of this.searched) {
      layer.effort = 0;
      layer.stamps.fill(0);
    }
    this.tables.graph.core.release(this.mark);
    this.bounder.setBox(lower, upper, bounds);
    this.tables.setBox(lower, upper);
    if (!bounds) return;
    this.bounder.interval();
    this.bounder.adopt();
  }

  get firstMethod(): 'zonotope' | 'backward' {
    return this.zonotopeWork > MOST_ZONOTOPE_WORK ? 'backward' : 'zonotope';
  }

  /** On large networks intervals and a single backward pass stand in for the zonotope, whose every generator costs a pass of its own. */
  zonotope(rows: readonly number[]): Float64Array | null {
    if (this.firstMethod === 'backward') return this.bounder.interval() ? this.backward(rows) : null;
    const bounds = this.bounder.zonotope(rows);
    this.tables.graph.core.release(this.mark);
    return bounds;
  }

  backward(rows: readonly number[]): Float64Array {
    const splits = this.splits(rows.length);
    rows.forEach((row, r) => splits.set(r, row, [], null));
    const lower = splits.certify([...rows.keys()]);
    this.tables.graph.core.release(this.mark);
    return lower;
  }

  *tightening(): Generator<void, number> {
    return yield* this.boundLayers({ iterations: 0, alpha: 0 });
  }

  *refining(effort: RefineEffort): Generator<void, number> {
    return yield* this.boundLayers(effort);
  }

  get layers(): number {
    return this.activations.length;
  }

  unstable(layer: number): number[] {
    const { shape, size } = this.reads(layer);
    const { lower, upper } = this.boundsOf(layer);
    const smooth = this.isSmooth(layer);
    return positionsFirst(shape, size).filter(i =>
      smooth ? upper[i] - lower[i] > NARROW : lower[i] < 0 && upper[i] > 0,
    );
  }

  neuronBounds(layer: number): NeuronBounds {
    const { lower, upper } = this.boundsOf(layer);
    return { lower: lower.slice(), upper: upper.slice() };
  }

  get neuronsAtOnce(): number {
    return NEURONS_AT_ONCE;
  }

  boundNeurons(layer: number, neurons: readonly number[], { iterations, alpha }: RefineEffort): NeuronBounds {
    const { tables, passes } = this;
    const { id } = this.reads(layer);
    const smooth = this.isSmooth(layer);
    const { lower: known, upper: above } = this.boundsOf(layer);
    const lower = Float64Array.from(neurons, neuron => known[neuron]);
    const upper = Float64Array.from(neurons, neuron => above[neuron]);
    // Of the input, or of a monotone function of single values, intervals say all there is to say.
    if (tables.plans[id].length === 0) return { lower, upper };
    const { stamps, effort } = this.searched[layer];
    const stamp = this.changes.slice(0, layer).reduce((sum, count) => sum + count, 1);
    if (iterations > effort) {
      stamps.fill(0);
      this.searched[layer].effort = iterations;
    }
    // Where nothing has changed below since it was last searched as long, a neuron has nothing to gain.
    const open = [...neurons.keys()].filter(n => stamps[neurons[n]] !== stamp);
    tables.graph.core.release(this.mark);
    tables.update(this.bounder.nodeBounds(), id);
    const exact = new Tile(tables, tables.firstPlace[id], 'double');
    // A single pass is not worth an estimate before it.
    const single = iterations > 0 && !tables.hasCurves;
    const tile = single ? new Tile(tables, tables.firstPlace[id], 'single') : exact;
    const atOnce = tile.columns / 2;
    for (let from = 0; from < open.length; from += atOnce) {
      const part = open.slice(from, from + atOnce);
      tile.rows.length = 0;
      for (const n of part) {
        tile.rows.push(...bothSides(neurons[n]));
        stamps[neurons[n]] = stamp;
      }
      tile.reset();
      const enough = single ? SETTLED_SINGLE : SETTLED;
      const settled = (best: Float64Array) =>
        !smooth && part.every((_, k) => best[2 * k] > enough || best[2 * k + 1] > enough);
      const best = passes.optimise(tile, id, { iterations, alpha, beta: 0 }, settled);
      for (let half = 0; single && half * TILE_ROWS < tile.rows.length; half++)
        best.set(passes.certify(exact, tile, half, id), half * TILE_ROWS);
      part.forEach((n, k) => {
        lower[n] = best[2 * k];
        upper[n] = -best[2 * k + 1];
      });
    }
    tables.graph.core.release(this.mark);
    return { lower, upper };
  }

  tighten(layer: number, neurons: readonly number[], bounds: NeuronBounds): void {
    const { lower, upper } = this.boundsOf(layer);
    neurons.forEach((neuron, n) => {
      // Comparisons, not Math.max: a bound that is no number is none.
      if (!(bounds.lower[n] > lower[neuron] || bounds.upper[n] < upper[neuron])) return;
      const width = upper[neuron] - lower[neuron];
      if (bounds.lower[n] > lower[neuron]) lower[neuron] = bounds.lower[n];
      if (bounds.upper[n] < upper[neuron]) upper[neuron] = bounds.upper[n];
      if (upper[neuron] - lower[neuron] < width * (1 - WORTH_MENTIONING)) this.changes[layer]++;
    });
  }

  /** Also carries what got tighter on to the next layer, by intervals. */
  relax(layer: number): boolean {
    const { tables, bounder } = this;
    const first = this.reads(layer).id;
    const last = layer + 1 < this.layers ? this.reads(layer + 1).id : this.last;
    tightenIntervals(tables.graph, bounder.nodeBounds(), first + 1, last);
    for (let id = first; id <= last; id++) tables.refresh(id);
    return bounder.usable();
  }

  bounds(): Float64Array {
    return this.bounder.bounds();
  }

  splits(rows: number, cuts: readonly Cut[] = []): GraphSplits {
    const { tables, bounder } = this;
    tables.graph.core.release(this.mark);
    tables.update(bounder.nodeBounds(), this.last);
    const forms = this.constraints.map(constraint => this.form(constraint));
    const table = cuts.length > 0 ? new CutTables(tables, bounder.nodeBounds(), cuts) : null;
    // Over the same unstable neurons, what splits have been seen to gain stays true.
    if (this.gains.places !== tables.places) this.gains = { places: tables.places, byForm: new Map() };
    return new GraphSplits(tables, this.passes, this.last, forms, rows, { cuts: table, gains: this.gains.byForm });
  }

  findCuts(row: number, { alpha }: Multipliers, over: () => boolean): readonly Cut[] {
    const { tables, bounder, constraints } = this;
    if (tables.hasCurves) return [];
    tables.graph.core.release(this.mark);
    tables.update(bounder.nodeBounds(), this.last);
    return findCuts(tables, this.passes, bounder.nodeBounds(), this.last, this.form(constraints[row]), alpha, over);
  }

  /** Whether trees say more of a layer than slopes: curves have no side to be on, and of the input or of single values of activations intervals say all. */
  private growsTrees(layer: number): boolean {
    return layer > 0 && !this.isSmooth(layer) && this.tables.plans[this.reads(layer).id].length > 0;
  }

  private treeRows(layer: number, neurons: readonly number[]): GraphSplits | null {
    const { tables, passes } = this;
    if (!this.growsTrees(layer)) return null;
    const { id } = this.reads(layer);
    tables.graph.core.release(this.mark);
    tables.update(this.bounder.nodeBounds(), id);
    if (tables.places === 0) return null;
    const forms = neurons.flatMap(bothSides);
    return new GraphSplits(tables, passes, id, forms, TREE_ROWS);
  }

  evaluate(input: ArrayLike<number>): Float64Array {
    return this.bounder.evaluate(input);
  }

  preActivations(): { node: string; lower: Float64Array; upper: Float64Array }[] | null {
    return this.bounder.preActivations()?.filter(({ node }) => this.names.has(node)) ?? null;
  }

  /** All unstable neurons by rows of their own, layer by layer, a part at a time. */
  private *boundLayers(effort: RefineEffort): Generator<void, number> {
    let count = 0;
    for (let layer = 0; layer < this.layers; layer++) {
      // Of what reads the inputs alone, intervals know the best bounds already.
      const unstable = this.readsInputs(layer) ? [] : this.unstable(layer);
      for (let from = 0; from < unstable.length; from += NEURONS_AT_ONCE) {
        const part = unstable.slice(from, from + NEURONS_AT_ONCE);
        this.tighten(layer, part, this.boundNeurons(layer, part, effort));
        yield;
      }
      count += unstable.length;
      if (!this.relax(layer)) return count;
    }
    return count;
  }

  /** The node that an activation reads. */
  private reads(layer: number): NetworkNode {
    const { nodes } = this.tables.graph;
    return nodes[nodes[this.activations[layer]].inputs[0]];
  }

  /** Then every neuron that varies counts as unstable, not only those whose sign is open. */
  private isSmooth(layer: number): boolean {
    const { kind } = this.tables.graph.nodes[this.activations[layer]];
    return kind === 'sigmoid' || kind === 'tanh';
  }

  private readsInputs(layer: number): boolean {
    return this.reads(layer).inputs.every(input => input === 0) && this.reads(layer).inputs.length === 1;
  }

  /** The bounds themselves. */
  private boundsOf(layer: number): NeuronBounds {
    const { lower, upper } = this.bounder.nodeBounds();
    const { id } = this.reads(layer);
    return { lower: lower[id], upper: upper[id] };
  }

  /** A constraint as a row over the outputs. */
  private form({ outputs, inputs, bound, coefficientError }: Constraint): TileRow {
    const { graph } = this.tables;
    const { lower, upper } = this.bounder.nodeBounds();
    const coefficients = new Float64Array(graph.nodes[this.last].size);
    outputs.index.forEach((i, k) => (coefficients[i] += outputs.value[k]));
    const inputCoefficients = inputs.index.length > 0 ? new Float64Array(this.lower.length) : null;
    if (inputCoefficients) inputs.index.forEach((i, k) => (inputCoefficients[i] += inputs.value[k]));
    const size = (values: Float64Array, id: number) =>
      values.reduce((sum, c, i) => sum + Math.abs(c) * Math.max(Math.abs(lower[id][i]), Math.abs(upper[id][i])), 0);
    const relative = coefficientError + 2 * ROUNDING.unit;
    // Coefficients over the inputs wait there for what arrives from every node that reads them.
    const added = relative + gamma(graph.nodes.length + 4);
    const lost = relative * inflate(size(coefficients, this.last));
    const lostAtInputs = inputCoefficients ? added * inflate(size(inputCoefficients, 0)) : 0;
    const error = inflate(lost + lostAtInputs + graph.constantsGamma * Math.abs(bound));
    return { kind: 'form', coefficients, inputCoefficients, constant: -bound, error };
  }
}

/** Rows for the lower bounds of y and of −y. */
function bothSides(index: number): TileRow[] {
  return [
    { kind: 'unit', index, sign: 1 },
    { kind: 'unit', index, sign: -1 },
  ];
}

/** Indices of a node's values ordered by position, all channels of one together: neighbours in a tile then read the same part of the layers before. */
function positionsFirst(shape: readonly number[], size: number): number[] {
  const plane = shape.length === 3 ? shape[1] * shape[2] : 1;
  const order: number[] = [];
  for (let at = 0; at < plane; at++) for (let i = at; i < size; i += plane) order.push(i);
  return order;
}
