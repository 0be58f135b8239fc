import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { integers, model, node, tensor, tensorOfBytes, valueInfo } from '../../../src/network/authoring';
import { decodeModel, encodeModel } from '../../../src/network/codec';
import { dataTypeOf, type ElementType } from '../../../src/network/element-type';
import { inspectModel } from '../../../src/network/load';
import type { TensorProto } from '../../../src/network/proto/onnx';
import { mustLoad } from './onnx-runtime';

const x = valueInfo('x', 'float32', [1, 4]);
const y = valueInfo('y', 'float32', [1, 4]);

/** A model that adds a constant; reading it gives the constant's numbers back. */
function adding(constant: TensorProto): Uint8Array {
  return encodeModel(
    model({
      nodes: [node('Cast', ['c'], ['f'], { to: { int: 1 } }), node('Add', ['x', 'f'], ['y'])],
      inputs: [x],
      outputs: [y],
      initializers: [{ ...constant, name: 'c' }],
    }),
  );
}

function numbersOf(constant: TensorProto): number[] {
  const scale = mustLoad(adding(constant)).network.nodes[1];
  return scale.kind === 'scale' ? Array.from(scale.bias ?? []) : [];
}

describe('tensors', () => {
  const empty = (type: ElementType): TensorProto => ({
    ...tensorOfBytes('c', [4], type, new Uint8Array(0)),
    dataType: dataTypeOf(type),
  });
  const cases: [string, TensorProto, number[]][] = [
    ['raw float32', tensor('c', [4], Float32Array.of(1, -2.5, 0.25, 8)), [1, -2.5, 0.25, 8]],
    ['raw float64', tensor('c', [4], Float64Array.of(1, -2.5, 0.25, 8)), [1, -2.5, 0.25, 8]],
    [
      'raw float16',
      tensor('c', [4], Uint16Array.of(0x3c00, 0xc100, 0x0001, 0x7bff), 'float16'),
      [1, -2.5, 2 ** -24, 65504],
    ],
    ['raw bfloat16', tensor('c', [4], Uint16Array.of(0x3f80, 0xc020, 0x3e80, 0x4100), 'bfloat16'), [1, -2.5, 0.25, 8]],
    ['raw int64', tensor('c', [4], BigInt64Array.of(1n, -2n, 3n, 4n)), [1, -2, 3, 4]],
    ['raw int32', tensor('c', [4], Int32Array.of(1, -2, 3, 4)), [1, -2, 3, 4]],
    ['raw int16', tensor('c', [4], Int16Array.of(1, -2, 3, 4)), [1, -2, 3, 4]],
    ['raw int8', tensor('c', [4], Int8Array.of(1, -2, 3, 4)), [1, -2, 3, 4]],
    ['raw uint8', tensor('c', [4], Uint8Array.of(1, 255, 3, 4)), [1, 255, 3, 4]],
    ['raw uint16', tensor('c', [4], Uint16Array.of(1, 65535, 3, 4)), [1, 65535, 3, 4]],
    ['raw bool', tensor('c', [4], Uint8Array.of(1, 0, 0, 1), 'bool'), [1, 0, 0, 1]],
    ['typed float32', { ...empty('float32'), floatData: [1, 2, 3, 0.5] }, [1, 2, 3, 0.5]],
    ['typed float64', { ...empty('float64'), doubleData: [1, 2, 3, 0.5] }, [1, 2, 3, 0.5]],
    ['typed float16', { ...empty('float16'), int32Data: [0x3c00, 0, 0x3800, 0xbc00] }, [1, 0, 0.5, -1]],
    ['typed bfloat16', { ...empty('bfloat16'), int32Data: [0x3f80, 0, 0x3f00, 0xbf80] }, [1, 0, 0.5, -1]],
    ['typed int64', { ...empty('int64'), int64Data: [1n, -2n, 3n, 4n] }, [1, -2, 3, 4]],
    ['typed int32', { ...empty('int32'), int32Data: [1, -2, 3, 4] }, [1, -2, 3, 4]],
    ['typed int8', { ...empty('int8'), int32Data: [1, -2, 3, 4] }, [1, -2, 3, 4]],
    ['typed uint64', { ...empty('uint64'), uint64Data: [1n, 2n, 3n, 4n] }, [1, 2, 3, 4]],
    ['typed bool', { ...empty('bool'), int32Data: [1, 0, 1, 1] }, [1, 0, 1, 1]],
  ];

  it.each(cases)('%s', (_name, constant, numbers) => {
    expect(numbersOf(constant)).toEqual(numbers);
  });

  it('are read wherever they lie in the file', () => {
    // Names of growing length move the payload to every alignment.
    for (let length = 1; length <= 8; length++) {
      const bytes = encodeModel(
        model({
          name: 'n'.repeat(length),
          nodes: [node('Add', ['x', 'c'], ['y'])],
          inputs: [x],
          outputs: [y],
          initializers: [tensor('c', [4], Float64Array.of(1, 2, 3, 4))],
        }),
      );
      const padded = new Uint8Array(bytes.length + length);
      padded.set(bytes, length);
      const scale = mustLoad(padded.subarray(length)).network.nodes[1];
      expect(scale).toMatchObject({ kind: 'scale', bias: Float64Array.of(1, 2, 3, 4) });
    }
  });
});

describe('the codec', () => {
  it('gives back what was written, without copying payloads', () => {
    const graph = model({
      nodes: [
        node(
          'Conv',
          ['x', 'w'],
          ['y'],
          {
            pads: { ints: [1, 2] },
            auto_pad: { text: 'VALID' },
            alpha: { float: 0.5 },
            group: { int: 3 },
            scales: { floats: [1, 2] },
          },
          'c',
        ),
      ],
      inputs: [x],
      outputs: [y],
      initializers: [tensor('w', [3], Float32Array.of(1, 2, 3)), integers('i', [-1, 2 ** 40])],
    });
    const bytes = encodeModel(graph);
    const decoded = decodeModel(bytes);
    expect(decoded).toEqual({ ok: true, value: graph });
    expect(decoded.ok && decoded.value.graph!.initializer[0].rawData.buffer).toBe(bytes.buffer);
  });
});

describe('inspection', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'certiscope-inspect-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it('lists operators, shapes and parameters of a model that cannot be verified', () => {
    const nodes = [
      node('MatMul', ['x', 'w'], ['h'], {}, 'm'),
      node('Erf', ['h'], ['e'], {}, 'odd'),
      node('Relu', ['e'], ['y']),
    ];
    writeFileSync(
      path.join(folder, 'm.onnx'),
      encodeModel(
        model({
          nodes,
          inputs: [valueInfo('x', 'float32', ['n', 4])],
          outputs: [valueInfo('y', 'float32', ['n', 600])],
          initializers: [tensor('w', [4, 600], new Float32Array(2400))],
        }),
      ),
    );
    expect(inspectModel(path.join(folder, 'm.onnx'))).toMatchObject({
      ok: true,
      value: {
        opset: 17,
        irVersion: 8,
        producer: 'certiscope',
        supported: false,
        problem: null,
        parameterCount: 2400,
        parameterTypes: [{ type: 'float32', count: 2400 }],
        inputs: [{ name: 'x', type: 'float32', shape: ['n', 4], fixedShape: [1, 4] }],
        outputs: [{ name: 'y', shape: ['n', 600], fixedShape: null }],
        operators: [
          { opType: 'MatMul', count: 1, supported: true },
          { opType: 'Erf', count: 1, supported: false, reasons: ['this operator is not supported'] },
          { opType: 'Relu', count: 1, supported: true },
        ],
        nodes: [
          { name: 'm', parameters: 2400, supported: true, outputs: [{ name: 'h', shape: [1, 600] }] },
          { name: 'odd', supported: false, outputs: [{ name: 'e', shape: null }] },
          { name: 'Relu_2', supported: true },
        ],
      },
    });
  });

  it('of a broken graph says what is broken', () => {
    writeFileSync(
      path.join(folder, 'cycle.onnx'),
      encodeModel(model({ nodes: [node('Relu', ['y'], ['y'], {}, 'r')], inputs: [x], outputs: [y] })),
    );
    expect(inspectModel(path.join(folder, 'cycle.onnx'))).toMatchObject({
      ok: true,
      value: { supported: false, problem: { code: 'graph-cycle' }, operators: [{ opType: 'Relu' }] },
    });
  });

  it('reads a large file at once, and not its weights', () => {
    const file = path.join(folder, 'large.onnx');
    const size = 2000;
    writeFileSync(
      file,
      encodeModel(
        model({
          nodes: [node('MatMul', ['x', 'w'], ['y'])],
          inputs: [valueInfo('x', 'float32', [1, size])],
          outputs: [valueInfo('y', 'float32', [1, size])],
          initializers: [tensor('w', [size, size], new Float32Array(size * size))],
        }),
      ),
    );
    const before = process.memoryUsage().arrayBuffers;
    expect(inspectModel(file)).toMatchObject({
      ok: true,
      value: { parameterCount: size * size, supported: true, outputs: [{ fixedShape: [1, size] }] },
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5e6);
  });

  it('finds a file cut short', () => {
    const whole = encodeModel(
      model({
        nodes: [node('MatMul', ['x', 'w'], ['y'])],
        inputs: [x],
        outputs: [y],
        initializers: [tensor('w', [4, 600], new Float32Array(2400))],
      }),
    );
    for (const length of [1, 40, 200, whole.length - 10]) {
      writeFileSync(path.join(folder, 'cut.onnx'), whole.subarray(0, length));
      const info = inspectModel(path.join(folder, 'cut.onnx'));
      expect(info.ok ? info.value.problem : info.error).toMatchObject({
        code: expect.stringMatching(/^model-/) as string,
      });
    }
  });
});
