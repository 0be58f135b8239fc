import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AttributeValue, integers, model, node, valueInfo } from '../../../src/network/authoring';
import { encodeModel } from '../../../src/network/codec';
import type { NodeProto, TensorProto } from '../../../src/network/proto/onnx';
import { seed, weights } from './generators';
import { difference, mustLoad, randomValues, referenceOutput, runtimeOutputs } from './onnx-runtime';

/** Random networks over images of 2 × 4 × 4 that branch, permute, scale, pool and join: what simplification must leave true. */
interface Layer {
  readonly nodes: (inputs: [string, string], output: string, id: string) => NodeProto[];
  readonly constants: (id: string, seed: number) => TensorProto[];
}

const shape = [1, 2, 4, 4];
const ints = (...values: number[]): AttributeValue => ({ ints: values });
const plain = (op: string, attributes: Record<string, AttributeValue> = {}): Layer => ({
  nodes: ([a], o) => [node(op, [a], [o], attributes)],
  constants: () => [],
});
const withConstant = (op: string, dims: readonly number[], low = -1): Layer => ({
  nodes: ([a], o, id) => [node(op, [a, id], [o])],
  constants: (id, s) => [weights(id, dims, s, low, 1)],
});

const layers: readonly Layer[] = [
  plain('Relu'),
  plain('Relu'),
  plain('Neg'),
  plain('Abs'),
  plain('LeakyRelu', { alpha: { float: 0.1 } }),
  plain('Identity'),
  plain('Transpose', { perm: ints(0, 1, 3, 2) }),
  plain('MaxPool', { kernel_shape: ints(3, 3), pads: ints(1, 1, 1, 1) }),
  plain('AveragePool', { kernel_shape: ints(3, 3), pads: ints(1, 1, 1, 1) }),
  withConstant('Add', [2, 1, 1]),
  withConstant('Mul', [2, 1, 1]),
  withConstant('Sub', [4, 4]),
  withConstant('Mul', []),
  withConstant('Div', [1, 4], 0.5),
  withConstant('MatMul', [4, 4]),
  { nodes: ([a, b], o) => [node('Add', [a, b], [o])], constants: () => [] },
  { nodes: ([a, b], o) => [node('Sub', [a, b], [o])], constants: () => [] },
  { nodes: ([a, b], o) => [node('Max', [a, b], [o])], constants: () => [] },
  {
    nodes: ([a, b], o, id) => [
      node('Concat', [a, b], [`${id}_4`], { axis: { int: 1 } }),
      node('Conv', [`${id}_4`, id], [o], { pads: ints(1, 1, 1, 1) }),
    ],
    constants: (id, s) => [weights(id, [2, 4, 3, 3], s)],
  },
  {
    nodes: ([a], o, id) => [
      node('Pad', [a, `${id}_p`], [`${id}_padded`]),
      node('Conv', [`${id}_padded`, id, `${id}_b`], [o]),
    ],
    constants: (id, s) => [
      weights(id, [2, 2, 3, 3], s),
      weights(`${id}_b`, [2], s + 1),
      integers(`${id}_p`, [0, 0, 1, 1, 0, 0, 1, 1]),
    ],
  },
  {
    nodes: ([a], o, id) => [node('BatchNormalization', [a, ...['g', 'b', 'm', 'v'].map(part => `${id}_${part}`)], [o])],
    constants: (id, s) =>
      ['g', 'b', 'm', 'v'].map((part, k) => weights(`${id}_${part}`, [2], s + k, part === 'v' ? 0.2 : -1)),
  },
  {
    nodes: ([a], o, id) => [
      node('Reshape', [a, `${id}_flat`], [`${id}_1`]),
      node('Gemm', [`${id}_1`, id, `${id}_b`], [`${id}_2`]),
      node('Reshape', [`${id}_2`, `${id}_image`], [o]),
    ],
    constants: (id, s) => [
      weights(id, [32, 32], s, -0.3, 0.3),
      weights(`${id}_b`, [32], s),
      integers(`${id}_flat`, [1, 32]),
      integers(`${id}_image`, shape),
    ],
  },
  {
    nodes: ([a], o, id) => [
      node('Split', [a, `${id}_s`], [`${id}_1`, `${id}_2`], { axis: { int: 3 } }),
      node('Concat', [`${id}_2`, `${id}_1`], [o], { axis: { int: 3 } }),
    ],
    constants: id => [integers(`${id}_s`, [1, 3])],
  },
  {
    nodes: ([a], o, id) => [
      node('ReduceMean', [a], [`${id}_1`], { axes: ints(2) }),
      node('Expand', [`${id}_1`, `${id}_s`], [o]),
    ],
    constants: id => [integers(`${id}_s`, shape)],
  },
];

describe('simplification', () => {
  it('random branching networks still agree with ONNX Runtime', async () => {
    const step = fc.tuple(fc.nat(layers.length - 1), fc.nat(2), fc.nat(2), seed);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), seed, async (steps, inputSeed) => {
        const names = ['x'];
        const nodes: NodeProto[] = [];
        const initializers: TensorProto[] = [];
        steps.forEach(([kind, back, other, own], k) => {
          const recent = (distance: number): string => names[Math.max(0, names.length - 1 - distance)];
          const output = `v${k}`;
          nodes.push(...layers[kind].nodes([recent(back > 1 ? 1 : 0), recent(other)], output, `c${k}`));
          initializers.push(...layers[kind].constants(`c${k}`, own));
          names.push(output);
        });
        const outputs = names.length > 3 ? [names.at(-1)!, names.at(-2)!] : [names.at(-1)!];
        const bytes = encodeModel(
          model({
            nodes,
            inputs: [valueInfo('x', 'float32', shape)],
            outputs: outputs.map(name => valueInfo(name, 'float32', shape)),
            initializers,
          }),
        );
        const loaded = mustLoad(bytes);
        loaded.network.nodes.forEach((own, id) => {
          expect(own.id).toBe(id);
          expect(own.inputs.every(input => input < id)).toBe(true);
          expect(own.shape.reduce((a, b) => a * b, 1)).toBe(own.size);
        });
        const x = randomValues(32, inputSeed);
        expect(difference(referenceOutput(loaded, x), await runtimeOutputs(loaded, x))).toBeLessThan(1e-4);
      }),
      { numRuns: Number(process.env.CERTISCOPE_RUNS ?? 250), seed: 20260802 },
    );
  });

  /** The kinds of a network's nodes for nodes that read x and make y. */
  function kinds(nodes: NodeProto[], input: readonly number[], initializers: TensorProto[] = []): string[] {
    const open = {
      ...valueInfo('y', 'float32', []),
      type: { denotation: '', value: { $case: 'tensorType', value: { elemType: 1, shape: undefined } } as const },
    };
    const bytes = encodeModel(
      model({ nodes, inputs: [valueInfo('x', 'float32', input)], outputs: [open], initializers }),
    );
    return mustLoad(bytes).network.nodes.map(own => own.kind);
  }

  it('reshaping leaves no node', () => {
    expect(
      kinds(
        [node('Flatten', ['x'], ['a']), node('Unsqueeze', ['a', 's'], ['b']), node('Relu', ['b'], ['y'])],
        [1, 2, 3],
        [integers('s', [0])],
      ),
    ).toEqual(['input', 'relu']);
  });

  it('two permutations that undo each other leave no node', () => {
    const swap = { perm: ints(0, 2, 1) };
    expect(
      kinds(
        [node('Transpose', ['x'], ['a'], swap), node('Relu', ['a'], ['b']), node('Transpose', ['b'], ['y'], swap)],
        [1, 2, 3],
      ),
    ).toEqual(['input', 'relu']);
  });

  it('a permutation goes through Relu into the dense layer behind it', () => {
    const nodes = [
      node('Transpose', ['x'], ['a'], { perm: ints(0, 2, 1) }),
      node('Relu', ['a'], ['b']),
      node('Flatten', ['b'], ['c']),
      node('MatMul', ['c', 'w'], ['y']),
    ];
    expect(kinds(nodes, [1, 2, 3], [weights('w', [6, 4], 1)])).toEqual(['input', 'relu', 'dense']);
  });

  it('the halves of a value joined the other way round are one permutation, which the dense layer takes in', () => {
    const nodes = [
      node('Split', ['x', 's'], ['a', 'b'], { axis: { int: 1 } }),
      node('Concat', ['b', 'a'], ['c'], { axis: { int: 1 } }),
      node('MatMul', ['c', 'w'], ['y']),
    ];
    expect(kinds(nodes, [1, 4], [integers('s', [1, 3]), weights('w', [4, 2], 1)])).toEqual(['input', 'dense']);
  });

  it('a part of joined values is that part itself', () => {
    const nodes = [
      node('Relu', ['x'], ['r']),
      node('Concat', ['x', 'r'], ['c'], { axis: { int: 1 } }),
      node('Slice', ['c', 'from', 'to', 'axes'], ['y']),
    ];
    const limits = [integers('from', [4]), integers('to', [8]), integers('axes', [1])];
    expect(kinds(nodes, [1, 4], limits)).toEqual(['input', 'relu']);
  });

  it('padding goes into the convolution', () => {
    const nodes = [node('Pad', ['x', 'p'], ['a']), node('Conv', ['a', 'w'], ['y'])];
    expect(
      kinds(nodes, [1, 1, 4, 4], [integers('p', [0, 0, 1, 2, 0, 0, 0, 1]), weights('w', [1, 1, 3, 3], 1)]),
    ).toEqual(['input', 'conv']);
  });

  it('two dense layers are not multiplied', () => {
    expect(
      kinds(
        [node('MatMul', ['x', 'w'], ['a']), node('MatMul', ['a', 'v'], ['y'])],
        [1, 8],
        [weights('w', [8, 2], 1), weights('v', [2, 8], 2)],
      ),
    ).toEqual(['input', 'dense', 'dense']);
  });

  it('a value that others read too keeps its layer', () => {
    const nodes = [
      node('MatMul', ['x', 'w'], ['a']),
      node('Mul', ['a', 'c'], ['b']),
      node('Relu', ['a'], ['r']),
      node('Add', ['b', 'r'], ['y']),
    ];
    expect(kinds(nodes, [1, 3], [weights('w', [3, 3], 1), weights('c', [1, 3], 2)])).toEqual([
      'input',
      'dense',
      'scale',
      'relu',
      'add',
    ]);
  });

  it('several inputs and outputs lie one after the other', async () => {
    const bytes = encodeModel(
      model({
        nodes: [node('Add', ['a', 'b'], ['p']), node('Concat', ['b', 'a'], ['q'], { axis: { int: 1 } })],
        inputs: [valueInfo('a', 'float32', ['n', 2]), valueInfo('b', 'float32', ['n', 2])],
        outputs: [valueInfo('q', 'float32', ['n', 4]), valueInfo('p', 'float32', ['n', 2])],
      }),
    );
    const loaded = mustLoad(bytes);
    expect(loaded.network.inputs).toMatchObject([
      { name: 'a', offset: 0, size: 2, shape: [1, 2] },
      { name: 'b', offset: 2, size: 2 },
    ]);
    expect(loaded.network.outputs).toMatchObject([
      { name: 'q', offset: 0, size: 4 },
      { name: 'p', offset: 4, size: 2 },
    ]);
    const x = Float64Array.of(1, 2, 10, 20);
    expect(Array.from(referenceOutput(loaded, x))).toEqual([10, 20, 1, 2, 11, 22]);
    expect(Array.from(await runtimeOutputs(loaded, x))).toEqual([10, 20, 1, 2, 11, 22]);
  });

  it('an output that does not depend on the input is a constant', () => {
    expect(kinds([node('Identity', ['c'], ['y'])], [1, 2], [weights('c', [1, 2], 1)])).toEqual(['input', 'constant']);
  });

  it('a network without nodes gives its input', () => {
    expect(kinds([node('Identity', ['x'], ['y'])], [1, 2])).toEqual(['input']);
  });
});
