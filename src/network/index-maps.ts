import { sizeOf } from './tensor';

/** Row-major distance between neighbours along each dimension. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1] * shape[axis + 1];
  return strides;
}

/**
 * The places start + Σ index[axis]·step[axis] for every index of `shape` in row-major order: every slice, transposition and broadcast
 * is one of these.
 */
export function strided(shape: readonly number[], steps: readonly number[], start = 0): Int32Array {
  const map = new Int32Array(sizeOf(shape));
  if (map.length === 0) return map;
  map[0] = start;
  // Built from the last axis outwards: what is there so far is copied, shifted, for each further index of the next axis.
  let built = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const block = built;
    for (let index = 1; index < shape[axis]; index++)
      for (let k = 0; k < block; k++) map[built++] = map[k] + index * steps[axis];
  }
  return map;
}

/** Where along each axis an element is taken from; -1 takes nothing. The result has shape sources.map(s => s.length). */
export function gathered(shape: readonly number[], sources: readonly Int32Array[]): Int32Array {
  const strides = stridesOf(shape);
  let map = Int32Array.of(0);
  sources.forEach((source, axis) => {
    const next = new Int32Array(map.length * source.length);
    let place = 0;
    for (const base of map)
      for (const index of source) next[place++] = base < 0 || index < 0 ? -1 : base + index * strides[axis];
    map = next;
  });
  return map;
}

/** place(0), place(1), …, place(count − 1). */
export function places(count: number, place: (index: number) => number): Int32Array {
  const map = new Int32Array(count);
  for (let index = 0; index < count; index++) map[index] = place(index);
  return map;
}

/** 0, 1, …, count − 1. */
export function counting(count: number): Int32Array {
  return places(count, index => index);
}

/** The elements values[map[i]]; where map[i] is -1, `fill`. Without a map nothing moves. */
export function pick(values: Float64Array, map: Int32Array | null, fill = 0): Float64Array {
  if (!map) return values;
  const picked = new Float64Array(map.length);
  for (let i = 0; i < map.length; i++) picked[i] = map[i] < 0 ? fill : values[map[i]];
  return picked;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dimension, axis) => dimension === b[axis]);
}

/** Where each element of `to` comes from in a value of shape `from` that is broadcast to it; null when nothing moves. */
export function broadcastMap(from: readonly number[], to: readonly number[]): Int32Array | null {
  if (sizeOf(from) === sizeOf(to)) return null;
  const strides = stridesOf(from);
  const steps = to.map((_, axis) => {
    const own = axis - to.length + from.length;
    return own < 0 || from[own] === 1 ? 0 : strides[own];
  });
  return strided(to, steps);
}
