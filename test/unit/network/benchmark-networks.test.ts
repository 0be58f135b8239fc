import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspectModel, loadModel } from '../../../src/network/load';
import { sharedData } from '../shared-data';
import { difference, randomValues, referenceOutput, runtimeOutputs } from './onnx-runtime';

interface Reference {
  input_shape: number[];
  ops: Record<string, number>;
  params: number;
  y: number[];
}

const data = sharedData ?? '';

function references(): [string, Reference][] {
  if (!sharedData) return [];
  const text = readFileSync(path.join(data, 'vnncomp/reference_forward.json'), 'utf8');
  return Object.entries((JSON.parse(text) as { models: Record<string, Reference> }).models);
}

function fileOf(name: string): string {
  const file = path.join(data, 'vnncomp', name);
  return existsSync(file) ? file : `${file}.gz`;
}

function otherModels(): string[] {
  if (!sharedData) return [];
  return ['aigent', 'linearity_grafting', 'modelstar', 'neurify'].flatMap(folder =>
    readdirSync(path.join(data, folder))
      .filter(name => name.endsWith('.onnx'))
      .map(name => path.join(data, folder, name)),
  );
}

function loaded(file: string): ReturnType<typeof loadModel> & { ok: true } {
  const model = loadModel(file);
  if (!model.ok) throw new Error(model.error.message);
  return model;
}

describe.skipIf(!sharedData)('benchmark networks (need ../shared/data)', () => {
  it('are all there', () => {
    expect(references()).toHaveLength(70);
    expect(otherModels().length).toBeGreaterThanOrEqual(10);
  });

  it.each(references())('%s gives its reference outputs and those of ONNX Runtime', async (name, reference) => {
    const model = loaded(fileOf(name)).value;
    const { network } = model;
    const x = Float64Array.from({ length: network.inputSize }, (_, i) => 0.5 + 0.25 * Math.sin(0.7 * i));
    const y = referenceOutput(model, x);
    // The file gives ten significant digits of each value.
    expect(y).toHaveLength(reference.y.length);
    reference.y.forEach((value, i) =>
      expect(Math.abs(y[i] - value)).toBeLessThanOrEqual(1e-9 * Math.max(1e-3, Math.abs(value))),
    );
    expect(difference(y, await runtimeOutputs(model, x))).toBeLessThan(2e-5);
    expect(model.info.parameterCount).toBe(reference.params);
    expect(Object.fromEntries(model.info.operators.map(({ opType, count }) => [opType, count]))).toEqual(reference.ops);
    expect(network.inputs[0].shape).toEqual(reference.input_shape);
  });

  it.each(otherModels())('%s agrees with ONNX Runtime', async file => {
    const model = loaded(file).value;
    const x = randomValues(model.network.inputSize, 7).map(value => Math.fround((value + 1) / 2));
    expect(difference(referenceOutput(model, x), await runtimeOutputs(model, x))).toBeLessThan(2e-5);
  });

  it('an ACAS Xu network is nothing but dense layers and Relu', () => {
    const { network } = loaded(fileOf('acasxu/onnx/ACASXU_run2a_1_1_batch_2000.onnx')).value;
    const layers = ['dense', 'relu'];
    expect(network.nodes.map(node => node.kind)).toEqual([
      'input',
      ...Array.from({ length: 13 }, (_, i) => layers[i % 2]),
    ]);
    expect(network.nodes.map(node => node.size)).toEqual([5, ...new Array<number>(12).fill(50), 5]);
    for (const node of network.nodes)
      if (node.kind === 'dense') expect([node.relativeError, node.biasError]).toEqual([0, null]);
  });

  it('a residual network keeps its additions and loses its batch normalisation', () => {
    const { network } = loaded(fileOf('sri_resnet_a/onnx/resnet_3b2_bn_mixup_adv_4.0_bs128_lr-1.onnx')).value;
    expect(new Set(network.nodes.map(node => node.kind))).toEqual(new Set(['input', 'conv', 'relu', 'add', 'dense']));
    expect(network.nodes.filter(node => node.kind === 'add')).toHaveLength(3);
  });

  it('inspection says the same without reading weights', () => {
    for (const [name] of references().filter(([key]) => !key.startsWith('acasxu/'))) {
      const inspected = inspectModel(fileOf(name));
      expect(inspected.ok && inspected.value).toEqual(loaded(fileOf(name)).value.info);
    }
  });
});
