import { assert } from '../base/assert';
import { ok, problem, type Result } from '../base/result';
import type { ActivationNode, Network } from '../network/network';

/** The rectified neurons of a network, layer by layer: what can be unstable, important, and grafted. */

/** One layer of rectified neurons (all units of one Relu). */
export interface NeuronLayer {
  /** As the model's file calls it. */
  readonly name: string;
  /** `[channels, height, width]`, or `[units]`. */
  readonly shape: readonly number[];
  readonly size: number;
}

/** One number for every neuron, layer after layer. */
export interface NeuronValues {
  readonly layers: readonly NeuronLayer[];
  readonly values: Float64Array;
}

/** Which neurons are made linear: 1 for grafted, 0 for rectified, layer after layer. */
export interface Mask {
  readonly layers: readonly NeuronLayer[];
  readonly grafted: Uint8Array;
}

/** The network's Relu nodes in order. */
export function rectifiers(network: Network): ActivationNode[] {
  return network.nodes.filter((node): node is ActivationNode => node.kind === 'relu');
}

export function neuronLayers(network: Network): NeuronLayer[] {
  return rectifiers(network).map(({ name, shape, size }) => ({ name, shape, size }));
}

export function neuronCount(layers: readonly NeuronLayer[]): number {
  return layers.reduce((sum, layer) => sum + layer.size, 0);
}

/** Where each layer's neurons begin, and one past the last. */
export function layerOffsets(layers: readonly NeuronLayer[]): number[] {
  const offsets = [0];
  for (const { size } of layers) offsets.push(offsets[offsets.length - 1] + size);
  return offsets;
}

/** The part of an array over all neurons that belongs to layer `k`; it shares the array's memory. */
export function ofLayer<T extends Float64Array | Uint8Array | Int32Array>(
  layers: readonly NeuronLayer[],
  all: T,
  k: number,
): T {
  const offsets = layerOffsets(layers);
  assert(all.length === offsets[layers.length], () => `${all.length} values for ${offsets[layers.length]} neurons`);
  return all.subarray(offsets[k], offsets[k + 1]) as T;
}

export function emptyMask(layers: readonly NeuronLayer[]): Mask {
  return { layers, grafted: new Uint8Array(neuronCount(layers)) };
}

export function graftedCount({ grafted }: Mask): number {
  return grafted.reduce((sum, each) => sum + each, 0);
}

/** How many neurons of each layer are grafted. */
export function graftedPerLayer({ layers, grafted }: Mask): number[] {
  return layers.map((_, k) => ofLayer(layers, grafted, k).reduce((sum, each) => sum + each, 0));
}

/** `32×16×16, 128×8×8, 250`, for messages. */
export function describeLayers(layers: readonly Pick<NeuronLayer, 'shape'>[]): string {
  return layers.map(({ shape }) => shape.join('×')).join(', ') || 'no rectified neurons';
}

/** Whether two lists of layers are of one architecture: the same shapes in the same order; names do not matter. */
export function sameLayers(a: readonly NeuronLayer[], b: readonly NeuronLayer[]): boolean {
  return a.length === b.length && a.every(({ shape }, k) => shape.join() === b[k].shape.join());
}

/** A mask as the network's own. Error `graft/architecture` when its layers are others. */
export function maskFor(network: Network, mask: Mask): Result<Mask> {
  const layers = neuronLayers(network);
  return sameLayers(layers, mask.layers)
    ? ok({ layers, grafted: mask.grafted })
    : problem(
        'graft/architecture',
        `The mask is for layers of ${describeLayers(mask.layers)} neurons, but the network has ${describeLayers(layers)}. Choose the mask that was made for this network.`,
      );
}
