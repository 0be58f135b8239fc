// Sigmoid and tanh in tiles of sixteen rows. A line below or above the curve has the slope of the curve at a point of the row's own choice and the intercept
// that fits that slope: whatever the points are, the lines are sound.

import { allocate } from './memory';
import { UNIT } from './rounding';
import { measure, Tile } from './tile-rectifiers';

const SHIFT: usize = 7;

/** What exp and tanh may be wrong by, with the operations around them (TRANSCENDENTAL in tolerances.ts), and the slope of the curve with them. */
const CURVE_ERROR: f64 = 1e-14;

/** What all rows share of one node; every neuron has a place. Arrays hold one double a neuron and are filled by the caller. */
@unmanaged
class Curve {
  size: i32 = 0;
  /** 1 for tanh, 0 for sigmoid. */
  tanh: i32 = 0;
  firstPlace: i32 = 0;
  magnitude: usize = 0;
  arrivalGamma: f64 = 0;
  constantsGamma: f64 = 0;
  /** Bounds of y, and where splits cut: [lower, middle] and [middle, upper]. */
  lower: usize = 0;
  middle: usize = 0;
  upper: usize = 0;
  /** The curve there. */
  atLower: usize = 0;
  atMiddle: usize = 0;
  atUpper: usize = 0;
  /** Where the points of lines may be that no other line is tighter than everywhere: for the whole range, [middle, upper] and [lower, middle] four arrays each. */
  reach: usize = 0;
}

/** `ends`: arrays of `size` doubles, in the order of the fields above: six, and twelve of the points' reach (least and largest point of the line below, then above). */
export function newCurve(
  size: i32,
  tanh: i32,
  magnitude: usize,
  ends: usize,
  arrivalGamma: f64,
  constantsGamma: f64,
): usize {
  const address = allocate(offsetof<Curve>());
  const it = changetype<Curve>(address);
  const bytes = <usize>size << 3;
  it.size = size;
  it.tanh = tanh;
  it.magnitude = magnitude;
  it.arrivalGamma = arrivalGamma;
  it.constantsGamma = constantsGamma;
  it.lower = ends;
  it.middle = ends + bytes;
  it.upper = ends + 2 * bytes;
  it.atLower = ends + 3 * bytes;
  it.atMiddle = ends + 4 * bytes;
  it.atUpper = ends + 5 * bytes;
  it.reach = ends + 6 * bytes;
  return address;
}

/** Where its places begin. */
export function setFirstCurvePlace(node: usize, place: i32): void {
  changetype<Curve>(node).firstPlace = place;
}

@inline
function curve(tanh: i32, y: f64): f64 {
  if (tanh) return Math.tanh(y);
  const e = Math.exp(-abs(y));
  return y >= 0 ? 1 / (1 + e) : e / (1 + e);
}

/** As `rectifierBack`. The lines chosen are kept for the forward pass. */
export function curveBack(node: usize, tile: usize, z: usize, zActive: usize, y: usize, yActive: usize): void {
  const it = changetype<Curve>(node);
  const t = changetype<Tile>(tile);
  for (let i: usize = 0; i < <usize>it.size; i++) {
    const p = <usize>it.firstPlace + i;
    const active = load<u8>(zActive + i) != 0;
    if (!active && load<u8>(t.split + p) == 0) continue;
    const present = load<u8>(yActive + i) != 0;
    store<u8>(t.met + p, 1);
    store<u8>(yActive + i, 1);
    const own = i << 3;
    const l = load<f64>(it.lower + own);
    const m = load<f64>(it.middle + own);
    const u = load<f64>(it.upper + own);
    const lost = it.arrivalGamma * load<f64>(it.magnitude + own);
    const size = max(abs(l), abs(u));
    for (let r: usize = 0; r < 128; r += 8) {
      const here = (p << SHIFT) + r;
      const a = active ? load<f64>(z + (i << SHIFT) + r) : 0;
      const side = load<f64>(t.side + here);
      const lo = side > 0 ? m : l;
      const hi = side < 0 ? m : u;
      const point = load<f64>((a < 0 ? t.high : t.low) + here);
      const v = curve(it.tanh, point);
      const s = it.tanh ? 1 - v * v : v * (1 - v);
      // The extreme of curve − s·y on [lo, hi] is at an end or where the curve has slope s: below 0 the least, above 0 the largest.
      let touch = lo;
      let intercept = load<f64>((side > 0 ? it.atMiddle : it.atLower) + own) - s * lo;
      const atEnd = load<f64>((side < 0 ? it.atMiddle : it.atUpper) + own) - s * hi;
      const flip: f64 = a < 0 ? -1 : 1;
      if (flip * atEnd < flip * intercept) {
        intercept = atEnd;
        touch = hi;
      }
      const between = v - s * point;
      if (point > lo && point < hi && flip * between < flip * intercept) {
        intercept = between;
        touch = point;
      }
      intercept -= flip * (CURVE_ERROR * (2 + size) + 8 * UNIT * s * size);
      store<f64>(t.coefficient + here, a);
      store<f64>(t.lineSlope + here, s);
      store<f64>(t.lineIntercept + here, intercept);
      store<f64>(t.touch + here, touch);
      // y ≥ m allows −β·(y − m), y ≤ m allows +β·(y − m).
      const multiplier = side * load<f64>(t.beta + here);
      const scaled = a * s - multiplier;
      const term = a * intercept;
      const moved = multiplier * m;
      store<f64>(t.constants + r, load<f64>(t.constants + r) + term + moved);
      const error = (abs(scaled) + abs(multiplier)) * lost + it.constantsGamma * (abs(term) + abs(moved));
      store<f64>(t.errors + r, load<f64>(t.errors + r) + error);
      const to = y + (i << SHIFT) + r;
      store<f64>(to, present ? load<f64>(to) + scaled : scaled);
    }
  }
}

/** As `rectifierForward`. */
export function curveForward(node: usize, tile: usize, y: usize, yPresent: usize, z: usize, zActive: usize, zPresent: usize): void {
  const it = changetype<Curve>(node);
  const t = changetype<Tile>(tile);
  for (let i: usize = 0; i < <usize>it.size; i++) {
    if (load<u8>(yPresent + i) == 0) continue;
    if (load<u8>(zActive + i) != 0) store<u8>(zPresent + i, 1);
    const own = (<usize>it.firstPlace + i) << SHIFT;
    for (let at: usize = 0; at < 128; at += 16) {
      const value = v128.load(y + (i << SHIFT) + at);
      v128.store(t.value + own + at, value);
      const line = f64x2.add(f64x2.mul(value, v128.load(t.lineSlope + own + at)), v128.load(t.lineIntercept + own + at));
      v128.store(z + (i << SHIFT) + at, line);
    }
  }
}

/** One coordinate's step of Adam, in units of the rate. */
@inline
function direction(first: usize, second: usize, g: f64, scale1: f64, scale2: f64): f64 {
  const m = 0.9 * load<f64>(first) + 0.1 * g;
  const v = 0.99 * load<f64>(second) + 0.01 * g * g;
  store<f64>(first, m);
  store<f64>(second, v);
  return (m * scale1) / (Math.sqrt(v * scale2) + 1e-12);
}

/** As `tileStep`, for the points of the lines in use and for β. Points stay within reach. */
export function curveStep(node: usize, tile: usize, improved: usize, step: i32, alphaRate: f64, betaRate: f64): void {
  const it = changetype<Curve>(node);
  const t = changetype<Tile>(tile);
  const scale1 = 1 / (1 - Math.pow(0.9, step));
  const scale2 = 1 / (1 - Math.pow(0.99, step));
  const sizes = measure<f64>(tile, it.firstPlace, it.firstPlace + it.size);
  for (let i: usize = 0; i < <usize>it.size; i++) {
    const p = <usize>it.firstPlace + i;
    if (load<u8>(t.met + p) == 0) continue;
    const l = load<f64>(it.lower + (i << 3));
    const u = load<f64>(it.upper + (i << 3));
    const m = load<f64>(it.middle + (i << 3));
    const array = <usize>it.size << 3;
    for (let r: usize = 0; r < 128; r += 8) {
      const here = (p << SHIFT) + r;
      if (load<i64>(improved + r) != 0) {
        store<f64>(t.bestLow + here, load<f64>(t.low + here));
        store<f64>(t.bestHigh + here, load<f64>(t.high + here));
        store<f64>(t.bestBeta + here, load<f64>(t.beta + here));
      }
      const a = load<f64>(t.coefficient + here);
      const value = load<f64>(t.value + here);
      // By slope, not by point: where the curve is flat, the point hardly matters, and one that went there would never come back.
      const g = abs(a) * (value - load<f64>(t.touch + here));
      const moved = alphaRate * 0.5 * (u - l) * direction(t.first + here, t.second + here, g, scale1, scale2);
      const side = load<f64>(t.side + here);
      const part: usize = side == 0 ? 0 : side > 0 ? 4 : 8;
      const least = it.reach + (i << 3) + (part + (a < 0 ? 2 : 0)) * array;
      const point = (a < 0 ? t.high : t.low) + here;
      const next = min(load<f64>(least + array), max(load<f64>(least), load<f64>(point) + moved));
      store<f64>(point, <f64>(<f32>next));
      if (side != 0) {
        const up = direction(t.betaFirst + here, t.betaSecond + here, side * (m - value), scale1, scale2);
        const beta = load<f64>(t.beta + here);
        store<f64>(t.beta + here, max<f64>(0, <f64>(<f32>(beta + betaRate * (abs(a) + beta + load<f64>(sizes + r)) * up))));
      }
    }
  }
}

/** As `tileRestore`, for what rectifiers do not have. */
export function curveRestore(tile: usize, improved: usize): void {
  const t = changetype<Tile>(tile);
  for (let here: usize = 0; here < <usize>t.places << SHIFT; here += 8)
    if (load<i64>(improved + (here & 127)) == 0) store<f64>(t.high + here, load<f64>(t.bestHigh + here));
}
