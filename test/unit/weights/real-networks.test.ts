import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../../src/network/load';
import { readIdx } from '../../../src/spec/data/idx';
import { decideWeights, DEFAULT_WEIGHT_OPTIONS, type WeightVerdict } from '../../../src/weights/decide';
import { Opening } from '../../../src/weights/open-network';
import { wholeLayer, type LayerPerturbation } from '../../../src/weights/perturbation';
import { perturbedLayers } from '../../../src/weights/question';
import { WeightModel } from '../../../src/weights/weight-model';
import { sharedData } from '../shared-data';
import { must, otherWins } from './models';

const MLP = 'modelstar/mnist_mlp_784-1024-512-256-256-256-10.onnx';
const CNN = 'linearity_grafting/mnist_cnn_a_adv.onnx';

/** A model and an MNIST test image that it classifies right. */
function opened(file: string, index: number): { model: WeightModel; x: Float32Array; label: number } {
  const data = (name: string) =>
    must(readIdx(gunzipSync(readFileSync(path.join(sharedData!, 'datasets/mnist', `t10k-${name}.gz`)))));
  const pixels = data('images-idx3-ubyte');
  const labels = data('labels-idx1-ubyte');
  const x = Float32Array.from({ length: 784 }, (_, i) => pixels.bytes[pixels.offset + index * 784 + i] / 255);
  const model = must(WeightModel.open(must(loadModel(path.join(sharedData!, file)))));
  return { model, x, label: labels.bytes[labels.offset + index] };
}

async function decide(
  { model, x, label }: ReturnType<typeof opened>,
  perturbations: readonly LayerPerturbation[],
): Promise<WeightVerdict> {
  const question = { perturbations, input: { kind: 'point', values: x } as const, unsafe: otherWins(10, label) };
  const budget = { deadline: performance.now() + 60_000, cancelled: () => false };
  return must(await decideWeights(model, question, DEFAULT_WEIGHT_OPTIONS, budget));
}

describe.skipIf(sharedData === undefined)('weights of real networks (needs the benchmark data)', () => {
  it('a first convolution has one input a weight, and ends in an answer either way', async () => {
    const it = opened(CNN, 0);
    const question = {
      perturbations: [wholeLayer('conv_1', 0.005)],
      input: { kind: 'point', values: it.x } as const,
      unsafe: otherWins(10, it.label),
    };
    const network = new Opening(it.model, must(perturbedLayers(it.model, question))).at(question.input);
    expect(network.exact).toBe(true);
    expect(network.box.lower).toHaveLength(256);
    expect((await decide(it, question.perturbations)).kind).toBe('verified');
    const verdict = await decide(it, [wholeLayer('conv_1', 0.3)]);
    expect(verdict.kind).toBe('falsified');
    if (verdict.kind !== 'falsified') return;
    const { weight } = it.model.layers[0];
    const values = Float64Array.from(weight!.values);
    const most = 0.3 * (Math.max(...values) - Math.min(...values));
    expect(verdict.failure.patched.changes.length).toBeGreaterThan(0);
    for (const { layer, before, after } of verdict.failure.patched.changes) {
      expect(layer).toBe('conv_1');
      expect(Math.abs(after - before)).toBeLessThanOrEqual(most);
    }
  });

  it('two layers at once', async () => {
    const it = opened(CNN, 0);
    const both = (part: number) => [wholeLayer('conv_1', part), wholeLayer('fc_4', part)];
    expect((await decide(it, both(0.001))).kind).toBe('verified');
    const verdict = await decide(it, both(0.3));
    expect(verdict.kind).toBe('falsified');
    if (verdict.kind === 'falsified')
      expect(new Set(verdict.failure.patched.changes.map(({ layer }) => layer))).toEqual(new Set(['conv_1', 'fc_4']));
  });

  it('a layer with one hidden layer behind it, where triangles are far from enough', async () => {
    const verdict = await decide(opened(MLP, 33), [wholeLayer('fc_4', 0.004)]);
    expect(verdict.kind).toBe('verified');
    expect(verdict.kind === 'verified' && verdict.method).toBe('hull');
  });
});
