import type { Plane } from '../../bounds/bounder';
import { ROUNDING } from '../../base/rounding';

/** Steps of the search for weights; each costs a pass over the planes. */
const STEPS = 24;

/**
 * Of several planes, all of which must be non-positive where the constraints behind them hold together: the convex combination whose smallest value on the box is
 * largest, as far as a few steps of multiplicative weights find it. Where it is positive the constraints exclude each other, though each alone may hold (Farkas). Rounding is
 * taken off the constant, so the result is as certified as the planes are, whatever the weights.
 */
export function bestCombination(lower: Float64Array, upper: Float64Array, planes: readonly Plane[]): Plane {
  let weights = planes.map(() => 1 / planes.length);
  let best = weights;
  let bestValue = -Infinity;
  const values = new Float64Array(planes.length);
  const point = new Float64Array(lower.length);
  for (let step = 1; step <= STEPS; step++) {
    const value = smallest(lower, upper, planes, weights, point);
    if (value > bestValue) {
      bestValue = value;
      best = weights;
    }
    if (value > 0) break;
    // Planes that are larger where the combination is smallest get more weight.
    let scale = 0;
    planes.forEach((plane, r) => {
      let at = plane.constant;
      for (let i = 0; i < point.length; i++) at += plane.coefficients[i] * point[i];
      values[r] = at;
      scale = Math.max(scale, Math.abs(at));
    });
    if (!(scale > 0) || !Number.isFinite(scale)) break;
    const rate = 2 / (scale * Math.sqrt(step));
    const grown = weights.map((w, r) => w * Math.exp(rate * values[r]));
    const sum = grown.reduce((a, b) => a + b, 0);
    weights = grown.map(w => w / sum);
  }
  return combination(lower, upper, planes, best);
}

/** The smallest value of the weighted planes over the box, and where it is. */
function smallest(
  lower: Float64Array,
  upper: Float64Array,
  planes: readonly Plane[],
  weights: readonly number[],
  point: Float64Array,
): number {
  let value = 0;
  planes.forEach((plane, r) => (value += weights[r] * plane.constant));
  for (let i = 0; i < lower.length; i++) {
    let a = 0;
    for (let r = 0; r < planes.length; r++) a += weights[r] * planes[r].coefficients[i];
    point[i] = a > 0 ? lower[i] : upper[i];
    value += a * point[i];
  }
  return value;
}

function combination(
  lower: Float64Array,
  upper: Float64Array,
  planes: readonly Plane[],
  weights: readonly number[],
): Plane {
  const coefficients = new Float64Array(lower.length);
  let constant = 0;
  let magnitude = 0;
  planes.forEach((plane, r) => {
    const w = weights[r];
    constant += w * plane.constant;
    magnitude += w * Math.abs(plane.constant);
    for (let i = 0; i < coefficients.length; i++) {
      const term = w * plane.coefficients[i];
      coefficients[i] += term;
      magnitude += Math.abs(term) * Math.max(Math.abs(lower[i]), Math.abs(upper[i]));
    }
  });
  // Each coefficient and the constant is a sum of as many products as there are planes.
  const lost = 2 * (planes.length + 4) * ROUNDING.unit * magnitude + ROUNDING.underflow;
  return { coefficients, constant: constant - lost - 2 * ROUNDING.unit * Math.abs(constant) };
}
