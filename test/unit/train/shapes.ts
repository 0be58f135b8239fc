import { Random } from '../../../src/base/random';
import { loadModelBytes } from '../../../src/network/load';
import type { Network } from '../../../src/network/network';
import { initialParameters, type Architecture } from '../../../src/train/architecture';
import { exportClassifier } from '../../../src/train/export';
import type { Graft, GraftedNetwork } from '../../../src/train/grafted-network';
import type { Dataset } from '../../../src/train/trainer';
import { must } from '../must';

export const FLAT: Architecture = {
  inputShape: [1, 1, 2],
  layers: [{ kind: 'dense', size: 24 }, { kind: 'relu' }, { kind: 'dense', size: 2 }],
};

export const CONVOLUTIONAL: Architecture = {
  inputShape: [1, 6, 6],
  layers: [
    { kind: 'conv', channels: 4, kernel: 3, stride: 2, pad: 1 },
    { kind: 'relu' },
    { kind: 'dense', size: 8 },
    { kind: 'relu' },
    { kind: 'dense', size: 2 },
  ],
};

/** Two classes that no line separates: inside and outside of a ring. */
export function rings(count: number, seed: number): Dataset {
  const random = new Random(seed);
  const inputs = new Float32Array(2 * count);
  const labels = new Uint8Array(count);
  for (let k = 0; k < count; k++) {
    const angle = 2 * Math.PI * random.uniform();
    labels[k] = random.integer(2);
    const radius = labels[k] ? 1 + 0.3 * random.uniform() : 0.5 * random.uniform();
    inputs.set([radius * Math.cos(angle), radius * Math.sin(angle)], 2 * k);
  }
  return { count, inputs, labels };
}

/** Images with a bright row or a bright column. */
export function bars(count: number, seed: number): Dataset {
  const random = new Random(seed);
  const inputs = Float32Array.from({ length: 36 * count }, () => 0.3 * random.uniform());
  const labels = new Uint8Array(count);
  for (let k = 0; k < count; k++) {
    labels[k] = random.integer(2);
    const at = random.integer(6);
    for (let i = 0; i < 6; i++) inputs[36 * k + (labels[k] ? 6 * i + at : 6 * at + i)] += 0.7;
  }
  return { count, inputs, labels };
}

/** A classifier with random weights, as the importer reads it. Biases are random too, so that no neuron starts at its kink. */
export function randomNetwork(architecture: Architecture, seed: number): Network {
  const random = new Random(seed, 5);
  const parameters = initialParameters(architecture, seed).map(each =>
    each.name.endsWith('.bias') ? { ...each, data: each.data.map(() => 0.2 * random.normal()) } : each,
  );
  return must(loadModelBytes(exportClassifier(architecture, parameters), 'random.onnx')).network;
}

/** Grafts a random part of every layer's neurons, with random lines. */
export function randomGrafts(network: Network, seed: number, part = 0.5): GraftedNetwork {
  const random = new Random(seed, 6);
  const grafts = network.nodes.flatMap((node): [number, Graft][] => {
    if (node.kind !== 'relu') return [];
    const mask = Uint8Array.from({ length: node.size }, () => (random.uniform() < part ? 1 : 0));
    const numbers = (scale: number): Float64Array =>
      Float64Array.from(mask, grafted => (grafted ? Math.fround(scale * random.normal()) : 0));
    return [[node.id, { mask, slope: numbers(0.5), intercept: numbers(0.2) }]];
  });
  return { network, grafts: new Map(grafts) };
}
