import { gamma, inflate, ROUNDING } from '../base/rounding';
import type { LinearProgram } from './linear-program';

/**
 * A number that the exact optimum of the program is certainly not below, from any row multipliers y (a solver's duals, however inexact):
 *
 *   cost·x ≥ Σ_i y_i (A x)_i + Σ_j d_j x_j,  d = cost − Aᵀy,
 *
 * where y_i (A x)_i is at least y_i·rowLower_i for y_i > 0 and y_i·rowUpper_i for y_i < 0, and d_j x_j is least at an end of column j. Computed in
 * float64 with all rounding subtracted (docs/rounding.md). −∞ where nothing follows: a column without the end that its d_j asks for, or numbers
 * beyond the magnitude limit. Multipliers of a sign that a one-sided row does not allow are taken for 0. Integrality only raises the
 * optimum, so the bound holds for mixed-integer programs too.
 */
export function dualBound(program: LinearProgram, rowDuals: ArrayLike<number>): number {
  const { cost, columnLower, columnUpper, rowLower, rowUpper, rowStart, column, value } = program;
  const reduced = cost.slice();
  /** Σ |terms| of each reduced cost and their number: what its rounding is measured by. */
  const reducedSize = cost.map(Math.abs);
  const reducedTerms = new Int32Array(cost.length).fill(1);
  let sum = program.offset;
  let size = Math.abs(program.offset);
  for (let i = 0; i < rowLower.length; i++) {
    const y = rowDuals[i];
    const side = y > 0 ? rowLower[i] : rowUpper[i];
    if (y === 0 || !Number.isFinite(y) || !Number.isFinite(side)) continue;
    sum += y * side;
    size += Math.abs(y * side);
    for (let k = rowStart[i]; k < rowStart[i + 1]; k++) {
      const term = y * value[k];
      reduced[column[k]] -= term;
      reducedSize[column[k]] += Math.abs(term);
      reducedTerms[column[k]]++;
    }
  }
  let lost = 0;
  for (let j = 0; j < cost.length; j++) {
    const d = reduced[j];
    const error = reducedTerms[j] === 1 ? 0 : inflate(gamma(reducedTerms[j] + 2) * reducedSize[j]);
    if (d === 0 && error === 0) continue;
    const [l, u] = [columnLower[j], columnUpper[j]];
    // Where a column is open on one side, the sign of the exact reduced cost must be certain.
    if ((l === -Infinity && d + error > 0) || (u === Infinity && d - error < 0)) return -Infinity;
    const end = d > 0 ? l : u;
    const other = Number.isFinite(l) && Number.isFinite(u) ? Math.max(Math.abs(l), Math.abs(u)) : Math.abs(end);
    sum += d * end;
    size += Math.abs(d * end);
    lost += error * other;
  }
  const total = sum - inflate(lost + gamma(rowLower.length + cost.length + 4) * size);
  if (!(size < ROUNDING.magnitudeLimit && lost < ROUNDING.magnitudeLimit)) return -Infinity;
  return total - (Math.abs(total) * 2 * ROUNDING.unit + ROUNDING.underflow);
}

/**
 * Whether a Farkas ray proves that the program has no point at all: with cost 0 every point has objective 0, so a dual bound above 0 leaves none.
 * Solvers differ in the ray's sign, so both are tried.
 */
export function provesInfeasible(program: LinearProgram, ray: Float64Array): boolean {
  const feasibility = { ...program, cost: new Float64Array(program.cost.length), offset: 0 };
  return [ray, ray.map(y => -y)].some(multipliers => dualBound(feasibility, multipliers) > 0);
}
