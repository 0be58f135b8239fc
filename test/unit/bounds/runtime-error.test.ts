import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { runtimeError } from '../../../src/bounds/graph/runtime-error';
import { evaluate } from '../../../src/network/evaluate';
import { model, node, tensor, valueInfo } from '../../../src/network/authoring';
import { encodeModel } from '../../../src/network/codec';
import { loadModel, loadModelBytes } from '../../../src/network/load';
import { Replayer } from '../../../src/attack/replay';
import { sharedData } from '../shared-data';
import { randomChain } from './chains';

const models = [
  'acasxu/onnx/ACASXU_run2a_3_3_batch_2000.onnx',
  'mnist_fc/onnx/mnist-net_256x4.onnx',
  'eran/nets/mnist_relu_9_200.onnx',
  'verivital/Convnet_maxpool.onnx',
  'verivital/Convnet_avgpool.onnx',
  'oval21/onnx/cifar_deep_kw.onnx.gz',
  'sri_resnet_a/onnx/resnet_3b2_bn_mixup_adv_4.0_bs128_lr-1.onnx.gz',
];

describe.skipIf(!sharedData)("the bound on ONNX Runtime's float32 error holds on real networks", () => {
  it.each(models)('%s', async file => {
    const loaded = loadModel(`${sharedData}/vnncomp/${file}`);
    if (!loaded.ok) throw new Error(loaded.error.message);
    const replayer = await Replayer.open({ bytes: loaded.value.bytes }, loaded.value.network);
    if (!replayer.ok) throw new Error(replayer.error.message);
    const { written } = loaded.value;
    const size = written.inputSize;
    const bound = runtimeError(written, new Float64Array(size), new Float64Array(size).fill(1));
    if (!bound.ok) throw new Error(bound.error.message);
    const random = new Random(7);
    for (let k = 0; k < 20; k++) {
      const input = Float32Array.from({ length: size }, () => random.uniform());
      const run = await replayer.value.forward(input);
      if (!run.ok) throw new Error(run.error.message);
      const values = evaluate(written, Float64Array.from(input));
      const exact = values[values.length - 1];
      exact.forEach((y, i) => expect(Math.abs(y - run.value.output[i])).toBeLessThanOrEqual(bound.value[i]));
    }
    await replayer.value.close();
  });
});

describe('where no bound is known it says so', () => {
  it('names the node for Sigmoid', () => {
    const network = randomChain(1, [2, 3, 1]);
    const nodes = network.nodes.map(node => (node.kind === 'relu' ? { ...node, kind: 'sigmoid' as const } : node));
    const bound = runtimeError({ ...network, nodes }, new Float64Array(2), new Float64Array(2).fill(1));
    expect(bound.ok).toBe(false);
    if (!bound.ok) expect(bound.error.message).toContain('relu_1');
  });

  it('refuses numbers that float32 cannot hold', () => {
    const network = randomChain(1, [2, 3, 1]);
    const bound = runtimeError(network, new Float64Array(2), new Float64Array(2).fill(1e33));
    expect(bound.ok).toBe(false);
  });
});

describe('batch normalization whose mean and summand cancel', () => {
  it('is given the error of the numbers that cancel', async () => {
    const [mean, factor] = [123456.7890625, 1.25];
    const bytes = encodeModel(
      model({
        nodes: [node('BatchNormalization', ['x', 's', 'b', 'm', 'v'], ['y'], { epsilon: { float: 0 } })],
        inputs: [valueInfo('x', 'float32', [1, 1, 1, 1])],
        outputs: [valueInfo('y', 'float32', [1, 1, 1, 1])],
        initializers: [
          tensor('s', [1], Float32Array.of(factor)),
          tensor('b', [1], Float32Array.of((mean * factor) / Math.sqrt(Math.fround(0.7)))),
          tensor('m', [1], Float32Array.of(mean)),
          tensor('v', [1], Float32Array.of(0.7)),
        ],
      }),
    );
    const loaded = loadModelBytes(bytes, 'normalized.onnx');
    if (!loaded.ok) throw new Error(loaded.error.message);
    const { network, written } = loaded.value;
    const replayer = await Replayer.open({ bytes }, network);
    if (!replayer.ok) throw new Error(replayer.error.message);
    const bound = runtimeError(written, Float64Array.of(0), Float64Array.of(1));
    if (!bound.ok) throw new Error(bound.error.message);
    for (const x of [0, 0.25, 1]) {
      const run = await replayer.value.forward(Float32Array.of(x));
      if (!run.ok) throw new Error(run.error.message);
      const exact = evaluate(network, Float64Array.of(x)).at(-1)!;
      expect(Math.abs(exact[0] - run.value.output[0])).toBeLessThanOrEqual(bound.value[0]);
    }
    await replayer.value.close();
  });
});
