// Certified bounds of rows, in float64 with all rounding subtracted. Whatever slopes and β a row holds: what is out of range is replaced.

import { constantsGamma, layer, maxSize } from './chain';
import { concretise, constants, errors, finishRow, setRowPlane } from './crown';
import { gemm } from './gemm';
import { inputForms } from './ladder';
import { doubles, integers, stride } from './memory';
import {
  active,
  asked,
  low,
  push,
  rowOf,
  side,
  startConstants,
  startErrors,
  starts,
  startsAreForms,
  startWide,
  top,
} from './rows';

let bufferA: usize = 0;
let bufferB: usize = 0;
let slots: usize = 0;

export function newCertify(rows: i32): void {
  bufferA = doubles(rows * stride(maxSize));
  bufferB = doubles(rows * stride(maxSize));
  slots = integers(rows);
}

/** One row back through the activation of layer k with its own lines and multipliers. */
function activationRow(k: i32, row: usize, r: i32, position: i32): void {
  const it = layer(k);
  const end = <usize>stride(it.liveCount) << 3;
  const lows = rowOf(low, r, k);
  const sides = rowOf(side, r, k);
  const pushes = rowOf(push, r, k);
  const zero = f64x2.splat(0);
  const one = f64x2.splat(1);
  const least = f64x2.splat(it.slope);
  // The least slope itself may be a little less in float32.
  const nearly = f64x2.splat(it.slope * (1 - 1e-6));
  let fromBias = zero;
  let fromIntercept = zero;
  let error = zero;
  for (let at: usize = 0; at < end; at += 16) {
    const a = v128.load(row + at);
    const half = at >> 1;
    const alpha = f64x2.promote_low_f32x4(v128.load64_zero(lows + half));
    const s = f64x2.promote_low_f32x4(v128.load64_zero(sides + half));
    const pushed = f64x2.promote_low_f32x4(v128.load64_zero(pushes + half));
    const split = f64x2.ne(s, zero);
    const regionIntercept = v128.load(it.intercept + at);
    // α counts only where the neuron is unstable, and only in its range; NaN compares false.
    const good = v128.and(f64x2.gt(regionIntercept, zero), v128.and(f64x2.ge(alpha, nearly), f64x2.le(alpha, one)));
    const fixed = v128.bitselect(one, least, f64x2.gt(s, zero));
    const below = v128.bitselect(fixed, v128.bitselect(f64x2.max(alpha, least), v128.load(it.lowerSlope + at), good), split);
    const above = v128.bitselect(fixed, v128.load(it.upperSlope + at), split);
    const lines = v128.bitselect(zero, regionIntercept, split);
    const slope = v128.bitselect(above, below, f64x2.lt(a, zero));
    fromIntercept = f64x2.add(fromIntercept, f64x2.mul(f64x2.min(a, zero), lines));
    // y ≥ 0 allows −β·y, y ≤ 0 allows +β·y, with β ≥ 0 and only where the neuron is split.
    const multiplier = v128.bitselect(pushed, zero, f64x2.gt(f64x2.mul(pushed, s), zero));
    const scaled = f64x2.sub(f64x2.mul(a, slope), multiplier);
    v128.store(row + at, scaled);
    fromBias = f64x2.add(fromBias, f64x2.mul(scaled, v128.load(it.biasLive + at)));
    // The multiplier is rounded into the coefficient: its own size counts too.
    const size = f64x2.add(f64x2.abs(scaled), f64x2.abs(multiplier));
    error = f64x2.add(error, f64x2.mul(size, v128.load(it.errorWeight + at)));
  }
  finishRow(position, fromBias, fromIntercept, error);
}

/** Certified lower bounds of the first `count` active rows, by position: results as those of `bindRows`. */
export function certify(count: i32): void {
  let a = bufferA;
  let b = bufferB;
  const bytes = <usize>startWide << 3;
  for (let p = 0; p < count; p++) {
    const slot = load<i32>(asked + (<usize>load<i32>(active + (<usize>p << 2)) << 2));
    store<i32>(slots + (<usize>p << 2), slot);
    memory.copy(a + <usize>p * bytes, starts + <usize>slot * bytes, bytes);
    store<f64>(constants + (<usize>p << 3), load<f64>(startConstants + (<usize>slot << 3)));
    store<f64>(errors + (<usize>p << 3), load<f64>(startErrors + (<usize>slot << 3)));
  }
  for (let k = top; k >= 1; k--) {
    const it = layer(k);
    const wide = stride(it.liveCount);
    const narrow = stride(layer(k - 1).liveCount);
    for (let p = 0; p < count; p++)
      activationRow(k, a + ((<usize>p * <usize>wide) << 3), load<i32>(active + (<usize>p << 2)), p);
    gemm(b, a, it.packed, count, it.liveCount, narrow, wide, narrow, narrow);
    const swap = a;
    a = b;
    b = swap;
  }
  setRowPlane(a);
  concretise(count, slots, startsAreForms ? inputForms : 0);
}
