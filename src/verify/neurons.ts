import { assert } from '../base/assert';
import { GraphBounder } from '../bounds/graph/graph-bounder';
import type { Network } from '../network/network';
import type { NeuronBounds } from '../report/verdict';
import type { Box } from '../spec/question';
import type { PreActivationBounds } from './prover';

/** The neurons of a run over several regions: the hull of their bounds, node by node. Null when nothing is known of some region. */
export function neuronBounds(regions: readonly (readonly PreActivationBounds[] | null)[]): NeuronBounds[] | null {
  const [first, ...rest] = regions;
  if (!first || rest.includes(null)) return null;
  return first.map(({ node, lower, upper }, k) => {
    const low = lower.slice();
    const high = upper.slice();
    for (const other of rest) {
      const bounds = other?.[k];
      assert(bounds?.node === node, () => `bounds of ${bounds?.node} where those of ${node} were expected`);
      for (let i = 0; i < low.length; i++) {
        low[i] = Math.min(low[i], bounds.lower[i]);
        high[i] = Math.max(high[i], bounds.upper[i]);
      }
    }
    let unstable = 0;
    for (let i = 0; i < low.length; i++) if (low[i] < 0 && high[i] > 0) unstable++;
    return { node, unstable, size: low.length, lower: outward(low, -1), upper: outward(high, 1) };
  });
}

/** Values of all nodes of a network whose region is bounded once more only for telling of it: some milliseconds. */
const MOST_VALUES = 5000;

/** Bounds of the whole region for a search that keeps none itself: as tight as one zonotope is; null for networks where that takes long. */
export function boundsOfRegion(network: Network, { lower, upper }: Box): readonly PreActivationBounds[] | null {
  if (network.nodes.reduce((sum, { size }) => sum + size, 0) > MOST_VALUES) return null;
  const bounder = new GraphBounder(network, []);
  bounder.setBox(lower, upper, null);
  return bounder.zonotope([]) === null ? null : bounder.preActivations();
}

/** The nearest float32 numbers on the given side. */
function outward(values: Float64Array, side: 1 | -1): Float32Array {
  const bits = new Int32Array(1);
  const cell = new Float32Array(bits.buffer);
  return Float32Array.from(values, value => {
    cell[0] = value;
    if (side * (cell[0] - value) >= 0) return cell[0];
    if (cell[0] === 0) bits[0] = side > 0 ? 1 : -0x7fffffff;
    else bits[0] += cell[0] * side > 0 ? 1 : -1;
    return cell[0];
  });
}
