import { describe, expect, it } from 'vitest';
import { patchedModel } from '../../../../src/attack/patch/patched-model';
import { replayPatch } from '../../../../src/attack/patch/modify';
import { model, node, tensor, valueInfo } from '../../../../src/network/authoring';
import { encodeModel } from '../../../../src/network/codec';
import { evaluate } from '../../../../src/network/evaluate';
import { loadModelBytes } from '../../../../src/network/load';
import { denseModel, must, type Storage } from './models';

const layers = [
  {
    weight: [
      [1, 2, -1],
      [0, 1, 3],
    ],
    bias: [0.5, 0],
  },
  {
    weight: [
      [1, -1],
      [2, 1],
    ],
  },
];
const change = Float64Array.of(0.25, 0, -1, 0, 0, 2);
const input = [1, 2, 3];

describe('a patched file', () => {
  it.each([
    ['gemm', 1],
    ['gemm', 0.5],
    ['gemm transposed', 1],
    ['gemm transposed', 2],
    ['matmul', 1],
    ['constant first', 1],
  ] as [Storage, number][])('changes the weights that were meant, stored as %s with α = %d', async (storage, alpha) => {
    const original = denseModel(layers, storage, alpha);
    const { model: patched, stored } = must(patchedModel(original, [{ layer: 'fc_1', shape: [2, 3], change }]));
    expect([...stored[0].change]).toEqual([...change]);
    const [replay] = must(await replayPatch(patched, [{ input, property: [] }]));
    // fc_1: (1.25, 2, −2)·x + 0.5 = −0.25 → 0 and (0, 1, 5)·x = 17.
    expect([...replay.output]).toEqual([-17, 17]);
    const before = evaluate(original.written, Float64Array.from(input)).at(-1)!;
    expect([...before]).not.toEqual([-17, 17]);
  });

  it('says what float32 leaves of a change', () => {
    const original = denseModel(layers);
    const { stored } = must(
      patchedModel(original, [{ layer: 'fc_1', shape: [2, 3], change: Float64Array.of(1e-12, 0.1, 0, 0, 0, 0) }]),
    );
    expect(stored[0].change[0]).toBe(0);
    expect(stored[0].change[1]).toBe(Math.fround(2.1) - 2);
  });

  it('changes one of two layers that share their weights', async () => {
    const bytes = encodeModel(
      model({
        inputs: [valueInfo('x', 'float32', [1, 2])],
        outputs: [valueInfo('y', 'float32', [1, 2])],
        initializers: [tensor('w', [2, 2], Float32Array.of(1, 0, 0, 1))],
        nodes: [
          node('MatMul', ['x', 'w'], ['a'], {}, 'first'),
          node('Relu', ['a'], ['b']),
          node('MatMul', ['b', 'w'], ['y'], {}, 'second'),
        ],
      }),
    );
    const original = must(loadModelBytes(bytes, 'shared.onnx'));
    const patched = must(
      patchedModel(original, [{ layer: 'second', shape: [2, 2], change: Float64Array.of(1, 0, 0, 0) }]),
    );
    const [replay] = must(await replayPatch(patched.model, [{ input: [3, 5], property: [] }]));
    expect([...replay.output]).toEqual([6, 5]);
  });

  it('refuses a layer that is not there', () => {
    const result = patchedModel(denseModel(layers), [{ layer: 'fc_3', shape: [1, 1], change: new Float64Array(1) }]);
    expect(result.ok ? '' : result.error.code).toBe('patch/layer-unknown');
  });

  it('refuses weights that the file computes', () => {
    const bytes = encodeModel(
      model({
        inputs: [valueInfo('x', 'float32', [1, 2])],
        outputs: [valueInfo('y', 'float32', [1, 2])],
        initializers: [tensor('w', [2, 2], Float32Array.of(1, 0, 0, 1))],
        nodes: [node('Neg', ['w'], ['v']), node('MatMul', ['x', 'v'], ['y'], {}, 'layer')],
      }),
    );
    const original = must(loadModelBytes(bytes, 'computed.onnx'));
    const result = patchedModel(original, [{ layer: 'layer', shape: [2, 2], change: new Float64Array(4) }]);
    expect(result.ok ? '' : result.error.message).toMatch(/"layer" in computed.onnx/);
  });
});
