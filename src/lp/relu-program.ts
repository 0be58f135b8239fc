import { assert, AssertionError, unreachable } from '../base/assert';
import { gamma, inflate, ROUNDING } from '../base/rounding';
import { ok, problem, type Result } from '../base/result';
import type { ActivationNode, AddNode, AffineNode, ConstantNode, MaxPoolNode, Network } from '../network/network';
import type { Constraint } from '../spec/question';
import { affineRows } from './affine-rows';
import { ProgramBuilder, widened, withObjective, type LinearProgram, type Objective } from './linear-program';

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

/** The network on a box as a program whose points contain (x, values of every node at x) for every x of the box, in exact arithmetic. */
export interface ReluProgram {
  readonly program: LinearProgram;
  /** Per node, the column of each of its values; −1 where the value is 0 on the whole box. Nodes may share columns. */
  readonly columns: readonly Int32Array[];
  /** Indicator columns: how many neurons and pool entries the bounds leave open. */
  readonly indicators: number;
  /** What a `triangle` program leaves open; empty for `mixed-integer`. */
  readonly branchings: readonly Branching[];
  /** Per disjunct: a form that is nowhere on the box above the largest margin of the disjunct's constraints. */
  readonly objectives: readonly Objective[];
}

/**
 * Why no linear or mixed-integer program can stand for a network, as a sentence about the node (`lp-unsupported`); ok where one can.
 */
export function linearProgramRefusal(network: Network): Result<null> {
  for (const node of network.nodes) {
    if (node.kind === 'sigmoid' || node.kind === 'tanh')
      return problem(
        'lp-unsupported',
        `${node.name} is a ${node.kind === 'sigmoid' ? 'Sigmoid' : 'Tanh'}, which is not piecewise linear, so no linear program can stand for this network. Use the back end "crown" or "auto".`,
      );
    if (node.kind === 'leakyRelu' && !(node.slope >= 0 && node.slope <= 1))
      return problem(
        'lp-unsupported',
        `${node.name} is a LeakyRelu of slope ${node.slope}; linear programs take slopes between 0 and 1. Use the back end "crown" or "auto".`,
      );
  }
  return { ok: true, value: null };
}

/**
 * The network on a box with an objective for every disjunct and cost 0. The least value of a disjunct's objective is the least, over the box, of its margin
 * outputs·y + inputs·x − bound, or, of several constraints, of the largest of their margins: above 0, no point of the box satisfies all
 * of them. `triangle` programs have optima at most as large. Every number that had to be rounded was rounded so that the program only gets
 * larger. The network must be one that `linearProgramRefusal` does not refuse.
 */
export function regionProgram(
  network: Network,
  ranges: NodeRanges,
  disjuncts: readonly (readonly Constraint[])[],
  form: ReluForm,
): ReluProgram {
  const writer = new ProgramWriter(network, ranges, form);
  writer.writeNodes();
  const objectives = disjuncts.map(constraints => writer.objective(constraints));
  return writer.finish(objectives);
}

/** `regionProgram` of one disjunct, with its objective as cost. */
export function reluProgram(
  network: Network,
  ranges: NodeRanges,
  constraints: readonly Constraint[],
  form: ReluForm,
): Result<ReluProgram> {
  const refusal = linearProgramRefusal(network);
  if (!refusal.ok) return refusal;
  const written = regionProgram(network, ranges, [constraints], form);
  return ok({ ...written, program: withObjective(written.program, written.objectives[0]) });
}

/**
 * All disjuncts at once, as one mixed-integer program whose optimum is the least of all their margins: an indicator each, of which one is 1 (Tjeng, Xiao and
 * Tedrake, ICLR 2019, for the maximum over labels).
 */
export function unionProgram(
  network: Network,
  ranges: NodeRanges,
  disjuncts: readonly (readonly Constraint[])[],
): ReluProgram {
  const writer = new ProgramWriter(network, ranges, 'mixed-integer');
  writer.writeNodes();
  const union = writer.union(disjuncts.map(constraints => writer.objective(constraints)));
  const written = writer.finish([union]);
  return { ...written, program: withObjective(written.program, union) };
}

const ZERO = -1;

/**
 * An indicator's reach is never less than this: a larger one changes nothing where indicators are 0 or 1, and with coefficients near its tolerances
 * HiGHS calls feasible programs infeasible.
 */
const SMALLEST_REACH = 1e-3;

class ProgramWriter {
  private readonly builder = new ProgramBuilder();
  private readonly columns: Int32Array[] = [];
  private readonly branchings: Branching[] = [];
  private indicators = 0;

  constructor(
    private readonly network: Network,
    private readonly ranges: NodeRanges,
    private readonly form: ReluForm,
  ) {}

  writeNodes(): void {
    for (const node of this.network.nodes) this.columns.push(this.write(node.id));
  }

  finish(objectives: readonly Objective[]): ReluProgram {
    const { builder, columns, indicators, branchings } = this;
    return { program: builder.build(), columns, indicators, branchings, objectives };
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

  objective(constraints: readonly Constraint[]): Objective {
    assert(constraints.length > 0, () => 'a program without a constraint has no objective');
    const margins = constraints.map(constraint => this.margin(constraint));
    if (margins.length === 1) return margins[0];
    const ranges = margins.map(margin => this.rangeOf(margin));
    const t = this.builder.addColumn(
      Math.max(...ranges.map(range => range.lower)),
      Math.max(...ranges.map(range => range.upper)),
    );
    for (const { columns, values, offset } of margins)
      this.builder.addRow(offset, Infinity, [t, ...columns], [1, ...values.map(value => -value)]);
    return { columns: [t], values: [1], offset: 0 };
  }

  /** The least of several objectives, each with an indicator that chooses it. */
  union(objectives: readonly Objective[]): Objective {
    const ranges = objectives.map(objective => this.rangeOf(objective));
    const least = Math.min(...ranges.map(range => range.lower));
    const t = this.builder.addColumn(least, Math.max(...ranges.map(range => range.upper)));
    const indicators = objectives.map(({ columns, values, offset }, k) => {
      const a = this.indicator();
      // t ≥ objective where the indicator is 1, and nothing where it is 0.
      const reach = inflate(Math.max(SMALLEST_REACH, ranges[k].upper - least));
      this.builder.addRow(
        widened(offset, -reach),
        Infinity,
        [t, ...columns, a],
        [1, ...values.map(value => -value), -reach],
      );
      return a;
    });
    const ones = indicators.map(() => 1);
    this.builder.addRow(1, 1, indicators, ones);
    return { columns: [t], values: [1], offset: 0 };
  }

  /** What an objective certainly lies between. */
  private rangeOf({ columns, values, offset }: Objective): { lower: number; upper: number } {
    let [lower, upper, size] = [offset, offset, Math.abs(offset)];
    columns.forEach((column, k) => {
      const [a, b] = this.builder.range(column).map(end => end * values[k]);
      lower += Math.min(a, b);
      upper += Math.max(a, b);
      size += Math.max(Math.abs(a), Math.abs(b));
    });
    const error = inflate(gamma(columns.length + 2) * size);
    return { lower: widened(lower, -error), upper: widened(upper, error) };
  }

  /** A constraint's margin over the program's columns, lowered by what the error of its coefficients can amount to. */
  private margin({ outputs, inputs, coefficientError, bound }: Constraint): Objective {
    const y = this.named(Array.from(outputs.index), Array.from(outputs.value), this.columns[this.columns.length - 1]);
    const x = this.named(Array.from(inputs.index), Array.from(inputs.value), this.columns[0]);
    const merged = new Map<number, number>();
    let lost = 0;
    for (const { columns, values } of [y, x])
      columns.forEach((column, k) => {
        const before = merged.get(column);
        const value = (before ?? 0) + values[k];
        merged.set(column, value);
        const size = this.builder.magnitude(column);
        lost += coefficientError * Math.abs(values[k]) * size;
        // Columns that outputs share: their coefficients are added up, and rounded.
        if (before !== undefined) lost += 2 * ROUNDING.unit * Math.abs(value) * size;
      });
    return {
      columns: [...merged.keys()],
      values: [...merged.values()],
      offset: lost === 0 ? -bound : widened(-bound, -inflate(lost)),
    };
  }
}
