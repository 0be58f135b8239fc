import { ok, problem, type Result } from '../base/result';
import type { Network } from '../network/network';
import type { Graft, GraftedNetwork } from '../train/grafted-network';
import { layerOffsets, maskFor, neuronLayers, neuronCount, rectifiers, type Mask } from './neurons';

/** Making neurons of a network linear. */

/** Slope and intercept with which the training of linear neurons begins (Chen et al. 2022). */
export const INITIAL_LINE = { slope: 0.4, intercept: 0 } as const;

/** The network with the mask's neurons linear. Errors: `graft/architecture`, `graft/no-neurons`. */
export function graftNetwork(
  network: Network,
  mask: Mask,
  line: { readonly slope: number; readonly intercept: number } = INITIAL_LINE,
): Result<GraftedNetwork> {
  if (rectifiers(network).length === 0)
    return problem('graft/no-neurons', 'The network has no rectified neurons (no Relu), so there is nothing to graft.');
  const own = maskFor(network, mask);
  if (!own.ok) return own;
  const offsets = layerOffsets(own.value.layers);
  const grafts = rectifiers(network).flatMap(({ id }, k): [number, Graft][] => {
    const grafted = own.value.grafted.slice(offsets[k], offsets[k + 1]);
    if (!grafted.includes(1)) return [];
    const where = (value: number): Float64Array => Float64Array.from(grafted, each => (each ? Math.fround(value) : 0));
    return [[id, { mask: grafted, slope: where(line.slope), intercept: where(line.intercept) }]];
  });
  return ok({ network, grafts: new Map(grafts) });
}

/** Which neurons of a grafted network are linear. */
export function maskOf({ network, grafts }: GraftedNetwork): Mask {
  const layers = neuronLayers(network);
  const grafted = new Uint8Array(neuronCount(layers));
  const offsets = layerOffsets(layers);
  rectifiers(network).forEach(({ id }, k) => {
    const graft = grafts.get(id);
    if (graft) grafted.set(graft.mask, offsets[k]);
  });
  return { layers, grafted };
}
