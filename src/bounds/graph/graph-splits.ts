import { assert } from '../../base/assert';
import type { Multipliers, SearchEffort, Split, SplitBounds } from '../split-bounds';
import { SplitGains } from '../split-gains';
import { TILE_ROWS } from './affine-plan';
import type { CutTables } from './cut-tables';
import { Tile, type TileRow } from './tile';
import type { TilePasses } from './tile-pass';
import type { TileTables } from './tile-tables';

/** A neuron that promises less than this is the last to be tried. */
const LEAST_GAIN = 1e-30;

export interface SplitExtras {
  /** Cuts that all rows have multipliers of. */
  readonly cuts?: CutTables | null;
  /** What splits have been seen to gain before, by form. */
  readonly gains?: Map<number, SplitGains>;
}

/**
 * Sub-problems of one region of any graph (β-CROWN, Wang et al. 2021). Places are the region's unstable neurons. Searching is done in float32, but for
 * curves: with them everything is computed in float64 with all rounding subtracted, so that estimates are certified bounds already.
 */
export class GraphSplits implements SplitBounds {
  readonly tried = 4;
  readonly steps = 4;
  /** Slopes by place; where there are curves, the points of their lower lines by place and then those of the upper ones. */
  readonly width: number;
  /** Neurons that can be split. */
  readonly places: number;
  private readonly curves: boolean;
  private readonly tiles: Tile[];
  /** Where what was found in float32 is certified. */
  private readonly exact: Tile | null;
  /** Rows of a tile. */
  private readonly columns: number;
  private readonly formOf: number[];
  private readonly splitsOf: (readonly Split[])[];
  /** By form. */
  private readonly gains: Map<number, SplitGains>;
  private readonly cuts: CutTables | null;
  /** Certified bound of each row with the multipliers it has; NaN where that is not known. */
  private readonly bounds: Float64Array;

  constructor(
    private readonly tables: TileTables,
    private readonly passes: TilePasses,
    /** The node whose values rows are about; the tables must be up to date for it. */
    private readonly start: number,
    /** What rows can be about, all of one kind. */
    private readonly forms: readonly TileRow[],
    readonly rows: number,
    { cuts = null, gains = new Map<number, SplitGains>() }: SplitExtras = {},
  ) {
    this.cuts = cuts;
    this.gains = gains;
    this.places = tables.places;
    this.curves = tables.hasCurves;
    this.width = this.curves ? 2 * this.places : this.places;
    const tile = () => new Tile(tables, this.places, this.curves ? 'double' : 'single', cuts);
    const first = tile();
    this.columns = first.columns;
    this.tiles = [first, ...Array.from({ length: Math.ceil(rows / this.columns) - 1 }, tile)];
    this.exact = this.curves ? null : new Tile(tables, this.places, 'double', cuts);
    this.formOf = Array.from({ length: rows }, () => 0);
    this.splitsOf = Array.from({ length: rows }, () => []);
    this.bounds = new Float64Array(rows).fill(NaN);
  }

  set(r: number, form: number, splits: readonly Split[], multipliers: Multipliers | null): void {
    assert(r < this.rows, () => `row ${r} of ${this.rows}`);
    const { places, columns } = this;
    assert(multipliers === null || multipliers.alpha.length === this.width, () => 'multipliers of another region');
    const tile = this.tiles[Math.floor(r / this.columns)];
    const column = r % columns;
    const [low, beta, side] = [tile.low, tile.beta, tile.side];
    const slopes = this.tables.defaultSlopes();
    const { leastSlope } = this.tables.lines();
    for (let p = 0, at = column; p < places; p++, at += columns) {
      const alpha = multipliers ? multipliers.alpha[p] : NaN;
      // NaN compares false: the region's own slope then.
      low[at] = alpha >= leastSlope[p] && alpha <= 1 ? alpha : slopes[p];
      beta[at] = 0;
      side[at] = 0;
    }
    if (this.curves) this.setPoints(tile, column, multipliers);
    const all = this.cuts ? tile.multipliers : new Float32Array(0);
    if (this.cuts) {
      for (let c = 0, at = column; at < all.length; c++, at += columns) {
        const mu = multipliers?.cuts?.[c] ?? 0;
        all[at] = mu >= 0 ? mu : 0;
      }
    }
    splits.forEach(({ place, sign }, k) => {
      assert(place >= 0 && place < places, () => `no neuron at place ${place}`);
      const at = place * columns + column;
      side[at] = sign;
      const curve = this.tables.curveAt(place);
      if (!curve) low[at] = sign > 0 ? 1 : leastSlope[place];
      else if (k >= (multipliers?.beta.length ?? 0)) {
        // A new split: lines for the part that is left.
        const { [sign > 0 ? 'above' : 'below']: points } = curve.curve;
        low[at] = points.low[curve.neuron];
        tile.high[at] = points.high[curve.neuron];
      }
      const b = multipliers?.beta[k] ?? 0;
      beta[at] = b >= 0 ? b : 0;
      tile.split[place] = 1;
      // Of a neuron whose phase is fixed, they say nothing.
      const { first, count } = this.cuts?.at(place) ?? { first: 0, count: 0 };
      for (let c = first; c < first + count; c++) all[c * columns + column] = 0;
    });
    this.formOf[r] = form;
    this.splitsOf[r] = splits;
    this.bounds[r] = NaN;
  }

  /** Any points are sound; numbers that are none, or on the wrong side of 0, are replaced. */
  private setPoints(tile: Tile, column: number, multipliers: Multipliers | null): void {
    const { columns } = this;
    const { low, high } = tile;
    for (let p = 0, at = column; p < this.places; p++, at += columns) {
      const place = this.tables.curveAt(p);
      if (!place) continue;
      const { whole } = place.curve;
      const [down, up] = [multipliers?.alpha[p] ?? NaN, multipliers?.alpha[this.places + p] ?? NaN];
      low[at] = down <= 0 && down > -Infinity ? down : whole.low[place.neuron];
      high[at] = up >= 0 && up < Infinity ? up : whole.high[place.neuron];
    }
  }

  estimate(rows: number): Float64Array {
    const lower = new Float64Array(rows);
    for (let k = 0; k * this.columns < rows; k++) {
      this.fill(k, rows);
      this.note(k, lower, this.passes.backward(this.tiles[k], this.start));
    }
    return lower;
  }

  optimise(rows: number, effort: SearchEffort): Float64Array {
    const lower = new Float64Array(rows);
    const enough = (best: Float64Array) => best.every(bound => bound > effort.enough);
    for (let k = 0; k * this.columns < rows; k++) {
      this.fill(k, rows);
      this.note(k, lower, this.passes.optimise(this.tiles[k], this.start, effort, enough));
    }
    return lower;
  }

  /** Bounds or estimates of the rows of tile k. */
  private note(k: number, into: Float64Array, lower: Float64Array): void {
    const from = k * this.columns;
    into.set(lower, from);
    if (this.exact === null) this.bounds.set(lower, from);
    else this.bounds.fill(NaN, from, from + lower.length);
  }

  certify(rows: readonly number[]): Float64Array {
    return Float64Array.from(rows, r => {
      if (Number.isNaN(this.bounds[r])) this.certifyTile(Math.floor(r / TILE_ROWS));
      return this.bounds[r];
    });
  }

  /** Certifies as many rows as a tile in float64 has. */
  private certifyTile(part: number): void {
    const { passes, exact, start } = this;
    const halves = this.columns / TILE_ROWS;
    const k = Math.floor(part / halves);
    const tile = this.tiles[k];
    this.fill(k, this.rows);
    const lower = exact ? passes.certify(exact, tile, part % halves, start) : passes.backward(tile, start);
    this.bounds.set(lower, part * TILE_ROWS);
  }

  points(rows: readonly number[]): Float64Array {
    const { columns } = this;
    const inputs = this.tables.graph.nodes[0].size;
    const points = new Float64Array(rows.length * inputs);
    for (const k of new Set(rows.map(r => Math.floor(r / columns)))) {
      const tile = this.tiles[k];
      this.fill(k, this.rows);
      this.passes.backward(tile, this.start);
      const block = this.passes.points(tile);
      rows.forEach((r, at) => {
        if (Math.floor(r / columns) !== k) return;
        for (let i = 0; i < inputs; i++) points[at * inputs + i] = block[i * columns + (r % columns)];
      });
    }
    return points;
  }

  multipliers(r: number): Multipliers {
    const tile = this.tiles[Math.floor(r / this.columns)];
    const [low, beta] = [tile.low, tile.beta];
    const { places, columns } = this;
    const column = r % columns;
    const alpha = new Float32Array(this.width);
    for (let p = 0, at = column; p < places; p++, at += columns) alpha[p] = low[at];
    if (this.curves) {
      const { high } = tile;
      for (let p = 0, at = column; p < places; p++, at += columns) alpha[places + p] = high[at];
    }
    const found = { alpha, beta: Float32Array.from(this.splitsOf[r], ({ place }) => beta[place * columns + column]) };
    if (this.cuts === null) return found;
    const { multipliers } = tile;
    return { ...found, cuts: Float32Array.from(this.cuts.cuts, (_, c) => multipliers[c * columns + column]) };
  }

  learn(form: number, place: number, gain: number): void {
    this.gainsOf(form).learn(place, gain);
  }

  private gainsOf(form: number): SplitGains {
    let gains = this.gains.get(form);
    if (!gains) this.gains.set(form, (gains = new SplitGains(this.places)));
    return gains;
  }

  candidates(r: number, count: number): number[] {
    const gains = this.gainsOf(this.formOf[r]);
    const { upSlope, intercept } = this.tables.lines();
    const biases = this.tables.placeBias();
    const tile = this.tiles[Math.floor(r / this.columns)];
    const [coefficient, side, met] = [tile.coefficient, tile.side, tile.met];
    const best: number[] = [];
    const scores: number[] = [];
    for (let place = 0, at = r % this.columns; place < this.places; place++, at += this.columns) {
      if (side[at] !== 0 || met[place] === 0) continue;
      const a = coefficient[at];
      const s = upSlope[place];
      const b = biases[place];
      const curve = this.tables.curveAt(place);
      const promise = curve
        ? Math.abs(a) * curve.curve.gap[curve.neuron]
        : Math.abs(Math.min(b * a * (s - 1), b * a * s) + Math.min(a, 0) * intercept[place]);
      if (!(promise > 0) && a === 0) continue;
      // A neuron whose splits gained nothing, or that promises nothing without a bias, may still be all that is left.
      const score = Math.max(gains.expected(place, promise), LEAST_GAIN);
      if (best.length === count && score <= scores[count - 1]) continue;
      let k = best.length;
      while (k > 0 && scores[k - 1] < score) k--;
      best.splice(k, 0, place);
      scores.splice(k, 0, score);
      if (best.length > count) {
        best.pop();
        scores.pop();
      }
    }
    return best;
  }

  neuron(place: number): { layer: number; neuron: number } {
    return this.tables.neuron(place);
  }

  private fill(k: number, rows: number): void {
    const tile = this.tiles[k];
    tile.rows.length = 0;
    for (let r = k * this.columns; r < Math.min(rows, (k + 1) * this.columns); r++)
      tile.rows.push(this.forms[this.formOf[r]]);
  }
}
