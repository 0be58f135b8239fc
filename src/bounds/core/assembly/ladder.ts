// The whole ladder of one box: forward zonotope, and where that does not settle it, backward CROWN for the neurons still unstable.

import { boundsBlock, boundsCount, layer, layerCount, maxSize, prepare, prepareInput, finishChain } from './chain';
import { bindRows, newCrown, tighten } from './crown';
import { reservePanel } from './gemm';
import { doubles, integers, matrix, stride } from './memory';
import { boundsUsable, newZonotope, propagate, zonotopeLower } from './zonotope';

let rows: i32 = 0;
export let forms: usize = 0;
export let inputForms: usize = 0;
export let formBounds: usize = 0;
export let coefficientErrors: usize = 0;
/** Row indices the caller asks about, most recent call. */
export let selected: usize = 0;
/** zonotopeBounds[r] after `ladderZonotope`, by position in `selected`. */
export let zonotopeBounds: usize = 0;

let gradientA: usize = 0;
let gradientB: usize = 0;

/** After all layers are declared: room for `count` linear forms of the question and for the work. */
export function finish(count: i32): void {
  finishChain();
  rows = count;
  forms = matrix(count, layer(layerCount).size);
  inputForms = matrix(count, layer(0).size);
  formBounds = doubles(count);
  coefficientErrors = doubles(count);
  selected = integers(count);
  zonotopeBounds = doubles(count);
  newZonotope();
  newCrown(count);
  gradientA = doubles(maxSize);
  gradientB = doubles(maxSize);
  reservePanel(maxSize);
}

/** Forgets all bounds: the next box starts from nothing. */
export function resetBounds(): void {
  for (let i = 0; i < boundsCount; i++) {
    store<f64>(boundsBlock + (<usize>i << 3), -Infinity);
    store<f64>(boundsBlock + (<usize>(boundsCount + i) << 3), Infinity);
  }
}

/** Step 1. Returns false when nothing may be concluded on this box (bounds overflow). */
export function ladderZonotope(count: i32): bool {
  prepareInput();
  propagate();
  if (!boundsUsable()) return false;
  const wide = <usize>stride(layer(layerCount).size) << 3;
  const inputWide = <usize>stride(layer(0).size) << 3;
  for (let r = 0; r < count; r++) {
    const index = <usize>load<i32>(selected + (<usize>r << 2));
    store<f64>(
      zonotopeBounds + (<usize>r << 3),
      zonotopeLower(
        forms + index * wide,
        inputForms + index * inputWide,
        load<f64>(formBounds + (index << 3)),
        load<f64>(coefficientErrors + (index << 3)),
      ),
    );
  }
  return true;
}

/** Step 2a: the rows by one backward pass over the bounds that are there. Results as `bindRows`. */
export function ladderRows(count: i32): void {
  for (let k = 1; k <= layerCount; k++) prepare(k);
  bindRows(selected, count, forms, inputForms, formBounds, coefficientErrors);
}

/**
 * Step 2b: every hidden layer's unstable neurons by backward passes, layer by layer, then the rows. Returns the number of unstable
 * neurons before, or −1 when the bounds became unusable.
 */
export function ladderCrown(count: i32): i32 {
  let unstable = 0;
  prepare(1);
  for (let k = 2; k < layerCount; k++) {
    unstable += tighten(k);
    prepare(k);
  }
  if (!boundsUsable()) return -1;
  prepare(layerCount);
  bindRows(selected, count, forms, inputForms, formBounds, coefficientErrors);
  return unstable;
}

/** Prepares layer k again after its bounds were tightened; the layers before it must be prepared. False when the bounds are of no use. */
export function ladderPrepare(k: i32): bool {
  if (!boundsUsable()) return false;
  if (k == 1) prepareInput();
  prepare(k);
  return true;
}

/** One layer's outputs, before the activation, at one point. */
function layerValues(k: i32, from: usize, to: usize): void {
  const it = layer(k);
  const wide = <usize>stride(it.inputs) << 3;
  for (let i = 0; i < it.size; i++) {
    const row = it.weight + <usize>i * wide;
    let sum = f64x2.splat(0);
    for (let at: usize = 0; at < wide; at += 16) sum = f64x2.add(sum, f64x2.mul(v128.load(row + at), v128.load(from + at)));
    const y = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1) + load<f64>(it.bias + (<usize>i << 3));
    store<f64>(to + (<usize>i << 3), y);
  }
}

/**
 * The network at one point, in plain float64: for trying points, never for conclusions. Returns the address of the outputs. Which neurons were
 * active is kept for `gradient`.
 */
export function evaluate(input: usize): usize {
  let from = input;
  for (let k = 1; k <= layerCount; k++) {
    const it = layer(k);
    layerValues(k, from, it.activation);
    if (k < layerCount)
      for (let i = 0; i < it.size; i++) {
        const at = it.activation + (<usize>i << 3);
        const y = load<f64>(at);
        if (y < 0) store<f64>(at, y * it.slope);
        store<f64>(it.derivative + (<usize>i << 3), y < 0 ? it.slope : 1.0);
      }
    from = it.activation;
  }
  return from;
}

/** Gradient, with respect to the input, of linear form `row` of the question at the point last evaluated. Returns its address. */
export function gradient(row: i32): usize {
  const wide = <usize>stride(layer(layerCount).size) << 3;
  memory.copy(gradientA, forms + <usize>row * wide, wide);
  let from = gradientA;
  let to = gradientB;
  for (let k = layerCount; k >= 1; k--) {
    const it = layer(k);
    const narrow = <usize>stride(it.inputs) << 3;
    memory.fill(to, 0, narrow);
    for (let i = 0; i < it.size; i++) {
      let g = load<f64>(from + (<usize>i << 3));
      if (k < layerCount) g *= load<f64>(it.derivative + (<usize>i << 3));
      if (g == 0) continue;
      const scale = f64x2.splat(g);
      const source = it.weight + <usize>i * narrow;
      for (let at: usize = 0; at < narrow; at += 16)
        v128.store(to + at, f64x2.add(v128.load(to + at), f64x2.mul(scale, v128.load(source + at))));
    }
    const swap = from;
    from = to;
    to = swap;
  }
  const inputForm = inputForms + ((<usize>row * <usize>stride(layer(0).size)) << 3);
  for (let i = 0; i < layer(0).size; i++) {
    const at = <usize>i << 3;
    store<f64>(from + at, load<f64>(from + at) + load<f64>(inputForm + at));
  }
  return from;
}
