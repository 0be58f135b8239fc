import { gamma, inflate } from '../base/rounding';
import type { Intervals } from './layer-intervals';
import type { PerturbedLayer } from './perturbed-layer';

/** Whether every parameter that moves counts in one output only, so that outputs move independently of each other. */
export function countsOnce(layer: PerturbedLayer): boolean {
  if (layer.shared.length > 0) return false;
  const uses = outputsOfParameters(layer);
  return uses.every((count, p) => count <= 1 || (layer.lower[p] === 0 && layer.upper[p] === 0));
}

/** In how many outputs each parameter counts. */
export function outputsOfParameters({ layer, terms }: PerturbedLayer): Int32Array {
  const uses = new Int32Array(layer.parameters);
  const seenIn = new Int32Array(layer.parameters).fill(-1);
  for (let row = 0; row < terms.outputSize; row++)
    for (let t = terms.rowStart[row]; t < terms.rowStart[row + 1]; t++) {
      const p = terms.parameter[t];
      if (seenIn[p] === row) continue;
      seenIn[p] = row;
      uses[p]++;
    }
  return uses;
}

/**
 * The generators of a layer's scalars at what it reads: entry [k, v] of row i says that output i moves by v times scalar k (parameters first, then
 * shared perturbations). `error` bounds what the rounding of the generators can cost an output while the scalars are between `lower` and `upper`.
 */
export function scalarMap(
  { terms, shared }: PerturbedLayer,
  parameters: readonly number[],
  reads: Intervals,
  lower: readonly number[],
  upper: readonly number[],
): { rows: Map<number, number>[]; error: Float64Array } {
  // Which scalars move each parameter, and by how much.
  const movers = new Map<number, { scalar: number; factor: number }[]>();
  const note = (parameter: number, scalar: number, factor: number) => {
    const all = movers.get(parameter);
    if (all) all.push({ scalar, factor });
    else movers.set(parameter, [{ scalar, factor }]);
  };
  parameters.forEach((p, k) => note(p, k, 1));
  shared.forEach(({ index, factor }, k) => index.forEach((p, i) => note(p, parameters.length + k, factor[i])));
  const error = new Float64Array(terms.outputSize);
  const rows = Array.from({ length: terms.outputSize }, (_, row) => {
    const entries = new Map<number, number>();
    const count = terms.rowStart[row + 1] - terms.rowStart[row];
    for (let t = terms.rowStart[row]; t < terms.rowStart[row + 1]; t++)
      for (const { scalar, factor } of movers.get(terms.parameter[t]) ?? []) {
        const c = terms.column[t];
        const u = c < 0 ? 1 : (reads.lower[c] + reads.upper[c]) / 2;
        const radius = c < 0 ? 0 : (reads.upper[c] - reads.lower[c]) / 2;
        const v = terms.factor[t] * factor * u;
        entries.set(scalar, (entries.get(scalar) ?? 0) + v);
        const most = Math.max(Math.abs(lower[scalar]), Math.abs(upper[scalar]));
        const relative = gamma(count + 8) + terms.factorError;
        error[row] += most * (Math.abs(v) * relative + Math.abs(terms.factor[t] * factor) * radius * 1.000001);
      }
    return entries;
  });
  return { rows, error: error.map(e => (e === 0 ? 0 : inflate(e))) };
}
