import type { Plane } from '../../bounds/bounder';
import { ROUNDING } from '../../bounds/tolerances';

/**
 * Shrinks [lower, upper] in place to the hull of its part where `plane` is not positive: only there can the constraint behind the plane
 * hold. Returns true when no such part is left. Every new edge is rounded outward, so that no such point is ever cut away.
 */
export function clip(lower: Float64Array, upper: Float64Array, plane: Plane): boolean {
  const { coefficients, constant } = plane;
  const n = coefficients.length;
  // The smallest value of every term, their sum, and what adding them can have lost.
  let sum = constant;
  let magnitude = Math.abs(constant);
  for (let i = 0; i < n; i++) {
    const a = coefficients[i];
    sum += a > 0 ? a * lower[i] : a * upper[i];
    magnitude += Math.abs(a) * Math.max(Math.abs(lower[i]), Math.abs(upper[i]));
  }
  const lost = (2 * n + 8) * ROUNDING.unit * magnitude + ROUNDING.underflow;
  if (sum - lost > 0) return true;
  for (let i = 0; i < n; i++) {
    const a = coefficients[i];
    if (a === 0) continue;
    // How far the term may rise above its smallest value before the plane is positive.
    const slack = (-sum + lost) / Math.abs(a);
    const width = upper[i] - lower[i];
    if (!(slack < width)) continue;
    if (a > 0) {
      const edge = lower[i] + slack;
      upper[i] = Math.min(
        upper[i],
        edge + Math.abs(edge) * 4 * ROUNDING.unit + slack * 4 * ROUNDING.unit + ROUNDING.underflow,
      );
    } else {
      const edge = upper[i] - slack;
      lower[i] = Math.max(
        lower[i],
        edge - Math.abs(edge) * 4 * ROUNDING.unit - slack * 4 * ROUNDING.unit - ROUNDING.underflow,
      );
    }
  }
  return false;
}
