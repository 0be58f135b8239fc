import { assert } from '../../base/assert';
import { gamma, inflate, ROUNDING } from '../../base/rounding';
import type { CoreExports } from '../core/core';
import { TILE_ROWS } from './affine-plan';
import type { CutGroup } from './cut-tables';
import type { Numbers, Tile } from './tile';
import type { TileTables } from './tile-tables';

/** The kernels that come in both precisions. */
function kernelsOf(core: CoreExports) {
  return {
    double: {
      product: core.planProduct,
      addBias: core.tileAddBias,
      points: core.tilePoints,
      back: core.rectifierBack,
      forward: core.rectifierForward,
      step: core.tileStep,
      cutsBack: core.cutsBack,
      cutsStep: core.cutsStep,
    },
    single: {
      product: core.planProductSingle,
      addBias: core.tileAddBiasSingle,
      points: core.tilePointsSingle,
      back: core.rectifierBackSingle,
      forward: core.rectifierForwardSingle,
      step: core.tileStepSingle,
      cutsBack: core.cutsBackSingle,
      cutsStep: core.cutsStepSingle,
    },
  } as const;
}

/** Steps of Adam, and how large they are; `cut` for multipliers of cuts, which stay as they are without. */
export interface SearchRates {
  readonly iterations: number;
  readonly alpha: number;
  readonly beta: number;
  readonly cut?: number;
}

/** Backward and forward passes of tiles over one region. What `backward` returns is certified for tiles in float64, and an estimate for those in float32. */
export class TilePasses {
  private readonly sums: number;
  private readonly sizes: number;
  private readonly improved: number;
  private readonly pending: boolean[];
  private readonly kernels: ReturnType<typeof kernelsOf>;

  constructor(private readonly tables: TileTables) {
    const { core, nodes } = tables.graph;
    this.kernels = kernelsOf(core);
    this.sums = core.allocate(TILE_ROWS * 8);
    this.sizes = core.allocate(TILE_ROWS * 8);
    this.improved = core.allocate(TILE_ROWS * 8);
    this.pending = nodes.map(() => false);
  }

  /** Lower bounds of a tile's rows over the values of node `start`. */
  backward(tile: Tile, start: number): Float64Array {
    const { tables, pending } = this;
    const { core, nodes } = tables.graph;
    const kernels = this.kernels[tile.precision];
    tables.clearFlags();
    tile.met.fill(0);
    pending.fill(false);
    this.begin(tile, start);
    for (let id = nodes.length - 1; id > 0; id--) {
      if (!pending[id]) continue;
      const node = nodes[id];
      const curve = tables.curves[id];
      if (tables.rectifier[id] !== 0 || curve) {
        const input = node.inputs[0];
        const back = curve ? core.curveBack : kernels.back;
        back(
          curve ? curve.address : tables.rectifier[id],
          tile.address,
          tables.block[id],
          tables.active[id],
          tables.block[input],
          tables.active[input],
        );
        pending[input] = true;
        const group = tile.cuts?.groups.get(id);
        if (group) this.cut(tile, id, group);
        continue;
      }
      const [block, active, bias] = [tables.block[id], tables.active[id], tables.bias[id]];
      if (tile.precision === 'single') core.tileConstantsSingle(node.size, block, active, bias, tile.constants);
      else core.tileConstants(node.size, block, active, bias, tables.errorWeight[id], tile.constants, tile.errors);
      node.inputs.forEach((input, k) => {
        kernels.product(
          tables.plans[id][k].back,
          tables.block[input],
          tables.active[input],
          tables.needed[input],
          tables.block[id],
          tables.active[id],
        );
        pending[input] = true;
      });
    }
    return tile.precision === 'single' ? this.estimate(tile) : this.concretise(tile);
  }

  /** The part of an activation's backward pass that cuts have. */
  private cut(tile: Tile, id: number, group: CutGroup): void {
    const { tables } = this;
    const { core, nodes } = tables.graph;
    const kernels = this.kernels[tile.precision];
    const input = nodes[id].inputs[0];
    const count = group.cuts.length;
    const { source, block, active } = group;
    kernels.cutsBack(
      group.address,
      tile.cutRows,
      tables.rectifier[id],
      tile.address,
      block,
      tables.block[id],
      tables.active[id],
      tables.block[input],
      tables.active[input],
    );
    tables.bytes(active, count).fill(1);
    if (tile.precision === 'single') core.tileConstantsSingle(count, block, active, group.bias, tile.constants);
    else core.tileConstants(count, block, active, group.bias, group.errorWeight, tile.constants, tile.errors);
    kernels.product(group.plan.back, tables.block[source], tables.active[source], tables.needed[source], block, active);
    this.pending[source] = true;
  }

  /** What the cuts of an activation sum up over its source, at the points of the forward pass. */
  private sumCuts(tile: Tile, { cuts, source, plan, block, active, present }: CutGroup): void {
    const { tables } = this;
    tile.view(block, cuts.length * tile.columns).fill(0);
    tables.bytes(present, cuts.length).fill(0);
    this.kernels[tile.precision].product(
      plan.forth,
      block,
      present,
      active,
      tables.block[source],
      tables.present[source],
    );
  }

  /** Certified lower bounds of the first or (`half` 1) the last sixteen rows of a tile in float32, with the multipliers they have, by way of a tile in float64. */
  certify(exact: Tile, tile: Tile, half: number, start: number): Float64Array {
    exact.rows.length = 0;
    exact.rows.push(...tile.rows.slice(half * exact.columns, (half + 1) * exact.columns));
    exact.widen(tile, half);
    return this.backward(exact, start);
  }

  /** Puts the rows where they start. Single values skip the product with their unit vectors. */
  private begin(tile: Tile, start: number): void {
    const { tables, pending } = this;
    const { nodes } = tables.graph;
    const { columns } = tile;
    const view = (address: number, length = columns) => tile.view(address, length);
    const constants = view(tile.constants).fill(0);
    const errors = view(tile.errors).fill(0);
    const blockOf = (id: number) => view(tables.block[id], nodes[id].size * columns);
    const flagsOf = (id: number) => tables.bytes(tables.active[id], nodes[id].size);
    if (tile.rows.every(row => row.kind === 'unit')) {
      const node = nodes[start];
      assert(tables.plans[start].length > 0, () => `rows over single values of ${node.name}`);
      const bias = tables.graph.view(tables.bias[start], node.size);
      const weight = tables.graph.view(tables.errorWeight[start], node.size);
      for (const input of node.inputs) blockOf(input).fill(0);
      tile.rows.forEach((row, r) => {
        if (row.kind !== 'unit') return;
        constants[r] = row.sign * bias[row.index];
        errors[r] = weight[row.index];
        node.inputs.forEach((input, k) =>
          tables.plans[start][k].unit(blockOf(input), flagsOf(input), row.index, { row: r, rows: columns }, row.sign),
        );
      });
      for (const input of node.inputs) {
        this.dropDead(input);
        pending[input] = true;
      }
      return;
    }
    const block = blockOf(start).fill(0);
    flagsOf(start).fill(1);
    tile.rows.forEach((row, r) => {
      assert(row.kind === 'form', () => 'a tile of forms and single values');
      constants[r] = row.constant;
      errors[r] = row.error;
      row.coefficients.forEach((c, i) => (block[i * columns + r] = c));
    });
    this.dropDead(start);
    pending[start] = true;
    if (tile.rows.some(row => row.kind === 'form' && row.inputCoefficients)) {
      const inputs = blockOf(0);
      if (start !== 0) inputs.fill(0);
      flagsOf(0).fill(1);
      tile.rows.forEach((row, r) => {
        if (row.kind === 'form') row.inputCoefficients?.forEach((c, i) => (inputs[i * columns + r] += c));
      });
    }
  }

  /** Values that are 0 on the whole region need no coefficient. */
  private dropDead(id: number): void {
    const { size } = this.tables.graph.nodes[id];
    const needed = this.tables.bytes(this.tables.needed[id], size);
    const active = this.tables.bytes(this.tables.active[id], size);
    for (let i = 0; i < size; i++) active[i] &= needed[i];
  }

  /** The rows' bounds, with nothing subtracted for rounding. */
  private estimate(tile: Tile): Float64Array {
    const { tables, sums } = this;
    const { core, nodes } = tables.graph;
    const { block, active, inputLower, inputUpper } = tables;
    const least = tile.view(sums, tile.columns).fill(0);
    core.tileConcretiseSingle(nodes[0].size, block[0], active[0], inputLower, inputUpper, sums);
    const constants = tile.view(tile.constants, tile.columns);
    return Float64Array.from(tile.rows, (_, r) => {
      const bound = constants[r] + least[r];
      return Number.isFinite(bound) ? bound : -Infinity;
    });
  }

  /** The rows' bounds, with all rounding subtracted. */
  private concretise(tile: Tile): Float64Array {
    const { tables } = this;
    const { core, nodes } = tables.graph;
    const inputs = nodes[0].size;
    const sums = tables.graph.view(this.sums, TILE_ROWS).fill(0);
    const sizes = tables.graph.view(this.sizes, TILE_ROWS).fill(0);
    core.tileConcretise(
      inputs,
      tables.block[0],
      tables.active[0],
      tables.inputLower,
      tables.inputUpper,
      tables.magnitude[0],
      this.sums,
      this.sizes,
    );
    const constants = tables.graph.view(tile.constants, TILE_ROWS);
    const errors = tables.graph.view(tile.errors, TILE_ROWS);
    const product = gamma(inputs + 4);
    const lower = new Float64Array(tile.rows.length);
    for (let r = 0; r < lower.length; r++) {
      const constant = constants[r];
      const size = sizes[r];
      const certified = constant - inflate(errors[r] + 4 * ROUNDING.unit * Math.abs(constant));
      const total = certified + sums[r];
      const bound =
        total - inflate(product * inflate(size) + 2 * ROUNDING.unit * (Math.abs(total) + Math.abs(certified)));
      const usable = Math.abs(bound) < ROUNDING.magnitudeLimit && size < ROUNDING.magnitudeLimit;
      lower[r] = usable ? bound : -Infinity;
    }
    return lower;
  }

  /** After `backward`: the inputs at which the rows' bounds are attained, [inputs × columns]. Overwrites the coefficients there. */
  points(tile: Tile): Numbers {
    const { tables } = this;
    const inputs = tables.graph.nodes[0].size;
    const { points } = this.kernels[tile.precision];
    points(inputs, tables.block[0], tables.active[0], tables.inputLower, tables.inputUpper);
    return tile.view(tables.block[0], inputs * tile.columns);
  }

  /** After `points`: from there forward by the lines that the backward pass chose, as far as it came; leaves the values of y at the places. */
  private forward(tile: Tile, start: number): void {
    const { tables } = this;
    const { core, nodes } = tables.graph;
    const kernels = this.kernels[tile.precision];
    tables.bytes(tables.present[0], nodes[0].size).fill(1);
    for (let id = 1; id <= start; id++) {
      const node = nodes[id];
      const curve = tables.curves[id];
      const activation = tables.rectifier[id] !== 0 || curve !== null;
      if (!this.pending[id] || (id === start && !activation)) continue;
      if (activation) {
        const input = node.inputs[0];
        const forth = curve ? core.curveForward : kernels.forward;
        forth(
          curve ? curve.address : tables.rectifier[id],
          tile.address,
          tables.block[input],
          tables.present[input],
          tables.block[id],
          tables.active[id],
          tables.present[id],
        );
        const group = tile.cuts?.groups.get(id);
        if (group) this.sumCuts(tile, group);
        continue;
      }
      if (node.kind === 'constant') {
        tables.bytes(tables.present[id], node.size).fill(1);
        tile.view(tables.block[id], node.size * tile.columns).fill(0);
      }
      node.inputs.forEach((input, k) =>
        kernels.product(
          tables.plans[id][k].forth,
          tables.block[id],
          tables.present[id],
          tables.active[id],
          tables.block[input],
          tables.present[input],
        ),
      );
      kernels.addBias(node.size, tables.block[id], tables.present[id], tables.bias[id]);
    }
  }

  /**
   * Adam on the slopes and multipliers of a tile's rows, from those they have; they end with their best, whose bounds are returned. Stops early
   * when `enough` says so of the best bounds so far.
   */
  optimise(
    tile: Tile,
    start: number,
    effort: SearchRates,
    enough: (best: Float64Array) => boolean,
    /** Called after every forward pass. */
    seen?: (step: number) => void,
  ): Float64Array {
    const { tables } = this;
    const { core } = tables.graph;
    tile.restart();
    const best = new Float64Array(tile.rows.length).fill(-Infinity);
    for (let t = 1; ; t++) {
      this.keep(tile, best, this.backward(tile, start));
      if (t > effort.iterations || enough(best)) break;
      this.points(tile);
      this.forward(tile, start);
      seen?.(t);
      const decay = 0.98 ** (t - 1);
      this.step(tile, t, effort.alpha * decay, effort.beta * decay, (effort.cut ?? 0) * decay);
    }
    if (tile.cuts) core.cutsRestore(tile.cutRows, this.improved);
    core.tileRestore(tile.address, this.improved);
    if (tile.curves) core.curveRestore(tile.address, this.improved);
    return best;
  }

  /** One step of Adam at all places of the tile, activation by activation. */
  private step(tile: Tile, t: number, alpha: number, beta: number, cut: number): void {
    const { tables, improved } = this;
    const { core, nodes } = tables.graph;
    for (let id = 0; id < nodes.length; id++) {
      const begin = tables.firstPlace[id];
      const end = Math.min(tables.firstPlace[id + 1], tile.places);
      if (begin >= end) continue;
      const curve = tables.curves[id];
      const group = this.pending[id] ? tile.cuts?.groups.get(id) : undefined;
      if (group) {
        const { cutsStep } = this.kernels[tile.precision];
        cutsStep(
          group.address,
          tile.cutRows,
          tile.address,
          begin,
          end,
          group.block,
          tables.block[id],
          improved,
          t,
          cut,
        );
      }
      if (curve) core.curveStep(curve.address, tile.address, improved, t, alpha, beta);
      else this.kernels[tile.precision].step(tile.address, begin, end, tables.leastSlope, improved, t, alpha, beta);
    }
  }

  /** Raises `best` where `lower` is higher, and marks these rows as improved. */
  private keep(tile: Tile, best: Float64Array, lower: Float64Array): void {
    const marks = new Int32Array(this.tables.graph.core.memory.buffer, this.improved, TILE_ROWS * 2).fill(0);
    const lanes = marks.length / tile.columns;
    lower.forEach((bound, r) => {
      if (!(bound > best[r])) return;
      best[r] = bound;
      marks.fill(-1, r * lanes, (r + 1) * lanes);
    });
  }
}
