/** Neighbours of float64 numbers, for rounding outward. */

const cell = new Float64Array(1);
/** The same eight bytes as two words, low word first: every platform Node runs on is little-endian. */
const words = new Uint32Array(cell.buffer);

/** The smallest float64 above `x`; infinities and NaN stay themselves. */
export function nextUp(x: number): number {
  if (!(x < Infinity) || x === -Infinity) return x;
  if (x === 0) return Number.MIN_VALUE;
  cell[0] = x;
  if (x > 0) {
    words[0] += 1;
    if (words[0] === 0) words[1] += 1;
  } else {
    if (words[0] === 0) words[1] -= 1;
    words[0] -= 1;
  }
  return cell[0];
}

/** The largest float64 below `x`; infinities and NaN stay themselves. */
export function nextDown(x: number): number {
  return -nextUp(-x);
}
