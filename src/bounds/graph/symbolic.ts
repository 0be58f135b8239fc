import { unreachable } from '../../base/assert';
import { gamma, inflate, ROUNDING } from '../../base/rounding';
import type { ActivationNode, MaxPoolNode } from '../../network/network';
import type { NodeBounds } from './interval';
import { type PreparedGraph } from './prepared-graph';
import { newRelaxation, relax, type Relaxation } from './relaxation';
import { poolWinner } from './zonotope';

/**
 * Forward symbolic bounds: every value lies between two linear forms of the inputs, middle(x) ± radius(x), give or take `error` for rounding. In
 * this form an affine map takes W·middle and |W|·radius. Rows k < inputs hold the coefficients of input k, the last row the constants.
 */
interface SymbolicValue {
  readonly middle: Float64Array[];
  readonly radius: Float64Array[];
  readonly error: Float64Array;
}

/**
 * Symbolic bounds through the graph (Wang et al., ReluVal and Neurify), for networks of few inputs: their cost grows with the number of inputs.
 * Tightens `bounds` (sound bounds of all nodes on the box, changed in place) and uses them.
 */
export function propagateSymbolic(
  graph: PreparedGraph,
  lower: Float64Array,
  upper: Float64Array,
  bounds: NodeBounds,
): void {
  const pass = new SymbolicPass(graph, lower, upper, bounds);
  for (const node of graph.nodes) pass.node(node.id);
}

class SymbolicPass {
  private readonly values: SymbolicValue[] = [];
  private readonly inputs: number;
  private readonly inputSize: Float64Array;

  constructor(
    private readonly graph: PreparedGraph,
    private readonly lower: Float64Array,
    private readonly upper: Float64Array,
    private readonly bounds: NodeBounds,
  ) {
    this.inputs = lower.length;
    this.inputSize = lower.map((l, i) => Math.max(Math.abs(l), Math.abs(upper[i])));
  }

  node(id: number): void {
    const value = this.valueOf(id);
    this.values.push(value);
    const low = this.bounds.lower[id];
    const high = this.bounds.upper[id];
    for (let i = 0; i < low.length; i++) {
      low[i] = Math.max(low[i], this.extreme(value, i, -1, -1));
      high[i] = Math.min(high[i], this.extreme(value, i, 1, 1));
    }
  }

  /** Certified extreme of middle + side·radius over the box: the smallest value for direction −1, the largest for 1. */
  private extreme(value: SymbolicValue, i: number, side: 1 | -1, direction: 1 | -1): number {
    let sum = value.middle[this.inputs][i] + side * value.radius[this.inputs][i];
    let size = Math.abs(sum);
    for (let k = 0; k < this.inputs; k++) {
      const c = value.middle[k][i] + side * value.radius[k][i];
      sum += c * (c * direction >= 0 ? this.upper[k] : this.lower[k]);
      size += Math.abs(c) * this.inputSize[k];
    }
    return sum + direction * (value.error[i] + inflate(gamma(2 * this.inputs + 6) * size));
  }

  /** Bound on |middle| + |radius| + error over the box. */
  private total(value: SymbolicValue, i: number): number {
    let size = Math.abs(value.middle[this.inputs][i]) + Math.abs(value.radius[this.inputs][i]) + value.error[i];
    for (let k = 0; k < this.inputs; k++)
      size += (Math.abs(value.middle[k][i]) + Math.abs(value.radius[k][i])) * this.inputSize[k];
    return inflate(size);
  }

  private rows(size: number): Float64Array[] {
    return Array.from({ length: this.inputs + 1 }, () => new Float64Array(size));
  }

  private valueOf(id: number): SymbolicValue {
    const node = this.graph.nodes[id];
    switch (node.kind) {
      case 'input': {
        const middle = this.rows(node.size);
        for (let k = 0; k < this.inputs; k++) middle[k][k] = 1;
        return { middle, radius: this.rows(node.size), error: new Float64Array(node.size) };
      }
      case 'constant': {
        const middle = this.rows(node.size);
        middle[this.inputs].set(node.bias);
        const error = node.bias.map((b, i) => (node.biasError?.[i] ?? 0) + 2 * ROUNDING.unit * Math.abs(b));
        return { middle, radius: this.rows(node.size), error };
      }
      case 'dense':
      case 'conv':
      case 'scale':
      case 'sparse':
        return this.affine(id);
      case 'add': {
        const middle = this.rows(node.size);
        const radius = this.rows(node.size);
        const error = new Float64Array(node.size);
        node.inputs.forEach((input, part) => {
          const from = this.values[input];
          const c = node.coefficients[part];
          for (let k = 0; k <= this.inputs; k++)
            for (let i = 0; i < node.size; i++) {
              middle[k][i] += c * from.middle[k][i];
              radius[k][i] += Math.abs(c) * from.radius[k][i];
            }
          for (let i = 0; i < node.size; i++)
            error[i] += inflate(Math.abs(c) * (from.error[i] + gamma(node.inputs.length + 2) * this.total(from, i)));
        });
        return { middle, radius, error };
      }
      case 'concat': {
        const parts = node.inputs.map(input => this.values[input]);
        const join = (pick: (part: SymbolicValue) => Float64Array) =>
          Float64Array.from(parts.flatMap(part => Array.from(pick(part))));
        return {
          middle: this.rows(0).map((_, k) => join(part => part.middle[k])),
          radius: this.rows(0).map((_, k) => join(part => part.radius[k])),
          error: join(part => part.error),
        };
      }
      case 'relu':
      case 'leakyRelu':
      case 'sigmoid':
      case 'tanh':
        return this.activation(node);
      case 'maxPool':
        return this.maxPool(node);
      default:
        return unreachable(node);
    }
  }

  private affine(id: number): SymbolicValue {
    const { graph } = this;
    const from = this.values[graph.nodes[id].inputs[0]];
    const map = graph.maps[id]!;
    const product = gamma(map.forwardTerms + 4) + graph.relativeError(id);
    const bias = graph.bias[id];
    const biasError = graph.biasError[id];
    const lost = graph.absolute(
      id,
      from.error.map((e, i) => e + product * this.total(from, i)),
    );
    const middle = from.middle.map(row => graph.linear(id, row));
    const radius = from.radius.map(row => graph.absolute(id, row));
    if (bias) for (let i = 0; i < bias.length; i++) middle[this.inputs][i] += bias[i];
    const error = lost.map((e, i) => {
      const constant = Math.abs(middle[this.inputs][i]) + Math.abs(bias?.[i] ?? 0);
      return inflate(e + (biasError?.[i] ?? 0) + (product + 4 * ROUNDING.unit) * constant);
    });
    return { middle, radius, error };
  }

  /**
   * The upper form goes through the line above the activation on the range of the upper form, the lower form through the line below on the range of
   * the lower one. That needs a monotone activation and lines that rise.
   */
  private activation(node: ActivationNode): SymbolicValue {
    const from = this.values[node.inputs[0]];
    const range = (side: 1 | -1, direction: 1 | -1) =>
      Float64Array.from({ length: node.size }, (_, i) => this.extreme(from, i, side, direction));
    const own = { lower: this.bounds.lower[node.inputs[0]], upper: this.bounds.upper[node.inputs[0]] };
    // A form may be cut to what is known of the value only at the end that keeps it on its side.
    const above = this.lines(node, range(1, -1), range(1, 1), own);
    const below = this.lines(node, range(-1, -1), range(-1, 1), own);
    const middle = this.rows(node.size);
    const radius = this.rows(node.size);
    const error = new Float64Array(node.size);
    for (let i = 0; i < node.size; i++) {
      const up = above.upperSlope[i];
      const down = below.lowerSlope[i];
      const usable = node.slope >= 0 && up >= 0 && down >= 0;
      const flatLow = this.bounds.lower[node.id][i];
      const flatHigh = this.bounds.upper[node.id][i];
      for (let k = 0; k <= this.inputs; k++) {
        const constant = k === this.inputs;
        const high = usable
          ? up * (from.middle[k][i] + from.radius[k][i]) + (constant ? above.upperIntercept[i] : 0)
          : constant
            ? flatHigh
            : 0;
        const low = usable
          ? down * (from.middle[k][i] - from.radius[k][i]) + (constant ? below.lowerIntercept[i] : 0)
          : constant
            ? flatLow
            : 0;
        middle[k][i] = (high + low) / 2;
        radius[k][i] = (high - low) / 2;
      }
      const slope = usable ? Math.max(up, down) : 0;
      const intercepts =
        Math.abs(above.upperIntercept[i]) + Math.abs(below.lowerIntercept[i]) + Math.abs(flatLow) + Math.abs(flatHigh);
      error[i] = inflate(slope * from.error[i] + 8 * ROUNDING.unit * (slope * this.total(from, i) + intercepts));
    }
    return { middle, radius, error };
  }

  private lines(
    node: ActivationNode,
    low: Float64Array,
    high: Float64Array,
    own: { lower: Float64Array; upper: Float64Array },
  ): Relaxation {
    const lines = newRelaxation(node.size);
    for (let i = 0; i < node.size; i++) {
      // Rounding may turn the ends of a very narrow range around.
      if (low[i] > high[i]) low[i] = high[i] = own.lower[i] + (own.upper[i] - own.lower[i]) / 2;
    }
    const chord = Float64Array.from({ length: node.size }, (_, i) =>
      (node.kind === 'relu' || node.kind === 'leakyRelu') && low[i] < 0 && high[i] > 0
        ? (high[i] - node.slope * low[i]) / (high[i] - low[i])
        : NaN,
    );
    relax(node, low, high, lines, chord);
    return lines;
  }

  private maxPool(node: MaxPoolNode): SymbolicValue {
    const input = node.inputs[0];
    const from = this.values[input];
    const middle = this.rows(node.size);
    const radius = this.rows(node.size);
    const error = new Float64Array(node.size);
    for (let i = 0; i < node.size; i++) {
      const { best, sole, top } = poolWinner(node, i, this.bounds.lower[input], this.bounds.upper[input]);
      for (let k = 0; k <= this.inputs; k++) {
        const low = from.middle[k][best] - from.radius[k][best];
        const high = sole ? from.middle[k][best] + from.radius[k][best] : k === this.inputs ? top : 0;
        middle[k][i] = (high + low) / 2;
        radius[k][i] = (high - low) / 2;
      }
      error[i] = inflate(from.error[best] + 8 * ROUNDING.unit * (this.total(from, best) + Math.abs(top)));
    }
    return { middle, radius, error };
  }
}
