import type { Random } from '../base/random';
import type { Box } from '../spec/question';

/** Where attacks begin. All points are float32 points of the box. */

/** Writes a point of the box into `target`: coordinate i at the fraction t(i) between the edges. */
function fill(box: Box, target: Float32Array, fraction: (i: number) => number): void {
  for (let i = 0; i < target.length; i++) {
    const low = box.lowerPoint[i];
    const high = box.upperPoint[i];
    const value = Math.fround(low + fraction(i) * (high - low));
    target[i] = value < low ? low : value > high ? high : value;
  }
}

export function centre(box: Box, target: Float32Array): void {
  fill(box, target, () => 0.5);
}

export function uniformPoint(box: Box, random: Random, target: Float32Array): void {
  fill(box, target, () => random.uniform());
}

/** A corner: coordinate `free[k]` at its upper edge where bits(k). */
export function corner(box: Box, bits: (k: number) => boolean, free: Int32Array, target: Float32Array): void {
  target.set(box.lowerPoint);
  free.forEach((i, k) => {
    if (bits(k)) target[i] = box.upperPoint[i];
  });
}

/** Coordinates along which the box has width. */
export function freeCoordinates(box: Box): Int32Array {
  const free: number[] = [];
  for (let i = 0; i < box.lowerPoint.length; i++) if (box.lowerPoint[i] < box.upperPoint[i]) free.push(i);
  return Int32Array.from(free);
}
