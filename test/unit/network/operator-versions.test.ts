import { describe, expect, it } from 'vitest';
import { type AttributeValue, integers, node, tensor } from '../../../src/network/authoring';
import { loadModelBytes } from '../../../src/network/load';
import { sample, type SampleParts, weights } from './generators';
import { difference, mustLoad, randomValues, referenceOutput, runtimeOutputs } from './onnx-runtime';

const ints = (...values: number[]): AttributeValue => ({ ints: values });
const one = (value: number, name = 'v'): ReturnType<typeof tensor> => tensor(name, [], Float32Array.of(value));
const statistics = ['g', 'b', 'm', 'v'].map((name, k) => weights(name, [2], k + 1, 0.5, 1.5));

/** The same operator in the forms it had over the years. */
const forms: [string, SampleParts][] = [
  ['Slice-1', { op: 'Slice', input: [3, 4], attributes: { starts: ints(1), ends: ints(-1), axes: ints(1) }, opset: 9 }],
  [
    'Slice-1 without axes',
    { op: 'Slice', input: [3, 4], attributes: { starts: ints(0, 1), ends: ints(2, 1000) }, opset: 9 },
  ],
  [
    'Slice-10',
    {
      op: 'Slice',
      input: [3, 4],
      inputs: [integers('s', [3]), integers('e', [-100]), integers('a', [1]), integers('t', [-2])],
      opset: 10,
    },
  ],
  ['Slice-13', { op: 'Slice', input: [3, 4], inputs: [integers('s', [1]), integers('e', [3])], opset: 13 }],
  ['Clip-6', { op: 'Clip', input: [2, 5], attributes: { min: { float: -0.25 }, max: { float: 0.5 } }, opset: 10 }],
  ['Clip-6 above only', { op: 'Clip', input: [2, 5], attributes: { max: { float: 0.25 } }, opset: 7 }],
  [
    'Clip-6 as Relu',
    { op: 'Clip', input: [2, 5], attributes: { min: { float: 0 }, max: { float: 3.4028234663852886e38 } }, opset: 10 },
  ],
  ['Clip-11', { op: 'Clip', input: [2, 5], inputs: [one(-0.5, 'low'), one(0.25, 'high')], opset: 11 }],
  ['Clip-13 without a lower limit', { op: 'Clip', input: [2, 5], inputs: ['', one(0.25)], opset: 13 }],
  ['Clip with crossed limits', { op: 'Clip', input: [2, 5], inputs: [one(0.5, 'low'), one(0.25, 'high')], opset: 13 }],
  ['Squeeze-1', { op: 'Squeeze', input: [1, 3, 1], attributes: { axes: ints(0) }, opset: 7 }],
  ['Squeeze-11 from the end', { op: 'Squeeze', input: [1, 3, 1], attributes: { axes: ints(-1) }, opset: 11 }],
  ['Squeeze-13', { op: 'Squeeze', input: [1, 3, 1], inputs: [integers('a', [2])], opset: 13 }],
  ['Squeeze of all', { op: 'Squeeze', input: [1, 3, 1], opset: 13 }],
  ['Unsqueeze-1', { op: 'Unsqueeze', input: [3], attributes: { axes: ints(0, 2) }, opset: 7 }],
  ['Unsqueeze-13', { op: 'Unsqueeze', input: [3], inputs: [integers('a', [-1, 0])], opset: 13 }],
  ['ReduceSum-1', { op: 'ReduceSum', input: [2, 3], attributes: { axes: ints(1), keepdims: { int: 0 } }, opset: 9 }],
  ['ReduceSum-13', { op: 'ReduceSum', input: [2, 3], inputs: [integers('a', [-1])], opset: 13 }],
  ['ReduceSum-13 of all', { op: 'ReduceSum', input: [2, 3], opset: 13 }],
  [
    'ReduceSum-13 of none',
    { op: 'ReduceSum', input: [2, 3], attributes: { noop_with_empty_axes: { int: 1 } }, opset: 13 },
  ],
  ['ReduceMean-1', { op: 'ReduceMean', input: [2, 3, 4], attributes: { axes: ints(2, 1) }, opset: 9 }],
  ['ReduceMean-18', { op: 'ReduceMean', input: [2, 3, 4], inputs: [integers('a', [1])], opset: 18 }],
  [
    'ReduceMax-18',
    {
      op: 'ReduceMax',
      input: [2, 3, 4],
      inputs: [integers('a', [1])],
      attributes: { keepdims: { int: 0 } },
      opset: 18,
    },
  ],
  ['Pad-2', { op: 'Pad', input: [2, 3], attributes: { pads: ints(0, 1, 2, -1), value: { float: 0.5 } }, opset: 9 }],
  [
    'Pad-2 reflected',
    { op: 'Pad', input: [2, 3], attributes: { pads: ints(0, 2, 1, 0), mode: { text: 'reflect' } }, opset: 9 },
  ],
  ['Pad-11', { op: 'Pad', input: [2, 3], inputs: [integers('p', [1, 0, 0, 1]), one(-1)], opset: 11 }],
  [
    'Pad-18 with axes',
    { op: 'Pad', input: [2, 3], inputs: [integers('p', [1, 2]), one(2), integers('a', [-1])], opset: 18 },
  ],
  [
    'Pad-19 wrapped',
    {
      op: 'Pad',
      input: [2, 3],
      inputs: [integers('p', [0, 2, 0, 1])],
      attributes: { mode: { text: 'wrap' } },
      opset: 19,
    },
  ],
  [
    'Split-2',
    { op: 'Split', input: [2, 5], attributes: { axis: { int: 1 }, split: ints(2, 3) }, outputs: 2, opset: 9 },
  ],
  ['Split-2 in equal parts', { op: 'Split', input: [2, 6], attributes: { axis: { int: 1 } }, outputs: 3, opset: 9 }],
  [
    'Split-13',
    {
      op: 'Split',
      input: [2, 5],
      attributes: { axis: { int: -1 } },
      inputs: [integers('s', [4, 1])],
      outputs: 2,
      opset: 13,
    },
  ],
  [
    'Split-18 in unequal parts',
    { op: 'Split', input: [2, 5], attributes: { axis: { int: 1 }, num_outputs: { int: 3 } }, outputs: 3, opset: 18 },
  ],
  ['Dropout-7', { op: 'Dropout', input: [2, 3], attributes: { ratio: { float: 0.5 } }, opset: 7 }],
  ['Dropout-13', { op: 'Dropout', input: [2, 3], inputs: [one(0.5)], opset: 13 }],
  ['BatchNormalization-7', { op: 'BatchNormalization', input: [1, 2, 3], inputs: statistics, opset: 7 }],
  [
    'BatchNormalization-9',
    {
      op: 'BatchNormalization',
      input: [1, 2, 3, 2],
      inputs: statistics,
      attributes: { momentum: { float: 0.9 } },
      opset: 9,
    },
  ],
  ['BatchNormalization-15', { op: 'BatchNormalization', input: [4, 2], inputs: statistics, opset: 15 }],
  [
    'Gemm-7 with a bias',
    { op: 'Gemm', input: [2, 3], inputs: [weights('w', [3, 4], 1), weights('c', [4], 2)], opset: 7 },
  ],
  ['Gemm-11 without a bias', { op: 'Gemm', input: [2, 3], inputs: [weights('w', [3, 4], 1)], opset: 11 }],
  ['Reshape-5', { op: 'Reshape', input: [2, 6], inputs: [integers('s', [0, -1, 3])], opset: 7 }],
  [
    'Reshape-14',
    {
      op: 'Reshape',
      input: [2, 6],
      inputs: [integers('s', [3, -1])],
      attributes: { allowzero: { int: 1 } },
      opset: 14,
    },
  ],
  ['Flatten-9', { op: 'Flatten', input: [2, 3, 2], attributes: { axis: { int: 2 } }, opset: 9 }],
  ['Add-7', { op: 'Add', input: [2, 3], inputs: [weights('w', [3], 1)], opset: 7 }],
  ['PRelu-7', { op: 'PRelu', input: [1, 2, 3], inputs: [weights('s', [2, 1], 1, 0, 0.5)], opset: 7 }],
  [
    'MaxPool-8',
    {
      op: 'MaxPool',
      input: [1, 1, 5, 5],
      attributes: { kernel_shape: ints(2, 2), strides: ints(2, 2), pads: ints(1, 1, 0, 0) },
      opset: 8,
    },
  ],
  [
    'AveragePool-7',
    {
      op: 'AveragePool',
      input: [1, 1, 5, 5],
      attributes: { kernel_shape: ints(3, 3), pads: ints(1, 1, 1, 1) },
      opset: 7,
    },
  ],
  [
    'AveragePool-22',
    {
      op: 'AveragePool',
      input: [1, 1, 6, 5],
      attributes: { kernel_shape: ints(3, 2), strides: ints(2, 2), ceil_mode: { int: 1 } },
      opset: 22,
    },
  ],
  ['Cast between floats', { op: 'Cast', input: [2, 3], attributes: { to: { int: 1 } }, opset: 13 }],
  [
    'ConvTranspose-11 with an output shape',
    {
      op: 'ConvTranspose',
      input: [1, 1, 3],
      inputs: [weights('w', [1, 1, 3], 1)],
      attributes: { strides: ints(2), output_shape: ints(6) },
      opset: 11,
    },
  ],
];

describe('operators in the forms of their versions agree with ONNX Runtime', () => {
  it.each(forms)('%s', async (_name, parts) => {
    const model = mustLoad(sample(parts).bytes);
    const x = randomValues(model.network.inputSize, 11);
    expect(difference(referenceOutput(model, x), await runtimeOutputs(model, x))).toBeLessThan(1e-5);
  });

  const refused: [string, SampleParts, RegExp][] = [
    [
      'Dropout in training',
      { op: 'Dropout', input: [2, 3], inputs: [one(0.5), tensor('t', [], Uint8Array.of(1), 'bool')], opset: 13 },
      /training mode/,
    ],
    [
      'BatchNormalization in training',
      {
        op: 'BatchNormalization',
        input: [1, 2, 3],
        inputs: statistics,
        attributes: { training_mode: { int: 1 } },
        opset: 15,
      },
      /training mode/,
    ],
    [
      'a Cast to integers',
      { op: 'Cast', input: [2, 3], attributes: { to: { int: 7 } }, opset: 13 },
      /from float32 to int64/,
    ],
    [
      'a dilated window with SAME padding',
      {
        op: 'MaxPool',
        input: [1, 1, 5],
        attributes: { kernel_shape: ints(2), dilations: ints(2), auto_pad: { text: 'SAME_UPPER' } },
      },
      /dilated/,
    ],
    [
      'a convolution in three dimensions',
      { op: 'Conv', input: [1, 1, 2, 2, 2], inputs: [weights('w', [1, 1, 1, 1, 1], 1)] },
      /3 spatial dimensions/,
    ],
    [
      'MaxPool with indices',
      { op: 'MaxPool', input: [1, 1, 4], attributes: { kernel_shape: ints(2) }, outputs: 2 },
      /output number 2/,
    ],
    ['division by an activation', { op: 'Div', input: [1, 2], inputs: [one(1)], place: 1 }, /divisor depends/],
    ['a product of activations', { op: 'MatMul', input: [2, 2], inputs: ['x'] }, /both matrices depend/],
  ];

  it.each(refused)('refuses %s', (_name, parts, words) => {
    expect(loadModelBytes(sample(parts).bytes, 'm.onnx')).toMatchObject({
      ok: false,
      error: { code: 'unsupported-operator', message: expect.stringMatching(words) as string },
    });
  });
});

describe('what is taken off the end', () => {
  const ends: [string, SampleParts, string][] = [
    [
      'Softmax-13 over all outputs',
      { op: 'Softmax', input: [1, 4], attributes: { axis: { int: 1 } }, opset: 13 },
      'softmax',
    ],
    ['Softmax-1 over all outputs', { op: 'Softmax', input: [1, 2, 2], opset: 11 }, 'softmax'],
    ['LogSoftmax', { op: 'LogSoftmax', input: [1, 4], opset: 13 }, 'softmax'],
    [
      'ArgMax',
      { op: 'ArgMax', outputType: 7, input: [1, 4], attributes: { axis: { int: 1 }, keepdims: { int: 0 } } },
      'argmax',
    ],
    [
      'ArgMax of a Softmax',
      {
        op: 'ArgMax',
        outputType: 7,
        input: [1, 4],
        attributes: { axis: { int: 1 } },
        before: [node('Softmax', ['x'], ['s'])],
        reads: 's',
      },
      'argmax',
    ],
  ];

  it.each(ends)('%s', async (_name, parts, trailing) => {
    const model = mustLoad(sample(parts).bytes);
    const x = randomValues(4, 3);
    expect(model.network.trailing).toBe(trailing);
    expect(model.network.outputSize).toBe(4);
    expect(model.network.outputs).toMatchObject([{ name: 'y0', offset: 0, size: 4 }]);
    const y = referenceOutput(model, x);
    const runtime = await runtimeOutputs(model, x);
    if (trailing === 'argmax') expect(y[runtime[0]]).toBe(Math.max(...y));
    else
      expect([...y.keys()].sort((a, b) => y[a] - y[b])).toEqual(
        [...runtime.keys()].sort((a, b) => runtime[a] - runtime[b]),
      );
  });

  it.each([
    ['in the middle', { op: 'Relu', input: [1, 4], before: [node('Softmax', ['x'], ['s'], {}, 'soft')], reads: 's' }],
    ['over a part of the outputs', { op: 'Softmax', input: [1, 2, 2], attributes: { axis: { int: 2 } }, opset: 13 }],
  ] as [string, SampleParts][])('a Softmax %s is refused', (_name, parts) => {
    expect(loadModelBytes(sample(parts).bytes, 'm.onnx')).toMatchObject({
      ok: false,
      error: { code: 'unsupported-operator' },
    });
  });
});

describe('constants that exporters compute', () => {
  it('the shape of a Reshape from the shape of its input', async () => {
    const before = [
      node('Shape', ['x'], ['shape']),
      node('Gather', ['shape', 'zero'], ['batch']),
      node('Unsqueeze', ['batch'], ['batch1'], { axes: ints(0) }),
      node('Concat', ['batch1', 'minus'], ['target'], { axis: { int: 0 } }),
      node('Reshape', ['x', 'target'], ['flat']),
      node('ConstantOfShape', ['target2'], ['ones'], { value: { tensor: tensor('t', [1], Float32Array.of(1.5)) } }),
      node('Add', ['flat', 'ones'], ['sum']),
    ];
    const { bytes } = sample({
      op: 'MatMul',
      input: [1, 2, 3],
      before,
      reads: 'sum',
      inputs: [weights('w', [6, 2], 1)],
      opset: 11,
    });
    const { decodeModel, encodeModel } = await import('../../../src/network/codec');
    const decoded = decodeModel(bytes);
    if (!decoded.ok) throw new Error('unreachable');
    const zero = { ...integers('zero', [0]), dims: [] };
    decoded.value.graph!.initializer.push(zero, integers('minus', [-1]), integers('target2', [1, 6]));
    const model = mustLoad(encodeModel(decoded.value));
    expect(model.network.nodes.map(own => own.kind)).toEqual(['input', 'dense']);
    const x = randomValues(6, 2);
    expect(difference(referenceOutput(model, x), await runtimeOutputs(model, x))).toBeLessThan(1e-5);
  });
});
