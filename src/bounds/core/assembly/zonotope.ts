// A forward zonotope through the chain: { c + Σ η_j G_j + δ : |η_j| ≤ 1, |δ| ≤ e }, one generator an input and one an unstable neuron.
// `e` carries everything that rounding can have lost; its propagation is one more matrix row.

import { boundsCount, inputLower, inputUpper, layer, layerCount, maxSize, totalSize } from './chain';
import { gemm } from './gemm';
import { doubles, integers, matrix, stride } from './memory';
import { gamma, inflate, MAGNITUDE_LIMIT, UNDERFLOW, UNIT } from './rounding';

/** Row 0 is the centre, rows 1.. the generators, over the live neurons of the layer last done. */
let rowsA: usize = 0;
let rowsB: usize = 0;
let denseRows: i32 = 0;
/** Generators with one entry, not yet multiplied out: where and how much. */
let singles: i32 = 0;
let singlePosition: usize = 0;
let singleSize: usize = 0;
let error: usize = 0;
let errorNext: usize = 0;
/** Bound on |z| including everything, per live neuron. */
let total: usize = 0;
let radius: usize = 0;
/** Candidate neurons of the layer in work (those the box before did not already show to be dead), and the weights between. */
let candidates: usize = 0;
let packed: usize = 0;

export function newZonotope(): void {
  const rows = totalSize + 4;
  rowsA = matrix(rows, maxSize);
  rowsB = matrix(rows, maxSize);
  singlePosition = integers(maxSize);
  singleSize = doubles(maxSize);
  error = doubles(maxSize);
  errorNext = doubles(maxSize);
  total = doubles(maxSize);
  radius = doubles(maxSize);
  candidates = integers(maxSize);
  packed = matrix(maxSize, maxSize);
}

function start(): void {
  const inputs = layer(0);
  const wide = stride(inputs.size);
  denseRows = 1;
  singles = 0;
  memory.fill(rowsA, 0, <usize>wide << 3);
  for (let i = 0; i < inputs.size; i++) {
    const at = <usize>i << 3;
    const lo = load<f64>(inputLower + at);
    const hi = load<f64>(inputUpper + at);
    const centre = lo + (hi - lo) * 0.5;
    const half = max(hi - centre, centre - lo) * (1 + 4 * UNIT) + UNDERFLOW;
    store<f64>(rowsA + at, centre);
    store<f64>(error + at, 0);
    store<f64>(total + at, max(abs(lo), abs(hi)) * (1 + 4 * UNIT) + 2 * half);
    store<i32>(singlePosition + (<usize>singles << 2), i);
    store<f64>(singleSize + (<usize>singles << 3), half);
    singles++;
  }
}

/** The affine map of layer k onto its candidates. Returns their number; centre and generators are then in rowsA. */
function affine(k: i32): i32 {
  const it = layer(k);
  const before = layer(k - 1);
  const from = before.liveCount;
  const wide = stride(from);
  const rowIn = <usize>stride(it.inputs) << 3;
  const last = k == layerCount;
  let count = 0;
  for (let i = 0; i < it.size; i++) {
    if (!last && it.slope == 0 && load<f64>(it.upper + (<usize>i << 3)) <= 0) continue;
    store<i32>(candidates + (<usize>count << 2), i);
    count++;
  }
  const narrow = stride(count);
  const rowOut = <usize>narrow << 3;
  // Weights transposed: [live before × candidates].
  for (let c = 0; c < count; c++) {
    const source = it.weight + <usize>load<i32>(candidates + (<usize>c << 2)) * rowIn;
    let target = packed + (<usize>c << 3);
    for (let j = 0; j < from; j++) {
      store<f64>(target, load<f64>(source + (<usize>load<i32>(before.live + (<usize>j << 2)) << 3)));
      target += rowOut;
    }
  }
  for (let j = 0; j < from; j++)
    for (let c = count; c < narrow; c++) store<f64>(packed + <usize>j * rowOut + (<usize>c << 3), 0);

  gemm(rowsB, rowsA, packed, denseRows, from, narrow, wide, narrow, narrow);
  for (let s = 0; s < singles; s++) {
    const source = packed + <usize>load<i32>(singlePosition + (<usize>s << 2)) * rowOut;
    const target = rowsB + <usize>denseRows * rowOut;
    const size = f64x2.splat(load<f64>(singleSize + (<usize>s << 3)));
    for (let at: usize = 0; at < rowOut; at += 16) v128.store(target + at, f64x2.mul(size, v128.load(source + at)));
    denseRows++;
  }
  singles = 0;

  // What the products lost: (γ + κ)·|W|·(everything), and what the old error becomes: |W|·e.
  const product = gamma(from + 4) + it.relativeError * 1.000001;
  memory.fill(errorNext, 0, rowOut);
  for (let j = 0; j < from; j++) {
    const at = <usize>j << 3;
    const v = f64x2.splat(load<f64>(error + at) + product * load<f64>(total + at));
    const source = packed + <usize>j * rowOut;
    for (let c: usize = 0; c < rowOut; c += 16)
      v128.store(errorNext + c, f64x2.add(v128.load(errorNext + c), f64x2.mul(v, f64x2.abs(v128.load(source + c)))));
  }
  memory.fill(radius, 0, rowOut);
  for (let r = 1; r < denseRows; r++) {
    const source = rowsB + <usize>r * rowOut;
    for (let c: usize = 0; c < rowOut; c += 16)
      v128.store(radius + c, f64x2.add(v128.load(radius + c), f64x2.abs(v128.load(source + c))));
  }
  const sums = 1 + gamma(denseRows + 2);
  for (let c = 0; c < count; c++) {
    const at = <usize>c << 3;
    const index = <usize>load<i32>(candidates + (<usize>c << 2)) << 3;
    const b = load<f64>(it.bias + index);
    const centre = load<f64>(rowsB + at) + b;
    store<f64>(rowsB + at, centre);
    const e = inflate(load<f64>(errorNext + at) + product * abs(b) + load<f64>(it.biasError + index) + 4 * UNIT * abs(centre));
    store<f64>(errorNext + at, e);
    const all = load<f64>(radius + at) * sums + e;
    const low = centre - all;
    const high = centre + all;
    const l = low - abs(low) * (4 * UNIT) - UNDERFLOW;
    const u = high + abs(high) * (4 * UNIT) + UNDERFLOW;
    const lower = it.lower + index;
    const upper = it.upper + index;
    store<f64>(lower, max(load<f64>(lower), l));
    store<f64>(upper, min(load<f64>(upper), u));
  }
  let swap = rowsA;
  rowsA = rowsB;
  rowsB = swap;
  swap = error;
  error = errorNext;
  errorNext = swap;
  return count;
}

/** The activation of layer k: keeps the live columns, scales the unstable ones and gives each a new generator. Sets the layer's live list. */
function activation(k: i32, count: i32): void {
  const it = layer(k);
  const rowIn = <usize>stride(count) << 3;
  const slope = it.slope;
  let live = 0;
  // Column by column: where it goes and what it is scaled with; then row by row.
  for (let c = 0; c < count; c++) {
    const at = <usize>c << 3;
    const neuron = load<i32>(candidates + (<usize>c << 2));
    const l = load<f64>(it.lower + (<usize>neuron << 3));
    const u = load<f64>(it.upper + (<usize>neuron << 3));
    if (u <= 0 && slope == 0) continue;
    let scale: f64 = 1;
    let intercept: f64 = 0;
    if (l < 0 && u > 0) {
      scale = min<f64>(1, max<f64>(slope, (u - slope * l) / (u - l)));
      // z − scale·y lies in [0, intercept] on [l, u].
      intercept = max<f64>((slope - scale) * l, (1 - scale) * u) * (1 + 8 * UNIT) + UNDERFLOW;
      store<i32>(singlePosition + (<usize>singles << 2), live);
      store<f64>(singleSize + (<usize>singles << 3), intercept * 0.5);
      singles++;
    } else if (u <= 0) scale = slope;
    const centre = load<f64>(rowsA + at);
    const reach = abs(centre) + load<f64>(radius + at) + load<f64>(error + at);
    store<i32>(it.live + (<usize>live << 2), neuron);
    // Scaling rounds once, adding half the intercept once more.
    const out = <usize>live << 3;
    store<f64>(total + out, inflate(scale * reach + intercept));
    store<f64>(error + out, inflate(scale * load<f64>(error + at) + 4 * UNIT * (scale * reach + intercept)));
    store<f64>(rowsA + out, centre * scale + intercept * 0.5);
    store<f64>(radius + out, scale);
    store<i32>(candidates + (<usize>live << 2), c);
    live++;
  }
  it.liveCount = live;
  const rowOut = <usize>stride(live) << 3;
  // Row 0 was written above, compacted in place; rows 1.. move to the front, which never overtakes the reading.
  for (let c = live; c < stride(live); c++) store<f64>(rowsA + (<usize>c << 3), 0);
  for (let r = 1; r < denseRows; r++) {
    const source = rowsA + <usize>r * rowIn;
    const target = rowsA + <usize>r * rowOut;
    for (let c = 0; c < live; c++) {
      const from = <usize>load<i32>(candidates + (<usize>c << 2)) << 3;
      store<f64>(target + (<usize>c << 3), load<f64>(source + from) * load<f64>(radius + (<usize>c << 3)));
    }
    for (let c = live; c < stride(live); c++) store<f64>(target + (<usize>c << 3), 0);
  }
}

/** Bounds every layer on the current box, starting from (and only ever tightening) the bounds that are there. */
export function propagate(): void {
  start();
  for (let k = 1; k < layerCount; k++) activation(k, affine(k));
  affine(layerCount);
}

/**
 * Lower bound of one linear form of the question from the last zonotope: coefficients over outputs and inputs, minus `bound`. The input
 * generators are the first rows, in the order of the inputs.
 */
export function zonotopeLower(form: usize, inputForm: usize, bound: f64, coefficientError: f64): f64 {
  const it = layer(layerCount);
  const inputs = layer(0);
  const wide = <usize>stride(it.size) << 3;
  let magnitude: f64 = 0;
  let own: f64 = 0;
  let sum: f64 = 0;
  for (let i = 0; i < it.size; i++) {
    const at = <usize>i << 3;
    const a = load<f64>(form + at);
    if (a == 0) continue;
    sum += a * load<f64>(rowsA + at);
    own += abs(a) * load<f64>(error + at);
    magnitude += abs(a) * (abs(load<f64>(rowsA + at)) + load<f64>(radius + at) + load<f64>(error + at));
  }
  for (let i = 0; i < inputs.size; i++) {
    const at = <usize>i << 3;
    const a = load<f64>(inputForm + at);
    const lo = load<f64>(inputLower + at);
    const hi = load<f64>(inputUpper + at);
    sum += a * (lo + (hi - lo) * 0.5);
    magnitude += 2 * abs(a) * (abs(lo) + abs(hi));
  }
  let spread: f64 = 0;
  for (let r = 1; r < denseRows; r++) {
    const row = rowsA + <usize>r * wide;
    let g: f64 = 0;
    for (let i = 0; i < it.size; i++) {
      const at = <usize>i << 3;
      g += load<f64>(form + at) * load<f64>(row + at);
    }
    if (r <= inputs.size) {
      const at = <usize>(r - 1) << 3;
      const lo = load<f64>(inputLower + at);
      const hi = load<f64>(inputUpper + at);
      const centre = lo + (hi - lo) * 0.5;
      g += load<f64>(inputForm + at) * (max(hi - centre, centre - lo) * (1 + 4 * UNIT) + UNDERFLOW);
    }
    spread += abs(g);
  }
  const lost =
    own +
    (gamma(it.size + inputs.size + denseRows + 8) + coefficientError * 1.000001) * (magnitude + abs(bound)) +
    gamma(denseRows + 4) * spread;
  const result = sum - bound - spread - inflate(lost);
  return abs(result) < MAGNITUDE_LIMIT && magnitude < MAGNITUDE_LIMIT ? result : -Infinity;
}

/** False when some bound is not a usable number (overflow, NaN weights): then nothing may be concluded on this box. */
export function boundsUsable(): bool {
  for (let k = 1; k <= layerCount; k++) {
    const it = layer(k);
    for (let i = 0; i < it.size; i++) {
      const l = load<f64>(it.lower + (<usize>i << 3));
      const u = load<f64>(it.upper + (<usize>i << 3));
      if (!(l >= -MAGNITUDE_LIMIT && u <= MAGNITUDE_LIMIT && l <= u)) return false;
    }
  }
  return boundsCount > 0;
}
