import { ok, problem, type Result } from '../base/result';
import { inflate } from '../base/rounding';
import { Crown, type RowChoice } from '../bounds/graph/crown';
import { intervalBounds } from '../bounds/graph/interval';
import type { PreparedGraph } from '../bounds/graph/prepared-graph';
import type { Network } from '../network/network';
import type { Constraint } from '../spec/question';
import type { OpenedNetwork } from './opened-network';
import type { Unsafe } from './question';
import { preparedGraph } from './star';

/**
 * The two published methods that stars are compared with, as certified lower bounds of the distance to every unsafe set. Both are asked about a network that was
 * opened at one layer, with one input an output of that layer and nothing absorbed (`absorb: false`).
 */
export interface BaselineMargins {
  /** Weng et al., AAAI 2020 (Certificated-Robust), as published: independent ranges of the outputs. */
  readonly wengRanges: Float64Array;
  /** The same bounds of the margins themselves. */
  readonly wengMargins: Float64Array;
  /** Tsai et al., NeurIPS 2021 (Formal-Robust), with row sums. */
  readonly tsai: Float64Array;
}

export function baselineMargins(opened: OpenedNetwork, unsafe: readonly Unsafe[]): Result<BaselineMargins> {
  const chain = chainOf(opened);
  if (!chain.ok) return chain;
  const graph = preparedGraph(opened.network);
  const constraints = [...new Set(unsafe.flat())];
  const { ranges, margins } = weng(graph, opened, constraints);
  const tsai = tsaiMargins(graph, chain.value, constraints);
  const perSet = (bounds: Float64Array) =>
    Float64Array.from(unsafe, set =>
      set.reduce((most, constraint) => Math.max(most, bounds[constraints.indexOf(constraint)]), -Infinity),
    );
  return ok({ wengRanges: perSet(ranges), wengMargins: perSet(margins), tsai: perSet(tsai) });
}

interface Chain {
  readonly network: Network;
  /** The layer's outputs without a perturbation, and how far one of them can move at most. */
  readonly nominal: Float64Array;
  readonly move: number;
}

function chainOf({ network, sources, couplings }: OpenedNetwork): Result<Chain> {
  const [source] = sources;
  const isChain = network.nodes.every(({ id, inputs, kind }) =>
    id === 0
      ? true
      : inputs.length === 1 &&
        inputs[0] === id - 1 &&
        ['dense', 'conv', 'scale', 'sparse', 'relu', 'leakyRelu', 'add'].includes(kind),
  );
  if (!isChain || couplings.length > 0 || sources.length !== 1 || source.kind !== 'outputs' || source.slope !== null)
    return problem(
      'weights/baseline',
      'The baselines of Weng and Tsai are defined for one perturbed dense layer of a chain of affine layers and ReLUs at one input; this is something else.',
    );
  const move = source.nominal.reduce((most, y, i) => Math.max(most, source.upper[i] - y, y - source.lower[i]), 0);
  return ok({ network, nominal: source.nominal, move: inflate(move) });
}

/** Rows of one backward pass. */
const CHUNK = 256;

/** Fast-Lin: both lines of a ReLU have the slope of its chord; bounds of all neurons, layer by layer, by these alone. */
function weng(
  graph: PreparedGraph,
  { box }: OpenedNetwork,
  constraints: readonly Constraint[],
): { ranges: Float64Array; margins: Float64Array } {
  const { lower, upper } = box;
  const bounds = intervalBounds(graph, lower, upper);
  const crown = new Crown(graph, lower, upper, bounds);
  for (const id of graph.bounded) {
    if (id === 0) continue;
    const { size } = graph.nodes[id];
    const [low, high] = [new Float64Array(size), new Float64Array(size)];
    for (let from = 0; from < size; from += CHUNK / 2) {
      const part = Array.from({ length: Math.min(CHUNK / 2, size - from) }, (_, k) => from + k);
      const rows = {
        kind: 'units',
        index: part.flatMap(i => [i, i]),
        sign: part.flatMap(() => [1, -1] as const),
      } as const;
      const found = crown.backward(id, rows, parallel(graph, bounds, 2 * part.length)).lower;
      part.forEach((i, k) => {
        low[i] = found[2 * k];
        high[i] = -found[2 * k + 1];
      });
    }
    bounds.lower[id] = low;
    bounds.upper[id] = high;
    crown.refresh(id);
  }
  const last = graph.nodes.length - 1;
  const outputs = graph.nodes[last].size;
  const forms = (rows: readonly { y: Constraint['outputs']; constant: number; error: number }[]): Float64Array => {
    const coefficients = new Float64Array(rows.length * outputs);
    rows.forEach(({ y }, r) => y.index.forEach((i, k) => (coefficients[r * outputs + i] += y.value[k])));
    return crown.backward(
      last,
      {
        kind: 'forms',
        coefficients,
        relativeError: Float64Array.from(rows, row => row.error),
        constants: Float64Array.from(rows, row => row.constant),
        inputCoefficients: null,
      },
      parallel(graph, bounds, rows.length),
    ).lower;
  };
  const margins = forms(
    constraints.map(each => ({ y: each.outputs, constant: -each.bound, error: each.coefficientError })),
  );
  const unit = (i: number, value: number) => ({
    y: { index: Int32Array.of(i), value: Float64Array.of(value) },
    constant: 0,
    error: 0,
  });
  const all = Array.from({ length: outputs }, (_, i) => i);
  const least = forms(all.map(i => unit(i, 1)));
  const most = forms(all.map(i => unit(i, -1))).map(v => -v);
  const ranges = Float64Array.from(constraints, ({ outputs: y, bound }) => {
    let sum = -bound;
    let size = Math.abs(bound);
    y.index.forEach((i, k) => {
      sum += y.value[k] * (y.value[k] > 0 ? least[i] : most[i]);
      size += Math.abs(y.value[k]) * Math.max(Math.abs(least[i]), Math.abs(most[i]));
    });
    return sum - size * 1e-12;
  });
  return { ranges, margins };
}

/** The chord's slope for the lower line of every unstable ReLU, in every row. */
function parallel(
  graph: PreparedGraph,
  bounds: { readonly lower: readonly Float64Array[]; readonly upper: readonly Float64Array[] },
  rows: number,
): Map<number, RowChoice> {
  const choices = new Map<number, RowChoice>();
  for (const node of graph.nodes) {
    if (node.kind !== 'relu' && node.kind !== 'leakyRelu') continue;
    const [l, u] = [bounds.lower[node.inputs[0]], bounds.upper[node.inputs[0]]];
    const slope = new Float64Array(rows * node.size);
    for (let i = 0; i < node.size; i++) {
      const part = l[i] < 0 && u[i] > 0 ? u[i] / (u[i] - l[i]) : NaN;
      for (let r = 0; r < rows; r++) slope[r * node.size + i] = part;
    }
    choices.set(node.id, { slope });
  }
  return choices;
}

/**
 * The nominal margin less (largest move of the layer's outputs) × Π (largest row sum of |W|) × (|c W| summed, for the last layer): activations move at most
 * as far as what they read does.
 */
function tsaiMargins(
  graph: PreparedGraph,
  { network, nominal, move }: Chain,
  constraints: readonly Constraint[],
): Float64Array {
  const values = intervalBounds(graph, nominal, nominal);
  const { nodes } = network;
  const lastAffine = [...nodes].reverse().find(node => node.kind !== 'add' && graph.maps[node.id]) ?? null;
  let distance = move;
  for (const node of nodes) {
    if (node === lastAffine || node.kind === 'input' || !graph.maps[node.id]) continue;
    const ones = new Float64Array(nodes[node.inputs[0]].size).fill(1);
    distance *= inflate(graph.absolute(node.id, ones).reduce((a, b) => Math.max(a, b), 0));
  }
  const last = nodes.length - 1;
  return Float64Array.from(constraints, ({ outputs: y, bound }) => {
    let margin = -bound;
    const row = new Float64Array(nodes[last].size);
    y.index.forEach((i, k) => {
      row[i] += y.value[k];
      margin += y.value[k] * (y.value[k] > 0 ? values.lower[last][i] : values.upper[last][i]);
    });
    const through = lastAffine && lastAffine.id === last ? graph.transposed(last, row) : row;
    const sum = through.reduce((total, v) => total + Math.abs(v), 0);
    return margin - inflate(distance * sum) * (1 + 1e-12) - Math.abs(margin) * 1e-12;
  });
}
