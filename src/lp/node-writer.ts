import { assert, AssertionError, unreachable } from '../base/assert';
import { inflate, ROUNDING } from '../base/rounding';
import type { ActivationNode, AddNode, AffineNode, ConstantNode, MaxPoolNode, Network } from '../network/network';
import { affineRows } from './affine-rows';
import { widened, type ProgramBuilder } from './linear-program';

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

/** A bound of a column or row, changed. */
export interface BoundChange {
  readonly of: 'column' | 'row';
  readonly index: number;
  readonly lower: number;
  readonly upper: number;
}

/**
 * What a triangle program leaves open and a branch and bound decides: one side each holds at every point of the box. For an activation the sides are
 * y ≤ 0 and y ≥ 0, for a pool's entry that it is not, and that it is, the window's maximum. With a side taken for each the program is exact.
 */
export interface Branching {
  /** Id of the activation or pool, and which of its values. */
  readonly node: number;
  readonly neuron: number;
  /** The entry of a pool's window, an index into the values that the pool reads; null for activations. */
  readonly entry: number | null;
  /** What makes the program that of one side. */
  readonly sides: readonly [readonly BoundChange[], readonly BoundChange[]];
  /** The rows that stand in for the sides as long as none is taken. */
  readonly hull: readonly number[];
  /** How far a point of the program is from satisfying either side, in units of the node's output. */
  violation(point: ArrayLike<number>): number;
  /** The side that a point whose inputs are these values of the network is on. */
  sideAt(values: readonly ArrayLike<number>[]): 0 | 1;
}

/** The column of a value that is 0 on the whole box. */
export const ZERO = -1;

/**
 * An indicator's reach is never less than this: a larger one changes nothing where indicators are 0 or 1, and with coefficients near its tolerances
 * HiGHS calls feasible programs infeasible.
 */
export const SMALLEST_REACH = 1e-3;

/** Columns of the program for indices into a node's values, without those that are 0. */
export function named(
  indices: readonly number[],
  values: readonly number[],
  of: Int32Array,
): { columns: number[]; values: number[] } {
  const kept = indices.map((_, k) => k).filter(k => of[indices[k]] !== ZERO);
  return { columns: kept.map(k => of[indices[k]]), values: kept.map(k => values[k]) };
}

/**
 * Writes the values of a network's nodes on a box as columns of a program, and the rows between them: for every x of the box the exact values satisfy all. Every number that had to be
 * rounded was rounded so that the program only gets larger.
 */
export class NodeWriter {
  /** Per node, the column of each of its values, or ZERO. */
  readonly columns: Int32Array[] = [];
  /** What a `triangle` program leaves open. */
  readonly branchings: Branching[] = [];
  /** Indicator columns so far. */
  indicators = 0;

  constructor(
    private readonly builder: ProgramBuilder,
    private readonly network: Network,
    private readonly ranges: NodeRanges,
    private readonly form: ReluForm,
  ) {
    for (const node of network.nodes) this.columns.push(this.write(node.id));
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
      const { columns, values } = named(row.columns, row.values, inputs);
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

  /** z = max(y, slope·y), slope at most 1: stable neurons are a line, unstable ones get an indicator or their hull. */
  private activation(node: ActivationNode): Int32Array {
    const input = node.inputs[0];
    return Int32Array.from({ length: node.size }, (_, i) => {
      const y = this.columns[input][i];
      const [l, u] = [this.ranges.lower[input][i], this.ranges.upper[input][i]];
      if (y === ZERO || l >= 0) return y;
      if (u <= 0 && node.slope === 0) return ZERO;
      if (u <= 0) {
        const z = this.column(node.id, i);
        this.builder.addRow(0, 0, [z, y], [1, -node.slope]);
        return z;
      }
      return this.unstable(node, i, y, l, u);
    });
  }

  private unstable(
    { id, slope, inputs: [read] }: ActivationNode,
    neuron: number,
    y: number,
    l: number,
    u: number,
  ): number {
    const { builder } = this;
    const range = [this.ranges.lower[id][neuron], this.ranges.upper[id][neuron]];
    // A ReLU's value is never negative, whatever its range says.
    const [zLower, zUpper] = slope === 0 ? range.map(end => Math.max(0, end)) : range;
    const z = builder.addColumn(zLower, zUpper);
    const above = builder.addRow(0, Infinity, [z, y], [1, -1]);
    const floor = slope === 0 ? null : builder.addRow(0, Infinity, [z, y], [1, -slope]);
    // Rounded up: a larger reach only makes the program larger. Without a slope it is exact.
    const up = slope === 0 ? 1 : (1 - slope) * (1 + 8 * ROUNDING.unit);
    const reaches = slope === 0 ? [-l, u] : [-l * up, u * up].map(reach => reach * (1 + 8 * ROUNDING.unit));
    const [below, most] = reaches.map(reach => Math.max(reach, SMALLEST_REACH));
    if (this.form === 'triangle') {
      // Any slope in [slope, 1] with the intercept that fits it; this one is the chord.
      const chord = Math.min(1, Math.max(slope, (u - slope * l) / (u - l)));
      const intercept = Math.max((slope - chord) * l, (1 - chord) * u) * (1 + 8 * ROUNDING.unit) + ROUNDING.underflow;
      const hull = [builder.addRow(-Infinity, intercept, [z, y], [1, -chord])];
      this.branchings.push({
        node: id,
        neuron,
        entry: null,
        sides: [
          [
            { of: 'column', index: y, lower: l, upper: 0 },
            floor === null
              ? { of: 'column', index: z, lower: 0, upper: 0 }
              : { of: 'row', index: floor, lower: 0, upper: 0 },
          ],
          [
            { of: 'column', index: y, lower: 0, upper: u },
            { of: 'row', index: above, lower: 0, upper: 0 },
          ],
        ],
        hull,
        violation: point => point[z] - Math.max(point[y], slope * point[y]),
        sideAt: values => (values[read][neuron] >= 0 ? 1 : 0),
      });
      return z;
    }
    const a = this.indicator();
    builder.addRow(-Infinity, below, [z, y, a], [1, -1, below]);
    if (slope === 0) builder.addRow(-Infinity, 0, [z, a], [1, -most]);
    else builder.addRow(-Infinity, 0, [z, y, a], [1, -slope, -most]);
    return z;
  }

  /** A column that is 0 or 1, or between them in a `triangle` program. */
  indicator(): number {
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
        const above = this.builder.addRow(0, Infinity, columns, values);
        const hull = [this.builder.addRow(-Infinity, reach, [...columns, a], [...values, reach])];
        if (this.form === 'mixed-integer') continue;
        this.branchings.push({
          node: node.id,
          neuron: i,
          entry: k,
          sides: [
            [{ of: 'column', index: a, lower: 0, upper: 0 }],
            [
              { of: 'column', index: a, lower: 1, upper: 1 },
              { of: 'row', index: above, lower: 0, upper: 0 },
            ],
          ],
          hull,
          violation: point => Math.min(point[a], point[m] - (x === ZERO ? 0 : point[x])),
          sideAt: values =>
            open.every(
              other =>
                values[input][other] < values[input][k] ||
                other === k ||
                (other > k && values[input][other] === values[input][k]),
            )
              ? 1
              : 0,
        });
      }
      const ones = indicators.map(() => 1);
      this.builder.addRow(1, 1, indicators, ones);
      return m;
    });
  }
}
