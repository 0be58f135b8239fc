// Backward linear bounds (CROWN) through the chain, many rows at once, with everything that rounds accounted for.

import { constantsGamma, inputLower, inputUpper, layer, layerCount, maxSize } from './chain';
import { gemm } from './gemm';
import { doubles, matrix, stride } from './memory';
import { gamma, inflate, MAGNITUDE_LIMIT, UNIT } from './rounding';

let bufferA: usize = 0;
let bufferB: usize = 0;
/** Most rows of one pass: lower and upper of every neuron of a layer, or all rows of the question. */
let maxRows: i32 = 0;
/** How many rows `constants`, `errors` and `rowLower` have room for. */
let resultRows: i32 = 0;
/** Per row: the constant, and the bound on all rounding so far. */
export let constants: usize = 0;
export let errors: usize = 0;
/** Per row, after a pass: the certified lower bound over the box. */
export let rowLower: usize = 0;
/** Per row, after a pass: the coefficients of the certified plane, [rows × stride(inputs)]. */
export let rowPlane: usize = 0;

export function newCrown(questionRows: i32): void {
  maxRows = max(questionRows, 2 * maxSize) + 4;
  resultRows = maxRows;
  bufferA = matrix(maxRows, maxSize);
  bufferB = matrix(maxRows, maxSize);
  constants = doubles(maxRows);
  errors = doubles(maxRows);
  rowLower = doubles(maxRows);
}

/** Room for the results of so many rows, for passes whose rows are in buffers of their own. */
export function reserveResults(rows: i32): void {
  if (rows <= resultRows) return;
  resultRows = rows;
  constants = doubles(rows);
  errors = doubles(rows);
  rowLower = doubles(rows);
}

/**
 * One row back through the activation of layer k: `row` over z becomes a row over y, the constant takes the intercepts and the biases,
 * the error everything that this step and the product that follows it can lose.
 */
@inline
function activationRow(k: i32, row: usize, index: i32): void {
  const it = layer(k);
  const end = <usize>stride(it.liveCount) << 3;
  const zero = f64x2.splat(0);
  let fromBias = zero;
  let fromIntercept = zero;
  let error = zero;
  for (let at: usize = 0; at < end; at += 16) {
    const a = v128.load(row + at);
    const negative = f64x2.lt(a, zero);
    const slope = v128.bitselect(v128.load(it.upperSlope + at), v128.load(it.lowerSlope + at), negative);
    fromIntercept = f64x2.add(fromIntercept, f64x2.mul(f64x2.min(a, zero), v128.load(it.intercept + at)));
    const scaled = f64x2.mul(a, slope);
    v128.store(row + at, scaled);
    fromBias = f64x2.add(fromBias, f64x2.mul(scaled, v128.load(it.biasLive + at)));
    error = f64x2.add(error, f64x2.mul(f64x2.abs(scaled), v128.load(it.errorWeight + at)));
  }
  finishRow(index, fromBias, fromIntercept, error);
}

/** The same for the last layer, which has no activation. */
@inline
function affineRow(k: i32, row: usize, index: i32): void {
  const it = layer(k);
  const end = <usize>stride(it.liveCount) << 3;
  const zero = f64x2.splat(0);
  let fromBias = zero;
  let error = zero;
  for (let at: usize = 0; at < end; at += 16) {
    const a = v128.load(row + at);
    fromBias = f64x2.add(fromBias, f64x2.mul(a, v128.load(it.biasLive + at)));
    error = f64x2.add(error, f64x2.mul(f64x2.abs(a), v128.load(it.errorWeight + at)));
  }
  finishRow(index, fromBias, zero, error);
}

/** Books what a row gained and lost at one activation layer. */
@inline
export function finishRow(index: i32, fromBias: v128, fromIntercept: v128, error: v128): void {
  const slot = <usize>index << 3;
  const intercepts = f64x2.extract_lane(fromIntercept, 0) + f64x2.extract_lane(fromIntercept, 1);
  const biases = f64x2.extract_lane(fromBias, 0) + f64x2.extract_lane(fromBias, 1);
  store<f64>(constants + slot, load<f64>(constants + slot) + (intercepts + biases));
  // All intercept terms have one sign, so their sum is also the sum of their magnitudes; what rounding the biases' sum costs is in errorWeight.
  store<f64>(
    errors + slot,
    load<f64>(errors + slot) +
      (f64x2.extract_lane(error, 0) + f64x2.extract_lane(error, 1)) +
      constantsGamma() * abs(intercepts),
  );
}

/** `rows` rows over the activations of layer k (in the returned-by `startBuffer` buffer) down to planes over the input, then concretised. */
function descend(k: i32, rows: i32, from: usize): void {
  let a = from;
  let b = from == bufferA ? bufferB : bufferA;
  for (let j = k; j >= 1; j--) {
    const it = layer(j);
    const wide = stride(it.liveCount);
    const narrow = stride(layer(j - 1).liveCount);
    for (let r = 0; r < rows; r++) activationRow(j, a + ((<usize>r * <usize>wide) << 3), r);
    gemm(b, a, it.packed, rows, it.liveCount, narrow, wide, narrow, narrow);
    const swap = a;
    a = b;
    b = swap;
  }
  rowPlane = a;
}

/** For passes that keep their rows in buffers of their own. */
export function setRowPlane(address: usize): void {
  rowPlane = address;
}

/** Adds the forms' own coefficients over the inputs to the planes; row r is about form `selected[r]`. */
function addInputForms(rows: i32, selected: usize, inputForms: usize): void {
  const inputs = layer(0);
  const wide = stride(inputs.size);
  for (let r = 0; r < rows; r++) {
    const index = load<i32>(selected + (<usize>r << 2));
    const row = rowPlane + ((<usize>r * <usize>wide) << 3);
    const own = inputForms + ((<usize>index * <usize>wide) << 3);
    let size: f64 = 0;
    for (let i = 0; i < inputs.size; i++) {
      const at = <usize>i << 3;
      const sum = load<f64>(row + at) + load<f64>(own + at);
      size += abs(sum) * load<f64>(inputs.magnitude + at);
      store<f64>(row + at, sum);
    }
    const slot = <usize>r << 3;
    store<f64>(errors + slot, load<f64>(errors + slot) + 2 * UNIT * size);
  }
}

/** Turns planes and constants into certified lower bounds; `constants` afterwards have all rounding subtracted. `inputForms` may be 0. */
export function concretise(rows: i32, selected: usize, inputForms: usize): void {
  if (inputForms != 0) addInputForms(rows, selected, inputForms);
  const inputs = layer(0);
  const wide = stride(inputs.size);
  const product = gamma(inputs.size + 4);
  for (let r = 0; r < rows; r++) {
    const row = rowPlane + ((<usize>r * <usize>wide) << 3);
    let sum: f64 = 0;
    let magnitude: f64 = 0;
    for (let i = 0; i < inputs.size; i++) {
      const at = <usize>i << 3;
      const a = load<f64>(row + at);
      sum += a >= 0 ? a * load<f64>(inputLower + at) : a * load<f64>(inputUpper + at);
      magnitude += abs(a) * load<f64>(inputs.magnitude + at);
    }
    const slot = <usize>r << 3;
    const constant = load<f64>(constants + slot);
    const certified = constant - inflate(load<f64>(errors + slot) + 4 * UNIT * abs(constant));
    store<f64>(constants + slot, certified);
    const total = certified + sum;
    const result = total - inflate(product * magnitude + 2 * UNIT * (abs(total) + abs(certified)));
    store<f64>(rowLower + slot, abs(result) < MAGNITUDE_LIMIT && magnitude < MAGNITUDE_LIMIT ? result : -Infinity);
  }
}

/**
 * The row that stands for neuron i of layer k: its weights over the live neurons before it, into `target`. Its constant is the neuron's bias. Returns what
 * weights and bias can be off by, where the layer before is prepared.
 */
export function neuronStart(k: i32, i: i32, target: usize): f64 {
  const it = layer(k);
  const before = layer(k - 1);
  const source = it.weight + <usize>i * (<usize>stride(it.inputs) << 3);
  const product = it.relativeError * 1.000001;
  let sum: f64 = 0;
  for (let j = 0; j < before.liveCount; j++) {
    const w = load<f64>(source + (<usize>load<i32>(before.live + (<usize>j << 2)) << 3));
    store<f64>(target + (<usize>j << 3), w);
    sum += abs(w) * load<f64>(before.magnitude + (<usize>j << 3));
  }
  for (let j = before.liveCount; j < stride(before.liveCount); j++) store<f64>(target + (<usize>j << 3), 0);
  const at = <usize>i << 3;
  const b = load<f64>(it.bias + at);
  return inflate(product * sum + load<f64>(it.biasError + at) + constantsGamma() * abs(b));
}

/**
 * Tightens the bounds of layer k's unstable neurons (l < 0 < u) by a backward pass each for lower and upper. Layers 1..k−1 must be
 * prepared. Returns how many were unstable before.
 */
export function tighten(k: i32): i32 {
  const it = layer(k);
  const before = layer(k - 1);
  const wide = stride(before.liveCount);
  let rows = 0;
  for (let i = 0; i < it.size; i++) {
    const at = <usize>i << 3;
    if (load<f64>(it.lower + at) >= 0 || load<f64>(it.upper + at) <= 0) continue;
    const low = bufferA + ((<usize>rows * <usize>wide) << 3);
    const high = low + (<usize>wide << 3);
    const error = neuronStart(k, i, low);
    for (let j: usize = 0; j < <usize>wide << 3; j += 16) v128.store(high + j, f64x2.neg(v128.load(low + j)));
    const slot = <usize>rows << 3;
    const b = load<f64>(it.bias + at);
    store<f64>(constants + slot, b);
    store<f64>(constants + slot, -b, 8);
    store<f64>(errors + slot, error);
    store<f64>(errors + slot, error, 8);
    rows += 2;
  }
  if (rows == 0) return 0;
  descend(k - 1, rows, bufferA);
  concretise(rows, 0, 0);
  let row = 0;
  for (let i = 0; i < it.size; i++) {
    const at = <usize>i << 3;
    const l = load<f64>(it.lower + at);
    const u = load<f64>(it.upper + at);
    if (l >= 0 || u <= 0) continue;
    const slot = <usize>row << 3;
    store<f64>(it.lower + at, max(l, load<f64>(rowLower + slot)));
    store<f64>(it.upper + at, min(u, -load<f64>(rowLower + slot, 8)));
    row += 2;
  }
  return rows >> 1;
}

/** What form `index` starts as: its constant, and what its coefficients can be off by, which is returned. `target` receives the coefficients. */
function startForm(index: i32, target: usize, forms: usize, inputForms: usize, coefficientErrors: usize, bound: f64): f64 {
  const it = layer(layerCount);
  const inputs = layer(0);
  const wide = stride(it.size);
  const source = forms + ((<usize>index * <usize>wide) << 3);
  memory.copy(target, source, <usize>wide << 3);
  // The coefficients themselves may be rounded decimals: |y| of every output is bounded by `magnitude`.
  const relative = load<f64>(coefficientErrors + (<usize>index << 3)) + 2 * UNIT;
  let error = constantsGamma() * abs(bound);
  for (let i = 0; i < it.size; i++)
    error += relative * abs(load<f64>(source + (<usize>i << 3))) * load<f64>(it.magnitude + (<usize>i << 3));
  const inputRow = inputForms + ((<usize>index * <usize>stride(inputs.size)) << 3);
  for (let i = 0; i < inputs.size; i++)
    error += relative * abs(load<f64>(inputRow + (<usize>i << 3))) * load<f64>(inputs.magnitude + (<usize>i << 3));
  return inflate(error);
}

/**
 * Certified lower bounds of `rows` linear forms of the question: form r is `forms[r]`·y + `inputForms[r]`·x − bounds[r], for the row indices in
 * `selected`. Results in rowLower, rowPlane and constants, in that order. All layers must be prepared.
 */
export function bindRows(selected: usize, rows: i32, forms: usize, inputForms: usize, bounds: usize, coefficientErrors: usize): void {
  const it = layer(layerCount);
  const wide = stride(it.size);
  for (let r = 0; r < rows; r++) {
    const index = load<i32>(selected + (<usize>r << 2));
    const target = bufferA + ((<usize>r * <usize>wide) << 3);
    const bound = load<f64>(bounds + (<usize>index << 3));
    const slot = <usize>r << 3;
    store<f64>(constants + slot, -bound);
    store<f64>(errors + slot, startForm(index, target, forms, inputForms, coefficientErrors, bound));
    affineRow(layerCount, target, r);
  }
  const narrow = stride(layer(layerCount - 1).liveCount);
  gemm(bufferB, bufferA, it.packed, rows, it.size, narrow, wide, narrow, narrow);
  descend(layerCount - 1, rows, bufferB);
  concretise(rows, selected, inputForms);
}

/** The forms 0..count−1 taken back through the last layer only: rows over the last hidden layer, constants and errors, into the given arrays. */
export function bindStart(
  rows: usize,
  rowConstants: usize,
  rowErrors: usize,
  count: i32,
  forms: usize,
  inputForms: usize,
  bounds: usize,
  coefficientErrors: usize,
): void {
  const it = layer(layerCount);
  const wide = stride(it.size);
  const narrow = stride(layer(layerCount - 1).liveCount);
  for (let index = 0; index < count; index++) {
    const slot = <usize>index << 3;
    const bound = load<f64>(bounds + slot);
    store<f64>(constants, -bound);
    store<f64>(errors, startForm(index, bufferA, forms, inputForms, coefficientErrors, bound));
    affineRow(layerCount, bufferA, 0);
    store<f64>(rowConstants + slot, load<f64>(constants));
    store<f64>(rowErrors + slot, load<f64>(errors));
    gemm(rows + ((<usize>index * <usize>narrow) << 3), bufferA, it.packed, 1, it.size, narrow, wide, narrow, narrow);
  }
}
