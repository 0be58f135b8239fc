import { assert, AssertionError, unreachable } from '../base/assert';
import { inflate, ROUNDING } from '../base/rounding';
import { problem, type Result } from '../base/result';
import type { ActivationNode, AddNode, AffineNode, ConstantNode, MaxPoolNode, Network } from '../network/network';
import type { Constraint } from '../spec/question';
import { affineRows } from './affine-rows';
import { ProgramBuilder, widened, type LinearProgram } from './linear-program';

/** Sound, finite bounds of every node's values on the box, by node id; those of node 0 are the box. */
export interface NodeRanges {
  readonly lower: readonly Float64Array[];
  readonly upper: readonly Float64Array[];
}

/**
 * How unstable neurons are written. `mixed-integer`: exactly, with an indicator each (Tjeng, Xiao and Tedrake, ICLR 2019). `triangle`: the convex hull
 * of each ReLU; max pools keep their indicators as numbers in [0, 1].
 */
export type ReluForm = 'mixed-integer' | 'triangle';

/** The network on a box as a program whose points contain (x, values of every node at x) for every x of the box, in exact arithmetic. */
export interface ReluProgram {
  readonly program: LinearProgram;
  /** Per node, the column of each of its values; −1 where the value is 0 on the whole box. Nodes may share columns. */
  readonly columns: readonly Int32Array[];
  /** Indicator columns: how many neurons and pool entries the bounds leave open. */
  readonly indicators: number;
}

/**
 * The program whose optimum is the least margin over the box: of one constraint outputs·y + inputs·x − bound, or, of several, the least value of
 * the largest of their margins. An optimum above 0 means that no point of the box satisfies all constraints. `triangle` programs have
 * optima at most as large. Every number that had to be rounded was rounded so that the program only gets larger.
 */
export function reluProgram(
  network: Network,
  ranges: NodeRanges,
  constraints: readonly Constraint[],
  form: ReluForm,
): Result<ReluProgram> {
  const unsupported = network.nodes.find(
    node => node.kind === 'sigmoid' || node.kind === 'tanh' || (node.kind === 'leakyRelu' && node.slope > 1),
  );
  if (unsupported)
    return problem(
      'lp-unsupported',
      `${unsupported.name} is no piecewise linear activation of slope at most 1, so no linear program can stand for this network; use bounds instead.`,
    );
  const writer = new ProgramWriter(network, ranges, form);
  writer.writeNodes();
  writer.writeObjective(constraints);
  return {
    ok: true,
    value: { program: writer.builder.build(), columns: writer.columns, indicators: writer.indicators },
  };
}

const ZERO = -1;

/**
 * An indicator's reach is never less than this: a larger one changes nothing where indicators are 0 or 1, and with coefficients near its tolerances
 * HiGHS calls feasible programs infeasible.
 */
const SMALLEST_REACH = 1e-3;

class ProgramWriter {
  readonly builder = new ProgramBuilder();
  readonly columns: Int32Array[] = [];
  indicators = 0;

  constructor(
    private readonly network: Network,
    private readonly ranges: NodeRanges,
    private readonly form: ReluForm,
  ) {}

  writeNodes(): void {
    for (const node of this.network.nodes) this.columns.push(this.write(node.id));
  }

  private write(id: number): Int32Array {
    const node = this.network.nodes[id];
    switch (node.kind) {
      case 'input':
        return this.fresh(id);
      case 'constant':
        return this.constant(node);
      case 'dense':
      case 'conv':
      case 'scale':
      case 'sparse':
        return this.affine(node);
      case 'add':
        return this.add(node);
      case 'concat':
        return Int32Array.from(node.inputs.flatMap(input => Array.from(this.columns[input])));
      case 'relu':
      case 'leakyRelu':
        return this.activation(node);
      case 'maxPool':
        return this.maxPool(node);
      case 'sigmoid':
      case 'tanh':
        throw new AssertionError(`${node.name} was refused before`);
      default:
        return unreachable(node);
    }
  }

  /** A column for every value of a node. */
  private fresh(id: number): Int32Array {
    return Int32Array.from({ length: this.network.nodes[id].size }, (_, i) => this.column(id, i));
  }

  private column(id: number, i: number): number {
    const [l, u] = [this.ranges.lower[id][i], this.ranges.upper[id][i]];
    assert(Number.isFinite(l) && Number.isFinite(u), () => `value ${i} of node ${id} has no finite range`);
    return this.builder.addColumn(l, u);
  }

  private constant(node: ConstantNode): Int32Array {
    return Int32Array.from(node.bias, (b, i) => {
      const error = node.biasError?.[i] ?? 0;
      return error === 0 ? this.builder.addColumn(b, b) : this.builder.addColumn(widened(b, -error), widened(b, error));
    });
  }

  private affine(node: AffineNode): Int32Array {
    const inputs = this.columns[node.inputs[0]];
    const result = this.fresh(node.id);
    let i = 0;
    for (const row of affineRows(node, inputs.length)) {
      const { columns, values } = this.named(row.columns, row.values, inputs);
      let error = row.biasError;
      if (node.relativeError > 0)
        columns.forEach((column, k) => {
          error += node.relativeError * Math.abs(values[k]) * this.builder.magnitude(column);
        });
      this.equal(result[i++], columns, values, row.bias, error);
    }
    return result;
  }

  private add(node: AddNode): Int32Array {
    const result = this.fresh(node.id);
    for (let i = 0; i < node.size; i++) {
      const parts = node.inputs.map(input => this.columns[input][i]);
      const used = parts.map((_, k) => k).filter(k => parts[k] !== ZERO);
      const pick = <T>(from: readonly T[]) => used.map(k => from[k]);
      this.equal(result[i], pick(parts), pick(node.coefficients), 0, 0);
    }
    return result;
  }

  /** The row: result − Σ value·column within `error` of `constant`. */
  private equal(
    result: number,
    columns: readonly number[],
    values: readonly number[],
    constant: number,
    error: number,
  ): void {
    const slack = error === 0 ? 0 : inflate(error);
    this.builder.addRow(
      slack === 0 ? constant : widened(constant, -slack),
      slack === 0 ? constant : widened(constant, slack),
      [result, ...columns],
      [1, ...values.map(value => -value)],
    );
  }

  /** Columns of the program for indices into a node's values, without those that are 0. */
  private named(
    indices: readonly number[],
    values: readonly number[],
    of: Int32Array,
  ): { columns: number[]; values: number[] } {
    const kept = indices.map((_, k) => k).filter(k => of[indices[k]] !== ZERO);
    return { columns: kept.map(k => of[indices[k]]), values: kept.map(k => values[k]) };
  }

  /** z = max(y, slope·y), slope at most 1: stable neurons are a line, unstable ones get an indicator or their hull. */
  private activation(node: ActivationNode): Int32Array {
    const input = node.inputs[0];
    return Int32Array.from({ length: node.size }, (_, i) => {
      const y = this.columns[input][i];
      const [l, u] = [this.ranges.lower[input][i], this.ranges.upper[input][i]];
      if (y === ZERO || l >= 0) return y;
      if (u <= 0 && node.slope === 0) return ZERO;
      const z = this.column(node.id, i);
      if (u <= 0) this.builder.addRow(0, 0, [z, y], [1, -node.slope]);
      else this.unstable(z, y, l, u, node.slope);
      return z;
    });
  }

  private unstable(z: number, y: number, l: number, u: number, slope: number): void {
    const { builder } = this;
    builder.addRow(0, Infinity, [z, y], [1, -1]);
    if (slope === 0) builder.addRow(0, Infinity, [z], [1]);
    else builder.addRow(0, Infinity, [z, y], [1, -slope]);
    // Rounded up: a larger reach only makes the program larger. Without a slope it is exact.
    const up = slope === 0 ? 1 : (1 - slope) * (1 + 8 * ROUNDING.unit);
    const reaches = slope === 0 ? [-l, u] : [-l * up, u * up].map(reach => reach * (1 + 8 * ROUNDING.unit));
    const [below, above] = reaches.map(reach => Math.max(reach, SMALLEST_REACH));
    if (this.form === 'triangle') {
      // Any slope in [slope, 1] with the intercept that fits it; this one is the chord.
      const chord = Math.min(1, Math.max(slope, (u - slope * l) / (u - l)));
      const intercept = Math.max((slope - chord) * l, (1 - chord) * u) * (1 + 8 * ROUNDING.unit) + ROUNDING.underflow;
      builder.addRow(-Infinity, intercept, [z, y], [1, -chord]);
      return;
    }
    const a = this.indicator();
    builder.addRow(-Infinity, below, [z, y, a], [1, -1, below]);
    if (slope === 0) builder.addRow(-Infinity, 0, [z, a], [1, -above]);
    else builder.addRow(-Infinity, 0, [z, y, a], [1, -slope, -above]);
  }

  private indicator(): number {
    this.indicators++;
    return this.builder.addColumn(0, 1, this.form === 'mixed-integer');
  }

  /** m = max of a window: entries that another always exceeds are left out; of the others one, by indicator, is the maximum. */
  private maxPool(node: MaxPoolNode): Int32Array {
    const input = node.inputs[0];
    const [lower, upper] = [this.ranges.lower[input], this.ranges.upper[input]];
    return Int32Array.from({ length: node.size }, (_, i) => {
      const window = [...new Set(node.column.subarray(node.rowStart[i], node.rowStart[i + 1]))];
      const floor = window.reduce((most, k) => Math.max(most, lower[k]), -Infinity);
      const best = window.find(k => lower[k] === floor)!;
      const open = window.filter(k => k === best || upper[k] > floor);
      if (open.length === 1) return this.columns[input][best];
      const m = this.column(node.id, i);
      const indicators: number[] = [];
      for (const k of open) {
        const x = this.columns[input][k];
        const others = open.reduce((most, other) => (other === k ? most : Math.max(most, upper[other])), -Infinity);
        const gap = others - lower[k];
        const reach = Math.max(SMALLEST_REACH, widened(gap, ROUNDING.unit * Math.abs(gap)));
        const a = this.indicator();
        indicators.push(a);
        // A value that is 0 throughout has no column.
        const [columns, values] =
          x === ZERO
            ? [[m], [1]]
            : [
                [m, x],
                [1, -1],
              ];
        this.builder.addRow(0, Infinity, columns, values);
        this.builder.addRow(-Infinity, reach, [...columns, a], [...values, reach]);
      }
      const ones = indicators.map(() => 1);
      this.builder.addRow(1, 1, indicators, ones);
      return m;
    });
  }

  writeObjective(constraints: readonly Constraint[]): void {
    assert(constraints.length > 0, () => 'a program without a constraint has no objective');
    if (constraints.length === 1) {
      const { columns, values, error } = this.margin(constraints[0]);
      let lost = error;
      columns.forEach((column, k) => (lost += this.builder.addCost(column, values[k])));
      const offset = -constraints[0].bound;
      this.builder.setOffset(lost === 0 ? offset : widened(offset, -inflate(lost)));
      return;
    }
    const margins = constraints.map(constraint => {
      const { columns, values, error } = this.margin(constraint);
      return { columns, values, floor: widened(-constraint.bound, -inflate(error)) };
    });
    const reach = margins.map(({ columns, values, floor }) =>
      columns.reduce((sum, column, k) => sum + Math.abs(values[k]) * this.builder.magnitude(column), Math.abs(floor)),
    );
    const most = inflate(Math.max(...reach));
    const t = this.builder.addColumn(-most, most);
    for (const { columns, values, floor } of margins)
      this.builder.addRow(floor, Infinity, [t, ...columns], [1, ...values.map(value => -value)]);
    this.builder.addCost(t, 1);
  }

  /** A constraint's terms over the program's columns, and what the error of its coefficients can amount to. */
  private margin({ outputs, inputs, coefficientError }: Constraint): {
    columns: number[];
    values: number[];
    error: number;
  } {
    const y = this.named(Array.from(outputs.index), Array.from(outputs.value), this.columns[this.columns.length - 1]);
    const x = this.named(Array.from(inputs.index), Array.from(inputs.value), this.columns[0]);
    const columns = [...y.columns, ...x.columns];
    const values = [...y.values, ...x.values];
    const error = columns.reduce(
      (sum, column, k) => sum + coefficientError * Math.abs(values[k]) * this.builder.magnitude(column),
      0,
    );
    return { columns, values, error };
  }
}
