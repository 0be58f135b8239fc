import type { Cut } from '../cut';
import { MOST_CUTS } from './cut-limits';
import { CutTables, HullRows } from './cut-tables';
import type { NodeBounds } from './interval';
import { isNonlinear } from './prepared-graph';
import { Tile, type TileRow } from './tile';
import type { SearchRates, TilePasses } from './tile-pass';
import type { TileTables } from './tile-tables';

/** Rounds of search and separation, and the steps of each: points from the later half of them are averaged. */
const ROUNDS = 4;
const RATES: SearchRates = { iterations: 60, alpha: 0.05, beta: 0, cut: 0.1 };
/** Of what all cuts of a round promise together, the weakest may miss so much. */
const LEFT_OUT = 0.02;
const MOST_A_ROUND = MOST_CUTS / 2;
/** Cuts that raise a bound by less than this part of what it lacks cost more than they save; rounds that do are the last. */
const WORTHWHILE = 0.1;
const WORTH_A_ROUND = 0.01;

/**
 * Cuts that a row about the values of node `start` gains from, where its bound is below 0: the row is bounded as usual, the points of its forward passes are averaged towards the relaxation's
 * optimum, and facets that the mean violates join the relaxation (Anderson et al. 2020, algorithm 1; De Palma et al. 2021). `slopes`: lower slopes by place to begin with. Needs tables
 * that are up to date; none where they are not worth it, and those found so far when `over` says so.
 */
export function findCuts(
  tables: TileTables,
  passes: TilePasses,
  bounds: NodeBounds,
  start: number,
  row: TileRow,
  slopes: Float32Array,
  over: () => boolean,
): readonly Cut[] {
  const { core } = tables.graph;
  const mark = core.mark();
  let held: readonly Held[] = [];
  let low: ArrayLike<number> = slopes;
  let first = -Infinity;
  let last = -Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    core.release(mark);
    const known = new Map(held.map(({ cut, multiplier }) => [cut, multiplier]));
    const table = new CutTables(
      tables,
      bounds,
      held.map(({ cut }) => cut),
    );
    const tile = new Tile(tables, tables.places, 'single', table);
    const { columns } = tile;
    tile.rows.push(row);
    tile.reset();
    for (let p = 0; p < tile.places; p++) tile.low[p * columns] = low[p];
    table.cuts.forEach((cut, c) => (tile.multipliers[c * columns] = known.get(cut) ?? 0));
    const mean = new Mean(tables, tile, start);
    const [bound] = passes.optimise(tile, start, RATES, over, step => {
      if (2 * step > RATES.iterations) mean.add();
    });
    const { low: lows, multipliers } = tile;
    low = Float32Array.from({ length: tile.places }, (_, p) => lows[p * columns]);
    held = table.cuts
      .map((cut, c) => ({ cut, multiplier: multipliers[c * columns] }))
      .filter(({ multiplier }) => multiplier > 0);
    if (round === 0) first = bound;
    if (round === 1 && bound < 0 && !(bound - first > WORTHWHILE * -first)) held = [];
    if (round > 0 && (held.length === 0 || bound > 0 || !(bound - last > WORTH_A_ROUND * -last))) break;
    last = bound;
    if (round === ROUNDS - 1 || over()) break;
    const more = separate(tables, bounds, mean);
    held = [...held, ...more.map(cut => ({ cut, multiplier: 0 }))].slice(0, MOST_CUTS);
  }
  core.release(mark);
  return held.map(({ cut }) => cut);
}

interface Held {
  readonly cut: Cut;
  readonly multiplier: number;
}

/** The mean of what a row's forward passes found: values of all nodes, and coefficients at places. */
class Mean {
  private readonly sums: readonly (Float64Array | null)[];
  private readonly coefficients: Float64Array;
  private count = 0;

  constructor(
    private readonly tables: TileTables,
    private readonly tile: Tile,
    start: number,
  ) {
    this.sums = tables.graph.nodes.map(({ id, size }) => (id < start ? new Float64Array(size) : null));
    this.coefficients = new Float64Array(tile.places);
  }

  /** Adds what the last forward pass found. */
  add(): void {
    const { tables, tile } = this;
    const { columns, coefficient } = tile;
    this.count++;
    this.sums.forEach((sum, id) => {
      if (sum === null) return;
      const block = tile.view(tables.block[id], sum.length * columns);
      const present = tables.bytes(tables.present[id], sum.length);
      for (let i = 0; i < sum.length; i++) if (present[i] !== 0) sum[i] += block[i * columns];
    });
    for (let p = 0; p < tile.places; p++) this.coefficients[p] += coefficient[p * columns];
  }

  value(id: number, i: number): number {
    return this.sums[id]![i] / this.count;
  }

  coefficient(place: number): number {
    return this.coefficients[place] / this.count;
  }
}

/** Facets that the mean violates, those first that promise most: the violation times what the row pays for it. */
function separate(tables: TileTables, bounds: NodeBounds, mean: Mean): Cut[] {
  const hulls = new HullRows(tables, bounds);
  const found: { readonly cut: Cut; readonly promise: number }[] = [];
  tables.graph.nodes.filter(isNonlinear).forEach(({ id, inputs }, layer) => {
    const [read] = inputs;
    for (let p = tables.firstPlace[id]; p < tables.firstPlace[id + 1]; p++) {
      const neuron = tables.placeNeuron[p];
      const coefficient = mean.coefficient(p);
      const hull = coefficient < 0 ? hulls.of(id, neuron) : null;
      if (hull === null) continue;
      const [l, u] = [bounds.lower[read][neuron], bounds.upper[read][neuron]];
      // On the chord, which is where a cut can help, no other phase is possible.
      const phase = Math.min(1, Math.max(0, (mean.value(read, neuron) - l) / (u - l)));
      let limit = hull.bias * phase;
      const chosen: number[] = [];
      hull.inputs.forEach((i, k) => {
        const within = hull.weights[k] * mean.value(hull.source, i) - hull.least[k] * (1 - phase);
        const outside = hull.most[k] * phase;
        if (within < outside) chosen.push(i);
        limit += Math.min(within, outside);
      });
      const promise = -coefficient * (mean.value(id, neuron) - limit);
      if (promise > 0) found.push({ cut: { layer, neuron, inputs: Int32Array.from(chosen) }, promise });
    }
  });
  found.sort((a, b) => b.promise - a.promise);
  const enough = (1 - LEFT_OUT) * found.reduce((sum, { promise }) => sum + promise, 0);
  const best: Cut[] = [];
  let sum = 0;
  for (const { cut, promise } of found) {
    if (sum > enough || best.length === MOST_A_ROUND) break;
    sum += promise;
    best.push(cut);
  }
  return best;
}
