// Rows of linear bounds over a general graph, a tile of sixteen at a time (in float32, for searching, thirty-two): a neuron's coefficients in all rows of the tile
// are neighbours, so every kernel works on whole vectors whatever the network's shape, and what is zero in all rows is skipped by its flag.

import { abs, add, lessThan, mul, splat, splatAt } from './lanes';
import { allocate } from './memory';

/** Bytes of one neuron in a tile: 16 doubles or 32 float32 numbers. */
const SHIFT: usize = 7;
const BYTES: usize = 128;

/**
 * One linear map between the neurons of two nodes. Targets that read the same sources (channels at one position, neurons of a dense layer) form a group:
 * its entries are (source, byte offset of the weight), its members (target, address of the target's weights).
 */
@unmanaged
class Plan {
  groups: i32 = 0;
  /** Per group four integers: first entry, entries, first member, members. */
  table: usize = 0;
  entries: usize = 0;
  members: usize = 0;
  /** All weights of the map, and the same in float32. */
  weights: usize = 0;
  singles: usize = 0;
}

export function newPlan(groups: i32, table: usize, entries: usize, members: usize, weights: usize, singles: usize): usize {
  const address = allocate(offsetof<Plan>());
  const p = changetype<Plan>(address);
  p.groups = groups;
  p.table = table;
  p.entries = entries;
  p.members = members;
  p.weights = weights;
  p.singles = singles;
  return address;
}

/** Where the weights at an address are in the lanes' own type. */
@inline
function weightsOf<T>(p: Plan, address: usize): usize {
  return sizeof<T>() == 8 ? address : p.singles + ((address - p.weights) >> 1);
}

/** Of the group at hand, its active entries: (byte offset of the source, byte offset of the weight). */
let gathered: usize = 0;
/** Their coefficients, first eight rows of all, then the other eight. */
let packed: usize = 0;
/** Its needed members: (target, address of the weights). */
let wanted: usize = 0;
let mostEntries: usize = 0;
let mostMembers: usize = 0;

/** Scratch for groups of so many entries and members; only ever grows and must not be released. */
export function reserveGroups(entries: usize, members: usize): void {
  if (entries > mostEntries) {
    mostEntries = entries;
    gathered = allocate((entries + 1) << 3);
    packed = allocate(entries << SHIFT);
  }
  if (members > mostMembers) {
    mostMembers = members;
    wanted = allocate((members + 1) << 3);
  }
}

/** From so many members on, copying what they all read next to each other pays. */
const WORTH_PACKING: usize = 4;

/** Half of the rows of two targets, from packed coefficients. */
function productOfTwo<T>(end: usize, from: usize, w0: usize, w1: usize, t0: usize, t1: usize, add0: bool, add1: bool): void {
  let x0 = splat<T>(0), x1 = splat<T>(0), x2 = splat<T>(0), x3 = splat<T>(0);
  let y0 = splat<T>(0), y1 = splat<T>(0), y2 = splat<T>(0), y3 = splat<T>(0);
  for (let e = gathered; e < end; e += 8) {
    const w = <usize>load<u32>(e, 4);
    const u = splatAt<T>(w0 + w);
    const v = splatAt<T>(w1 + w);
    const a0 = v128.load(from);
    const a1 = v128.load(from, 16);
    const a2 = v128.load(from, 32);
    const a3 = v128.load(from, 48);
    from += 64;
    x0 = add<T>(x0, mul<T>(u, a0));
    x1 = add<T>(x1, mul<T>(u, a1));
    x2 = add<T>(x2, mul<T>(u, a2));
    x3 = add<T>(x3, mul<T>(u, a3));
    y0 = add<T>(y0, mul<T>(v, a0));
    y1 = add<T>(y1, mul<T>(v, a1));
    y2 = add<T>(y2, mul<T>(v, a2));
    y3 = add<T>(y3, mul<T>(v, a3));
  }
  arrive<T>(t0, x0, x1, x2, x3, add0);
  arrive<T>(t1, y0, y1, y2, y3, add1);
}

/** Half of the rows of one target, from packed coefficients. */
function productOfHalf<T>(end: usize, from: usize, w0: usize, t0: usize, add0: bool): void {
  let x0 = splat<T>(0), x1 = splat<T>(0), x2 = splat<T>(0), x3 = splat<T>(0);
  for (let e = gathered; e < end; e += 8) {
    const u = splatAt<T>(w0 + <usize>load<u32>(e, 4));
    x0 = add<T>(x0, mul<T>(u, v128.load(from)));
    x1 = add<T>(x1, mul<T>(u, v128.load(from, 16)));
    x2 = add<T>(x2, mul<T>(u, v128.load(from, 32)));
    x3 = add<T>(x3, mul<T>(u, v128.load(from, 48)));
    from += 64;
  }
  arrive<T>(t0, x0, x1, x2, x3, add0);
}

/** All rows of one target, from where the coefficients are. */
function productOfOne<T>(end: usize, source: usize, w0: usize, t0: usize, add0: bool): void {
  let x0 = splat<T>(0), x1 = splat<T>(0), x2 = splat<T>(0), x3 = splat<T>(0);
  let x4 = splat<T>(0), x5 = splat<T>(0), x6 = splat<T>(0), x7 = splat<T>(0);
  for (let e = gathered; e < end; e += 8) {
    const a = source + <usize>load<u32>(e);
    const u = splatAt<T>(w0 + <usize>load<u32>(e, 4));
    x0 = add<T>(x0, mul<T>(u, v128.load(a)));
    x1 = add<T>(x1, mul<T>(u, v128.load(a, 16)));
    x2 = add<T>(x2, mul<T>(u, v128.load(a, 32)));
    x3 = add<T>(x3, mul<T>(u, v128.load(a, 48)));
    x4 = add<T>(x4, mul<T>(u, v128.load(a, 64)));
    x5 = add<T>(x5, mul<T>(u, v128.load(a, 80)));
    x6 = add<T>(x6, mul<T>(u, v128.load(a, 96)));
    x7 = add<T>(x7, mul<T>(u, v128.load(a, 112)));
  }
  arrive<T>(t0, x0, x1, x2, x3, add0);
  arrive<T>(t0 + 64, x4, x5, x6, x7, add0);
}

@inline
function arrive<T>(target: usize, x0: v128, x1: v128, x2: v128, x3: v128, more: bool): void {
  if (more) {
    x0 = add<T>(x0, v128.load(target));
    x1 = add<T>(x1, v128.load(target, 16));
    x2 = add<T>(x2, v128.load(target, 32));
    x3 = add<T>(x3, v128.load(target, 48));
  }
  v128.store(target, x0);
  v128.store(target, x1, 16);
  v128.store(target, x2, 32);
  v128.store(target, x3, 48);
}

@inline
function product<T>(plan: usize, target: usize, targetActive: usize, needed: usize, source: usize, sourceActive: usize): void {
  const p = changetype<Plan>(plan);
  for (let g = 0; g < p.groups; g++) {
    const group = p.table + (<usize>g << 4);
    let member = p.members + (<usize>load<u32>(group, 8) << 3);
    const membersEnd = member + (<usize>load<u32>(group, 12) << 3);
    while (member < membersEnd && load<u8>(needed + <usize>load<u32>(member)) == 0) member += 8;
    if (member == membersEnd) continue;
    let end = gathered;
    const entriesEnd = p.entries + (<usize>(load<u32>(group) + load<u32>(group, 4)) << 3);
    for (let e = p.entries + (<usize>load<u32>(group) << 3); e < entriesEnd; e += 8) {
      const s = load<u32>(e);
      store<u32>(end, s << <u32>SHIFT);
      store<u32>(end, sizeof<T>() == 8 ? load<u32>(e, 4) : load<u32>(e, 4) >> 1, 4);
      end += <usize>load<u8>(sourceActive + <usize>s) << 3;
    }
    if (end == gathered) continue;
    let last = wanted;
    for (; member < membersEnd; member += 8) {
      store<u32>(last, load<u32>(member));
      store<u32>(last, <u32>weightsOf<T>(p, <usize>load<u32>(member, 4)), 4);
      last += <usize>load<u8>(needed + <usize>load<u32>(member)) << 3;
    }
    if (last - wanted < WORTH_PACKING << 3) {
      for (let m = wanted; m < last; m += 8) {
        const i = <usize>load<u32>(m);
        productOfOne<T>(end, source, <usize>load<u32>(m, 4), target + (i << SHIFT), load<u8>(targetActive + i) != 0);
        store<u8>(targetActive + i, 1);
      }
      continue;
    }
    packedProduct<T>(end, last, target, targetActive, source);
  }
}

/** All wanted members of a group, two at a time. */
function packedProduct<T>(end: usize, last: usize, target: usize, targetActive: usize, source: usize): void {
  const bytes = (end - gathered) << 3;
  let to = packed;
  for (let e = gathered; e < end; e += 8) {
    const from = source + <usize>load<u32>(e);
    for (let at: usize = 0; at < 64; at += 16) {
      v128.store(to + at, v128.load(from + at));
      v128.store(to + bytes + at, v128.load(from + at, 64));
    }
    to += 64;
  }
  for (let half: usize = 0; half < 2; half++) {
    const from = packed + half * bytes;
    const into = target + half * 64;
    let m = wanted;
    for (; m + 8 < last; m += 16) {
      const i = <usize>load<u32>(m);
      const j = <usize>load<u32>(m, 8);
      const add0 = load<u8>(targetActive + i) != 0;
      const add1 = load<u8>(targetActive + j) != 0;
      productOfTwo<T>(end, from, <usize>load<u32>(m, 4), <usize>load<u32>(m, 12), into + (i << SHIFT), into + (j << SHIFT), add0, add1);
    }
    if (m < last) {
      const i = <usize>load<u32>(m);
      const w = <usize>load<u32>(m, 4);
      const t = into + (i << SHIFT);
      productOfHalf<T>(end, from, w, t, load<u8>(targetActive + i) != 0);
    }
  }
  for (let m = wanted; m < last; m += 8) store<u8>(targetActive + <usize>load<u32>(m), 1);
}

/**
 * target += map · source, for needed targets only. Flags (bytes, one a neuron) say which sources are not zero and which targets hold something; targets that
 * receive something are flagged, the others are left as they are. Every entry is a sum of as many products as its group has entries, in some order.
 */
export function planProduct(plan: usize, target: usize, targetActive: usize, needed: usize, source: usize, sourceActive: usize): void {
  product<f64>(plan, target, targetActive, needed, source, sourceActive);
}

/** The same in float32. */
export function planProductSingle(plan: usize, target: usize, targetActive: usize, needed: usize, source: usize, sourceActive: usize): void {
  product<f32>(plan, target, targetActive, needed, source, sourceActive);
}

@inline
function addConstants<T>(count: i32, block: usize, active: usize, bias: usize, weight: usize, constants: usize, errors: usize): void {
  for (let i: usize = 0; i < <usize>count; i++) {
    if (load<u8>(active + i) == 0) continue;
    const b = splat<T>(load<f64>(bias + (i << 3)));
    const w = splat<T>(load<f64>(weight + (i << 3)));
    const row = block + (i << SHIFT);
    for (let at: usize = 0; at < BYTES; at += 16) {
      const a = v128.load(row + at);
      v128.store(constants + at, add<T>(v128.load(constants + at), mul<T>(a, b)));
      if (sizeof<T>() == 8) v128.store(errors + at, add<T>(v128.load(errors + at), mul<T>(abs<T>(a), w)));
    }
  }
}

/** constants += bias · block and errors += weight · |block| over the active neurons; constants and errors have one number a row. */
export function tileConstants(count: i32, block: usize, active: usize, bias: usize, weight: usize, constants: usize, errors: usize): void {
  addConstants<f64>(count, block, active, bias, weight, constants, errors);
}

/** The same in float32, without errors. */
export function tileConstantsSingle(count: i32, block: usize, active: usize, bias: usize, constants: usize): void {
  addConstants<f32>(count, block, active, bias, bias, constants, 0);
}

@inline
function addBias<T>(count: i32, block: usize, present: usize, bias: usize): void {
  for (let i: usize = 0; i < <usize>count; i++) {
    if (load<u8>(present + i) == 0) continue;
    const b = splat<T>(load<f64>(bias + (i << 3)));
    const row = block + (i << SHIFT);
    for (let at: usize = 0; at < BYTES; at += 16) v128.store(row + at, add<T>(v128.load(row + at), b));
  }
}

/** block += bias at the flagged neurons. */
export function tileAddBias(count: i32, block: usize, present: usize, bias: usize): void {
  addBias<f64>(count, block, present, bias);
}

export function tileAddBiasSingle(count: i32, block: usize, present: usize, bias: usize): void {
  addBias<f32>(count, block, present, bias);
}

@inline
function least<T>(
  count: i32,
  block: usize,
  active: usize,
  lower: usize,
  upper: usize,
  magnitude: usize,
  sums: usize,
  sizes: usize,
): void {
  for (let i: usize = 0; i < <usize>count; i++) {
    if (load<u8>(active + i) == 0) continue;
    const l = splat<T>(load<f64>(lower + (i << 3)));
    const u = splat<T>(load<f64>(upper + (i << 3)));
    const m = splat<T>(load<f64>(magnitude + (i << 3)));
    const row = block + (i << SHIFT);
    for (let at: usize = 0; at < BYTES; at += 16) {
      const a = v128.load(row + at);
      const x = v128.bitselect(u, l, lessThan<T>(a, splat<T>(0)));
      v128.store(sums + at, add<T>(v128.load(sums + at), mul<T>(a, x)));
      if (sizeof<T>() == 8) v128.store(sizes + at, add<T>(v128.load(sizes + at), mul<T>(abs<T>(a), m)));
    }
  }
}

/** sums += the least of coefficient · x over the box, sizes += |coefficient| · magnitude, over the active inputs; one number a row each. */
export function tileConcretise(
  count: i32,
  block: usize,
  active: usize,
  lower: usize,
  upper: usize,
  magnitude: usize,
  sums: usize,
  sizes: usize,
): void {
  least<f64>(count, block, active, lower, upper, magnitude, sums, sizes);
}

/** The same in float32, without sizes. */
export function tileConcretiseSingle(count: i32, block: usize, active: usize, lower: usize, upper: usize, sums: usize): void {
  least<f32>(count, block, active, lower, upper, lower, sums, 0);
}

@inline
function points<T>(count: i32, block: usize, active: usize, lower: usize, upper: usize): void {
  for (let i: usize = 0; i < <usize>count; i++) {
    const l = splat<T>(load<f64>(lower + (i << 3)));
    const u = splat<T>(load<f64>(upper + (i << 3)));
    const row = block + (i << SHIFT);
    const used = load<u8>(active + i) != 0;
    for (let at: usize = 0; at < BYTES; at += 16)
      v128.store(row + at, used ? v128.bitselect(u, l, lessThan<T>(v128.load(row + at), splat<T>(0))) : l);
  }
}

/** Replaces coefficients over the inputs by the inputs that attain the least value, and flags all inputs that are active. */
export function tilePoints(count: i32, block: usize, active: usize, lower: usize, upper: usize): void {
  points<f64>(count, block, active, lower, upper);
}

export function tilePointsSingle(count: i32, block: usize, active: usize, lower: usize, upper: usize): void {
  points<f32>(count, block, active, lower, upper);
}
