import { assert } from '../base/assert';
import type { Source } from './opened-network';
import { leastMoves, type PerturbedLayer } from './perturbed-layer';
import { outputsOfParameters } from './scalar-map';

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
  const changes = new Map<PerturbedLayer, Moved>();
  const of = (layer: PerturbedLayer): Moved => {
    let moved = changes.get(layer);
    if (!moved) changes.set(layer, (moved = new Moved(layer)));
    return moved;
  };
  for (const source of sources) {
    switch (source.kind) {
      case 'input':
        break;
      case 'products':
        return null;
      case 'scalars': {
        const { layer, parameter, offset } = source;
        const moved = of(layer);
        parameter.forEach((p, k) => moved.set(p, point[offset + k]));
        layer.shared.forEach((_, k) => moved.setShared(k, point[offset + parameter.length + k]));
        break;
      }
      case 'moves': {
        const { layer, offset, rows, lower, upper, reads } = source;
        const moved = of(layer);
        const uses = outputsOfParameters(layer);
        rows.forEach((row, k) =>
          moved.moveRow(row, reads, point[offset + k], lower[k], upper[k], parameter => uses[parameter] === 1),
        );
        break;
      }
      case 'outputs': {
        const { layer, offset, size, slope, nominal, lower, upper, reads } = source;
        const moved = of(layer);
        for (let row = 0; row < size; row++) {
          const y = nominal[row];
          const target = beforeActivation(point[offset + row], slope, lower[row], upper[row]);
          moved.moveRow(row, reads, target - y, lower[row] - y, upper[row] - y, () => true);
        }
        break;
      }
    }
  }
  return [...changes].map(([layer, { amount }]) => ({ layer, amount }));
}

/** The moves of one layer's parameters as they are put together; before that each moves as little as it may. */
class Moved {
  readonly amount: Float64Array;
  private readonly least: Float64Array;

  constructor(private readonly layer: PerturbedLayer) {
    this.least = leastMoves(layer);
    this.amount = this.least.slice();
  }

  /** Parameter p by itself. */
  set(p: number, move: number): void {
    const { lower, upper } = this.layer;
    this.amount[p] += clamp(move, lower[p], upper[p]) - this.least[p];
  }

  /** Shared perturbation k. */
  setShared(k: number, scalar: number): void {
    const { lower, upper, index, factor } = this.layer.shared[k];
    const inside = clamp(scalar, lower, upper);
    index.forEach((p, i) => (this.amount[p] += inside * factor[i]));
  }

  /**
   * Moves the chosen parameters of a row so that its output moves by `wanted`: all of them go by the same part of their way from the least move to the
   * end that moves the output farthest that way. `lowest` and `highest` are how far the output can go.
   */
  moveRow(
    row: number,
    reads: Float64Array,
    wanted: number,
    lowest: number,
    highest: number,
    chosen: (parameter: number) => boolean,
  ): void {
    const { terms, lower, upper } = this.layer;
    const effects = new Map<number, number>();
    for (let t = terms.rowStart[row]; t < terms.rowStart[row + 1]; t++) {
      const p = terms.parameter[t];
      if (!chosen(p)) continue;
      const effect = terms.factor[t] * (terms.column[t] < 0 ? 1 : reads[terms.column[t]]);
      effects.set(p, (effects.get(p) ?? 0) + effect);
    }
    let start = 0;
    for (const [p, effect] of effects) start += effect * this.least[p];
    const isUp = wanted >= start;
    const way = isUp ? highest - start : start - lowest;
    if (!(way > 0)) return;
    const part = Math.min(1, Math.abs(wanted - start) / way);
    for (const [p, effect] of effects) {
      if (effect === 0) continue;
      const end = effect > 0 === isUp ? upper[p] : lower[p];
      this.amount[p] += part * (end - this.least[p]);
    }
  }
}

/** What a neuron had before its activation; where a rectifier hides it, as low as it can be. */
function beforeActivation(value: number, slope: number | null, lower: number, upper: number): number {
  if (slope === null || value > 0) return clamp(value, lower, upper);
  return slope > 0 ? clamp(value / slope, lower, upper) : lower;
}

function clamp(value: number, lower: number, upper: number): number {
  assert(lower <= upper, () => `bounds ${lower} and ${upper}`);
  return Math.min(upper, Math.max(lower, value));
}
