import { assert } from '../../base/assert';
import { gamma, inflate, ROUNDING } from '../../base/rounding';
import { TILE_ROWS } from './affine-plan';
import type { TileTables } from './tile-tables';

/** One row over a node's values: a sign times one value, or any form. */
export type TileRow =
  | { readonly kind: 'unit'; readonly index: number; readonly sign: 1 | -1 }
  | {
      readonly kind: 'form';
      readonly coefficients: Float64Array;
      /** Added at the inputs; null when there is none. */
      readonly inputCoefficients: Float64Array | null;
      readonly constant: number;
      /** Bound on what the form itself may be off by on the region. */
      readonly error: number;
    };

/** Sixteen rows that start at one node, with their slopes, splits and multipliers at all places below it. */
export class Tile {
  readonly rows: TileRow[] = [];
  /** Addresses in the order of the kernels' structure. */
  private readonly at: Uint32Array;
  readonly address: number;
  /** Whether some places are those of curves. */
  readonly curves: boolean;

  constructor(
    private readonly tables: TileTables,
    /** Places that the rows can meet. */
    readonly places: number,
  ) {
    const { core } = tables.graph;
    this.curves = tables.curves.some(curve => curve !== null);
    this.address = core.newTile(places, this.curves);
    this.at = new Uint32Array(core.memory.buffer, this.address, 21).slice();
  }

  private array(field: number): Float64Array {
    return this.tables.graph.view(this.at[field], this.places * TILE_ROWS);
  }
  get low(): Float64Array {
    return this.array(1);
  }
  get beta(): Float64Array {
    return this.array(2);
  }
  get side(): Float64Array {
    return this.array(3);
  }
  get coefficient(): Float64Array {
    return this.array(4);
  }
  /** Marks places where some row is split. */
  get split(): Uint8Array {
    return this.tables.bytes(this.at[11], this.places);
  }
  get met(): Uint8Array {
    return this.tables.bytes(this.at[10], this.places);
  }
  /** For curves, the points of the upper lines. */
  get high(): Float64Array {
    return this.array(14);
  }
  get constants(): number {
    return this.at[12];
  }
  get errors(): number {
    return this.at[13];
  }

  /** All rows start anew: default slopes, no splits, no momentum. */
  reset(): void {
    const { low } = this;
    const slopes = this.tables.defaultSlopes();
    for (let p = 0; p < this.places; p++) low.fill(slopes[p], p * TILE_ROWS, (p + 1) * TILE_ROWS);
    if (this.curves)
      for (let p = 0; p < this.places; p++) {
        const at = this.tables.curveAt(p);
        if (at) this.high.fill(at.curve.whole.high[at.neuron], p * TILE_ROWS, (p + 1) * TILE_ROWS);
      }
    this.beta.fill(0);
    this.side.fill(0);
    this.split.fill(0);
    this.restart();
  }

  /** Forgets momentum; the multipliers there are count as the best. */
  restart(): void {
    this.array(6).fill(0);
    this.array(7).fill(0);
    this.array(8).set(this.low);
    this.array(9).set(this.beta);
    if (!this.curves) return;
    this.array(15).set(this.high);
    this.array(19).fill(0);
    this.array(20).fill(0);
  }
}

/** Backward and forward passes of tiles over one region. Everything that `backward` returns is certified. */
export class TilePasses {
  private readonly sums: number;
  private readonly sizes: number;
  private readonly improved: number;
  private readonly pending: boolean[];

  constructor(private readonly tables: TileTables) {
    const { core, nodes } = tables.graph;
    this.sums = core.allocate(TILE_ROWS * 8);
    this.sizes = core.allocate(TILE_ROWS * 8);
    this.improved = core.allocate(TILE_ROWS * 8);
    this.pending = nodes.map(() => false);
  }

  /** Certified lower bounds of a tile's rows over the values of node `start`. */
  backward(tile: Tile, start: number): Float64Array {
    const { tables, pending } = this;
    const { core, nodes } = tables.graph;
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
        const back = curve ? core.curveBack : core.rectifierBack;
        back(
          curve ? curve.address : tables.rectifier[id],
          tile.address,
          tables.block[id],
          tables.active[id],
          tables.block[input],
          tables.active[input],
        );
        pending[input] = true;
        continue;
      }
      core.tileConstants(
        node.size,
        tables.block[id],
        tables.active[id],
        tables.bias[id],
        tables.errorWeight[id],
        tile.constants,
        tile.errors,
      );
      node.inputs.forEach((input, k) => {
        core.planProduct(
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
    return this.concretise(tile);
  }

  /** Puts the rows where they start. Single values skip the product with their unit vectors. */
  private begin(tile: Tile, start: number): void {
    const { tables, pending } = this;
    const { nodes } = tables.graph;
    const view = (address: number, length = TILE_ROWS) => tables.graph.view(address, length);
    const constants = view(tile.constants).fill(0);
    const errors = view(tile.errors).fill(0);
    const blockOf = (id: number) => view(tables.block[id], nodes[id].size * TILE_ROWS);
    const flagsOf = (id: number) => tables.bytes(tables.active[id], nodes[id].size);
    if (tile.rows.every(row => row.kind === 'unit')) {
      const node = nodes[start];
      assert(tables.plans[start].length > 0, () => `rows over single values of ${node.name}`);
      const bias = view(tables.bias[start], node.size);
      const weight = view(tables.errorWeight[start], node.size);
      for (const input of node.inputs) blockOf(input).fill(0);
      tile.rows.forEach((row, r) => {
        if (row.kind !== 'unit') return;
        constants[r] = row.sign * bias[row.index];
        errors[r] = weight[row.index];
        node.inputs.forEach((input, k) =>
          tables.plans[start][k].unit(blockOf(input), flagsOf(input), row.index, r, row.sign),
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
      row.coefficients.forEach((c, i) => (block[i * TILE_ROWS + r] = c));
    });
    this.dropDead(start);
    pending[start] = true;
    if (tile.rows.some(row => row.kind === 'form' && row.inputCoefficients)) {
      const inputs = blockOf(0);
      if (start !== 0) inputs.fill(0);
      flagsOf(0).fill(1);
      tile.rows.forEach((row, r) => {
        if (row.kind === 'form') row.inputCoefficients?.forEach((c, i) => (inputs[i * TILE_ROWS + r] += c));
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

  /** After `backward`: the inputs at which the rows' bounds are attained, [inputs × 16]. Overwrites the coefficients there. */
  points(): Float64Array {
    const { tables } = this;
    const inputs = tables.graph.nodes[0].size;
    tables.graph.core.tilePoints(inputs, tables.block[0], tables.active[0], tables.inputLower, tables.inputUpper);
    return tables.graph.view(tables.block[0], inputs * TILE_ROWS);
  }

  /** After `points`: from there forward by the lines that the backward pass chose, as far as it came; leaves the values of y at the places. */
  private forward(tile: Tile, start: number): void {
    const { tables } = this;
    const { core, nodes } = tables.graph;
    tables.bytes(tables.present[0], nodes[0].size).fill(1);
    for (let id = 1; id <= start; id++) {
      const node = nodes[id];
      const curve = tables.curves[id];
      const activation = tables.rectifier[id] !== 0 || curve !== null;
      if (!this.pending[id] || (id === start && !activation)) continue;
      if (activation) {
        const input = node.inputs[0];
        const forth = curve ? core.curveForward : core.rectifierForward;
        forth(
          curve ? curve.address : tables.rectifier[id],
          tile.address,
          tables.block[input],
          tables.present[input],
          tables.block[id],
          tables.active[id],
          tables.present[id],
        );
        continue;
      }
      if (node.kind === 'constant') {
        tables.bytes(tables.present[id], node.size).fill(1);
        tables.graph.view(tables.block[id], node.size * TILE_ROWS).fill(0);
      }
      node.inputs.forEach((input, k) =>
        core.planProduct(
          tables.plans[id][k].forth,
          tables.block[id],
          tables.present[id],
          tables.active[id],
          tables.block[input],
          tables.present[input],
        ),
      );
      core.tileAddBias(node.size, tables.block[id], tables.present[id], tables.bias[id]);
    }
  }

  /**
   * Adam on the slopes and multipliers of a tile's rows, from those they have; they end with their best, whose certified bounds are returned. Stops early
   * when `enough` says so of the best bounds so far.
   */
  optimise(
    tile: Tile,
    start: number,
    effort: { readonly iterations: number; readonly alpha: number; readonly beta: number },
    enough: (best: Float64Array) => boolean,
  ): Float64Array {
    const { tables } = this;
    const { core } = tables.graph;
    tile.restart();
    const best = new Float64Array(tile.rows.length).fill(-Infinity);
    for (let t = 1; ; t++) {
      this.keep(best, this.backward(tile, start));
      if (t > effort.iterations || enough(best)) break;
      this.points();
      this.forward(tile, start);
      const decay = 0.98 ** (t - 1);
      this.step(tile, t, effort.alpha * decay, effort.beta * decay);
    }
    core.tileRestore(tile.address, this.improved);
    if (tile.curves) core.curveRestore(tile.address, this.improved);
    return best;
  }

  /** One step of Adam at all places of the tile, activation by activation. */
  private step(tile: Tile, t: number, alpha: number, beta: number): void {
    const { tables, improved } = this;
    const { core, nodes } = tables.graph;
    for (let id = 0; id < nodes.length; id++) {
      const begin = tables.firstPlace[id];
      const end = Math.min(tables.firstPlace[id + 1], tile.places);
      if (begin >= end) continue;
      const curve = tables.curves[id];
      if (curve) core.curveStep(curve.address, tile.address, improved, t, alpha, beta);
      else core.tileStep(tile.address, begin, end, tables.leastSlope, improved, t, alpha, beta);
    }
  }

  /** Raises `best` where `lower` is higher, and marks these rows as improved. */
  private keep(best: Float64Array, lower: Float64Array): void {
    const marks = new BigInt64Array(this.tables.graph.core.memory.buffer, this.improved, TILE_ROWS).fill(0n);
    lower.forEach((bound, r) => {
      if (!(bound > best[r])) return;
      best[r] = bound;
      marks[r] = -1n;
    });
  }
}
