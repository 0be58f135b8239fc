import { ROUNDING, inflate } from '../../base/rounding';
import type { Network } from '../../network/network';
import type { Constraint } from '../../spec/question';
import type { RefineEffort, SplitRegion } from '../split-bounds';
import { TILE_ROWS } from './affine-plan';
import { GraphBounder } from './graph-bounder';
import { GraphSplits } from './graph-splits';
import { tightenIntervals } from './interval';
import { withoutPools } from './pool-tree';
import { PreparedGraph } from './prepared-graph';
import { Tile, TilePasses, type TileRow } from './tile-pass';
import { TileTables } from './tile-tables';

/** Multiplications over which a zonotope takes longer than tightening from intervals. */
const MOST_ZONOTOPE_WORK = 5e8;

/** A single pass. */
const NO_EFFORT = { iterations: 0, alpha: 0, beta: 0 } as const;

/** Regions of any piecewise linear graph: bounds by zonotope and tiles of backward rows, and their sub-problems. */
export class GraphRegion implements SplitRegion {
  private readonly tables: TileTables;
  private readonly passes: TilePasses;
  private readonly bounder: GraphBounder;
  /** Names of the network's own nodes, which pools are rewritten between. */
  private readonly names: ReadonlySet<string>;
  private readonly last: number;
  private readonly zonotopeWork: number;
  /** Where the core's memory is free from. */
  private readonly mark: number;
  private lower: Float64Array = new Float64Array(0);

  constructor(
    network: Network,
    private readonly constraints: readonly Constraint[],
  ) {
    const rewritten = withoutPools(network);
    const graph = new PreparedGraph(rewritten);
    this.tables = new TileTables(graph);
    this.passes = new TilePasses(this.tables);
    this.bounder = new GraphBounder(rewritten, constraints, undefined, graph);
    this.names = new Set(network.nodes.map(node => node.name));
    this.last = graph.nodes.length - 1;
    this.zonotopeWork = graph.nodes[0].size * graph.products;
    this.mark = graph.core.mark();
  }

  setBox(lower: Float64Array, upper: Float64Array, bounds: Float64Array | null): void {
    this.lower = lower;
    this.tables.graph.core.release(this.mark);
    this.bounder.setBox(lower, upper, bounds);
    this.tables.setBox(lower, upper);
    if (bounds) this.bounder.interval();
  }

  /** On large networks intervals and a single backward pass stand in for the zonotope, whose every generator costs a pass of its own. */
  zonotope(rows: readonly number[]): Float64Array | null {
    if (this.zonotopeWork > MOST_ZONOTOPE_WORK) return this.bounder.interval() ? this.backward(rows) : null;
    const bounds = this.bounder.zonotope(rows);
    this.tables.graph.core.release(this.mark);
    return bounds;
  }

  backward(rows: readonly number[]): Float64Array {
    const splits = this.splits(rows.length);
    rows.forEach((row, r) => splits.set(r, row, [], null));
    const lower = splits.estimate(rows.length);
    this.tables.graph.core.release(this.mark);
    return lower;
  }

  tightening(): Generator<void, number> {
    return this.tighten(NO_EFFORT);
  }

  refining(effort: RefineEffort): Generator<void, number> {
    return this.tighten({ ...effort, beta: 0 });
  }

  bounds(): Float64Array {
    return this.bounder.bounds();
  }

  splits(rows: number): GraphSplits {
    this.tables.graph.core.release(this.mark);
    this.tables.update(this.bounder.nodeBounds(), this.last);
    return new GraphSplits(
      this.tables,
      this.passes,
      this.constraints.map(constraint => this.form(constraint)),
      rows,
    );
  }

  evaluate(input: ArrayLike<number>): Float64Array {
    return this.bounder.evaluate(input);
  }

  preActivations(): { node: string; lower: Float64Array; upper: Float64Array }[] | null {
    return this.bounder.preActivations()?.filter(({ node }) => this.names.has(node)) ?? null;
  }

  /** All unstable neurons by rows of their own, layer by layer, a tile at a time. */
  private *tighten(effort: { iterations: number; alpha: number; beta: number }): Generator<void, number> {
    const { tables, passes, bounder } = this;
    const { nodes, core } = tables.graph;
    let count = 0;
    let done = 0;
    for (const id of tables.graph.bounded) {
      // Of what reads the inputs alone, intervals know the best bounds already.
      if (nodes[id].inputs.every(input => input === 0) && nodes[id].inputs.length === 1) continue;
      core.release(this.mark);
      tightenIntervals(tables.graph, bounder.nodeBounds(), done + 1, id);
      for (let before = done + 1; before <= id; before++) tables.refresh(before);
      done = id;
      tables.update(bounder.nodeBounds(), id);
      const { lower, upper } = bounder.nodeBounds();
      const [low, high] = [lower[id], upper[id]];
      const unstable = positionsFirst(nodes[id].shape, nodes[id].size).filter(i => low[i] < 0 && high[i] > 0);
      if (unstable.length === 0) continue;
      count += unstable.length;
      const tile = new Tile(tables, tables.firstPlace[id]);
      for (let from = 0; from < unstable.length; from += TILE_ROWS / 2) {
        const part = unstable.slice(from, from + TILE_ROWS / 2);
        tile.rows.length = 0;
        for (const index of part) tile.rows.push({ kind: 'unit', index, sign: 1 }, { kind: 'unit', index, sign: -1 });
        tile.reset();
        // A neuron that has become stable is done.
        const stable = (best: Float64Array) => part.every((_, k) => best[2 * k] >= 0 || best[2 * k + 1] >= 0);
        const best = passes.optimise(tile, id, effort, stable);
        part.forEach((i, k) => {
          low[i] = Math.max(low[i], best[2 * k]);
          high[i] = Math.min(high[i], -best[2 * k + 1]);
        });
        yield;
      }
      tables.refresh(id);
    }
    tightenIntervals(tables.graph, bounder.nodeBounds(), done + 1, this.last);
    for (let after = done + 1; after <= this.last; after++) tables.refresh(after);
    core.release(this.mark);
    return count;
  }

  /** A constraint as a row over the outputs. */
  private form({ outputs, inputs, bound, coefficientError }: Constraint): TileRow {
    const { graph } = this.tables;
    const { lower, upper } = this.bounder.nodeBounds();
    const coefficients = new Float64Array(graph.nodes[this.last].size);
    outputs.index.forEach((i, k) => (coefficients[i] += outputs.value[k]));
    const inputCoefficients = inputs.index.length > 0 ? new Float64Array(this.lower.length) : null;
    if (inputCoefficients) inputs.index.forEach((i, k) => (inputCoefficients[i] += inputs.value[k]));
    const relative = coefficientError + 2 * ROUNDING.unit;
    const size = (values: Float64Array, id: number) =>
      values.reduce((sum, c, i) => sum + Math.abs(c) * Math.max(Math.abs(lower[id][i]), Math.abs(upper[id][i])), 0);
    const sizes = size(coefficients, this.last) + (inputCoefficients ? size(inputCoefficients, 0) : 0);
    const error = inflate(relative * inflate(sizes) + graph.constantsGamma * Math.abs(bound));
    return { kind: 'form', coefficients, inputCoefficients, constant: -bound, error };
  }
}

/** Indices of a node's values ordered by position, all channels of one together: neighbours in a tile then read the same part of the layers before. */
function positionsFirst(shape: readonly number[], size: number): number[] {
  const plane = shape.length === 3 ? shape[1] * shape[2] : 1;
  const order: number[] = [];
  for (let at = 0; at < plane; at++) for (let i = at; i < size; i += plane) order.push(i);
  return order;
}
