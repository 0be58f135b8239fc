import { ROUNDING, inflate } from '../../base/rounding';
import type { Network } from '../../network/network';
import type { Constraint } from '../../spec/question';
import type { RefineEffort, SplitRegion } from '../split-bounds';
import { TILE_ROWS } from './affine-plan';
import { GraphBounder } from './graph-bounder';
import { GraphSplits } from './graph-splits';
import { PreparedGraph } from './prepared-graph';
import { Tile, TilePasses, type TileRow } from './tile-pass';
import { TileTables } from './tile-tables';

/** A single pass. */
const NO_EFFORT = { iterations: 0, alpha: 0, beta: 0 } as const;

/** Regions of any piecewise linear graph: bounds by zonotope and tiles of backward rows, and their sub-problems. */
export class GraphRegion implements SplitRegion {
  private readonly tables: TileTables;
  private readonly passes: TilePasses;
  private readonly bounder: GraphBounder;
  private readonly last: number;
  /** Where the core's memory is free from. */
  private readonly mark: number;
  private lower: Float64Array = new Float64Array(0);

  constructor(
    network: Network,
    private readonly constraints: readonly Constraint[],
  ) {
    const graph = new PreparedGraph(network);
    this.tables = new TileTables(graph);
    this.passes = new TilePasses(this.tables);
    this.bounder = new GraphBounder(network, constraints, undefined, graph);
    this.last = graph.nodes.length - 1;
    this.mark = graph.core.mark();
  }

  setBox(lower: Float64Array, upper: Float64Array, bounds: Float64Array | null): void {
    this.lower = lower;
    this.tables.graph.core.release(this.mark);
    this.bounder.setBox(lower, upper, bounds);
    this.tables.setBox(lower, upper);
    if (bounds) this.bounder.interval();
  }

  zonotope(rows: readonly number[]): Float64Array | null {
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
    return this.bounder.preActivations();
  }

  /** All unstable neurons by rows of their own, layer by layer, a tile at a time. */
  private *tighten(effort: { iterations: number; alpha: number; beta: number }): Generator<void, number> {
    const { tables, passes, bounder } = this;
    const { nodes, core } = tables.graph;
    let count = 0;
    for (const id of tables.graph.bounded) {
      // Of what reads the inputs alone, intervals know the best bounds already.
      if (nodes[id].inputs.every(input => input === 0) && nodes[id].inputs.length === 1) continue;
      core.release(this.mark);
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
