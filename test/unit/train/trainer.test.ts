import { describe, expect, it } from 'vitest';
import { loadModelBytes } from '../../../src/network/load';
import { Session } from '../../../src/tensor/session';
import { initialParameters, nameLayers, type Architecture } from '../../../src/train/architecture';
import { exportClassifier } from '../../../src/train/export';
import type { Optimizer } from '../../../src/train/optimizer';
import { cosine } from '../../../src/train/schedule';
import { predict, train, type Dataset, type TrainingOptions } from '../../../src/train/trainer';
import { bars, CONVOLUTIONAL, FLAT, rings } from './shapes';

const options: TrainingOptions = {
  epochs: 30,
  batch: 32,
  optimizer: { kind: 'adam' },
  rate: cosine(0.02),
  weightDecay: 0,
  seed: 4,
};

async function accuracy(
  architecture: Architecture,
  data: Dataset,
  test: Dataset,
  changes: Partial<TrainingOptions> = {},
) {
  const trained = await train(architecture, initialParameters(architecture, 1), data, { ...options, ...changes });
  if (!trained.ok) throw new Error(trained.error.message);
  const predicted = await predict(architecture, trained.value, test);
  if (!predicted.ok) throw new Error(predicted.error.message);
  const right = predicted.value.filter((label, k) => label === test.labels[k]).length;
  return { parameters: trained.value, predicted: predicted.value, accuracy: right / test.count };
}

describe('train', () => {
  const optimizers: [string, Optimizer, number][] = [
    ['Adam', { kind: 'adam' }, 0.02],
    ['gradient descent', { kind: 'sgd', momentum: 0 }, 0.5],
    ['gradient descent with momentum', { kind: 'sgd', momentum: 0.9 }, 0.1],
  ];
  it.each(optimizers)('%s learns what no line separates', async (_, optimizer, peak) => {
    const losses: number[] = [];
    const onEpoch = (_: number, loss: number) => losses.push(loss);
    const result = await accuracy(FLAT, rings(400, 1), rings(200, 2), { optimizer, rate: cosine(peak), onEpoch });
    expect(result.accuracy).toBeGreaterThan(0.97);
    expect(losses).toHaveLength(30);
    expect(losses[29]).toBeLessThan(0.5 * losses[0]);
  });

  it('learns through a convolution', async () => {
    expect((await accuracy(CONVOLUTIONAL, bars(400, 1), bars(200, 2), { epochs: 10 })).accuracy).toBeGreaterThan(0.97);
  });

  it('gives the same numbers for the same seed, and others for another', async () => {
    const run = async (seed: number) =>
      (await accuracy(FLAT, rings(100, 1), rings(10, 2), { epochs: 3, seed })).parameters;
    expect(await run(1)).toEqual(await run(1));
    expect(await run(1)).not.toEqual(await run(2));
  });

  it('shrinks weights when asked to', async () => {
    const norm = async (weightDecay: number) => {
      const { parameters } = await accuracy(FLAT, rings(200, 1), rings(10, 2), { weightDecay });
      return parameters.reduce((sum, each) => sum + each.data.reduce((s, w) => s + w * w, 0), 0);
    };
    expect(await norm(0.5)).toBeLessThan(0.8 * (await norm(0)));
  });

  it('can be cancelled, and says so when it diverges', async () => {
    const start = initialParameters(FLAT, 1);
    let steps = 0;
    const cancelled = await train(FLAT, start, rings(100, 1), { ...options, cancelled: () => ++steps > 5 });
    expect(cancelled).toMatchObject({ ok: false, error: { code: 'training-cancelled' } });
    expect(steps).toBe(6);
    const wild = await train(FLAT, start, rings(100, 1), {
      ...options,
      optimizer: { kind: 'sgd', momentum: 0.9 },
      rate: () => 1e30,
    });
    expect(wild).toMatchObject({ ok: false, error: { code: 'training-diverged' } });
  });
});

describe('exportClassifier', () => {
  it.each([
    ['dense', FLAT, rings(40, 3)],
    ['convolutional', CONVOLUTIONAL, bars(40, 3)],
  ] as const)('%s: the file answers as the trainer does', async (_, architecture, data) => {
    const { parameters, predicted } = await accuracy(architecture, data, data, { epochs: 2 });
    const bytes = exportClassifier(architecture, parameters);
    const session = await Session.open({ bytes });
    if (!session.ok) throw new Error(session.error.message);
    const size = data.inputs.length / data.count;
    for (let k = 0; k < data.count; k++) {
      const image = {
        type: 'float32' as const,
        data: data.inputs.slice(k * size, (k + 1) * size),
        shape: [1, ...architecture.inputShape],
      };
      const answer = await session.value.run({ image });
      if (!answer.ok) throw new Error(answer.error.message);
      const scores = [...(answer.value.logits.data as Float32Array)];
      expect(scores.indexOf(Math.max(...scores))).toBe(predicted[k]);
    }
    await session.value.close();
    const loaded = loadModelBytes(bytes, 'trained.onnx');
    expect(loaded.ok && loaded.value.network.outputSize).toBe(2);
    expect(exportClassifier(architecture, parameters)).toEqual(bytes);
  });

  it('names layers by kind', () => {
    expect(nameLayers(CONVOLUTIONAL).map(each => each.name)).toEqual(['conv_1', 'relu_1', 'fc_1', 'relu_2', 'fc_2']);
    expect(nameLayers(CONVOLUTIONAL)[0].shape).toEqual([4, 3, 3]);
  });
});
