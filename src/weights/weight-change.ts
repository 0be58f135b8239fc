import { assert } from '../base/assert';
import type { LayerTerms } from './layer-terms';
import type { Source } from './opened-network';
import type { PerturbedLayer } from './perturbed-layer';

/** Moved parameters of one layer: parameter k of its vector moves by amount[k]. */
export interface LayerChange {
  readonly layer: PerturbedLayer;
  readonly amount: Float64Array;
}

/**
 * The weights behind a point of an opened network's inputs: each layer's parameters such that, on the input that the network was opened at, the layer gives
 * what the point says. Null where a part of the point has no weights behind it (an over-approximation).
 */
export function changeBehind(sources: readonly Source[], point: ArrayLike<number>): LayerChange[] | null {
  const changes = new Map<PerturbedLayer, Float64Array>();
  const of = (layer: PerturbedLayer): Float64Array => {
    let amount = changes.get(layer);
    if (!amount) changes.set(layer, (amount = new Float64Array(layer.lower.length)));
    return amount;
  };
  for (const source of sources) {
    switch (source.kind) {
      case 'input':
        break;
      case 'products':
        return null;
      case 'moves':
        return null;
      case 'scalars': {
        const { layer, parameter, offset } = source;
        const amount = of(layer);
        parameter.forEach((p, k) => (amount[p] += clamp(point[offset + k], layer.lower[p], layer.upper[p])));
        layer.shared.forEach(({ lower, upper, index, factor }, k) => {
          const scalar = clamp(point[offset + parameter.length + k], lower, upper);
          index.forEach((p, i) => (amount[p] += scalar * factor[i]));
        });
        break;
      }
      case 'outputs': {
        const { layer, offset, size, slope, nominal, lower, upper, reads } = source;
        const amount = of(layer);
        for (let row = 0; row < size; row++) {
          const target = beforeActivation(point[offset + row], slope, lower[row], upper[row]);
          moveRow(
            layer,
            amount,
            row,
            reads,
            target - nominal[row],
            target >= nominal[row] ? upper[row] - nominal[row] : nominal[row] - lower[row],
          );
        }
        break;
      }
    }
  }
  return [...changes].map(([layer, amount]) => ({ layer, amount }));
}

/** What a neuron had before its activation; where a rectifier hides it, as low as it can be. */
function beforeActivation(value: number, slope: number | null, lower: number, upper: number): number {
  if (slope === null || value > 0) return clamp(value, lower, upper);
  return slope > 0 ? clamp(value / slope, lower, upper) : lower;
}

/** Moves a row's parameters, all by the same part of what they may, so that the output moves by `wanted` of the `most` it can. */
function moveRow(
  { terms, lower, upper }: { terms: LayerTerms; lower: Float64Array; upper: Float64Array },
  amount: Float64Array,
  row: number,
  reads: Float64Array,
  wanted: number,
  most: number,
): void {
  if (!(most > 0) || wanted === 0) return;
  const part = Math.min(1, Math.abs(wanted) / most);
  for (let t = terms.rowStart[row]; t < terms.rowStart[row + 1]; t++) {
    const p = terms.parameter[t];
    const effect = terms.factor[t] * (terms.column[t] < 0 ? 1 : reads[terms.column[t]]);
    if (effect === 0) continue;
    amount[p] = part * (effect > 0 === wanted > 0 ? upper[p] : lower[p]);
  }
}

function clamp(value: number, lower: number, upper: number): number {
  assert(lower <= upper, () => `bounds ${lower} and ${upper}`);
  return Math.min(upper, Math.max(lower, value));
}
