import { singlesAt } from '../core/core';
import { SEARCH_ROWS, TILE_ROWS } from './affine-plan';
import type { CutTables } from './cut-tables';
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

/** Numbers in the core's memory, in either precision. */
export type Numbers = Float64Array | Float32Array;

/**
 * Rows that start at one node, with their slopes, splits and multipliers at all places below it: sixteen in float64, whose bounds are certified, or thirty-two in float32, for
 * searching. Curves are only known in float64.
 */
export class Tile {
  readonly rows: TileRow[] = [];
  /** Rows that there is room for; a place's numbers of all rows are neighbours. */
  readonly columns: number;
  /** Addresses in the order of the kernels' structure. */
  private readonly at: Uint32Array;
  readonly address: number;
  /** Of the cuts' multipliers; 0 where there are none. */
  readonly cutRows: number;
  private readonly cutAt: Uint32Array = new Uint32Array(5);
  /** Whether some places are those of curves. */
  readonly curves: boolean;

  constructor(
    private readonly tables: TileTables,
    /** Places that the rows can meet. */
    readonly places: number,
    readonly precision: 'double' | 'single',
    /** The cuts that rows have multipliers of; null where there are none. */
    readonly cuts: CutTables | null = null,
  ) {
    const { core } = tables.graph;
    this.columns = precision === 'single' ? SEARCH_ROWS : TILE_ROWS;
    this.curves = tables.hasCurves;
    this.address = core.newTile(places, this.curves);
    this.at = new Uint32Array(core.memory.buffer, this.address, 22).slice();
    this.cutRows = 0;
    if (cuts === null) return;
    const marks = this.at[21];
    this.cutRows = core.newCutRows(cuts.cuts.length, places);
    this.cutAt = new Uint32Array(core.memory.buffer, this.cutRows, 5).slice();
    const marked = tables.bytes(marks, places);
    for (const group of cuts.groups.values()) for (const place of group.places) marked[place] = 1;
  }

  /** A view of numbers of the tile's precision; invalid after the core's memory has grown. */
  view(address: number, length: number): Numbers {
    const { graph } = this.tables;
    return this.precision === 'single' ? singlesAt(graph.core, address, length) : graph.view(address, length);
  }

  private array(field: number): Numbers {
    return this.view(this.at[field], this.places * this.columns);
  }
  get low(): Numbers {
    return this.array(1);
  }
  get beta(): Numbers {
    return this.array(2);
  }
  get side(): Numbers {
    return this.array(3);
  }
  get coefficient(): Numbers {
    return this.array(4);
  }
  /** Marks places where some row is split. */
  get split(): Uint8Array {
    return this.tables.bytes(this.at[11], this.places);
  }
  get met(): Uint8Array {
    return this.tables.bytes(this.at[10], this.places);
  }
  /** Multipliers of the cuts, row by row beside each other as at places. */
  get multipliers(): Numbers {
    return this.cutArray(1);
  }
  private cutArray(field: number): Numbers {
    return this.view(this.cutAt[field], (this.cuts?.cuts.length ?? 0) * this.columns);
  }
  /** For curves, the points of the upper lines. */
  get high(): Numbers {
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
    const { columns } = this;
    for (let p = 0; p < this.places; p++) low.fill(slopes[p], p * columns, (p + 1) * columns);
    if (this.curves)
      for (let p = 0; p < this.places; p++) {
        const at = this.tables.curveAt(p);
        if (at) this.high.fill(at.curve.whole.high[at.neuron], p * columns, (p + 1) * columns);
      }
    this.beta.fill(0);
    this.side.fill(0);
    this.split.fill(0);
    if (this.cuts) this.multipliers.fill(0);
    this.restart();
  }

  /** Forgets momentum; the multipliers there are count as the best. */
  restart(): void {
    this.array(6).fill(0);
    this.array(7).fill(0);
    this.array(8).set(this.low);
    this.array(9).set(this.beta);
    if (this.cuts) {
      this.cutArray(2).set(this.multipliers);
      this.cutArray(3).fill(0);
      this.cutArray(4).fill(0);
    }
    if (!this.curves) return;
    this.array(15).set(this.high);
    this.array(19).fill(0);
    this.array(20).fill(0);
  }

  /** Takes over the multipliers of sixteen rows of a tile in float32, the first ones or (`half` 1) the last ones; this one is in float64. Lower slopes are brought into their range, which float32 may round. */
  widen(source: Tile, half: number): void {
    const { core } = this.tables.graph;
    core.tileWiden(this.address, source.address, half, this.tables.leastSlope);
    if (this.cuts) core.cutsWiden(this.cutRows, source.cutRows, half);
  }
}
