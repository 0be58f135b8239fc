import { gamma, inflate, ROUNDING } from '../../base/rounding';
import type { DenseNode, Network } from '../../network/network';
import type { Box, Constraint } from '../../spec/question';

/**
 * One hidden layer of ReLUs over a box and one form of its outputs: margin(x) = Σ c_i max(0, w_i·x + b_i) + d for x between lower and upper. `error` bounds how far that is
 * from the margin of the network in exact arithmetic, for all x of the box.
 */
export interface HiddenLayer {
  readonly inputs: number;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /** Row-major, one row a neuron. */
  readonly weights: Float64Array;
  readonly biases: Float64Array;
  /** How far w_i·x + b_i may be from what the network computes in exact arithmetic. */
  readonly argumentErrors: Float64Array;
  /** Sound bounds of w_i·x + b_i as the network has it. */
  readonly lowest: Float64Array;
  readonly highest: Float64Array;
  readonly coefficients: Float64Array;
  readonly constant: number;
  readonly error: number;
}

/** Whether a network is one hidden layer of ReLUs between two dense layers. */
export function isHiddenLayer({ nodes }: Network): boolean {
  const [, first, activation, last] = nodes;
  return (
    nodes.length === 4 &&
    first.kind === 'dense' &&
    activation.kind === 'relu' &&
    last.kind === 'dense' &&
    first.inputs[0] === 0 &&
    activation.inputs[0] === 1 &&
    last.inputs[0] === 2
  );
}

/** The layer for one constraint on the outputs; the network must be one that `isHiddenLayer` accepts. */
export function hiddenLayer({ nodes }: Network, { lower, upper }: Box, constraint: Constraint): HiddenLayer {
  const [, first, , last] = nodes as unknown as [unknown, DenseNode, unknown, DenseNode];
  const inputs = lower.length;
  const { size } = first;
  const biases = first.bias ?? new Float64Array(size);
  const argumentErrors = new Float64Array(size);
  const [lowest, highest] = [new Float64Array(size), new Float64Array(size)];
  for (let i = 0; i < size; i++) {
    let [low, high, total] = [biases[i], biases[i], 0];
    for (let j = 0; j < inputs; j++) {
      const w = first.weight[i * inputs + j];
      const [a, b] = [w * lower[j], w * upper[j]];
      low += Math.min(a, b);
      high += Math.max(a, b);
      total += Math.max(Math.abs(a), Math.abs(b));
    }
    argumentErrors[i] = inflate((first.biasError?.[i] ?? 0) + first.relativeError * total);
    const lost = inflate(gamma(inputs + 2) * (total + Math.abs(biases[i]))) + argumentErrors[i];
    lowest[i] = low - lost;
    highest[i] = high + lost;
  }
  const coefficients = new Float64Array(size);
  const sizes = new Float64Array(size);
  let constant = -constraint.bound;
  let constantSize = Math.abs(constraint.bound);
  let error = 0;
  constraint.outputs.index.forEach((o, k) => {
    const q = constraint.outputs.value[k];
    for (let i = 0; i < size; i++) {
      coefficients[i] += q * last.weight[o * size + i];
      sizes[i] += Math.abs(q * last.weight[o * size + i]);
    }
    const bias = last.bias?.[o] ?? 0;
    constant += q * bias;
    constantSize += Math.abs(q * bias);
    error += Math.abs(q) * (last.biasError?.[o] ?? 0) * (1 + constraint.coefficientError);
  });
  const relative = gamma(constraint.outputs.index.length + 3) + 2 * (last.relativeError + constraint.coefficientError);
  error += relative * constantSize;
  for (let i = 0; i < size; i++) if (highest[i] > 0) error += relative * sizes[i] * highest[i];
  return {
    inputs,
    lower,
    upper,
    weights: first.weight,
    biases,
    argumentErrors,
    lowest,
    highest,
    coefficients,
    constant,
    error: inflate(error),
  };
}

/** What is known of neuron i in a proof: which part of its argument is counted (`slope`, times the argument), or the plane that bounds it from above. */
export type NeuronTerm =
  | { readonly kind: 'none' }
  /** slope·y is at most c·max(0, y) wherever the neuron's phase holds. */
  | { readonly kind: 'argument'; readonly slope: number }
  /** max(0, y) ≤ α·x + β for some β; α one number an input. */
  | { readonly kind: 'plane'; readonly plane: ArrayLike<number> };

/** The side of 0 that a neuron's argument is on; 0 where both are possible. */
export type Phase = -1 | 0 | 1;

/**
 * Certified lower bound of the margin where neurons have these phases, whatever the terms are: one that its neuron does not allow is replaced.
 */
export function certifiedMargin(
  layer: HiddenLayer,
  phases: (i: number) => Phase,
  terms: (i: number) => NeuronTerm,
): number {
  const { inputs, lower, upper, weights, biases, argumentErrors, lowest, highest, coefficients } = layer;
  const slopes = new Float64Array(inputs);
  const slopeSizes = new Float64Array(inputs);
  let sum = layer.constant;
  let size = Math.abs(layer.constant);
  let lost = layer.error;
  const count = biases.length;
  for (let i = 0; i < count; i++) {
    const c = coefficients[i];
    if (highest[i] <= 0 || c === 0) continue;
    const at = i * inputs;
    const term = terms(i);
    if (term.kind === 'plane' && c < 0 && phases(i) === 0 && lowest[i] < 0) {
      const beta = offsetOf(layer, i, term.plane);
      for (let j = 0; j < inputs; j++) {
        const part = c * term.plane[j];
        slopes[j] += part;
        slopeSizes[j] += Math.abs(part);
      }
      sum += c * beta;
      size += Math.abs(c * beta);
      continue;
    }
    const slope = allowed(c, lowest[i] >= 0 ? 2 : phases(i), term.kind === 'argument' ? term.slope : 0);
    if (slope === null) return -Infinity;
    if (slope === 0) continue;
    for (let j = 0; j < inputs; j++) {
      const part = slope * weights[at + j];
      slopes[j] += part;
      slopeSizes[j] += Math.abs(part);
    }
    sum += slope * biases[i];
    size += Math.abs(slope * biases[i]);
    lost += Math.abs(slope) * argumentErrors[i];
  }
  const relative = gamma(count + 4);
  for (let j = 0; j < inputs; j++) {
    const least = Math.min(slopes[j] * lower[j], slopes[j] * upper[j]);
    const most = Math.max(Math.abs(lower[j]), Math.abs(upper[j]));
    sum += least;
    size += Math.abs(least);
    lost += relative * slopeSizes[j] * most;
  }
  return sum - inflate(lost + gamma(count + inputs + 4) * size);
}

/**
 * The slope nearest to `wanted` with slope·y ≤ c·max(0, y): for all y, for y ≥ 0 (phase 1), for y ≤ 0 (phase −1), or for a neuron that is its argument (2). Null where
 * there is none: an upper bound of a neuron of either phase needs a plane.
 */
function allowed(c: number, phase: Phase | 2, wanted: number): number | null {
  if (phase === 2) return c;
  if (phase === 1) return Math.min(c, wanted);
  if (phase === -1) return Math.max(0, wanted);
  return c > 0 ? Math.min(c, Math.max(0, wanted)) : null;
}

/** At least the largest of max(0, y) − α·x over the box: that is the larger of two linear functions, which are largest at corners. */
function offsetOf(
  { inputs, lower, upper, weights, biases, argumentErrors }: HiddenLayer,
  i: number,
  plane: ArrayLike<number>,
): number {
  let [atZero, atArgument, size] = [0, biases[i], Math.abs(biases[i])];
  for (let j = 0; j < inputs; j++) {
    const w = weights[i * inputs + j];
    const a = plane[j];
    const rest = w - a;
    atZero += Math.max(-a * lower[j], -a * upper[j]);
    atArgument += Math.max(rest * lower[j], rest * upper[j]);
    size += (Math.abs(a) + Math.abs(w)) * Math.max(Math.abs(lower[j]), Math.abs(upper[j]));
  }
  const error = argumentErrors[i];
  return Math.max(atZero, atArgument + error) + inflate(gamma(inputs + 6) * (size + error)) + ROUNDING.underflow;
}
