/**
 * Lines below and above Sigmoid and Tanh on an interval, in plain float64: what the slope search moves its tangents within. Nothing here
 * is certified; whoever concludes checks the tangent it was given.
 */

export type Curve = 'sigmoid' | 'tanh';

export function valueOf(curve: Curve, x: number): number {
  return curve === 'tanh' ? Math.tanh(x) : 1 / (1 + Math.exp(-x));
}

export function slopeOf(curve: Curve, x: number): number {
  const y = valueOf(curve, x);
  return curve === 'tanh' ? 1 - y * y : y * (1 - y);
}

/** On one side of the curve: the chord between the ends, or any tangent at a point from `first` to `last`. */
export interface Side {
  readonly isChord: boolean;
  readonly first: number;
  readonly last: number;
}

/**
 * Both curves are convex left of 0 and concave right of it. Below: over a concave piece the chord, over a convex one any tangent, and
 * over both any tangent left of the one through the right end (the chord, when even the tangent at the left end passes above it).
 */
export function below(curve: Curve, l: number, u: number): Side {
  if (l >= 0) return { isChord: true, first: l, last: l };
  if (u <= 0) return { isChord: false, first: l, last: u };
  const overshoots = (p: number): boolean => valueOf(curve, p) + slopeOf(curve, p) * (u - p) > valueOf(curve, u);
  if (overshoots(l)) return { isChord: true, first: l, last: l };
  return { isChord: false, first: l, last: bisect(l, 0, overshoots) };
}

/** The mirror image: both curves are symmetric about their value at 0. */
export function above(curve: Curve, l: number, u: number): Side {
  const mirrored = below(curve, -u, -l);
  return { isChord: mirrored.isChord, first: -mirrored.last, last: -mirrored.first };
}

/** The largest point found at which `bad` is false; false at `good`, true at `end`. */
function bisect(good: number, end: number, bad: (p: number) => boolean): number {
  let [low, high] = [good, end];
  for (let k = 0; k < 60; k++) {
    const middle = 0.5 * (low + high);
    if (bad(middle)) high = middle;
    else low = middle;
  }
  return low;
}
