import { unreachable } from '../../base/assert';
import { inflate, ROUNDING } from '../../base/rounding';
import { affineInterval, intervalBounds, type NodeBounds } from '../../bounds/graph/interval';
import type { ActivationNode } from '../../network/network';
import type { Graft } from '../../train/grafted-network';
import { weightDoubt, type NetworkPair } from './pair';

/** Sound bounds of f's values v, of the differences d, and of g's values v + d, by node id. */
export interface PairBounds {
  readonly base: NodeBounds;
  readonly difference: NodeBounds;
  readonly grafted: NodeBounds;
}

/** Between which slopes the activation lies anywhere. */
export function slopeRange({ kind, slope }: ActivationNode): readonly [number, number] {
  if (kind === 'sigmoid') return [0, 0.25];
  if (kind === 'tanh' || kind === 'relu') return [0, 1];
  return [Math.min(slope, 1), Math.max(slope, 1)];
}

/** The slopes between which it lies on [l, u] and everything between that and [l2, u2]. */
export function slopesOn(node: ActivationNode, low: number, high: number): readonly [number, number] {
  if (node.kind === 'relu' || node.kind === 'leakyRelu') {
    if (low >= 0) return [1, 1];
    if (high <= 0) return [node.slope, node.slope];
  }
  return slopeRange(node);
}

/** Interval arithmetic through both networks together. */
export function pairIntervals(pair: NetworkPair, lower: Float64Array, upper: Float64Array): PairBounds {
  const empty = (): NodeBounds => ({ lower: [], upper: [] });
  const bounds: PairBounds = { base: intervalBounds(pair.base, lower, upper), difference: empty(), grafted: empty() };
  for (const node of pair.base.nodes) {
    const [low, high] = differenceInterval(pair, node.id, bounds);
    bounds.difference.lower.push(low);
    bounds.difference.upper.push(high);
    bounds.grafted.lower.push(new Float64Array(node.size).fill(-Infinity));
    bounds.grafted.upper.push(new Float64Array(node.size).fill(Infinity));
    if (node.kind === 'relu' || node.kind === 'leakyRelu') throughLines(pair.grafts.get(node.id), node, bounds);
    agree(bounds, node.id);
  }
  return bounds;
}

/** g's own values behind an activation, from what it reads. */
function throughLines(graft: Graft | undefined, node: ActivationNode, { grafted }: PairBounds): void {
  const [low, high] = [grafted.lower[node.inputs[0]], grafted.upper[node.inputs[0]]];
  for (let i = 0; i < node.size; i++) {
    if (node.slope < 0) continue;
    const at = (y: number, side: 1 | -1): number => {
      const value = graft?.mask[i] ? graft.slope[i] * y + graft.intercept[i] : y >= 0 ? y : node.slope * y;
      const size = graft?.mask[i] ? Math.abs(graft.slope[i] * y) + Math.abs(graft.intercept[i]) : Math.abs(value);
      return value + side * inflate(4 * ROUNDING.unit * size);
    };
    const falls = graft?.mask[i] === 1 && graft.slope[i] < 0;
    grafted.lower[node.id][i] = at(falls ? high[i] : low[i], -1);
    grafted.upper[node.id][i] = at(falls ? low[i] : high[i], 1);
  }
}

/** Makes the three bounds of each value of a node fit each other: g is between f plus the difference, and so on. */
export function agree({ base, difference, grafted }: PairBounds, id: number): void {
  const [v, d, w] = [base, difference, grafted];
  for (let i = 0; i < v.lower[id].length; i++) {
    w.lower[id][i] = Math.max(w.lower[id][i], down(v.lower[id][i] + d.lower[id][i]));
    w.upper[id][i] = Math.min(w.upper[id][i], up(v.upper[id][i] + d.upper[id][i]));
    d.lower[id][i] = Math.max(d.lower[id][i], down(w.lower[id][i] - v.upper[id][i]));
    d.upper[id][i] = Math.min(d.upper[id][i], up(w.upper[id][i] - v.lower[id][i]));
    v.lower[id][i] = Math.max(v.lower[id][i], down(w.lower[id][i] - d.upper[id][i]));
    v.upper[id][i] = Math.min(v.upper[id][i], up(w.upper[id][i] - d.lower[id][i]));
  }
}

function down(value: number): number {
  return value - Math.abs(value) * 2 * ROUNDING.unit;
}

function up(value: number): number {
  return value + Math.abs(value) * 2 * ROUNDING.unit;
}

/** Largest size of each value of a node. */
export function sizes({ lower, upper }: NodeBounds, id: number): Float64Array {
  return lower[id].map((low, i) => Math.max(Math.abs(low), Math.abs(upper[id][i])));
}

type Range = readonly [Float64Array, Float64Array];

function differenceInterval(pair: NetworkPair, id: number, bounds: PairBounds): Range {
  const node = pair.base.nodes[id];
  const zeros = (): Float64Array => new Float64Array(node.size);
  const of = (k: number): Range => [bounds.difference.lower[node.inputs[k]], bounds.difference.upper[node.inputs[k]]];
  switch (node.kind) {
    case 'input':
    case 'constant':
      return [zeros(), zeros()];
    case 'dense':
    case 'conv':
    case 'scale':
    case 'sparse':
      return affineDifference(pair, id, bounds);
    case 'add': {
      const [low, high] = [zeros(), zeros()];
      node.coefficients.forEach((c, k) => {
        const [from, to] = c >= 0 ? of(k) : [of(k)[1], of(k)[0]];
        for (let i = 0; i < node.size; i++) {
          const lost = (value: number): number => inflate(4 * ROUNDING.unit * Math.abs(c * value));
          low[i] = down(low[i] + c * from[i] - lost(from[i])) - ROUNDING.underflow;
          high[i] = up(high[i] + c * to[i] + lost(to[i])) + ROUNDING.underflow;
        }
      });
      return [low, high];
    }
    case 'concat': {
      const [low, high] = [zeros(), zeros()];
      let at = 0;
      node.inputs.forEach((_, k) => {
        low.set(of(k)[0], at);
        high.set(of(k)[1], at);
        at += of(k)[0].length;
      });
      return [low, high];
    }
    case 'relu':
    case 'leakyRelu':
    case 'sigmoid':
    case 'tanh':
      return activationDifference(pair, node, bounds);
    case 'maxPool':
      return [zeros().fill(-Infinity), zeros().fill(Infinity)];
    default:
      return unreachable(node);
  }
}

function affineDifference(pair: NetworkPair, id: number, { base, difference }: PairBounds): Range {
  const [input] = pair.base.nodes[id].inputs;
  const own = affineInterval(pair.linear, id, difference.lower[input], difference.upper[input]);
  if (!pair.changed[id]) return own;
  const change = affineInterval(pair.change, id, base.lower[input], base.upper[input]);
  const doubt = weightDoubt(pair, id, sizes(base, input));
  return [
    own[0].map((low, i) => down(low + change[0][i]) - 2 * (doubt?.[i] ?? 0)),
    own[1].map((high, i) => up(high + change[1][i]) + 2 * (doubt?.[i] ?? 0)),
  ];
}

/** σ(y + d) − σ(y) is a slope of σ times d; with a linear neuron there is no more than what the values allow. */
function activationDifference(
  pair: NetworkPair,
  node: ActivationNode,
  { base, difference, grafted }: PairBounds,
): Range {
  const [input] = node.inputs;
  const graft = pair.grafts.get(node.id);
  const low = new Float64Array(node.size);
  const high = new Float64Array(node.size);
  for (let i = 0; i < node.size; i++) {
    const [y, z] = [base, grafted].map(each => [each.lower[input][i], each.upper[input][i]]);
    const [from, to] = [difference.lower[input][i], difference.upper[input][i]];
    if (graft?.mask[i]) {
      // slope·d + (slope·y + intercept − σ(y)), the bracket linear on either side of 0.
      const { slope, intercept } = { slope: graft.slope[i], intercept: graft.intercept[i] };
      const bracket = (y[0] < 0 && y[1] > 0 ? [y[0], 0, y[1]] : y).map(
        at => slope * at - (at >= 0 ? at : node.slope * at),
      );
      const ends = [slope * from, slope * to];
      const size =
        Math.abs(intercept) +
        (2 + Math.abs(slope)) * (Math.max(...y.map(Math.abs)) + Math.max(Math.abs(from), Math.abs(to)));
      const lost = inflate(16 * ROUNDING.unit * size);
      low[i] = Math.min(...bracket) + Math.min(...ends) + intercept - lost;
      high[i] = Math.max(...bracket) + Math.max(...ends) + intercept + lost;
      continue;
    }
    const [least, most] = slopesOn(node, Math.min(y[0], z[0]), Math.max(y[1], z[1]));
    low[i] = down(Math.min(least * from, most * from)) - ROUNDING.underflow;
    high[i] = up(Math.max(least * to, most * to)) + ROUNDING.underflow;
  }
  return [low, high];
}
