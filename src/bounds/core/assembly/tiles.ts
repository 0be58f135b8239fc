// Rows of linear bounds over a general graph, a tile of sixteen at a time: a neuron's coefficients in all rows of the tile are neighbours, so every kernel
// works on whole vectors whatever the network's shape, and what is zero in all rows is skipped by its flag.

import { allocate } from './memory';

/** Bytes of one neuron in a tile: 16 doubles. */
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
}

export function newPlan(groups: i32, table: usize, entries: usize, members: usize): usize {
  const address = allocate(offsetof<Plan>());
  const p = changetype<Plan>(address);
  p.groups = groups;
  p.table = table;
  p.entries = entries;
  p.members = members;
  return address;
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
function productOfTwo(end: usize, from: usize, w0: usize, w1: usize, t0: usize, t1: usize, add0: bool, add1: bool): void {
  let x0 = f64x2.splat(0), x1 = f64x2.splat(0), x2 = f64x2.splat(0), x3 = f64x2.splat(0);
  let y0 = f64x2.splat(0), y1 = f64x2.splat(0), y2 = f64x2.splat(0), y3 = f64x2.splat(0);
  for (let e = gathered; e < end; e += 8) {
    const w = <usize>load<u32>(e, 4);
    const u = v128.load64_splat(w0 + w);
    const v = v128.load64_splat(w1 + w);
    const a0 = v128.load(from);
    const a1 = v128.load(from, 16);
    const a2 = v128.load(from, 32);
    const a3 = v128.load(from, 48);
    from += 64;
    x0 = f64x2.add(x0, f64x2.mul(u, a0));
    x1 = f64x2.add(x1, f64x2.mul(u, a1));
    x2 = f64x2.add(x2, f64x2.mul(u, a2));
    x3 = f64x2.add(x3, f64x2.mul(u, a3));
    y0 = f64x2.add(y0, f64x2.mul(v, a0));
    y1 = f64x2.add(y1, f64x2.mul(v, a1));
    y2 = f64x2.add(y2, f64x2.mul(v, a2));
    y3 = f64x2.add(y3, f64x2.mul(v, a3));
  }
  arrive(t0, x0, x1, x2, x3, add0);
  arrive(t1, y0, y1, y2, y3, add1);
}

/** Half of the rows of one target, from packed coefficients. */
function productOfHalf(end: usize, from: usize, w0: usize, t0: usize, add0: bool): void {
  let x0 = f64x2.splat(0), x1 = f64x2.splat(0), x2 = f64x2.splat(0), x3 = f64x2.splat(0);
  for (let e = gathered; e < end; e += 8) {
    const u = v128.load64_splat(w0 + <usize>load<u32>(e, 4));
    x0 = f64x2.add(x0, f64x2.mul(u, v128.load(from)));
    x1 = f64x2.add(x1, f64x2.mul(u, v128.load(from, 16)));
    x2 = f64x2.add(x2, f64x2.mul(u, v128.load(from, 32)));
    x3 = f64x2.add(x3, f64x2.mul(u, v128.load(from, 48)));
    from += 64;
  }
  arrive(t0, x0, x1, x2, x3, add0);
}

/** All rows of one target, from where the coefficients are. */
function productOfOne(end: usize, source: usize, w0: usize, t0: usize, add0: bool): void {
  let x0 = f64x2.splat(0), x1 = f64x2.splat(0), x2 = f64x2.splat(0), x3 = f64x2.splat(0);
  let x4 = f64x2.splat(0), x5 = f64x2.splat(0), x6 = f64x2.splat(0), x7 = f64x2.splat(0);
  for (let e = gathered; e < end; e += 8) {
    const a = source + <usize>load<u32>(e);
    const u = v128.load64_splat(w0 + <usize>load<u32>(e, 4));
    x0 = f64x2.add(x0, f64x2.mul(u, v128.load(a)));
    x1 = f64x2.add(x1, f64x2.mul(u, v128.load(a, 16)));
    x2 = f64x2.add(x2, f64x2.mul(u, v128.load(a, 32)));
    x3 = f64x2.add(x3, f64x2.mul(u, v128.load(a, 48)));
    x4 = f64x2.add(x4, f64x2.mul(u, v128.load(a, 64)));
    x5 = f64x2.add(x5, f64x2.mul(u, v128.load(a, 80)));
    x6 = f64x2.add(x6, f64x2.mul(u, v128.load(a, 96)));
    x7 = f64x2.add(x7, f64x2.mul(u, v128.load(a, 112)));
  }
  arrive(t0, x0, x1, x2, x3, add0);
  arrive(t0 + 64, x4, x5, x6, x7, add0);
}

@inline
function arrive(target: usize, x0: v128, x1: v128, x2: v128, x3: v128, add: bool): void {
  if (add) {
    x0 = f64x2.add(x0, v128.load(target));
    x1 = f64x2.add(x1, v128.load(target, 16));
    x2 = f64x2.add(x2, v128.load(target, 32));
    x3 = f64x2.add(x3, v128.load(target, 48));
  }
  v128.store(target, x0);
  v128.store(target, x1, 16);
  v128.store(target, x2, 32);
  v128.store(target, x3, 48);
}

/**
 * target += map · source, for needed targets only. Flags (bytes, one a neuron) say which sources are not zero and which targets hold something; targets that
 * receive something are flagged, the others are left as they are. Every entry is a sum of as many products as its group has entries, in some order.
 */
export function planProduct(plan: usize, target: usize, targetActive: usize, needed: usize, source: usize, sourceActive: usize): void {
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
      store<u32>(end, load<u32>(e, 4), 4);
      end += <usize>load<u8>(sourceActive + <usize>s) << 3;
    }
    if (end == gathered) continue;
    let last = wanted;
    for (; member < membersEnd; member += 8) {
      store<u64>(last, load<u64>(member));
      last += <usize>load<u8>(needed + <usize>load<u32>(member)) << 3;
    }
    if (last - wanted < WORTH_PACKING << 3) {
      for (let m = wanted; m < last; m += 8) {
        const i = <usize>load<u32>(m);
        productOfOne(end, source, <usize>load<u32>(m, 4), target + (i << SHIFT), load<u8>(targetActive + i) != 0);
        store<u8>(targetActive + i, 1);
      }
      continue;
    }
    packedProduct(end, last, target, targetActive, source);
  }
}

/** All wanted members of a group, two at a time. */
function packedProduct(end: usize, last: usize, target: usize, targetActive: usize, source: usize): void {
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
      productOfTwo(end, from, <usize>load<u32>(m, 4), <usize>load<u32>(m, 12), into + (i << SHIFT), into + (j << SHIFT), add0, add1);
    }
    if (m < last) {
      const i = <usize>load<u32>(m);
      const w = <usize>load<u32>(m, 4);
      const t = into + (i << SHIFT);
      productOfHalf(end, from, w, t, load<u8>(targetActive + i) != 0);
    }
  }
  for (let m = wanted; m < last; m += 8) store<u8>(targetActive + <usize>load<u32>(m), 1);
}

/** constants += bias · block and errors += weight · |block| over the active neurons; constants and errors are 16 doubles each. */
export function tileConstants(count: i32, block: usize, active: usize, bias: usize, weight: usize, constants: usize, errors: usize): void {
  for (let i: usize = 0; i < <usize>count; i++) {
    if (load<u8>(active + i) == 0) continue;
    const b = v128.load64_splat(bias + (i << 3));
    const w = v128.load64_splat(weight + (i << 3));
    const row = block + (i << SHIFT);
    for (let at: usize = 0; at < BYTES; at += 16) {
      const a = v128.load(row + at);
      v128.store(constants + at, f64x2.add(v128.load(constants + at), f64x2.mul(a, b)));
      v128.store(errors + at, f64x2.add(v128.load(errors + at), f64x2.mul(f64x2.abs(a), w)));
    }
  }
}

/** block += bias at the flagged neurons. */
export function tileAddBias(count: i32, block: usize, present: usize, bias: usize): void {
  for (let i: usize = 0; i < <usize>count; i++) {
    if (load<u8>(present + i) == 0) continue;
    const b = v128.load64_splat(bias + (i << 3));
    const row = block + (i << SHIFT);
    for (let at: usize = 0; at < BYTES; at += 16) v128.store(row + at, f64x2.add(v128.load(row + at), b));
  }
}

/** sums += the least of coefficient · x over the box, sizes += |coefficient| · magnitude, over the active inputs; 16 doubles each. */
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
  for (let i: usize = 0; i < <usize>count; i++) {
    if (load<u8>(active + i) == 0) continue;
    const l = v128.load64_splat(lower + (i << 3));
    const u = v128.load64_splat(upper + (i << 3));
    const m = v128.load64_splat(magnitude + (i << 3));
    const row = block + (i << SHIFT);
    for (let at: usize = 0; at < BYTES; at += 16) {
      const a = v128.load(row + at);
      const x = v128.bitselect(u, l, f64x2.lt(a, f64x2.splat(0)));
      v128.store(sums + at, f64x2.add(v128.load(sums + at), f64x2.mul(a, x)));
      v128.store(sizes + at, f64x2.add(v128.load(sizes + at), f64x2.mul(f64x2.abs(a), m)));
    }
  }
}

/** Replaces coefficients over the inputs by the inputs that attain the least value, and flags all inputs that are active. */
export function tilePoints(count: i32, block: usize, active: usize, lower: usize, upper: usize): void {
  for (let i: usize = 0; i < <usize>count; i++) {
    const l = v128.load64_splat(lower + (i << 3));
    const u = v128.load64_splat(upper + (i << 3));
    const row = block + (i << SHIFT);
    const used = load<u8>(active + i) != 0;
    for (let at: usize = 0; at < BYTES; at += 16)
      v128.store(row + at, used ? v128.bitselect(u, l, f64x2.lt(v128.load(row + at), f64x2.splat(0))) : l);
  }
}
