// Sub-problems of one box as rows: some neurons fixed to one side of 0 (β-CROWN), slopes of their own (α). All share the box, its neuron bounds and packed weights, so
// many rows go through each product at once. What a row holds is float32: any multipliers are sound (`certify.ts`), and searching for them is twice as fast.

import { inputLower, inputUpper, layer, layerCount, maxSize } from './chain';
import { bindStart, neuronStart, reserveResults } from './crown';
import { coefficientErrors, formBounds, forms, inputForms } from './ladder';
import { allocate, doubles, integers, stride } from './memory';

/** What the rows share of one hidden layer, over its live neurons, in float32. */
@unmanaged
export class Shared {
  /** First place of the layer's live neurons in a row. */
  offset: i32 = 0;
  /** [live × stride(live before)], and transposed [live before × stride(live)]. */
  weight: usize = 0;
  transposed: usize = 0;
  bias: usize = 0;
  lowerSlope: usize = 0;
  upperSlope: usize = 0;
  intercept: usize = 0;
  /** 1 where α may be moved: unstable and not assumed to be on one side. */
  free: usize = 0;
  phase: usize = 0;
}

let table: usize = 0;
@inline
export function shared(k: i32): Shared {
  return changetype<Shared>(table + <usize>k * <usize>offsetof<Shared>());
}

/** Hidden layers whose places are laid out, and the places they have. */
let laid: i32 = 0;
export let width: i32 = 0;
let maxRows: i32 = 0;
/** Bytes between rows of the arrays below: room for all neurons. */
let rowBytes: usize = 0;

/** Slope of the line below (α where it is free), and of the line above with its intercept. */
export let low: usize = 0;
export let up: usize = 0;
export let intercept: usize = 0;
/** +1: y ≥ 0 is assumed, −1: y ≤ 0, 0: not split; and side·β. */
export let side: usize = 0;
export let push: usize = 0;
export let free: usize = 0;
/** After a backward pass: the coefficients over z; after a forward pass: the values of y at the relaxed minimiser. */
export let coefficient: usize = 0;
export let value: usize = 0;
/** Adam's moments. */
export let first: usize = 0;
export let second: usize = 0;
/** The multipliers with which the best estimate was reached, and that estimate per row. */
export let bestLow: usize = 0;
export let bestPush: usize = 0;
export let best: usize = 0;
/** How many steps a row has not got better. */
export let stale: usize = 0;

/** What row r starts from: a row of `starts`. */
export let asked: usize = 0;
/** The rows in work, by position. */
export let active: usize = 0;

/** Rows over the live neurons of the layer they start below, each `startWide` numbers. */
export let starts: usize = 0;
export let startConstants: usize = 0;
export let startErrors: usize = 0;
export let startWide: i32 = 0;
export let startsSingle: usize = 0;
/** The rows start above this hidden layer. */
export let top: i32 = 0;
/** Whether the starts are the question's forms, which may have coefficients over the inputs. */
export let startsAreForms: bool = false;
export let inputFormsSingle: usize = 0;
export let inputLowerSingle: usize = 0;
export let inputUpperSingle: usize = 0;
let formCount: i32 = 0;

@inline
export function rowOf(array: usize, r: i32, k: i32): usize {
  return array + <usize>r * rowBytes + ((<usize>shared(k).offset) << 2);
}

function singles(n: i32): usize {
  return allocate(<usize>stride(n) << 2);
}

/** Room for `rows` rows at a time, about forms 0..count−1 of the question or about neurons. */
export function newRows(rows: i32, count: i32): void {
  maxRows = rows;
  formCount = count;
  const all = max(rows, count);
  reserveResults(all);
  table = allocate(<usize>(layerCount + 1) * <usize>offsetof<Shared>());
  let places = 0;
  for (let k = 1; k < layerCount; k++) {
    const it = layer(k);
    const own = shared(k);
    own.weight = allocate((<usize>it.size * <usize>stride(it.inputs)) << 2);
    own.transposed = allocate((<usize>it.inputs * <usize>stride(it.size)) << 2);
    own.bias = singles(it.size);
    own.lowerSlope = singles(it.size);
    own.upperSlope = singles(it.size);
    own.intercept = singles(it.size);
    own.free = singles(it.size);
    own.phase = singles(it.size);
    places += stride(it.size);
  }
  rowBytes = <usize>places << 2;
  const bytes = <usize>rows * rowBytes;
  low = allocate(bytes);
  up = allocate(bytes);
  intercept = allocate(bytes);
  side = allocate(bytes);
  push = allocate(bytes);
  free = allocate(bytes);
  coefficient = allocate(bytes);
  value = allocate(bytes);
  first = allocate(bytes);
  second = allocate(bytes);
  bestLow = allocate(bytes);
  bestPush = allocate(bytes);
  best = doubles(rows);
  stale = integers(rows);
  asked = integers(rows);
  active = integers(all);
  starts = doubles(all * stride(maxSize));
  startConstants = doubles(all);
  startErrors = doubles(all);
  startsSingle = singles(all * stride(maxSize));
  const inputs = stride(layer(0).size);
  inputFormsSingle = singles(count * inputs);
  single(inputFormsSingle, inputForms, count * inputs);
  inputLowerSingle = singles(inputs);
  inputUpperSingle = singles(inputs);
}

/** to[i] = from[i] in float32. */
function single(to: usize, from: usize, count: i32): void {
  for (let i = 0; i < count; i++) store<f32>(to + (<usize>i << 2), <f32>load<f64>(from + (<usize>i << 3)));
}

/** Lays out hidden layers from..to after they were prepared; those before `from` are as they were. */
export function layOut(from: i32, to: i32): void {
  if (from <= 1) {
    single(inputLowerSingle, inputLower, layer(0).size);
    single(inputUpperSingle, inputUpper, layer(0).size);
  }
  for (let k = from; k <= to; k++) {
    const it = layer(k);
    const own = shared(k);
    const before = layer(k - 1).liveCount;
    const wide = stride(it.liveCount);
    const narrow = stride(before);
    own.offset = k == 1 ? 0 : shared(k - 1).offset + stride(layer(k - 1).liveCount);
    single(own.weight, it.packed, it.liveCount * narrow);
    memory.fill(own.transposed, 0, (<usize>before * <usize>wide) << 2);
    for (let i = 0; i < it.liveCount; i++)
      for (let j = 0; j < before; j++)
        store<f32>(
          own.transposed + (<usize>(j * wide + i) << 2),
          load<f32>(own.weight + (<usize>(i * narrow + j) << 2)),
        );
    single(own.bias, it.biasLive, wide);
    single(own.lowerSlope, it.lowerSlope, wide);
    single(own.upperSlope, it.upperSlope, wide);
    single(own.intercept, it.intercept, wide);
    for (let i = 0; i < wide; i++) {
      const at = <usize>i << 2;
      const inside = i < it.liveCount;
      const neuron = inside ? load<i32>(it.live + at) : 0;
      const phase: f64 = inside ? load<f64>(it.phase + (<usize>neuron << 3)) : 0;
      store<f32>(own.phase + at, <f32>phase);
      store<f32>(own.free + at, phase == 0 && load<f64>(it.intercept + (<usize>i << 3)) > 0 ? 1 : 0);
    }
  }
  laid = to;
  width = to == 0 ? 0 : shared(to).offset + stride(layer(to).liveCount);
}

/** Layers that are not laid out as they are now would give bounds of nothing. */
function setTop(k: i32): void {
  if (k > laid) unreachable();
  top = k;
}

export function placeOffset(k: i32): i32 {
  return shared(k).offset;
}

/** The rows to come are about the question's forms: what the last layer makes of each does not depend on splits. All layers must be prepared and laid out. */
export function startForms(): void {
  setTop(layerCount - 1);
  startWide = stride(layer(layerCount - 1).liveCount);
  bindStart(starts, startConstants, startErrors, formCount, forms, inputForms, formBounds, coefficientErrors);
  single(startsSingle, starts, formCount * startWide);
  startsAreForms = true;
}

/** The rows to come are about neurons of layer k; the layers before it must be prepared and laid out. */
export function startNeurons(k: i32): void {
  setTop(k - 1);
  startWide = stride(layer(k - 1).liveCount);
  startsAreForms = false;
}

/** Start `slot` is y of neuron i of layer k, or −y where sign is negative. */
export function startNeuron(slot: i32, k: i32, i: i32, sign: f64): void {
  const target = starts + ((<usize>slot * <usize>startWide) << 3);
  const error = neuronStart(k, i, target);
  for (let j: usize = 0; j < <usize>startWide << 3; j += 16)
    v128.store(target + j, f64x2.mul(f64x2.splat(sign), v128.load(target + j)));
  store<f64>(startConstants + (<usize>slot << 3), sign * load<f64>(layer(k).bias + (<usize>i << 3)));
  store<f64>(startErrors + (<usize>slot << 3), error);
  single(startsSingle + ((<usize>slot * <usize>startWide) << 2), target, startWide);
}

/** Row r starts anew: no splits but the region's, its own slopes, no momentum. */
export function rowReset(r: i32): void {
  for (let k = 1; k <= laid; k++) {
    const own = shared(k);
    const bytes = <usize>stride(layer(k).liveCount) << 2;
    memory.copy(rowOf(low, r, k), own.lowerSlope, bytes);
    memory.copy(rowOf(up, r, k), own.upperSlope, bytes);
    memory.copy(rowOf(intercept, r, k), own.intercept, bytes);
    memory.copy(rowOf(free, r, k), own.free, bytes);
    memory.copy(rowOf(side, r, k), own.phase, bytes);
  }
  const row = <usize>r * rowBytes;
  const bytes = <usize>width << 2;
  memory.fill(push + row, 0, bytes);
  memory.fill(first + row, 0, bytes);
  memory.fill(second + row, 0, bytes);
}

/** Neuron i (a live one) of layer k in row r is on one side: σ is linear there. */
export function rowFix(r: i32, k: i32, i: i32, sign: f32, beta: f32): void {
  const at = <usize>i << 2;
  const slope: f32 = sign > 0 ? 1 : <f32>layer(k).slope;
  store<f32>(rowOf(low, r, k) + at, slope);
  store<f32>(rowOf(up, r, k) + at, slope);
  store<f32>(rowOf(intercept, r, k) + at, 0);
  store<f32>(rowOf(side, r, k) + at, sign);
  store<f32>(rowOf(push, r, k) + at, beta >= 0 ? sign * beta : 0);
  store<f32>(rowOf(free, r, k) + at, 0);
}

/** Takes over the slopes that were written to `low`: where α is not free, or out of range, the region's own. Before `rowFix`. */
export function rowClamp(r: i32): void {
  for (let k = 1; k <= laid; k++) {
    const own = shared(k);
    const at = rowOf(low, r, k);
    const mine = rowOf(free, r, k);
    const least = f32x4.splat(<f32>layer(k).slope);
    const most = f32x4.splat(1);
    const end = <usize>stride(layer(k).liveCount) << 2;
    for (let j: usize = 0; j < end; j += 16) {
      const alpha = v128.load(at + j);
      // NaN compares false.
      const good = v128.and(
        f32x4.ne(v128.load(mine + j), f32x4.splat(0)),
        v128.and(f32x4.ge(alpha, least), f32x4.le(alpha, most)),
      );
      v128.store(at + j, v128.bitselect(alpha, v128.load(own.lowerSlope + j), good));
    }
  }
}

/** Keeps row r's multipliers as its best. */
export function rowKeep(r: i32): void {
  const row = <usize>r * rowBytes;
  memory.copy(bestLow + row, low + row, <usize>width << 2);
  memory.copy(bestPush + row, push + row, <usize>width << 2);
}

/** Goes back to row r's best multipliers. */
export function rowRestore(r: i32): void {
  const row = <usize>r * rowBytes;
  memory.copy(low + row, bestLow + row, <usize>width << 2);
  memory.copy(push + row, bestPush + row, <usize>width << 2);
}

/** Addresses of row r's slopes and side·β, for reading them out. */
export function rowSlopes(r: i32): usize {
  return low + <usize>r * rowBytes;
}
export function rowPush(r: i32): usize {
  return push + <usize>r * rowBytes;
}
