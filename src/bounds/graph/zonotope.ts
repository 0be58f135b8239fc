import { unreachable } from '../../base/assert';
import { gamma, inflate, ROUNDING } from '../../base/rounding';
import type { ActivationNode, MaxPoolNode } from '../../network/network';
import type { NodeBounds } from './interval';
import { type PreparedGraph } from './prepared-graph';
import { newRelaxation, relax } from './relaxation';

/**
 * The values of one node as a zonotope { c + Σ η_j G_j + δ : |η_j| ≤ 1, |δ| ≤ error }: row 0 at `address` is c, rows 1..generators are the G_j.
 * Generators are numbered over the whole graph, so that values of different nodes share them.
 */
export interface ZonotopeValue {
  readonly address: number;
  readonly generators: number;
  readonly error: Float64Array;
  /** Bound on |c| + Σ|G_j| + error. */
  readonly total: Float64Array;
}

export interface ZonotopeLimits {
  /** Doubles that all blocks together may take; past that new generators are folded into `error`, which is sound and coarser. */
  readonly doubles: number;
}

const DEFAULT_LIMITS: ZonotopeLimits = { doubles: 2 ** 25 };

/**
 * A forward zonotope through the graph. Tightens `bounds` (sound bounds of all nodes on the box [lower, upper], changed in place) and uses them.
 * The values live in the core's memory until the caller releases it. `prefix`: the values of the first nodes, from an earlier pass over the same box
 * whose memory is still there; only the nodes after them are worked on.
 */
export function propagateZonotope(
  graph: PreparedGraph,
  lower: Float64Array,
  upper: Float64Array,
  bounds: NodeBounds,
  limits: ZonotopeLimits = DEFAULT_LIMITS,
  prefix: readonly ZonotopeValue[] = [],
): ZonotopeValue[] {
  const pass = new ZonotopePass(graph, bounds, limits, prefix);
  for (const node of graph.nodes.slice(prefix.length)) pass.node(node.id, lower, upper);
  return pass.values;
}

class ZonotopePass {
  readonly values: ZonotopeValue[] = [];
  private generators = 0;
  private used = 0;

  constructor(
    private readonly graph: PreparedGraph,
    private readonly bounds: NodeBounds,
    private readonly limits: ZonotopeLimits,
    prefix: readonly ZonotopeValue[],
  ) {
    for (const [id, value] of prefix.entries()) {
      this.values.push(value);
      this.generators = Math.max(this.generators, value.generators);
      this.used += (value.generators + 1) * graph.wide[id];
    }
  }

  node(id: number, lower: Float64Array, upper: Float64Array): void {
    const node = this.graph.nodes[id];
    const value = (() => {
      switch (node.kind) {
        case 'input':
          return this.input(lower, upper);
        case 'constant': {
          const block = this.block(id, 0);
          block.rows.set(node.bias);
          return this.finish(
            id,
            block,
            0,
            node.bias.map((b, i) => (node.biasError?.[i] ?? 0) + 2 * ROUNDING.unit * Math.abs(b)),
          );
        }
        case 'dense':
        case 'conv':
        case 'scale':
        case 'sparse':
          return this.affine(id);
        case 'add':
          return this.add(id);
        case 'concat':
          return this.concat(id);
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
    })();
    this.values.push(value);
  }

  private block(id: number, generators: number): { address: number; rows: Float64Array; wide: number } {
    const wide = this.graph.wide[id];
    const length = (generators + 1) * wide;
    const address = this.graph.core.allocate(length * 8);
    this.used += length;
    return { address, rows: this.graph.view(address, length), wide };
  }

  /** Sums up a finished block, and tightens the node's bounds with it. */
  private finish(
    id: number,
    block: { address: number; rows: Float64Array; wide: number },
    generators: number,
    error: Float64Array,
  ): ZonotopeValue {
    const { size } = this.graph.nodes[id];
    const { rows, wide } = block;
    const radius = new Float64Array(size);
    for (let g = 1; g <= generators; g++) {
      const at = g * wide;
      for (let i = 0; i < size; i++) radius[i] += Math.abs(rows[at + i]);
    }
    const sums = 1 + gamma(generators + 2);
    const low = this.bounds.lower[id];
    const high = this.bounds.upper[id];
    const total = new Float64Array(size);
    for (let i = 0; i < size; i++) {
      const all = radius[i] * sums + error[i];
      const l = rows[i] - all;
      const u = rows[i] + all;
      low[i] = Math.max(low[i], l - Math.abs(l) * 4 * ROUNDING.unit - ROUNDING.underflow);
      high[i] = Math.min(high[i], u + Math.abs(u) * 4 * ROUNDING.unit + ROUNDING.underflow);
      total[i] = inflate(Math.abs(rows[i]) + all);
    }
    return { address: block.address, generators, error, total };
  }

  private input(lower: Float64Array, upper: Float64Array): ZonotopeValue {
    const half = lower.map((l, i) => {
      const centre = l + (upper[i] - l) * 0.5;
      return Math.max(upper[i] - centre, centre - l) * (1 + 4 * ROUNDING.unit) + ROUNDING.underflow;
    });
    // Inputs that hardly vary (fixed ones, whose interval is a rounding wide) cost no generator.
    const varying = [...lower.keys()].filter(
      i => half[i] > 1e-6 * Math.max(Math.abs(lower[i]), Math.abs(upper[i]), 1e-6),
    );
    const room = Math.floor(this.limits.doubles / 2 / this.graph.wide[0]);
    varying.sort((a, b) => half[b] - half[a]).splice(room);
    this.generators = varying.length;
    const block = this.block(0, varying.length);
    for (let i = 0; i < lower.length; i++) block.rows[i] = lower[i] + (upper[i] - lower[i]) * 0.5;
    const error = half.slice();
    varying.forEach((i, g) => {
      block.rows[(g + 1) * block.wide + i] = half[i];
      error[i] = 0;
    });
    return this.finish(0, block, varying.length, error);
  }

  private affine(id: number): ZonotopeValue {
    const { graph } = this;
    const map = graph.maps[id]!;
    const from = this.values[graph.nodes[id].inputs[0]];
    const product = gamma(map.forwardTerms + 4) + graph.relativeError(id);
    const lost = graph.absolute(
      id,
      from.error.map((e, i) => e + product * from.total[i]),
    );
    const block = this.block(id, from.generators);
    map.forward(block.address, from.address, from.generators + 1);
    const { rows } = block;
    const bias = graph.bias[id];
    const biasError = graph.biasError[id];
    const error = lost.map((e, i) => {
      const b = bias?.[i] ?? 0;
      rows[i] += b;
      return inflate(e + product * Math.abs(b) + (biasError?.[i] ?? 0) + 4 * ROUNDING.unit * Math.abs(rows[i]));
    });
    return this.finish(id, block, from.generators, error);
  }

  private add(id: number): ZonotopeValue {
    const node = this.graph.nodes[id];
    if (node.kind !== 'add') return unreachable(node as never);
    const parts = node.inputs.map(input => this.values[input]);
    const generators = Math.max(...parts.map(part => part.generators));
    const block = this.block(id, generators);
    const { wide } = block;
    const error = new Float64Array(node.size);
    parts.forEach((part, k) => {
      const c = node.coefficients[k];
      const rows = this.graph.view(part.address, (part.generators + 1) * wide);
      for (let i = 0; i < rows.length; i++) block.rows[i] += c * rows[i];
      for (let i = 0; i < node.size; i++)
        error[i] += Math.abs(c) * (part.error[i] + gamma(parts.length + 2) * part.total[i]);
    });
    return this.finish(id, block, generators, error.map(inflate));
  }

  private concat(id: number): ZonotopeValue {
    const node = this.graph.nodes[id];
    const parts = node.inputs.map(input => this.values[input]);
    const generators = Math.max(...parts.map(part => part.generators));
    const block = this.block(id, generators);
    const error = new Float64Array(node.size);
    let at = 0;
    parts.forEach((part, k) => {
      const { size } = this.graph.nodes[node.inputs[k]];
      const wide = this.graph.wide[node.inputs[k]];
      const rows = this.graph.view(part.address, (part.generators + 1) * wide);
      for (let g = 0; g <= part.generators; g++)
        block.rows.set(rows.subarray(g * wide, g * wide + size), g * block.wide + at);
      error.set(part.error, at);
      at += size;
    });
    return this.finish(id, block, generators, error);
  }

  /** z ∈ slope·y + middle ± half per neuron: scales what comes in and gives the `half`s generators of their own, largest first. */
  private scaled(
    id: number,
    from: ZonotopeValue,
    source: (i: number) => number,
    slope: Float64Array,
    middle: Float64Array,
    half: Float64Array,
  ): ZonotopeValue {
    const { size } = this.graph.nodes[id];
    const sourceWide = this.graph.wide[this.graph.nodes[id].inputs[0]];
    const wide = this.graph.wide[id];
    const fresh = [...half.keys()].filter(i => half[i] > 0);
    // Every later node will hold all generators: share what memory is left between the nodes to come.
    const later = this.graph.wide.slice(id).reduce((sum, width) => sum + width, 0);
    const room = Math.max(0, Math.floor((this.limits.doubles - this.used) / later) - this.generators);
    if (fresh.length > room) fresh.sort((a, b) => half[b] - half[a]).splice(room);
    const old = from.generators;
    const base = this.generators;
    this.generators += fresh.length;
    const generators = fresh.length > 0 ? this.generators : old;
    const block = this.block(id, generators);
    const rows = this.graph.view(from.address, (old + 1) * sourceWide);
    for (let g = 0; g <= old; g++)
      for (let i = 0; i < size; i++) {
        if (slope[i] !== 0) block.rows[g * wide + i] = slope[i] * rows[g * sourceWide + source(i)];
      }
    const folded = half.slice();
    fresh.forEach((i, g) => {
      block.rows[(base + g + 1) * wide + i] = half[i];
      folded[i] = 0;
    });
    const error = new Float64Array(size);
    for (let i = 0; i < size; i++) {
      block.rows[i] += middle[i];
      const k = source(i);
      const scale = Math.abs(slope[i]);
      error[i] =
        folded[i] +
        inflate(scale * from.error[k] + 4 * ROUNDING.unit * (scale * from.total[k] + Math.abs(middle[i]) + folded[i]));
    }
    return this.finish(id, block, generators, error);
  }

  private activation(node: ActivationNode): ZonotopeValue {
    const input = node.inputs[0];
    const lines = newRelaxation(node.size);
    // One slope for both lines: the chord for (leaky) ReLU, and for the others the smaller of the end slopes.
    relax(node, this.bounds.lower[input], this.bounds.upper[input], lines, parallelSlopes(node, this.bounds, input));
    const slope = new Float64Array(node.size);
    const middle = new Float64Array(node.size);
    const half = new Float64Array(node.size);
    for (let i = 0; i < node.size; i++) {
      slope[i] = lines.lowerSlope[i];
      // The upper line, moved onto the lower one's slope: its rise over the slope's difference is at most that at an end.
      const l = this.bounds.lower[input][i];
      const u = this.bounds.upper[input][i];
      const turn = lines.upperSlope[i] - slope[i];
      const rise = Math.max(turn * l, turn * u);
      const top =
        lines.upperIntercept[i] + rise + 8 * ROUNDING.unit * (Math.abs(rise) + Math.abs(lines.upperIntercept[i]));
      const bottom = lines.lowerIntercept[i];
      const width = top - bottom;
      middle[i] = bottom + width * 0.5;
      half[i] = width > 0 ? width * 0.5 * (1 + 8 * ROUNDING.unit) + 4 * ROUNDING.unit * Math.abs(middle[i]) : 0;
    }
    return this.scaled(node.id, this.values[input], i => i, slope, middle, half);
  }

  private maxPool(node: MaxPoolNode): ZonotopeValue {
    const input = node.inputs[0];
    const low = this.bounds.lower[input];
    const high = this.bounds.upper[input];
    const slope = new Float64Array(node.size);
    const middle = new Float64Array(node.size);
    const half = new Float64Array(node.size);
    const winner = new Int32Array(node.size);
    for (let i = 0; i < node.size; i++) {
      const { best, sole, top } = poolWinner(node, i, low, high);
      winner[i] = best;
      if (sole) {
        slope[i] = 1;
        continue;
      }
      middle[i] = low[best] + (top - low[best]) * 0.5;
      half[i] = Math.max(top - middle[i], middle[i] - low[best]) * (1 + 4 * ROUNDING.unit) + ROUNDING.underflow;
    }
    return this.scaled(node.id, this.values[input], i => winner[i], slope, middle, half);
  }
}

/** The slope of the line that both sides of the zonotope use, per neuron; NaN where `relax` knows best. */
function parallelSlopes(node: ActivationNode, bounds: NodeBounds, input: number): Float64Array {
  const chosen = new Float64Array(node.size).fill(NaN);
  for (let i = 0; i < node.size; i++) {
    const l = bounds.lower[input][i];
    const u = bounds.upper[input][i];
    if (node.kind === 'relu' || node.kind === 'leakyRelu') {
      if (l < 0 && u > 0) chosen[i] = (u - node.slope * l) / (u - l);
    } else {
      const z = node.kind === 'tanh' ? Math.tanh : (y: number) => 1 / (1 + Math.exp(-y));
      const at = (y: number) => (node.kind === 'tanh' ? 1 - z(y) ** 2 : z(y) * (1 - z(y)));
      chosen[i] = Math.min(at(l), at(u));
    }
  }
  return chosen;
}

/**
 * Of one pooling window: the entry with the largest lower bound, whether no other can exceed it, and the largest upper bound.
 */
export function poolWinner(
  node: MaxPoolNode,
  i: number,
  low: Float64Array,
  high: Float64Array,
): { best: number; sole: boolean; top: number } {
  let best = node.column[node.rowStart[i]];
  let top = -Infinity;
  for (let k = node.rowStart[i]; k < node.rowStart[i + 1]; k++) {
    const column = node.column[k];
    if (low[column] > low[best]) best = column;
    top = Math.max(top, high[column]);
  }
  let sole = true;
  for (let k = node.rowStart[i]; k < node.rowStart[i + 1]; k++)
    if (node.column[k] !== best && high[node.column[k]] > low[best]) sole = false;
  return { best, sole, top };
}
