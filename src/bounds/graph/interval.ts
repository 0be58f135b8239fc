import { unreachable } from '../../base/assert';
import { gamma, inflate, ROUNDING } from '../../base/rounding';
import { type PreparedGraph } from './prepared-graph';
import { activationRange } from './relaxation';

/** Sound bounds of every node's values, by node id. */
export interface NodeBounds {
  readonly lower: Float64Array[];
  readonly upper: Float64Array[];
}

/** Widens [l, u] by what the last rounding of each end can have lost. */
function outward(l: Float64Array, u: Float64Array): { lower: Float64Array; upper: Float64Array } {
  for (let i = 0; i < l.length; i++) {
    l[i] -= Math.abs(l[i]) * 2 * ROUNDING.unit + ROUNDING.underflow;
    u[i] += Math.abs(u[i]) * 2 * ROUNDING.unit + ROUNDING.underflow;
  }
  return { lower: l, upper: u };
}

/**
 * Interval arithmetic through the whole graph, in centre-radius form at affine nodes. `lower`, `upper`: the box, one value an input. Nodes of `known` bounds get
 * the tighter of these and their own.
 */
export function intervalBounds(
  graph: PreparedGraph,
  lower: Float64Array,
  upper: Float64Array,
  known?: ReadonlyMap<number, { readonly lower: Float64Array; readonly upper: Float64Array }>,
): NodeBounds {
  const bounds: NodeBounds = { lower: [], upper: [] };
  for (const node of graph.nodes) {
    const [l, u] = nodeInterval(graph, node.id, bounds, lower, upper);
    const own = known?.get(node.id);
    if (own)
      for (let i = 0; i < node.size; i++) {
        l[i] = Math.max(l[i], own.lower[i]);
        u[i] = Math.min(u[i], own.upper[i]);
      }
    bounds.lower.push(l);
    bounds.upper.push(u);
  }
  return bounds;
}

/** Tightens the bounds of nodes first..last, in order, by intervals over the bounds of what they read. */
export function tightenIntervals(graph: PreparedGraph, bounds: NodeBounds, first: number, last: number): void {
  const [inputLower, inputUpper] = [bounds.lower[0], bounds.upper[0]];
  for (let id = first; id <= last; id++) {
    const [l, u] = nodeInterval(graph, id, bounds, inputLower, inputUpper);
    const [low, high] = [bounds.lower[id], bounds.upper[id]];
    for (let i = 0; i < l.length; i++) {
      low[i] = Math.max(low[i], l[i]);
      high[i] = Math.min(high[i], u[i]);
    }
  }
}

function nodeInterval(
  graph: PreparedGraph,
  id: number,
  bounds: NodeBounds,
  lower: Float64Array,
  upper: Float64Array,
): [Float64Array, Float64Array] {
  const node = graph.nodes[id];
  const low = (k: number) => bounds.lower[node.inputs[k]];
  const high = (k: number) => bounds.upper[node.inputs[k]];
  switch (node.kind) {
    case 'input':
      return [lower.slice(), upper.slice()];
    case 'constant': {
      const error = node.biasError;
      const wide = outward(
        node.bias.map((b, i) => b - (error?.[i] ?? 0)),
        node.bias.map((b, i) => b + (error?.[i] ?? 0)),
      );
      return [wide.lower, wide.upper];
    }
    case 'dense':
    case 'conv':
    case 'scale':
    case 'sparse':
      return affineInterval(graph, id, low(0), high(0));
    case 'add': {
      const l = new Float64Array(node.size);
      const u = new Float64Array(node.size);
      const size = new Float64Array(node.size);
      node.coefficients.forEach((c, k) => {
        const [from, to] = c >= 0 ? [low(k), high(k)] : [high(k), low(k)];
        for (let i = 0; i < node.size; i++) {
          l[i] += c * from[i];
          u[i] += c * to[i];
          size[i] += Math.abs(c) * Math.max(Math.abs(from[i]), Math.abs(to[i]));
        }
      });
      const lost = gamma(node.inputs.length + 1);
      for (let i = 0; i < node.size; i++) {
        l[i] -= inflate(lost * size[i]);
        u[i] += inflate(lost * size[i]);
      }
      const wide = outward(l, u);
      return [wide.lower, wide.upper];
    }
    case 'concat': {
      const join = (parts: Float64Array[]) => {
        const all = new Float64Array(node.size);
        let at = 0;
        for (const part of parts) {
          all.set(part, at);
          at += part.length;
        }
        return all;
      };
      return [join(node.inputs.map((_, k) => low(k))), join(node.inputs.map((_, k) => high(k)))];
    }
    case 'relu':
    case 'leakyRelu':
    case 'sigmoid':
    case 'tanh': {
      // Monotone, except for a leaky slope below 0, whose smallest value may be at 0.
      const l = new Float64Array(node.size);
      const u = new Float64Array(node.size);
      for (let i = 0; i < node.size; i++) {
        const a = activationRange(node, low(0)[i]);
        const b = activationRange(node, high(0)[i]);
        l[i] = Math.min(a.low, b.low);
        u[i] = Math.max(a.high, b.high);
        if (node.slope < 0 && low(0)[i] < 0 && high(0)[i] > 0) l[i] = Math.min(l[i], 0);
      }
      return [l, u];
    }
    case 'maxPool': {
      const l = new Float64Array(node.size).fill(-Infinity);
      const u = new Float64Array(node.size).fill(-Infinity);
      for (let i = 0; i < node.size; i++)
        for (let k = node.rowStart[i]; k < node.rowStart[i + 1]; k++) {
          l[i] = Math.max(l[i], low(0)[node.column[k]]);
          u[i] = Math.max(u[i], high(0)[node.column[k]]);
        }
      return [l, u];
    }
    default:
      return unreachable(node);
  }
}

/** W·v + b of an affine node for v in [low, high]. */
export function affineInterval(
  graph: PreparedGraph,
  id: number,
  low: Float64Array,
  high: Float64Array,
): [Float64Array, Float64Array] {
  const map = graph.maps[id]!;
  const centre = low.map((l, i) => l + (high[i] - l) * 0.5);
  const product = gamma(map.forwardTerms + 4) + graph.relativeError(id);
  // Radius, and on top what the product of the centre loses: both go through |W|.
  const reach = centre.map((c, i) => {
    const radius = Math.max(high[i] - c, c - low[i]) * (1 + 4 * ROUNDING.unit) + ROUNDING.underflow;
    return radius + product * (Math.abs(c) + radius);
  });
  const y = graph.apply(id, centre);
  const radius = graph.absolute(id, reach);
  const bias = graph.bias[id];
  const biasError = graph.biasError[id];
  // The sum of non-negative products may itself have lost a little.
  const sums = 1 + gamma(map.forwardTerms + 4);
  const lower = new Float64Array(y.length);
  const upper = new Float64Array(y.length);
  for (let i = 0; i < y.length; i++) {
    const all =
      radius[i] * sums +
      inflate(product * Math.abs(bias?.[i] ?? 0) + (biasError?.[i] ?? 0) + 4 * ROUNDING.unit * Math.abs(y[i]));
    lower[i] = y[i] - all;
    upper[i] = y[i] + all;
  }
  const wide = outward(lower, upper);
  return [wide.lower, wide.upper];
}
