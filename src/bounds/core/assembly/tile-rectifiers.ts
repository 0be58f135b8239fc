// Rectifiers (ReLU, LeakyReLU) in tiles: unstable neurons have a place each, with lines and multipliers of their own in every row. Every kernel comes in float64, whose bounds
// are certified, and in float32 with twice the rows, for searching.

import { abs, add, div, equal, lessThan, max, min, mul, neg, splat, sqrt, sub } from './lanes';
import { allocate } from './memory';

const SHIFT: usize = 7;
const BYTES: usize = 128;

/** What all rows share of one activation node; the arrays are filled by the caller. */
@unmanaged
export class Rectifier {
  size: i32 = 0;
  /** Per neuron a byte: 0 the output is 0 on the whole region, 1 the identity, 2 times `slope`, 3 unstable. */
  kinds: usize = 0;
  /** Place of the first unstable neuron; they are numbered in order. */
  firstPlace: i32 = 0;
  /** Bound on |y| per neuron. */
  magnitude: usize = 0;
  /** Negative side, in [0, 1]. */
  slope: f64 = 0;
  /** Relative error of one coefficient that arrives at y, and of the constants. */
  arrivalGamma: f64 = 0;
  constantsGamma: f64 = 0;
  /** Upper lines of the unstable neurons, by place: slope and intercept. */
  upSlope: usize = 0;
  intercept: usize = 0;
}

export function newRectifier(
  size: i32,
  slope: f64,
  kinds: usize,
  magnitude: usize,
  upSlope: usize,
  intercept: usize,
  arrivalGamma: f64,
  constantsGamma: f64,
): usize {
  const address = allocate(offsetof<Rectifier>());
  const it = changetype<Rectifier>(address);
  it.size = size;
  it.slope = slope;
  it.kinds = kinds;
  it.magnitude = magnitude;
  it.upSlope = upSlope;
  it.intercept = intercept;
  it.arrivalGamma = arrivalGamma;
  it.constantsGamma = constantsGamma;
  return address;
}

/** Where the places of its unstable neurons begin. */
export function setFirstPlace(node: usize, place: i32): void {
  changetype<Rectifier>(node).firstPlace = place;
}

/** The rows of one tile at the places: arrays of [places × 128 bytes]. */
@unmanaged
export class Tile {
  places: i32 = 0;
  /** Lower slope: α where it is free, σ's own slope where the neuron is split. */
  low: usize = 0;
  beta: usize = 0;
  /** 0 not split, 1 for y ≥ 0, −1 for y ≤ 0. */
  side: usize = 0;
  /** After a backward pass, the coefficients over z; after a forward pass, the values of y. */
  coefficient: usize = 0;
  value: usize = 0;
  /** Adam's moments, of α or of β, whichever is searched. */
  first: usize = 0;
  second: usize = 0;
  bestLow: usize = 0;
  bestBeta: usize = 0;
  /** A byte a place: whether the last backward pass met it. */
  met: usize = 0;
  /** A byte a place: whether some row is split there. */
  split: usize = 0;
  /** One number a row each. */
  constants: usize = 0;
  errors: usize = 0;
  /** For curves, where `low` is the point whose slope the line below has: the same of the line above, the lines in use, and β's own moments. */
  high: usize = 0;
  bestHigh: usize = 0;
  lineSlope: usize = 0;
  lineIntercept: usize = 0;
  touch: usize = 0;
  betaFirst: usize = 0;
  betaSecond: usize = 0;
  /** A byte a place: whether it has cuts, which have kernels of their own. */
  cut: usize = 0;
}

/** A tile over so many places, all arrays allocated and zero. */
export function newTile(places: i32, curves: bool): usize {
  const address = allocate(offsetof<Tile>());
  const t = changetype<Tile>(address);
  const bytes = <usize>places << SHIFT;
  t.places = places;
  t.low = allocate(bytes);
  t.beta = allocate(bytes);
  t.side = allocate(bytes);
  t.coefficient = allocate(bytes);
  t.value = allocate(bytes);
  t.first = allocate(bytes);
  t.second = allocate(bytes);
  t.bestLow = allocate(bytes);
  t.bestBeta = allocate(bytes);
  t.met = allocate(places);
  t.split = allocate(places);
  t.constants = allocate(BYTES);
  t.errors = allocate(BYTES);
  t.cut = allocate(places);
  if (!curves) return address;
  t.high = allocate(bytes);
  t.bestHigh = allocate(bytes);
  t.lineSlope = allocate(bytes);
  t.lineIntercept = allocate(bytes);
  t.touch = allocate(bytes);
  t.betaFirst = allocate(bytes);
  t.betaSecond = allocate(bytes);
  return address;
}

@inline
function arrive<T>(target: usize, value: v128, present: bool): void {
  v128.store(target, present ? add<T>(v128.load(target), value) : value);
}

@inline
function back<T>(node: usize, tile: usize, z: usize, zActive: usize, y: usize, yActive: usize): void {
  const it = changetype<Rectifier>(node);
  const t = changetype<Tile>(tile);
  const zero = splat<T>(0);
  const gamma = splat<T>(it.constantsGamma);
  let place = <usize>it.firstPlace;
  for (let i: usize = 0; i < <usize>it.size; i++) {
    const kind = load<u8>(it.kinds + i);
    const active = load<u8>(zActive + i) != 0;
    const from = z + (i << SHIFT);
    const to = y + (i << SHIFT);
    const present = load<u8>(yActive + i) != 0;
    if (kind != 3) {
      if (kind == 0 || !active) continue;
      const slope = splat<T>(kind == 1 ? 1 : it.slope);
      const lost = splat<T>(it.arrivalGamma * load<f64>(it.magnitude + (i << 3)));
      for (let at: usize = 0; at < BYTES; at += 16) {
        const scaled = mul<T>(v128.load(from + at), slope);
        if (sizeof<T>() == 8) v128.store(t.errors + at, add<T>(v128.load(t.errors + at), mul<T>(abs<T>(scaled), lost)));
        arrive<T>(to + at, scaled, present);
      }
      store<u8>(yActive + i, 1);
      continue;
    }
    const p = place++;
    if (load<u8>(t.cut + p) != 0 || (!active && load<u8>(t.split + p) == 0)) continue;
    store<u8>(t.met + p, 1);
    store<u8>(yActive + i, 1);
    const lost = splat<T>(it.arrivalGamma * load<f64>(it.magnitude + (i << 3)));
    const chord = splat<T>(load<f64>(it.upSlope + (p << 3)));
    const intercept = splat<T>(load<f64>(it.intercept + (p << 3)));
    const own = p << SHIFT;
    for (let at: usize = 0; at < BYTES; at += 16) {
      const a = active ? v128.load(from + at) : zero;
      v128.store(t.coefficient + own + at, a);
      const side = v128.load(t.side + own + at);
      const free = equal<T>(side, zero);
      const low = v128.load(t.low + own + at);
      const slope = v128.bitselect(chord, low, v128.and(free, lessThan<T>(a, zero)));
      const term = v128.and(mul<T>(min<T>(a, zero), intercept), free);
      // y ≥ 0 allows −β·y, y ≤ 0 allows +β·y.
      const multiplier = mul<T>(side, v128.load(t.beta + own + at));
      const scaled = sub<T>(mul<T>(a, slope), multiplier);
      v128.store(t.constants + at, add<T>(v128.load(t.constants + at), term));
      if (sizeof<T>() == 8) {
        // The multiplier is rounded into the coefficient: its own size counts too.
        const size = mul<T>(add<T>(abs<T>(scaled), abs<T>(multiplier)), lost);
        const error = add<T>(size, mul<T>(abs<T>(term), gamma));
        v128.store(t.errors + at, add<T>(v128.load(t.errors + at), error));
      }
      arrive<T>(to + at, scaled, present);
    }
  }
}

/** Coefficients over z become coefficients over y (added to what has arrived there), with each row's lines and multipliers. */
export function rectifierBack(node: usize, tile: usize, z: usize, zActive: usize, y: usize, yActive: usize): void {
  back<f64>(node, tile, z, zActive, y, yActive);
}

/** The same in float32; what rounding may lose is not counted. */
export function rectifierBackSingle(node: usize, tile: usize, z: usize, zActive: usize, y: usize, yActive: usize): void {
  back<f32>(node, tile, z, zActive, y, yActive);
}

@inline
function forward<T>(node: usize, tile: usize, y: usize, yPresent: usize, z: usize, zActive: usize, zPresent: usize): void {
  const it = changetype<Rectifier>(node);
  const t = changetype<Tile>(tile);
  const zero = splat<T>(0);
  let place = <usize>it.firstPlace;
  for (let i: usize = 0; i < <usize>it.size; i++) {
    const kind = load<u8>(it.kinds + i);
    const p = place;
    if (kind == 3) place++;
    if (kind == 0 || load<u8>(yPresent + i) == 0) continue;
    const from = y + (i << SHIFT);
    const to = z + (i << SHIFT);
    const wanted = load<u8>(zActive + i) != 0;
    if (wanted) store<u8>(zPresent + i, 1);
    if (kind != 3) {
      if (!wanted) continue;
      const slope = splat<T>(kind == 1 ? 1 : it.slope);
      for (let at: usize = 0; at < BYTES; at += 16) v128.store(to + at, mul<T>(v128.load(from + at), slope));
      continue;
    }
    const chord = splat<T>(load<f64>(it.upSlope + (p << 3)));
    const intercept = splat<T>(load<f64>(it.intercept + (p << 3)));
    const own = p << SHIFT;
    for (let at: usize = 0; at < BYTES; at += 16) {
      const value = v128.load(from + at);
      v128.store(t.value + own + at, value);
      const free = equal<T>(v128.load(t.side + own + at), zero);
      const upper = v128.and(free, lessThan<T>(v128.load(t.coefficient + own + at), zero));
      const below = mul<T>(value, v128.load(t.low + own + at));
      v128.store(to + at, v128.bitselect(add<T>(mul<T>(value, chord), intercept), below, upper));
    }
  }
}

/** Values of y become values of z by the lines that the backward pass used; z is wanted where its coefficient was active. */
export function rectifierForward(node: usize, tile: usize, y: usize, yPresent: usize, z: usize, zActive: usize, zPresent: usize): void {
  forward<f64>(node, tile, y, yPresent, z, zActive, zPresent);
}

export function rectifierForwardSingle(node: usize, tile: usize, y: usize, yPresent: usize, z: usize, zActive: usize, zPresent: usize): void {
  forward<f32>(node, tile, y, yPresent, z, zActive, zPresent);
}

/** Per row, after `measure`: the mean size of a coefficient. */
let typical: usize = 0;

/** The mean size of the rows' coefficients at the places that the last pass met, from `begin` to before `end`: one number a row. */
export function measure<T>(tile: usize, begin: usize, end: usize): usize {
  if (typical == 0) typical = memory.data(128, 16);
  const t = changetype<Tile>(tile);
  memory.fill(typical, 0, BYTES);
  let met = 0;
  for (let p = begin; p < end; p++) {
    if (load<u8>(t.met + p) == 0) continue;
    met++;
    for (let at: usize = 0; at < BYTES; at += 16) {
      const size = abs<T>(v128.load(t.coefficient + (p << SHIFT) + at));
      v128.store(typical + at, add<T>(v128.load(typical + at), size));
    }
  }
  const share = splat<T>(1 / <f64>(met > 0 ? met : 1));
  for (let at: usize = 0; at < BYTES; at += 16) v128.store(typical + at, mul<T>(v128.load(typical + at), share));
  return typical;
}

@inline
function ascend<T>(
  tile: usize,
  begin: i32,
  end: i32,
  slopes: usize,
  improved: usize,
  step: i32,
  alphaRate: f64,
  betaRate: f64,
): void {
  const t = changetype<Tile>(tile);
  const zero = splat<T>(0);
  const one = splat<T>(1);
  const firstDecay: f64 = 0.9;
  const secondDecay: f64 = 0.99;
  const scale1 = splat<T>(1 / (1 - Math.pow(firstDecay, step)));
  const scale2 = splat<T>(1 / (1 - Math.pow(secondDecay, step)));
  const sizes = measure<T>(tile, begin, end);
  for (let p = <usize>begin; p < <usize>end; p++) {
    if (load<u8>(t.met + p) == 0) continue;
    const least = splat<T>(load<f64>(slopes + (p << 3)));
    const own = p << SHIFT;
    for (let at: usize = 0; at < BYTES; at += 16) {
      const here = own + at;
      const side = v128.load(t.side + here);
      const free = equal<T>(side, zero);
      const low = v128.load(t.low + here);
      const beta = v128.load(t.beta + here);
      const mask = v128.load(improved + at);
      v128.store(t.bestLow + here, v128.bitselect(low, v128.load(t.bestLow + here), mask));
      v128.store(t.bestBeta + here, v128.bitselect(beta, v128.load(t.bestBeta + here), mask));
      const value = v128.load(t.value + here);
      const ofAlpha = mul<T>(max<T>(v128.load(t.coefficient + here), zero), value);
      const g = v128.bitselect(ofAlpha, neg<T>(mul<T>(side, value)), free);
      const m = add<T>(mul<T>(splat<T>(firstDecay), v128.load(t.first + here)), mul<T>(splat<T>(1 - firstDecay), g));
      const v = add<T>(
        mul<T>(splat<T>(secondDecay), v128.load(t.second + here)),
        mul<T>(splat<T>(1 - secondDecay), mul<T>(g, g)),
      );
      v128.store(t.first + here, m);
      v128.store(t.second + here, v);
      const direction = div<T>(mul<T>(m, scale1), add<T>(sqrt<T>(mul<T>(v, scale2)), splat<T>(1e-12)));
      // α lives between 0 and 1, β is of the size of coefficients.
      const scale = add<T>(v128.load(sizes + at), add<T>(abs<T>(v128.load(t.coefficient + here)), beta));
      const rate = v128.bitselect(splat<T>(alphaRate), mul<T>(splat<T>(betaRate), scale), free);
      const moved = add<T>(v128.bitselect(low, beta, free), mul<T>(rate, direction));
      const rounded = sizeof<T>() == 8 ? f64x2.promote_low_f32x4(f32x4.demote_f64x2_zero(moved)) : moved;
      v128.store(t.low + here, v128.bitselect(min<T>(one, max<T>(least, rounded)), low, free));
      v128.store(t.beta + here, v128.bitselect(beta, max<T>(zero, rounded), free));
    }
  }
}

/**
 * Where `improved` (a mask a row) is set, the rows' multipliers become their best; then one step of Adam up the bounds, at the places from `begin` to before `end`. Multipliers
 * stay float32 numbers, so that they can be written out as such. `slopes`: the least lower slope by place.
 */
export function tileStep(
  tile: usize,
  begin: i32,
  end: i32,
  slopes: usize,
  improved: usize,
  step: i32,
  alphaRate: f64,
  betaRate: f64,
): void {
  ascend<f64>(tile, begin, end, slopes, improved, step, alphaRate, betaRate);
}

export function tileStepSingle(
  tile: usize,
  begin: i32,
  end: i32,
  slopes: usize,
  improved: usize,
  step: i32,
  alphaRate: f64,
  betaRate: f64,
): void {
  ascend<f32>(tile, begin, end, slopes, improved, step, alphaRate, betaRate);
}

/** Where `improved` is set, the rows' multipliers become their best; then all rows get their best back. */
export function tileRestore(tile: usize, improved: usize): void {
  const t = changetype<Tile>(tile);
  for (let p: usize = 0; p < <usize>t.places; p++) {
    const own = p << SHIFT;
    for (let at: usize = 0; at < BYTES; at += 16) {
      const here = own + at;
      const mask = v128.load(improved + at);
      v128.store(t.low + here, v128.bitselect(v128.load(t.low + here), v128.load(t.bestLow + here), mask));
      v128.store(t.beta + here, v128.bitselect(v128.load(t.beta + here), v128.load(t.bestBeta + here), mask));
    }
  }
}

/**
 * The multipliers of sixteen rows of a tile in float32, its first ones or (`half` 1) its last ones, become those of a tile in float64. `slopes`: the least lower slope by place, which
 * float32 may have rounded: lower slopes end up in their range, those of split neurons at σ's own.
 */
export function tileWiden(target: usize, source: usize, half: i32, slopes: usize): void {
  const to = changetype<Tile>(target);
  const from = changetype<Tile>(source);
  memory.copy(to.split, from.split, to.places);
  const zero = f64x2.splat(0);
  const one = f64x2.splat(1);
  for (let p: usize = 0; p < <usize>to.places; p++) {
    const least = v128.load64_splat(slopes + (p << 3));
    const nearly = f64x2.promote_low_f32x4(f32x4.demote_f64x2_zero(least));
    for (let at: usize = 0; at < BYTES; at += 16) {
      const into = (p << SHIFT) + at;
      const here = (p << SHIFT) + (<usize>half << 6) + (at >> 1);
      const low = f64x2.promote_low_f32x4(v128.load64_zero(from.low + here));
      const side = f64x2.promote_low_f32x4(v128.load64_zero(from.side + here));
      const fixed = v128.bitselect(one, least, f64x2.gt(side, zero));
      // NaN compares false.
      const free = v128.bitselect(f64x2.min(one, f64x2.max(least, low)), least, f64x2.gt(low, nearly));
      v128.store(to.low + into, v128.bitselect(free, fixed, f64x2.eq(side, zero)));
      v128.store(to.beta + into, f64x2.promote_low_f32x4(v128.load64_zero(from.beta + here)));
      v128.store(to.side + into, side);
    }
  }
}
