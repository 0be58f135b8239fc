import { ProgramBuilder, withObjective, type LinearProgram } from '../../lp/linear-program';
import type { AffineForm } from './local-map';

/** How large a patch is: its largest change, the sum of all changes, or how many weights change. */
export type PatchMeasure = 'inf' | 'one' | 'count';

/** What the shifts of the layer's outputs, δ, have to fulfil on one input: rows over δ and columns of its own. */
export type Demands =
  /** Forms over δ that must be at least 0; the first `elastic` of them (none unless given) as nearly as possible. */
  | { readonly kind: 'forms'; readonly forms: readonly AffineForm[]; readonly elastic?: number }
  /** A program of its own: `outputs` are the columns of the layer's outputs, which are `base` without a shift; `rows` have to hold besides. */
  | {
      readonly kind: 'program';
      readonly program: LinearProgram;
      readonly outputs: Int32Array;
      readonly base: Float64Array;
      readonly rows: readonly UpperRow[];
    };

/** Σ value·column ≤ upper. */
export interface UpperRow {
  readonly columns: readonly number[];
  readonly values: readonly number[];
  readonly upper: number;
}

export interface LayerCase {
  /** What the layer reads on this input, h. */
  readonly features: Float64Array;
  readonly demands: Demands;
}

/** Which way a neuron's shift may go: up, down, or both. */
export type Direction = 1 | -1 | 0;

export interface WeightLimits {
  /** The largest change of one weight. */
  readonly limit: number;
  /** Per neuron; free unless given. A weight then only changes so that it moves its neuron that way. */
  readonly marks?: readonly Direction[];
  /** Per neuron, what a unit of the measure costs there; 1 unless given. Only for one case, and not for the largest change. */
  readonly prices?: readonly number[];
}

/** What size costs beside a miss. */
const TIE_BREAK = 1e-6;

/** A program over the changes of a layer's weights, and how to read its points. */
export interface WeightProgram {
  readonly program: LinearProgram;
  /** Per row, the case it is about; −1 for rows about the size. */
  readonly caseOfRow: Int32Array;
  /** The changes [outputs × inputs], row-major, at a point. */
  changes(primal: Float64Array): Float64Array;
  /** The same program with every column between bounds that no smaller patch leaves: where a dual bound is evaluated. */
  within(size: number): LinearProgram;
}

/**
 * The smallest change Δ of a layer's weights so that the shifts Δ·h of its outputs meet all demands. With one input only the shift of each neuron
 * matters, and Δ is the cheapest change that makes it, so the program has a column a neuron; with several inputs it has one a weight.
 */
export function weightProgram(
  outputs: number,
  cases: readonly LayerCase[],
  measure: PatchMeasure,
  limits: WeightLimits,
): WeightProgram {
  const writer = new Writer(measure, limits.limit);
  return cases.length === 1
    ? writer.ofShifts(outputs, cases[0], limits)
    : writer.ofWeights(outputs, cases, limits.marks);
}

class Writer {
  private readonly builder = new ProgramBuilder();
  private readonly caseOfRow: number[] = [];
  private readonly sizes: number[] = [];
  /** By how much elastic demands are missed. */
  private readonly misses: number[] = [];
  /** Columns that a patch of size 1 lets go so far from 0. */
  private readonly reaches: { readonly column: number; readonly reach: number }[] = [];

  constructor(
    private readonly measure: PatchMeasure,
    private readonly limit: number,
  ) {}

  ofShifts(outputs: number, only: LayerCase, { marks, prices }: WeightLimits): WeightProgram {
    const { features } = only;
    const width = features.length;
    const norm = sumOfSizes(features);
    const peak = features.reduce((best, h, j) => (Math.abs(h) > Math.abs(features[best]) ? j : best), 0);
    /** Shift that a patch of size 1 makes of one neuron. */
    const gain = this.measure === 'inf' ? norm : Math.abs(features[peak]);
    const shifts = Array.from({ length: outputs }, (_, i) => this.signed(marks?.[i] ?? 0, this.limit * gain, gain));
    this.price(shifts, gain);
    this.demand(only, 0, shifts);
    return this.finish(prices, primal => {
      const all = new Float64Array(outputs * width);
      shifts.forEach((column, i) => {
        const wanted = primal[column];
        if (wanted === 0) return;
        if (this.measure === 'inf')
          features.forEach((h, j) => (all[i * width + j] = h === 0 ? 0 : (Math.sign(h) * wanted) / norm));
        else all[i * width + peak] = wanted / features[peak];
      });
      return all;
    });
  }

  ofWeights(outputs: number, cases: readonly LayerCase[], marks?: readonly Direction[]): WeightProgram {
    const width = cases[0].features.length;
    // Only where the features of all cases have one sign does a mark fix the sign of a weight's change.
    const signs = Array.from({ length: width }, (_, j) => commonSign(cases.map(({ features }) => features[j])));
    const weights = Array.from({ length: outputs * width }, (_, at) => {
      const mark = marks?.[Math.floor(at / width)] ?? 0;
      return this.signed((mark * signs[at % width]) as Direction, this.limit, 1);
    });
    this.price(weights, 1);
    cases.forEach((each, k) => {
      const { features } = each;
      const read = Array.from(features.keys()).filter(j => features[j] !== 0);
      const values = read.map(j => -features[j]);
      const norm = sumOfSizes(features);
      const shifts = Array.from({ length: outputs }, (_, i) => {
        const shift = this.signed(0, this.limit * norm, norm);
        this.row(k, 0, 0, [shift, ...read.map(j => weights[i * width + j])], [1, ...values]);
        return shift;
      });
      this.demand(each, k, shifts);
    });
    return this.finish(undefined, primal => Float64Array.from(weights, column => primal[column]));
  }

  /** A column that may go as far as `most` in the directions of the mark, and by `reach` where the patch has size 1. */
  private signed(mark: Direction, most: number, reach: number): number {
    const column = this.builder.addColumn(mark <= 0 ? -most : 0, mark >= 0 ? most : 0);
    this.reaches.push({ column, reach });
    return column;
  }

  private row(of: number, lower: number, upper: number, columns: readonly number[], values: readonly number[]): void {
    this.builder.addRow(lower, upper, columns, values);
    this.caseOfRow.push(of);
  }

  /** What changes cost: each is at most `gain` times its size, and the sizes are added up; for the largest change they are one. */
  private price(changes: readonly number[], gain: number): void {
    const count = this.measure === 'count';
    const size = (): number => {
      const column = this.builder.addColumn(0, count ? 1 : this.limit, count);
      if (!count) this.reaches.push({ column, reach: 1 });
      this.sizes.push(column);
      return column;
    };
    const most = count ? this.limit * gain : gain;
    const common = this.measure === 'inf' ? size() : null;
    for (const change of changes) {
      const own = common ?? size();
      this.row(-1, -Infinity, 0, [change, own], [1, -most]);
      this.row(-1, -Infinity, 0, [change, own], [-1, -most]);
    }
  }

  private demand({ demands }: LayerCase, of: number, shifts: readonly number[]): void {
    if (demands.kind === 'forms') {
      demands.forms.forEach(({ column, value, constant }, k) => {
        const columns = column.map(i => shifts[i]);
        const factors = [...value];
        if (k < (demands.elastic ?? 0)) {
          const miss = this.builder.addColumn(0, Infinity);
          this.misses.push(miss);
          columns.push(miss);
          factors.push(1);
        }
        this.row(of, -constant, Infinity, columns, factors);
      });
      return;
    }
    const { program, outputs, base, rows } = demands;
    const own = Array.from(program.cost.keys(), column =>
      this.builder.addColumn(program.columnLower[column], program.columnUpper[column], program.integer?.[column] === 1),
    );
    for (let i = 0; i < program.rowLower.length; i++) {
      const entries = Array.from(
        { length: program.rowStart[i + 1] - program.rowStart[i] },
        (_, k) => program.rowStart[i] + k,
      );
      const columns = entries.map(k => own[program.column[k]]);
      this.row(
        of,
        program.rowLower[i],
        program.rowUpper[i],
        columns,
        entries.map(k => program.value[k]),
      );
    }
    for (const { columns, values, upper } of rows)
      this.row(
        of,
        -Infinity,
        upper,
        columns.map(column => own[column]),
        values,
      );
    shifts.forEach((shift, i) => this.row(of, base[i], base[i], [own[outputs[i]], shift], [1, -1]));
  }

  private finish(prices: readonly number[] | undefined, changes: WeightProgram['changes']): WeightProgram {
    const { sizes, misses, reaches, measure } = this;
    // What is missed counts before what it takes.
    const values = [...(prices ?? sizes.map(() => (misses.length > 0 ? TIE_BREAK : 1))), ...misses.map(() => 1)];
    const objective = { columns: [...sizes, ...misses], values, offset: 0 };
    const program = withObjective(this.builder.build(), objective);
    return {
      program,
      caseOfRow: Int32Array.from(this.caseOfRow),
      changes,
      within: size => (measure === 'count' ? program : narrowed(program, reaches, size)),
    };
  }
}

function sumOfSizes(values: Float64Array): number {
  return values.reduce((sum, value) => sum + Math.abs(value), 0);
}

function commonSign(values: readonly number[]): Direction {
  if (values.every(value => value >= 0)) return 1;
  return values.every(value => value <= 0) ? -1 : 0;
}

function narrowed(
  program: LinearProgram,
  reaches: readonly { readonly column: number; readonly reach: number }[],
  size: number,
): LinearProgram {
  const columnLower = program.columnLower.slice();
  const columnUpper = program.columnUpper.slice();
  for (const { column, reach } of reaches) {
    columnLower[column] = Math.max(columnLower[column], -reach * size);
    columnUpper[column] = Math.min(columnUpper[column], reach * size);
  }
  return { ...program, columnLower, columnUpper };
}
