// Estimated bounds of rows and Adam on their multipliers, in float32. Nothing here is a proof.

import { layer, maxSize } from './chain';
import { gemmSingle } from './gemm';
import { allocate, doubles, stride } from './memory';
import {
  active,
  asked,
  best,
  coefficient,
  first,
  free,
  inputFormsSingle,
  inputLowerSingle,
  inputUpperSingle,
  intercept,
  low,
  push,
  rowKeep,
  rowOf,
  second,
  shared,
  side,
  stale,
  startConstants,
  startsAreForms,
  startsSingle,
  startWide,
  top,
  up,
  value,
} from './rows';

let bufferA: usize = 0;
let bufferB: usize = 0;
/** The rows' planes over the input, after a backward pass, by position. */
let planes: usize = 0;
/** Estimates by position. */
export let estimates: usize = 0;

export function newSearch(rows: i32): void {
  bufferA = allocate((<usize>rows * <usize>stride(maxSize)) << 2);
  bufferB = allocate((<usize>rows * <usize>stride(maxSize)) << 2);
  estimates = doubles(rows);
}

@inline
function rowAt(p: i32): i32 {
  return load<i32>(active + (<usize>p << 2));
}

@inline
function total(v: v128): f64 {
  return (
    <f64>f32x4.extract_lane(v, 0) +
    <f64>f32x4.extract_lane(v, 1) +
    (<f64>f32x4.extract_lane(v, 2) + <f64>f32x4.extract_lane(v, 3))
  );
}

/** One row back through the activation of layer k with its own lines and multipliers. Returns what goes to the constant. */
@inline
function activationRow(k: i32, row: usize, r: i32): f64 {
  const own = shared(k);
  const end = <usize>stride(layer(k).liveCount) << 2;
  const zero = f32x4.splat(0);
  const lows = rowOf(low, r, k);
  const ups = rowOf(up, r, k);
  const intercepts = rowOf(intercept, r, k);
  const pushes = rowOf(push, r, k);
  const coefficients = rowOf(coefficient, r, k);
  let sum = zero;
  for (let at: usize = 0; at < end; at += 16) {
    const a = v128.load(row + at);
    v128.store(coefficients + at, a);
    const slope = v128.bitselect(v128.load(ups + at), v128.load(lows + at), f32x4.lt(a, zero));
    sum = f32x4.add(sum, f32x4.mul(f32x4.min(a, zero), v128.load(intercepts + at)));
    // y ≥ 0 allows −β·y, y ≤ 0 allows +β·y.
    const scaled = f32x4.sub(f32x4.mul(a, slope), v128.load(pushes + at));
    v128.store(row + at, scaled);
    sum = f32x4.add(sum, f32x4.mul(scaled, v128.load(own.bias + at)));
  }
  return total(sum);
}

/** Estimated lower bounds of the first `count` active rows, which start below layer top + 1. */
export function searchBackward(count: i32): void {
  let a = bufferA;
  let b = bufferB;
  const bytes = <usize>startWide << 2;
  for (let p = 0; p < count; p++) {
    const slot = <usize>load<i32>(asked + (<usize>rowAt(p) << 2));
    memory.copy(a + <usize>p * bytes, startsSingle + slot * bytes, bytes);
    store<f64>(estimates + (<usize>p << 3), load<f64>(startConstants + (slot << 3)));
  }
  for (let k = top; k >= 1; k--) {
    const wide = stride(layer(k).liveCount);
    const narrow = stride(layer(k - 1).liveCount);
    for (let p = 0; p < count; p++) {
      const at = estimates + (<usize>p << 3);
      store<f64>(at, load<f64>(at) + activationRow(k, a + ((<usize>p * <usize>wide) << 2), rowAt(p)));
    }
    gemmSingle(b, a, shared(k).weight, count, layer(k).liveCount, narrow, wide, narrow, narrow);
    const swap = a;
    a = b;
    b = swap;
  }
  planes = a;
  const wide = <usize>stride(layer(0).size) << 2;
  for (let p = 0; p < count; p++) {
    const row = a + <usize>p * wide;
    if (startsAreForms) {
      const form = inputFormsSingle + <usize>load<i32>(asked + (<usize>rowAt(p) << 2)) * wide;
      for (let i: usize = 0; i < wide; i += 16) v128.store(row + i, f32x4.add(v128.load(row + i), v128.load(form + i)));
    }
    let sum = f32x4.splat(0);
    for (let i: usize = 0; i < wide; i += 16) {
      const x = v128.load(row + i);
      const l = f32x4.mul(x, v128.load(inputLowerSingle + i));
      sum = f32x4.add(sum, f32x4.pmin(l, f32x4.mul(x, v128.load(inputUpperSingle + i))));
    }
    const at = estimates + (<usize>p << 3);
    store<f64>(at, load<f64>(at) + total(sum));
  }
}

/** After `searchBackward`: the inputs where the rows' bounds are attained, by position, each stride(inputs) float32 numbers. Returns their address. */
export function searchPoints(count: i32): usize {
  const wide = <usize>stride(layer(0).size) << 2;
  const points = planes == bufferA ? bufferB : bufferA;
  const zero = f32x4.splat(0);
  for (let p = 0; p < count; p++) {
    const row = planes + <usize>p * wide;
    const point = points + <usize>p * wide;
    for (let i: usize = 0; i < wide; i += 16)
      v128.store(
        point + i,
        v128.bitselect(v128.load(inputUpperSingle + i), v128.load(inputLowerSingle + i), f32x4.lt(v128.load(row + i), zero)),
      );
  }
  return points;
}

/** After `searchBackward`: the values of y where each row's bound is attained, by the lines it chose; they are the bound's gradient (7.4 in reverse: the relaxed primal). */
export function searchForward(count: i32): void {
  let a = searchPoints(count);
  let b = planes;
  const zero = f32x4.splat(0);
  for (let k = 1; k <= top; k++) {
    const own = shared(k);
    const before = layer(k - 1).liveCount;
    const wide = stride(layer(k).liveCount);
    gemmSingle(b, a, own.transposed, count, before, wide, stride(before), wide, wide);
    for (let p = 0; p < count; p++) {
      const r = rowAt(p);
      const row = b + ((<usize>p * <usize>wide) << 2);
      const lows = rowOf(low, r, k);
      const ups = rowOf(up, r, k);
      const intercepts = rowOf(intercept, r, k);
      const coefficients = rowOf(coefficient, r, k);
      const values = rowOf(value, r, k);
      for (let at: usize = 0; at < <usize>wide << 2; at += 16) {
        const y = f32x4.add(v128.load(row + at), v128.load(own.bias + at));
        v128.store(values + at, y);
        const upper = f32x4.add(f32x4.mul(y, v128.load(ups + at)), v128.load(intercepts + at));
        const negative = f32x4.lt(v128.load(coefficients + at), zero);
        v128.store(row + at, v128.bitselect(upper, f32x4.mul(y, v128.load(lows + at)), negative));
      }
    }
    const swap = a;
    a = b;
    b = swap;
  }
}

/** One step of Adam up the estimates of the active rows, over α (kept in [slope, 1]) and β (kept ≥ 0). `t` counts steps from 1. */
export function searchStep(count: i32, t: i32, alphaRate: f64, betaRate: f64): void {
  const scale1 = <f32>(1 / (1 - Math.pow(0.9, t)));
  const scale2 = f32x4.splat(<f32>(1 / (1 - Math.pow(0.99, t))));
  const zero = f32x4.splat(0);
  const alphaStep = f32x4.splat(<f32>alphaRate * scale1);
  const betaStep = f32x4.splat(<f32>betaRate * scale1);
  const tiny = f32x4.splat(1e-12);
  for (let k = 1; k <= top; k++) {
    const end = <usize>stride(layer(k).liveCount) << 2;
    const least = f32x4.splat(<f32>layer(k).slope);
    for (let p = 0; p < count; p++) {
      const r = rowAt(p);
      const lows = rowOf(low, r, k);
      const pushes = rowOf(push, r, k);
      const sides = rowOf(side, r, k);
      const frees = rowOf(free, r, k);
      const coefficients = rowOf(coefficient, r, k);
      const values = rowOf(value, r, k);
      const firsts = rowOf(first, r, k);
      const seconds = rowOf(second, r, k);
      // Where a bound does not depend on a neuron, yet, its β is moved by the largest coefficient of the layer.
      let largest = zero;
      for (let at: usize = 0; at < end; at += 16) largest = f32x4.max(largest, f32x4.abs(v128.load(coefficients + at)));
      const most = max(
        max(f32x4.extract_lane(largest, 0), f32x4.extract_lane(largest, 1)),
        max(f32x4.extract_lane(largest, 2), f32x4.extract_lane(largest, 3)),
      );
      const otherwise = f32x4.splat(most > 0 ? most : 1);
      for (let at: usize = 0; at < end; at += 16) {
        const movable = f32x4.ne(v128.load(frees + at), zero);
        const s = v128.load(sides + at);
        const y = v128.load(values + at);
        const coefficientNow = v128.load(coefficients + at);
        const weight = v128.bitselect(f32x4.max(coefficientNow, zero), f32x4.neg(s), movable);
        const g = f32x4.mul(weight, y);
        const m = f32x4.add(f32x4.mul(f32x4.splat(0.9), v128.load(firsts + at)), f32x4.mul(f32x4.splat(0.1), g));
        const v = f32x4.add(
          f32x4.mul(f32x4.splat(0.99), v128.load(seconds + at)),
          f32x4.mul(f32x4.splat(0.01), f32x4.mul(g, g)),
        );
        v128.store(firsts + at, m);
        v128.store(seconds + at, v);
        const own = f32x4.abs(coefficientNow);
        const scale = v128.bitselect(own, otherwise, f32x4.gt(own, zero));
        const step = f32x4.div(
          f32x4.mul(v128.bitselect(alphaStep, f32x4.mul(betaStep, scale), movable), m),
          f32x4.add(f32x4.sqrt(f32x4.mul(v, scale2)), tiny),
        );
        const alpha = v128.load(lows + at);
        const moved = f32x4.min(f32x4.splat(1), f32x4.max(least, f32x4.add(alpha, step)));
        v128.store(lows + at, v128.bitselect(moved, alpha, movable));
        const beta = f32x4.max(zero, f32x4.add(f32x4.mul(s, v128.load(pushes + at)), step));
        v128.store(pushes + at, v128.bitselect(zero, f32x4.mul(s, beta), movable));
      }
    }
  }
}

/** The active rows' best multipliers become those they have. */
export function searchBegin(count: i32): void {
  for (let p = 0; p < count; p++) {
    const r = rowAt(p);
    store<f64>(best + (<usize>r << 3), load<f64>(estimates + (<usize>p << 3)));
    store<i32>(stale + (<usize>r << 2), 0);
    rowKeep(r);
  }
}

/**
 * After a backward pass: notes what got better, and takes those rows off the active list whose estimate is above `enough` or has not risen by 0.1 % of
 * its distance from there in `patience` steps. Returns how many are left.
 */
export function searchNote(count: i32, enough: f64, patience: i32): i32 {
  let left = 0;
  for (let p = 0; p < count; p++) {
    const r = rowAt(p);
    const estimate = load<f64>(estimates + (<usize>p << 3));
    const at = best + (<usize>r << 3);
    const before = load<f64>(at);
    const waits = stale + (<usize>r << 2);
    if (estimate > before) {
      store<f64>(at, estimate);
      rowKeep(r);
      if (estimate > before + 0.001 * abs(enough - before)) store<i32>(waits, 0);
      else store<i32>(waits, load<i32>(waits) + 1);
    } else store<i32>(waits, load<i32>(waits) + 1);
    if (!(load<f64>(at) > enough) && load<i32>(waits) < patience) {
      store<i32>(active + (<usize>left << 2), r);
      left++;
    }
  }
  return left;
}

/**
 * BaBSR scores (Bunel et al. 2020) of row r after its last backward pass, written over `value`'s row: how much the bound would rise, by estimate, if the neuron's
 * relaxation were exact. 0 for neurons that are not unstable.
 */
export function searchScores(r: i32): usize {
  for (let k = 1; k <= top; k++) {
    const own = shared(k);
    const count = layer(k).liveCount;
    for (let i = 0; i < stride(count); i++) {
      const at = <usize>i << 2;
      let score: f32 = 0;
      if (i < count && load<f32>(rowOf(free, r, k) + at) != 0) {
        const a = load<f32>(rowOf(coefficient, r, k) + at);
        const s = load<f32>(rowOf(up, r, k) + at);
        const b = load<f32>(own.bias + at);
        const line = min<f32>(a, 0) * load<f32>(rowOf(intercept, r, k) + at);
        score = abs(min<f32>(b * a * (s - 1), b * a * s) + line) + <f32>1e-30;
      }
      store<f32>(rowOf(value, r, k) + at, score);
    }
  }
  return rowOf(value, r, 1);
}
