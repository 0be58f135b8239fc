import { assert, AssertionError, unreachable } from '../../base/assert';
import { affineRows } from '../../lp/affine-rows';
import type { ActivationNode, AffineNode, DenseNode, MaxPoolNode, Network } from '../../network/network';

/**
 * A network as an affine map of one of its values: every activation is replaced by a line. With the lines of the phases that hold at a
 * point this is exact in the whole linear region around it, whose walls are `phases`.
 */

/** z_i = slope_i·y_i + intercept_i stands for activation i; for a max pool, `winner[i]` is the entry that stands for window i. */
export type Line =
  | { readonly kind: 'line'; readonly slope: Float64Array; readonly intercept: Float64Array }
  | { readonly kind: 'winner'; readonly winner: Int32Array };

/** By node id; only activations and max pools have lines. */
export type Lines = ReadonlyMap<number, Line>;

/** Σ value[k]·δ_{column[k]} + constant, δ the change of the source. */
export interface AffineForm {
  readonly column: readonly number[];
  readonly value: readonly number[];
  readonly constant: number;
}

/** The form is at least 0 in the region: activation `unit` of a node keeps its phase, or the winner of a window stays it. */
export interface PhaseWall extends AffineForm {
  readonly node: number;
  readonly unit: number;
}

/** What a node's values depend on δ by: nothing, entries of δ themselves (−1: none), or a matrix, row-major [size × width]. */
type Dependence =
  | { readonly kind: 'none' }
  | { readonly kind: 'entries'; readonly entry: Int32Array }
  | { readonly kind: 'matrix'; readonly matrix: Float64Array };

interface Values {
  readonly dependence: Dependence;
  /** At δ = 0. */
  readonly constant: Float64Array;
}

const NONE: Dependence = { kind: 'none' };

/** The lines on which the activations are at these node values (`evaluate`): phases of ReLUs, winners of pools, tangents of smooth ones. */
export function linesAt(network: Network, values: readonly Float64Array[]): Lines {
  const lines = new Map<number, Line>();
  for (const node of network.nodes) {
    if (node.kind === 'maxPool')
      lines.set(node.id, { kind: 'winner', winner: winnersOf(node, values[node.inputs[0]]) });
    else if (isActivation(node)) lines.set(node.id, tangents(node, values[node.inputs[0]]));
  }
  return lines;
}

export function isActivation(node: Network['nodes'][number]): node is ActivationNode {
  return node.kind === 'relu' || node.kind === 'leakyRelu' || node.kind === 'sigmoid' || node.kind === 'tanh';
}

function winnersOf(node: MaxPoolNode, x: Float64Array): Int32Array {
  return Int32Array.from({ length: node.size }, (_, i) => {
    let best = node.column[node.rowStart[i]];
    for (let k = node.rowStart[i]; k < node.rowStart[i + 1]; k++)
      if (x[node.column[k]] > x[best]) best = node.column[k];
    return best;
  });
}

function tangents(node: ActivationNode, y: Float64Array): Line {
  const slope = new Float64Array(node.size);
  const intercept = new Float64Array(node.size);
  for (let i = 0; i < node.size; i++) {
    switch (node.kind) {
      case 'relu':
      case 'leakyRelu':
        slope[i] = y[i] > 0 ? 1 : node.slope;
        break;
      case 'sigmoid': {
        const z = 1 / (1 + Math.exp(-y[i]));
        slope[i] = z * (1 - z);
        intercept[i] = z - slope[i] * y[i];
        break;
      }
      case 'tanh': {
        const z = Math.tanh(y[i]);
        slope[i] = 1 - z * z;
        intercept[i] = z - slope[i] * y[i];
      }
    }
  }
  return { kind: 'line', slope, intercept };
}

/** The nodes behind `source` as affine maps of its change. */
export class LocalMap {
  private readonly values: Values[] = [];

  /**
   * @param source the node whose value changes by δ
   * @param columns which of its entries change, in the order of δ; all unless given
   * @param at values of all nodes at the point (`evaluate`)
   * @param last the last node of interest: later ones are left out
   */
  constructor(
    private readonly network: Network,
    source: number,
    columns: Int32Array | null,
    at: readonly Float64Array[],
    private readonly lines: Lines,
    last = network.nodes.length - 1,
  ) {
    const { size } = network.nodes[source];
    const entry = columns ? new Int32Array(size).fill(-1) : Int32Array.from({ length: size }, (_, i) => i);
    columns?.forEach((index, k) => (entry[index] = k));
    this.width = columns?.length ?? size;
    for (const node of network.nodes.slice(0, last + 1)) {
      if (node.id === source) this.values.push({ dependence: { kind: 'entries', entry }, constant: at[source] });
      else if (node.inputs.some(id => this.depends(id))) this.values.push(this.follow(node));
      else this.values.push({ dependence: NONE, constant: at[node.id] });
    }
  }

  /** Length of δ. */
  readonly width: number;

  /** The values of a node at δ = 0, by the lines. */
  constants(node: number): Float64Array {
    return this.values[node].constant;
  }

  /** Σ weight[k]·(entry index[k] of a node) as a form over δ. */
  combination(node: number, index: ArrayLike<number>, weight: ArrayLike<number>): AffineForm {
    const from = this.values[node];
    const sum = new Float64Array(this.width);
    let offset = 0;
    for (let k = 0; k < index.length; k++) {
      offset += weight[k] * from.constant[index[k]];
      this.addRow(from, index[k], weight[k], sum, 0);
    }
    const column: number[] = [];
    const value: number[] = [];
    sum.forEach((coefficient, j) => {
      if (coefficient === 0) return;
      column.push(j);
      value.push(coefficient);
    });
    return { column, value, constant: offset };
  }

  /** The walls of the linear region, of all nodes behind the source or of those up to and including `last`. Smooth activations have none. */
  *phases(last = this.values.length - 1): Generator<PhaseWall> {
    for (const node of this.network.nodes) {
      const [input] = node.inputs;
      if (node.id > last || input === undefined || !this.depends(input)) continue;
      if (node.kind === 'maxPool') {
        const { winner } = this.lines.get(node.id) as Line & { kind: 'winner' };
        for (let i = 0; i < node.size; i++)
          for (let k = node.rowStart[i]; k < node.rowStart[i + 1]; k++)
            if (node.column[k] !== winner[i])
              yield { ...this.combination(input, [winner[i], node.column[k]], [1, -1]), node: node.id, unit: i };
      } else if (node.kind === 'relu' || node.kind === 'leakyRelu') {
        const { slope } = this.lines.get(node.id) as Line & { kind: 'line' };
        for (let i = 0; i < node.size; i++)
          yield { ...this.combination(input, [i], [slope[i] === 1 ? 1 : -1]), node: node.id, unit: i };
      }
    }
  }

  private follow(node: Network['nodes'][number]): Values {
    const inputs = node.inputs.map(id => this.values[id]);
    const [a] = inputs;
    switch (node.kind) {
      case 'dense':
      case 'conv':
      case 'scale':
      case 'sparse':
        return this.affine(node, a);
      case 'add':
        return this.rows(node.size, (i, add) => inputs.forEach((input, k) => add(input, i, node.coefficients[k])));
      case 'concat': {
        const from = node.inputs.flatMap((id, k) =>
          Array.from({ length: this.network.nodes[id].size }, (_, i) => [k, i] as const),
        );
        return this.rows(node.size, (i, add) => add(inputs[from[i][0]], from[i][1], 1));
      }
      case 'relu':
      case 'leakyRelu':
      case 'sigmoid':
      case 'tanh': {
        const line = this.lines.get(node.id);
        assert(line?.kind === 'line', () => `${node.name} has no line`);
        return this.rows(node.size, (i, add) => add(a, i, line.slope[i]), line.intercept);
      }
      case 'maxPool': {
        const line = this.lines.get(node.id);
        assert(line?.kind === 'winner', () => `${node.name} has no winners`);
        return this.rows(node.size, (i, add) => add(a, line.winner[i], 1));
      }
      case 'input':
      case 'constant':
        return assertFails(node.name);
      default:
        return unreachable(node);
    }
  }

  private affine(node: AffineNode, a: Values): Values {
    if (node.kind === 'dense') return this.dense(node, a);
    const rows = [...affineRows(node, a.constant.length)];
    const bias = Float64Array.from(rows, row => row.bias);
    const write = (i: number, add: (from: Values, row: number, factor: number) => void): void =>
      rows[i].columns.forEach((column, k) => add(a, column, rows[i].values[k]));
    return this.rows(node.size, write, bias);
  }

  /** As `affine`, without a list of each row's entries: most of the time is spent here. */
  private dense({ size, weight, bias }: DenseNode, a: Values): Values {
    const inputs = a.constant.length;
    const matrix = new Float64Array(size * this.width);
    const constant = bias ? bias.slice() : new Float64Array(size);
    for (let i = 0; i < size; i++) {
      let sum = constant[i];
      for (let j = 0; j < inputs; j++) {
        const w = weight[i * inputs + j];
        sum += w * a.constant[j];
        this.addRow(a, j, w, matrix, i * this.width);
      }
      constant[i] = sum;
    }
    return { dependence: { kind: 'matrix', matrix }, constant };
  }

  private depends(node: number): boolean {
    return this.values[node].dependence.kind !== 'none';
  }

  /** Adds factor times a row of other values to the `width` numbers of `sum` that begin at `start`. */
  private addRow({ dependence }: Values, row: number, factor: number, sum: Float64Array, start: number): void {
    if (factor === 0 || dependence.kind === 'none') return;
    if (dependence.kind === 'entries') {
      const k = dependence.entry[row];
      if (k >= 0) sum[start + k] += factor;
      return;
    }
    const { width } = this;
    const { matrix } = dependence;
    const from = row * width;
    for (let j = 0; j < width; j++) sum[start + j] += factor * matrix[from + j];
  }

  /** Row by row: sums of rows of other values, plus `offset`. */
  private rows(
    size: number,
    write: (row: number, add: (from: Values, row: number, factor: number) => void) => void,
    offset?: Float64Array,
  ): Values {
    const matrix = new Float64Array(size * this.width);
    const constant = offset ? offset.slice() : new Float64Array(size);
    for (let i = 0; i < size; i++)
      write(i, (from, row, factor) => {
        constant[i] += factor * from.constant[row];
        this.addRow(from, row, factor, matrix, i * this.width);
      });
    return { dependence: { kind: 'matrix', matrix }, constant };
  }
}

function assertFails(name: string): never {
  throw new AssertionError(`${name} reads no other node`);
}
