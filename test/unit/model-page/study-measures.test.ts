import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { meanWidths, measuresOf } from '../../../src/extension/model-page/study-measures';
import { neuronLayers } from '../../../src/graft/neurons';
import { loadModel } from '../../../src/network/load';
import { sharedData } from '../shared-data';

const reference = (name: string) => ({ kind: 'file' as const, path: name, shape: [] });
const run = {
  epsilon: '1/255',
  samples: [3, 5],
  counts: reference('counts'),
  perLayer: [1, 0.5],
  ratio: 0.3,
  statement: '',
  lower: reference('lower'),
  upper: reference('upper'),
  boundedSamples: 2,
  seconds: 1,
};
const neurons = {
  model: '/models/net.onnx',
  check: 'noise',
  checks: ['noise'],
  method: 'crown' as const,
  layers: [
    { name: 'relu_1', shape: [2] },
    { name: 'relu_2', shape: [1, 1, 1] },
  ],
  runs: [{ ...run, perLayer: [2, 1] }, run],
  importance: null,
};
const params = { subject: { specification: { path: '/models/net.certiscope.jsonc' } }, method: 'crown' as const };
// Two samples of three neurons each.
const bounds: Record<string, Float32Array> = {
  lower: Float32Array.of(0, 0, 0, 0, 0, 0),
  upper: Float32Array.of(1, 3, 10, 2, 2, 30),
};
const read = (of: { readonly kind: string; readonly path?: string }) => Promise.resolve(bounds[of.path ?? ''] ?? null);

describe('what studies tell of layers', () => {
  it('is the part of unstable neurons and the width of bounds, of the last ε', async () => {
    const told = await measuresOf({ kind: 'unstable-neurons', params, result: neurons }, () => null, read);
    expect(told?.model).toBe('/models/net.onnx');
    expect(told?.measures.map(({ measure, values }) => [measure, values])).toEqual([
      ['unstable', { relu_1: 0.5, relu_2: 0.5 }],
      ['width', { relu_1: 2, relu_2: 20 }],
    ]);
    expect(told?.measures[0]?.about).toBe(
      'Mean part of a layer’s neurons that are unstable around 2 samples at ε 1/255 (“noise”).',
    );
  });

  it('goes without widths where the bounds are gone', async () => {
    const told = await measuresOf(
      { kind: 'unstable-neurons', params, result: neurons },
      () => null,
      () => Promise.resolve(null),
    );
    expect(told?.measures.map(({ measure }) => measure)).toEqual(['unstable']);
  });

  it('means widths over neurons and samples', () => {
    expect(meanWidths(Float32Array.of(0, -1), Float32Array.of(2, 1), [1, 1])).toEqual([2, 2]);
  });
});

describe.skipIf(!sharedData)('layers of real networks (need ../shared/data)', () => {
  it('have names that the page finds', () => {
    const networks = sharedData
      ? (readdirSync(sharedData, { recursive: true }) as string[]).filter(name => /\.onnx(\.gz)?$/.test(name))
      : [];
    let layers = 0;
    for (const name of networks) {
      const model = loadModel(path.join(sharedData!, name));
      if (!model.ok) continue;
      const known = new Set(
        model.value.info.nodes.flatMap(node => [node.name, ...node.outputs.map(value => value.name)]),
      );
      for (const layer of neuronLayers(model.value.network)) {
        expect(known.has(layer.name), `${layer.name} of ${name}`).toBe(true);
        layers++;
      }
    }
    expect(layers).toBeGreaterThan(100);
  }, 120_000);
});
