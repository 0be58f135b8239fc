// The whole ladder of one box: forward zonotope, and where that does not settle it, backward CROWN for the neurons still unstable.

import { boundsBlock, boundsCount, layer, layerCount, maxSize, prepare, prepareInput, finishChain } from './chain';
import { bindRows, newCrown, tighten } from './crown';
import { allocate, doubles, integers, stride } from './memory';
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

let activationsA: usize = 0;
let activationsB: usize = 0;

/** After all layers are declared: room for `count` linear forms of the question and for the work. */
export function finish(count: i32): void {
  finishChain();
  rows = count;
  forms = allocate((<usize>count * <usize>stride(layer(layerCount).size)) << 3);
  inputForms = allocate((<usize>count * <usize>stride(layer(0).size)) << 3);
  formBounds = doubles(count);
  coefficientErrors = doubles(count);
  selected = integers(count);
  zonotopeBounds = doubles(count);
  newZonotope();
  newCrown(count);
  activationsA = doubles(maxSize);
  activationsB = doubles(maxSize);
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

/** The network at one point, in plain float64: for trying points, never for conclusions. Returns the address of the outputs. */
export function evaluate(input: usize): usize {
  let from = input;
  let to = activationsA;
  for (let k = 1; k <= layerCount; k++) {
    const it = layer(k);
    const wide = <usize>stride(it.inputs) << 3;
    for (let i = 0; i < it.size; i++) {
      const row = it.weight + <usize>i * wide;
      let sum = f64x2.splat(0);
      for (let at: usize = 0; at < wide; at += 16) sum = f64x2.add(sum, f64x2.mul(v128.load(row + at), v128.load(from + at)));
      let y = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1) + load<f64>(it.bias + (<usize>i << 3));
      if (k < layerCount && y < 0) y *= it.slope;
      store<f64>(to + (<usize>i << 3), y);
    }
    for (let i = it.size; i < stride(it.size); i++) store<f64>(to + (<usize>i << 3), 0);
    from = to;
    to = to == activationsA ? activationsB : activationsA;
  }
  return from;
}
