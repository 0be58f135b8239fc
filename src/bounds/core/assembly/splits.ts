// Sub-problems of one box: some neurons fixed to one side of 0 (β-CROWN), slopes optimised per row (α). All share the box, its neuron bounds and packed
// weights, so many rows go through each product at once. Whatever α in [slope, 1] and β ≥ 0 are, the bounds are certified.

import { constantsGamma, inputLower, inputUpper, layer, layerCount, maxSize } from './chain';
import { bindStart, concretise, constants, errors, reserveResults, rowPlane, setRowPlane } from './crown';
import { gemm } from './gemm';
import { coefficientErrors, formBounds, forms, inputForms } from './ladder';
import { allocate, doubles, stride } from './memory';
import { UNIT } from './rounding';

/** Per row and hidden live neuron, [rows × width]; the neurons of layer k begin at `offset(k)`. */
export let width: i32 = 0;
/** Slope of the lower line (α where it is free). */
export let low: usize = 0;
export let up: usize = 0;
export let intercept: usize = 0;
/** +1: y ≥ 0 is assumed, −1: y ≤ 0, 0: not split. */
export let side: usize = 0;
export let beta: usize = 0;
/** 1 where α may be moved: unstable and not split. */
export let free: usize = 0;
/** After `splitBackward`: the coefficients over z; after `splitForward`: the values of y at the relaxed minimiser. */
export let coefficient: usize = 0;
export let value: usize = 0;
let alphaFirst: usize = 0;
let alphaSecond: usize = 0;
let betaFirst: usize = 0;
let betaSecond: usize = 0;

let offsets: usize = 0;
let transposed: usize = 0;
let starts: usize = 0;
let startConstants: usize = 0;
let startErrors: usize = 0;
let bufferA: usize = 0;
let bufferB: usize = 0;

/** Where layer k's neurons begin in a row, 1 ≤ k < layers. */
export function splitOffset(k: i32): i32 {
  return load<i32>(offsets + (<usize>k << 2));
}

/** Address of layer k's weights between live neurons, transposed: [live before × stride(live)]. */
function transposedOf(k: i32): usize {
  return load<usize>(transposed + <usize>k * sizeof<usize>());
}

/**
 * After the box has been bounded and prepared (`ladderCrown`): room for `rows` sub-problem rows at a time, and what all of them share; the question has `count`
 * linear forms.
 */
export function newSplits(rows: i32, count: i32): void {
  reserveResults(rows);
  offsets = allocate(<usize>(layerCount + 1) << 2);
  transposed = allocate(<usize>(layerCount + 1) * sizeof<usize>());
  width = 0;
  for (let k = 1; k < layerCount; k++) {
    store<i32>(offsets + (<usize>k << 2), width);
    width += stride(layer(k).liveCount);
  }
  for (let k = 1; k < layerCount; k++) {
    const it = layer(k);
    const before = layer(k - 1).liveCount;
    const wide = stride(it.liveCount);
    const address = doubles(max(1, before) * wide);
    store<usize>(transposed + <usize>k * sizeof<usize>(), address);
    for (let i = 0; i < it.liveCount; i++)
      for (let j = 0; j < before; j++)
        store<f64>(
          address + (<usize>(j * wide + i) << 3),
          load<f64>(it.packed + (<usize>(i * stride(before) + j) << 3)),
        );
  }
  const all = rows * width;
  low = doubles(all);
  up = doubles(all);
  intercept = doubles(all);
  side = doubles(all);
  beta = doubles(all);
  free = doubles(all);
  coefficient = doubles(all);
  value = doubles(all);
  alphaFirst = doubles(all);
  alphaSecond = doubles(all);
  betaFirst = doubles(all);
  betaSecond = doubles(all);
  bufferA = doubles(rows * stride(maxSize));
  bufferB = doubles(rows * stride(maxSize));
  // What the last layer makes of each form does not depend on splits.
  const wide = stride(layer(layerCount - 1).liveCount);
  starts = doubles(count * wide);
  startConstants = doubles(count);
  startErrors = doubles(count);
  bindStart(starts, startConstants, startErrors, count, forms, inputForms, formBounds, coefficientErrors);
}

/** Row r starts anew: no splits, default slopes of the box, no momentum. */
export function splitReset(r: i32): void {
  for (let k = 1; k < layerCount; k++) {
    const it = layer(k);
    const at = <usize>(r * width + splitOffset(k)) << 3;
    const bytes = <usize>stride(it.liveCount) << 3;
    memory.copy(low + at, it.lowerSlope, bytes);
    memory.copy(up + at, it.upperSlope, bytes);
    memory.copy(intercept + at, it.intercept, bytes);
    for (let i = 0; i < it.liveCount; i++)
      store<f64>(free + at + (<usize>i << 3), load<f64>(it.intercept + (<usize>i << 3)) > 0 ? 1.0 : 0.0);
  }
  const row = <usize>(r * width) << 3;
  const bytes = <usize>width << 3;
  memory.fill(side + row, 0, bytes);
  memory.fill(beta + row, 0, bytes);
  memory.fill(alphaFirst + row, 0, bytes);
  memory.fill(alphaSecond + row, 0, bytes);
  memory.fill(betaFirst + row, 0, bytes);
  memory.fill(betaSecond + row, 0, bytes);
}

/**
 * Makes row r's multipliers sound whatever was written there: α into [slope, 1] where it is free and the box's own elsewhere, β to 0 or more. Before
 * `splitFix`.
 */
export function splitClamp(r: i32): void {
  for (let k = 1; k < layerCount; k++) {
    const it = layer(k);
    for (let i = 0; i < it.liveCount; i++) {
      const at = <usize>(r * width + splitOffset(k) + i) << 3;
      const alpha = load<f64>(low + at);
      const own = load<f64>(it.lowerSlope + (<usize>i << 3));
      // NaN compares false: the box's own slope then.
      store<f64>(low + at, load<f64>(free + at) != 0 && alpha >= it.slope && alpha <= 1 ? alpha : own);
      const b = load<f64>(beta + at);
      store<f64>(beta + at, b >= 0 ? b : 0);
    }
  }
}

/** Fixes neuron i (a live one) of layer k in row r to one side: σ is linear there. */
export function splitFix(r: i32, k: i32, i: i32, sign: f64): void {
  const at = <usize>(r * width + splitOffset(k) + i) << 3;
  const slope = sign > 0 ? 1.0 : layer(k).slope;
  store<f64>(low + at, slope);
  store<f64>(up + at, slope);
  store<f64>(intercept + at, 0);
  store<f64>(side + at, sign);
  store<f64>(free + at, 0);
}

/** One row back through the activation of layer k with its own lines and multipliers. */
function activationRow(k: i32, row: usize, r: i32): void {
  const it = layer(k);
  const end = <usize>stride(it.liveCount) << 3;
  const own = <usize>(r * width + splitOffset(k)) << 3;
  const zero = f64x2.splat(0);
  let fromBias = zero;
  let fromIntercept = zero;
  let error = zero;
  for (let at: usize = 0; at < end; at += 16) {
    const a = v128.load(row + at);
    v128.store(coefficient + own + at, a);
    const negative = f64x2.lt(a, zero);
    const slope = v128.bitselect(v128.load(up + own + at), v128.load(low + own + at), negative);
    fromIntercept = f64x2.add(fromIntercept, f64x2.mul(f64x2.min(a, zero), v128.load(intercept + own + at)));
    // y ≥ 0 allows −β·y, y ≤ 0 allows +β·y.
    const multiplier = f64x2.mul(v128.load(side + own + at), v128.load(beta + own + at));
    const scaled = f64x2.sub(f64x2.mul(a, slope), multiplier);
    v128.store(row + at, scaled);
    fromBias = f64x2.add(fromBias, f64x2.mul(scaled, v128.load(it.biasLive + at)));
    // The multiplier is rounded into the coefficient: its own size counts too.
    const size = f64x2.add(f64x2.abs(scaled), f64x2.abs(multiplier));
    error = f64x2.add(error, f64x2.mul(size, v128.load(it.errorWeight + at)));
  }
  const slot = <usize>r << 3;
  const intercepts = f64x2.extract_lane(fromIntercept, 0) + f64x2.extract_lane(fromIntercept, 1);
  const biases = f64x2.extract_lane(fromBias, 0) + f64x2.extract_lane(fromBias, 1);
  store<f64>(constants + slot, load<f64>(constants + slot) + (intercepts + biases));
  store<f64>(
    errors + slot,
    load<f64>(errors + slot) +
      (f64x2.extract_lane(error, 0) + f64x2.extract_lane(error, 1)) +
      constantsGamma() * abs(intercepts),
  );
}

/** Certified lower bounds of rows 0..rows−1; row r is about form `asked[r]` (32-bit integers). Results as those of `bindRows`. */
export function splitBackward(rows: i32, asked: usize): void {
  let a = bufferA;
  let b = bufferB;
  const top = stride(layer(layerCount - 1).liveCount);
  for (let r = 0; r < rows; r++) {
    const form = <usize>load<i32>(asked + (<usize>r << 2));
    const bytes = <usize>top << 3;
    memory.copy(a + <usize>r * bytes, starts + form * bytes, bytes);
    store<f64>(constants + (<usize>r << 3), load<f64>(startConstants + (form << 3)));
    store<f64>(errors + (<usize>r << 3), load<f64>(startErrors + (form << 3)));
  }
  for (let k = layerCount - 1; k >= 1; k--) {
    const it = layer(k);
    const wide = stride(it.liveCount);
    const narrow = stride(layer(k - 1).liveCount);
    for (let r = 0; r < rows; r++) activationRow(k, a + ((<usize>r * <usize>wide) << 3), r);
    gemm(b, a, it.packed, rows, it.liveCount, narrow, wide, narrow, narrow);
    const swap = a;
    a = b;
    b = swap;
  }
  setRowPlane(a);
  concretise(rows, asked, inputForms);
}

/**
 * After `splitBackward`: where each row's bound is attained, by the lines it chose; leaves the values of y in `value`. The input point of row r is at the
 * returned address + r·stride(inputs) doubles.
 */
export function splitForward(rows: i32): usize {
  const inputs = layer(0);
  const wide0 = stride(inputs.size);
  const points = rowPlane == bufferA ? bufferB : bufferA;
  let a = points;
  for (let r = 0; r < rows; r++)
    for (let i = 0; i < inputs.size; i++) {
      const at = <usize>i << 3;
      const row = (<usize>r * <usize>wide0) << 3;
      store<f64>(a + row + at, load<f64>(load<f64>(rowPlane + row + at) >= 0 ? inputLower + at : inputUpper + at));
    }
  return a;
}

/** Second half of `splitForward`: from the points (which it overwrites) through the layers. */
export function splitValues(rows: i32, points: usize): void {
  let a = points;
  let b = points == bufferA ? bufferB : bufferA;
  for (let k = 1; k < layerCount; k++) {
    const it = layer(k);
    const before = layer(k - 1).liveCount;
    const wide = stride(it.liveCount);
    gemm(b, a, transposedOf(k), rows, before, wide, stride(before), wide, wide);
    for (let r = 0; r < rows; r++) {
      const own = <usize>(r * width + splitOffset(k)) << 3;
      const row = b + ((<usize>r * <usize>wide) << 3);
      for (let at: usize = 0; at < <usize>wide << 3; at += 16) {
        const y = f64x2.add(v128.load(row + at), v128.load(it.biasLive + at));
        v128.store(value + own + at, y);
        const negative = f64x2.lt(v128.load(coefficient + own + at), f64x2.splat(0));
        const upper = f64x2.add(f64x2.mul(y, v128.load(up + own + at)), v128.load(intercept + own + at));
        v128.store(row + at, v128.bitselect(upper, f64x2.mul(y, v128.load(low + own + at)), negative));
      }
    }
    const swap = a;
    a = b;
    b = swap;
  }
}

/** One step of Adam up the bounds of all rows, over α (kept in [slope, 1]) and β (kept ≥ 0). `t` counts steps from 1. */
export function splitStep(rows: i32, t: i32, alphaRate: f64, betaRate: f64): void {
  const firstDecay: f64 = 0.9;
  const secondDecay: f64 = 0.99;
  const scale1 = 1 / (1 - Math.pow(firstDecay, t));
  const scale2 = 1 / (1 - Math.pow(secondDecay, t));
  for (let k = 1; k < layerCount; k++) {
    const it = layer(k);
    for (let r = 0; r < rows; r++) {
      const own = <usize>(r * width + splitOffset(k)) << 3;
      for (let i = 0; i < it.liveCount; i++) {
        const at = own + (<usize>i << 3);
        if (load<f64>(free + at) != 0) {
          const g = max<f64>(load<f64>(coefficient + at), 0) * load<f64>(value + at);
          const m = firstDecay * load<f64>(alphaFirst + at) + (1 - firstDecay) * g;
          const v = secondDecay * load<f64>(alphaSecond + at) + (1 - secondDecay) * g * g;
          store<f64>(alphaFirst + at, m);
          store<f64>(alphaSecond + at, v);
          const moved = load<f64>(low + at) + (alphaRate * m * scale1) / (Math.sqrt(v * scale2) + 1e-12);
          store<f64>(low + at, min<f64>(1, max<f64>(it.slope, moved)));
        } else {
          const s = load<f64>(side + at);
          if (s == 0) continue;
          const g = -s * load<f64>(value + at);
          const m = firstDecay * load<f64>(betaFirst + at) + (1 - firstDecay) * g;
          const v = secondDecay * load<f64>(betaSecond + at) + (1 - secondDecay) * g * g;
          store<f64>(betaFirst + at, m);
          store<f64>(betaSecond + at, v);
          const moved = load<f64>(beta + at) + (betaRate * m * scale1) / (Math.sqrt(v * scale2) + 1e-12);
          store<f64>(beta + at, max<f64>(0, moved));
        }
      }
    }
  }
}

/**
 * BaBSR scores (Bunel et al. 2020) of row r after `splitBackward`, written over `value`'s row: how much the bound would rise, by estimate, if the neuron's
 * relaxation were exact. 0 for neurons that are not unstable.
 */
export function splitScores(r: i32): usize {
  const row = <usize>(r * width) << 3;
  for (let k = 1; k < layerCount; k++) {
    const it = layer(k);
    for (let i = 0; i < it.liveCount; i++) {
      const at = row + (<usize>(splitOffset(k) + i) << 3);
      let score: f64 = 0;
      if (load<f64>(free + at) != 0) {
        const a = load<f64>(coefficient + at);
        const s = load<f64>(up + at);
        const b = load<f64>(it.biasLive + (<usize>i << 3));
        score = abs(min<f64>(b * a * (s - 1), b * a * s) + min<f64>(a, 0) * load<f64>(intercept + at)) + UNIT;
      }
      store<f64>(value + at, score);
    }
  }
  return value + row;
}
