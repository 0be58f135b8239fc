// A chain of dense layers with (leaky) ReLU between them, and everything that is kept per box: the state of the ladder.

import { allocate, doubles, integers, matrix, stride } from './memory';
import { gamma, inflate, UNDERFLOW, UNIT } from './rounding';

/**
 * One affine layer with the activation behind it. "Live" neurons are those whose activation can be non-zero on the current box;
 * everything named *Live, and `packed`, is stored for live neurons only, so that the work shrinks with the box.
 */
@unmanaged
export class Layer {
  size: i32 = 0;
  inputs: i32 = 0;
  /** Slope of the activation on the negative side: 0 for ReLU; in [0, 1]. */
  slope: f64 = 0;
  /** |exact weight − stored weight| ≤ relativeError · |stored weight|. */
  relativeError: f64 = 0;
  /** [size × stride(inputs)] */
  weight: usize = 0;
  bias: usize = 0;
  biasError: usize = 0;

  /** Sound bounds of the pre-activations on the current box, [size] each. */
  lower: usize = 0;
  upper: usize = 0;
  /** Per neuron 1 where y ≥ 0 is assumed of the whole region, −1 where y ≤ 0 is; else 0. The bounds must know it too. */
  phase: usize = 0;

  liveCount: i32 = 0;
  /** Indices of the live neurons, ascending. */
  live: usize = 0;
  /** The weights between live neurons: [liveCount × stride(live neurons of the layer before)]. */
  packed: usize = 0;
  biasLive: usize = 0;
  /** The relaxation lowerSlope·y ≤ z ≤ upperSlope·y + intercept per live neuron. */
  lowerSlope: usize = 0;
  upperSlope: usize = 0;
  intercept: usize = 0;
  /** Bound on |z| per live neuron. */
  magnitude: usize = 0;
  /** What |coefficient of y| is multiplied with in the error term of one backward step through this layer. */
  errorWeight: usize = 0;

  /** At the point last evaluated: what the layer gave, and the activation's derivative. */
  activation: usize = 0;
  derivative: usize = 0;
}

/** Layers 1..count; layer 0 stands for the input (only `size`, `liveCount`, `live` and `magnitude` are used). */
let table: usize = 0;
export let layerCount: i32 = 0;
export let maxSize: i32 = 0;
/** Σ of layer sizes: how many terms any one constant can be the sum of. */
export let totalSize: i32 = 0;
/** All layers' lower bounds, then all upper bounds, in one block, so that a box's bounds are copied at once. */
export let boundsBlock: usize = 0;
export let boundsCount: i32 = 0;
export let inputLower: usize = 0;
export let inputUpper: usize = 0;

@inline
export function layer(k: i32): Layer {
  return changetype<Layer>(table + <usize>k * (<usize>offsetof<Layer>()));
}

export function newChain(layers: i32, inputs: i32): void {
  layerCount = layers;
  table = allocate(<usize>(layers + 1) * <usize>offsetof<Layer>());
  const first = layer(0);
  first.size = inputs;
  first.liveCount = inputs;
  first.live = integers(inputs);
  for (let i = 0; i < inputs; i++) store<i32>(first.live + (<usize>i << 2), i);
  first.magnitude = doubles(inputs);
  inputLower = doubles(inputs);
  inputUpper = doubles(inputs);
  maxSize = inputs;
  totalSize = inputs;
  boundsCount = 0;
}

/** Declares layer k = 1..count in order; the caller then fills the arrays whose addresses the getters below return. */
export function newLayer(k: i32, size: i32, slope: f64, relativeError: f64): void {
  const it = layer(k);
  const inputs = layer(k - 1).size;
  it.size = size;
  it.inputs = inputs;
  it.slope = slope;
  it.relativeError = relativeError;
  it.weight = matrix(size, inputs);
  it.bias = doubles(size);
  it.biasError = doubles(size);
  it.phase = doubles(size);
  it.live = integers(size);
  it.packed = matrix(size, inputs);
  it.biasLive = doubles(size);
  it.lowerSlope = doubles(size);
  it.upperSlope = doubles(size);
  it.intercept = doubles(size);
  it.magnitude = doubles(size);
  it.errorWeight = doubles(size);
  it.activation = doubles(size);
  it.derivative = doubles(size);
  maxSize = max(maxSize, size);
  totalSize += size;
}

/** γ for the constants of a bound: each is a sum of at most two terms a neuron (its bias and its intercept), and a few more. */
export function constantsGamma(): f64 {
  return gamma(8 * totalSize + 256);
}

/** After the last layer: lays out the bounds of all hidden layers in one block. */
export function finishChain(): void {
  boundsCount = 0;
  for (let k = 1; k <= layerCount; k++) boundsCount += stride(layer(k).size);
  boundsBlock = allocate(<usize>boundsCount << 4);
  let at = boundsBlock;
  for (let k = 1; k <= layerCount; k++) {
    layer(k).lower = at;
    layer(k).upper = at + (<usize>boundsCount << 3);
    at += <usize>stride(layer(k).size) << 3;
  }
}

export function layerWeight(k: i32): usize {
  return layer(k).weight;
}
export function layerBias(k: i32): usize {
  return layer(k).bias;
}
export function layerBiasError(k: i32): usize {
  return layer(k).biasError;
}
export function layerLower(k: i32): usize {
  return layer(k).lower;
}
export function layerUpper(k: i32): usize {
  return layer(k).upper;
}
export function layerPhase(k: i32): usize {
  return layer(k).phase;
}

/** How many neurons of layer k are live, and their indices. */
export function liveCount(k: i32): i32 {
  return layer(k).liveCount;
}
export function liveNeurons(k: i32): usize {
  return layer(k).live;
}

/** |x| bound per input of the current box. */
export function prepareInput(): void {
  const it = layer(0);
  for (let i = 0; i < it.size; i++) {
    const at = <usize>i << 3;
    store<f64>(it.magnitude + at, max(abs(load<f64>(inputLower + at)), abs(load<f64>(inputUpper + at))));
  }
}

/** Zeroes the padding behind `count` doubles. */
@inline
function clearTail(array: usize, count: i32): void {
  for (let i = count; i < stride(count); i++) store<f64>(array + (<usize>i << 3), 0);
}

/**
 * From the bounds of layer k: its live neurons, their relaxation, the packed weights and the error weights. The layer before must be
 * prepared. The last layer has no activation: all its neurons are live.
 */
export function prepare(k: i32): void {
  const it = layer(k);
  const before = layer(k - 1);
  const last = k == layerCount;
  const from = before.liveCount;
  const rowIn = <usize>stride(it.inputs) << 3;
  const rowOut = <usize>stride(from) << 3;
  // γ for one entry of a row times the packed weights (a sum over this layer's live neurons), and for the constants of a bound.
  const product = gamma(it.size + 4) + it.relativeError * 1.000001;
  const constants = constantsGamma();
  const slope = it.slope;
  let count = 0;
  for (let i = 0; i < it.size; i++) {
    const at = <usize>i << 3;
    const l = load<f64>(it.lower + at);
    const u = load<f64>(it.upper + at);
    // A multiplier of the assumption needs the neuron even where it is dead.
    if (!last && u <= 0 && slope == 0 && load<f64>(it.phase + at) == 0) continue;
    const out = <usize>count << 3;
    let down: f64 = 1, up: f64 = 1, intercept: f64 = 0, magnitude: f64;
    const width = max(abs(l), abs(u));
    if (last || l >= 0) {
      magnitude = width;
    } else if (u <= 0) {
      down = slope;
      up = slope;
      magnitude = width * slope;
    } else {
      down = u > -l ? 1.0 : slope;
      // Any slope in [slope, 1] is sound with this intercept; the chord's is the tightest.
      up = min<f64>(1, max<f64>(slope, (u - slope * l) / (u - l)));
      intercept = max<f64>((slope - up) * l, (1 - up) * u) * (1 + 8 * UNIT) + UNDERFLOW;
      magnitude = max<f64>(u, -slope * l);
    }
    store<i32>(it.live + (<usize>count << 2), i);
    store<f64>(it.lowerSlope + out, down);
    store<f64>(it.upperSlope + out, up);
    store<f64>(it.intercept + out, intercept);
    store<f64>(it.magnitude + out, magnitude);
    const b = load<f64>(it.bias + at);
    store<f64>(it.biasLive + out, b);
    // Pack the row, and sum |w|·|z| for its error.
    const source = it.weight + <usize>i * rowIn;
    const target = it.packed + <usize>count * rowOut;
    let sum: f64 = 0;
    for (let j = 0; j < from; j++) {
      const w = load<f64>(source + (<usize>load<i32>(before.live + (<usize>j << 2)) << 3));
      store<f64>(target + (<usize>j << 3), w);
      sum += abs(w) * load<f64>(before.magnitude + (<usize>j << 3));
    }
    clearTail(target, from);
    store<f64>(
      it.errorWeight + out,
      inflate(product * sum + constants * abs(b) + load<f64>(it.biasError + at) + 2 * UNIT * width),
    );
    count++;
  }
  it.liveCount = count;
  clearTail(it.biasLive, count);
  clearTail(it.lowerSlope, count);
  clearTail(it.upperSlope, count);
  clearTail(it.intercept, count);
  clearTail(it.errorWeight, count);
  clearTail(it.magnitude, count);
}
