// Cuts in tiles (GCP-CROWN, Zhang et al. 2022): facets z ≤ Σ w·x − ρ + κ·d of the hull of one ReLU over the box of what it reads (Anderson et al. 2020), d its phase. A row adds
// μ·(z − Σ w·x + ρ − κ·d), which is not above 0, to what it bounds. The sums over x are a linear map of their own; here is what concerns z and d.

import { abs, add, div, equal, lessThan, max, min, mul, neg, splat, sqrt, sub } from './lanes';
import { allocate } from './memory';
import { UNIT } from './rounding';
import { measure, Rectifier, Tile } from './tile-rectifiers';

const SHIFT: usize = 7;
const BYTES: usize = 128;

/** The cuts of one activation node, which all rows share; the arrays are filled by the caller. */
@unmanaged
class Cuts {
  count: i32 = 0;
  /** How many cuts of other nodes come before them. */
  first: i32 = 0;
  /** Per cut: the place of its neuron. */
  places: usize = 0;
  kappa: usize = 0;
  rho: usize = 0;
  /** The neurons that have cuts: pairs of place and number in the node. */
  neurons: i32 = 0;
  pairs: usize = 0;
  /** Bounds of what these neurons read, below 0 and above, a double each. */
  lower: usize = 0;
  upper: usize = 0;
}

export function newCuts(
  count: i32,
  first: i32,
  places: usize,
  kappa: usize,
  rho: usize,
  neurons: i32,
  pairs: usize,
  lower: usize,
  upper: usize,
): usize {
  const address = allocate(offsetof<Cuts>());
  const it = changetype<Cuts>(address);
  it.count = count;
  it.first = first;
  it.places = places;
  it.kappa = kappa;
  it.rho = rho;
  it.neurons = neurons;
  it.pairs = pairs;
  it.lower = lower;
  it.upper = upper;
  return address;
}

/** The multipliers of a tile's rows: arrays of [cuts × 128 bytes], and what they come to at the places. */
@unmanaged
class CutRows {
  count: i32 = 0;
  multiplier: usize = 0;
  best: usize = 0;
  first: usize = 0;
  second: usize = 0;
  /** By place: Σ μ, and −Σ κ·μ. */
  moved: usize = 0;
  charge: usize = 0;
}

export function newCutRows(count: i32, places: i32): usize {
  const address = allocate(offsetof<CutRows>());
  const it = changetype<CutRows>(address);
  it.count = count;
  it.multiplier = allocate(<usize>count << SHIFT);
  it.best = allocate(<usize>count << SHIFT);
  it.first = allocate(<usize>count << SHIFT);
  it.second = allocate(<usize>count << SHIFT);
  it.moved = allocate(<usize>places << SHIFT);
  it.charge = allocate(<usize>places << SHIFT);
  return address;
}

@inline
function back<T>(cuts: usize, rows: usize, node: usize, tile: usize, block: usize, z: usize, zActive: usize, y: usize, yActive: usize): void {
  const it = changetype<Cuts>(cuts);
  const own = changetype<CutRows>(rows);
  const rectifier = changetype<Rectifier>(node);
  const t = changetype<Tile>(tile);
  const zero = splat<T>(0);
  for (let k: usize = 0; k < <usize>it.neurons; k++) {
    const p = <usize>load<u32>(it.pairs + (k << 3));
    memory.fill(own.moved + (p << SHIFT), 0, BYTES);
    memory.fill(own.charge + (p << SHIFT), 0, BYTES);
  }
  for (let c: usize = 0; c < <usize>it.count; c++) {
    const p = <usize>load<u32>(it.places + (c << 2)) << SHIFT;
    const kappa = splat<T>(load<f64>(it.kappa + (c << 3)));
    const from = own.multiplier + ((c + <usize>it.first) << SHIFT);
    for (let at: usize = 0; at < BYTES; at += 16) {
      const mu = v128.load(from + at);
      v128.store(block + (c << SHIFT) + at, neg<T>(mu));
      v128.store(own.moved + p + at, add<T>(v128.load(own.moved + p + at), mu));
      v128.store(own.charge + p + at, sub<T>(v128.load(own.charge + p + at), mul<T>(kappa, mu)));
    }
  }
  const gamma = splat<T>(rectifier.constantsGamma);
  const few = splat<T>(16 * UNIT);
  for (let k: usize = 0; k < <usize>it.neurons; k++) {
    const p = <usize>load<u32>(it.pairs + (k << 3));
    const i = <usize>load<u32>(it.pairs + (k << 3), 4);
    const l = load<f64>(it.lower + (k << 3));
    const u = load<f64>(it.upper + (k << 3));
    const low = splat<T>(l);
    const high = splat<T>(u);
    const perLow = splat<T>(-1 / l);
    const perHigh = splat<T>(1 / u);
    const perWidth = splat<T>(1 / (u - l));
    const active = load<u8>(zActive + i) != 0;
    const present = load<u8>(yActive + i) != 0;
    // The forward pass is to know z, whether or not anything but cuts asks for it.
    store<u8>(zActive + i, 1);
    store<u8>(yActive + i, 1);
    store<u8>(t.met + p, 1);
    const magnitude = load<f64>(rectifier.magnitude + (i << 3));
    const lost = splat<T>(rectifier.arrivalGamma * magnitude);
    const size = splat<T>(magnitude);
    const here = p << SHIFT;
    for (let at: usize = 0; at < BYTES; at += 16) {
      const arrived = active ? v128.load(z + (i << SHIFT) + at) : zero;
      const a = add<T>(arrived, v128.load(own.moved + here + at));
      const q = v128.load(own.charge + here + at);
      const side = v128.load(t.side + here + at);
      const free = equal<T>(side, zero);
      const alpha = v128.load(t.low + here + at);
      // a·z + q·d ≥ s·y + the least of what that leaves at the corners (y, z, d) = (l, 0, 0), (0, 0, 0), (0, 0, 1), (u, u, 1), whatever s is: between `from` and `to` that is
      // `flat`, and where they have crossed, the best is where the first corner and the last are level.
      const flat = min<T>(q, zero);
      const from = mul<T>(flat, perLow);
      const to = add<T>(a, mul<T>(sub<T>(q, flat), perHigh));
      const crossed = lessThan<T>(to, from);
      const range = sub<T>(to, from);
      const chosen = v128.bitselect(mul<T>(add<T>(mul<T>(a, high), q), perWidth), add<T>(from, mul<T>(alpha, range)), crossed);
      const corners = min<T>(neg<T>(mul<T>(low, chosen)), add<T>(mul<T>(sub<T>(a, chosen), high), q));
      // With its phase fixed, z is y or 0 and d is 1 or 0.
      const phase = v128.and(q, lessThan<T>(zero, side));
      const term = v128.bitselect(min<T>(flat, corners), phase, free);
      const multiplier = mul<T>(side, v128.load(t.beta + here + at));
      const scaled = v128.bitselect(chosen, sub<T>(mul<T>(a, alpha), multiplier), free);
      // Below 0 where the forward pass is to take the chord; else what a step of α is worth.
      v128.store(t.coefficient + here + at, v128.bitselect(v128.bitselect(a, range, crossed), a, free));
      v128.store(t.constants + at, add<T>(v128.load(t.constants + at), term));
      if (sizeof<T>() == 8) {
        // Its own roundings: of a, of the corners, of the multiplier in the coefficient; then what becomes of the coefficient and of the constant.
        const rounded = add<T>(mul<T>(add<T>(abs<T>(a), abs<T>(scaled)), size), abs<T>(q));
        const passed = mul<T>(add<T>(abs<T>(scaled), abs<T>(multiplier)), lost);
        const error = add<T>(add<T>(mul<T>(rounded, few), passed), mul<T>(abs<T>(term), gamma));
        v128.store(t.errors + at, add<T>(v128.load(t.errors + at), error));
      }
      const target = y + (i << SHIFT) + at;
      v128.store(target, present ? add<T>(v128.load(target), scaled) : scaled);
    }
  }
}

/**
 * What `rectifierBack` does, at the places that have cuts and that it leaves alone. `block` gets the cuts' coefficients, −μ: what they are multiplied with over x, with their constants and what
 * the sums of multipliers may be off by, is the caller's.
 */
export function cutsBack(
  cuts: usize,
  rows: usize,
  node: usize,
  tile: usize,
  block: usize,
  z: usize,
  zActive: usize,
  y: usize,
  yActive: usize,
): void {
  back<f64>(cuts, rows, node, tile, block, z, zActive, y, yActive);
}

export function cutsBackSingle(
  cuts: usize,
  rows: usize,
  node: usize,
  tile: usize,
  block: usize,
  z: usize,
  zActive: usize,
  y: usize,
  yActive: usize,
): void {
  back<f32>(cuts, rows, node, tile, block, z, zActive, y, yActive);
}

@inline
function step<T>(
  cuts: usize,
  rows: usize,
  tile: usize,
  begin: i32,
  end: i32,
  block: usize,
  z: usize,
  improved: usize,
  time: i32,
  rate: f64,
): void {
  const it = changetype<Cuts>(cuts);
  const own = changetype<CutRows>(rows);
  const t = changetype<Tile>(tile);
  const zero = splat<T>(0);
  const one = splat<T>(1);
  const scale1 = splat<T>(1 / (1 - Math.pow(0.9, time)));
  const scale2 = splat<T>(1 / (1 - Math.pow(0.99, time)));
  const sizes = measure<T>(tile, begin, end);
  let k: usize = 0;
  for (let c: usize = 0; c < <usize>it.count; c++) {
    const p = load<u32>(it.places + (c << 2));
    // Cuts of one neuron are neighbours, in the order of the pairs.
    while (load<u32>(it.pairs + (k << 3)) != p) k++;
    const i = <usize>load<u32>(it.pairs + (k << 3), 4);
    const l = load<f64>(it.lower + (k << 3));
    const u = load<f64>(it.upper + (k << 3));
    const kappa = splat<T>(load<f64>(it.kappa + (c << 3)));
    const rho = splat<T>(load<f64>(it.rho + (c << 3)));
    const low = splat<T>(l);
    const perLow = splat<T>(-1 / l);
    const perHigh = splat<T>(1 / u);
    const perWidth = splat<T>(1 / (u - l));
    const here = <usize>p << SHIFT;
    const at0 = (c + <usize>it.first) << SHIFT;
    for (let at: usize = 0; at < BYTES; at += 16) {
      const mu = v128.load(own.multiplier + at0 + at);
      v128.store(own.best + at0 + at, v128.bitselect(mu, v128.load(own.best + at0 + at), v128.load(improved + at)));
      const value = v128.load(t.value + here + at);
      const side = v128.load(t.side + here + at);
      const alpha = v128.load(t.low + here + at);
      const coefficient = v128.load(t.coefficient + here + at);
      // The phase at which the bound is attained: how it changes with what d is charged.
      const onChord = mul<T>(sub<T>(value, low), perWidth);
      const below = mul<T>(mul<T>(alpha, value), perHigh);
      const above = add<T>(one, mul<T>(mul<T>(sub<T>(one, alpha), value), perLow));
      const charged = lessThan<T>(v128.load(own.charge + here + at), zero);
      const flat = v128.bitselect(above, below, charged);
      const loose = v128.bitselect(onChord, flat, lessThan<T>(coefficient, zero));
      const free = equal<T>(side, zero);
      const phase = v128.bitselect(loose, v128.and(one, lessThan<T>(zero, side)), free);
      const sum = v128.load(block + (c << SHIFT) + at);
      const violation = add<T>(sub<T>(v128.load(z + (i << SHIFT) + at), sum), sub<T>(rho, mul<T>(kappa, phase)));
      const m = add<T>(mul<T>(splat<T>(0.9), v128.load(own.first + at0 + at)), mul<T>(splat<T>(0.1), violation));
      const v = add<T>(mul<T>(splat<T>(0.99), v128.load(own.second + at0 + at)), mul<T>(splat<T>(0.01), mul<T>(violation, violation)));
      v128.store(own.first + at0 + at, m);
      v128.store(own.second + at0 + at, v);
      const direction = div<T>(mul<T>(m, scale1), add<T>(sqrt<T>(mul<T>(v, scale2)), splat<T>(1e-12)));
      const scale = add<T>(v128.load(sizes + at), add<T>(abs<T>(coefficient), mu));
      const moved = add<T>(mu, mul<T>(mul<T>(splat<T>(rate), scale), direction));
      const rounded = sizeof<T>() == 8 ? f64x2.promote_low_f32x4(f32x4.demote_f64x2_zero(moved)) : moved;
      v128.store(own.multiplier + at0 + at, v128.and(max<T>(zero, rounded), free));
    }
  }
}

/** As `tileStep`, for the multipliers of cuts, and before it: `block` and `z` hold what the forward pass found for the sums over x and for z. */
export function cutsStep(
  cuts: usize,
  rows: usize,
  tile: usize,
  begin: i32,
  end: i32,
  block: usize,
  z: usize,
  improved: usize,
  time: i32,
  rate: f64,
): void {
  step<f64>(cuts, rows, tile, begin, end, block, z, improved, time, rate);
}

export function cutsStepSingle(
  cuts: usize,
  rows: usize,
  tile: usize,
  begin: i32,
  end: i32,
  block: usize,
  z: usize,
  improved: usize,
  time: i32,
  rate: f64,
): void {
  step<f32>(cuts, rows, tile, begin, end, block, z, improved, time, rate);
}

/** As `tileRestore`. */
export function cutsRestore(rows: usize, improved: usize): void {
  const own = changetype<CutRows>(rows);
  for (let c: usize = 0; c < <usize>own.count << SHIFT; c += BYTES) {
    for (let at: usize = 0; at < BYTES; at += 16) {
      const here = c + at;
      const mask = v128.load(improved + at);
      v128.store(own.multiplier + here, v128.bitselect(v128.load(own.multiplier + here), v128.load(own.best + here), mask));
    }
  }
}

/** As `tileWiden`: multipliers are numbers that are not below 0. */
export function cutsWiden(target: usize, source: usize, half: i32): void {
  const to = changetype<CutRows>(target);
  const from = changetype<CutRows>(source);
  const zero = f64x2.splat(0);
  for (let c: usize = 0; c < <usize>to.count << SHIFT; c += BYTES)
    for (let at: usize = 0; at < BYTES; at += 16) {
      const mu = f64x2.promote_low_f32x4(v128.load64_zero(from.multiplier + c + (<usize>half << 6) + (at >> 1)));
      // NaN compares false.
      v128.store(to.multiplier + c + at, v128.and(mu, f64x2.gt(mu, zero)));
    }
}
