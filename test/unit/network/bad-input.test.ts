import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Problem } from '../../../src/base/result';
import { integers, model, type ModelParts, node, tensor, valueInfo } from '../../../src/network/authoring';
import { encodeModel } from '../../../src/network/codec';
import { inspectModel, loadModel, loadModelBytes } from '../../../src/network/load';
import { TensorProto_DataLocation, type TensorProto } from '../../../src/network/proto/onnx';
import { mustLoad, randomValues, referenceOutput, runtimeOutputs } from './onnx-runtime';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'certiscope-models-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const x = valueInfo('x', 'float32', ['batch', 2]);
const y = valueInfo('y', 'float32', ['batch', 2]);
const weight = tensor('w', [2, 2], Float32Array.of(1, -2, 3, 0.5));

function bytesOf(parts: Partial<ModelParts>): Uint8Array {
  const nodes = [node('MatMul', ['x', 'w'], ['h'], {}, 'first'), node('Relu', ['h'], ['y'], {}, 'second')];
  return encodeModel(model({ nodes, inputs: [x], outputs: [y], initializers: [weight], ...parts }));
}

/** The problem of a model that must be refused: one sentence or two, naming the file, without a trace of this program. */
function problemOf(bytes: Uint8Array): Problem {
  const result = loadModelBytes(bytes, 'folder/bad.onnx');
  if (result.ok) throw new Error('was not refused');
  const { message, file } = result.error;
  expect(message).toContain('folder/bad.onnx');
  expect(file).toBe('folder/bad.onnx');
  expect(message).not.toMatch(/\n|\bat .*\.ts|undefined|\[object|NaN\b(?! \()/);
  return result.error;
}

describe('files that are no models', () => {
  it('an empty file', () => {
    expect(problemOf(new Uint8Array(0))).toMatchObject({
      code: 'model-empty',
      message: expect.stringContaining('0 bytes') as string,
    });
  });

  it('a pointer that Git LFS left', () => {
    const pointer = Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n');
    expect(problemOf(pointer)).toMatchObject({ message: expect.stringContaining('git lfs pull') as string });
    const file = path.join(folder, 'pointer.onnx');
    writeFileSync(file, pointer);
    expect(inspectModel(file)).toMatchObject({ error: { message: expect.stringContaining('git lfs pull') as string } });
  });

  it('a file cut short, wherever', () => {
    const whole = bytesOf({});
    for (let length = 1; length < whole.length; length++) {
      const result = loadModelBytes(whole.slice(0, length), 'cut.onnx');
      // A cut between two fields of the file leaves a shorter file that is whole in itself, with less in it.
      if (result.ok) throw new Error(`a file cut to ${length} of ${whole.length} bytes was taken`);
      expect(['model-damaged', 'model-no-graph', 'model-no-opset']).toContain(result.error.code);
    }
  });

  it('random bytes, and models with random bytes changed, end in a result', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), bytes => {
        expect(loadModelBytes(bytes, 'random.onnx').ok).toBe(false);
      }),
      { numRuns: 2000, seed: 3 },
    );
    const whole = bytesOf({
      nodes: [node('Conv', ['x', 'w'], ['c'], { pads: { ints: [1, 1, 1, 1] } }), node('Reshape', ['c', 's'], ['y'])],
      inputs: [valueInfo('x', 'float32', [1, 1, 3, 3])],
      initializers: [{ ...weight, dims: [1n, 1n, 2n, 2n] }, integers('s', [1, -1])],
    });
    mustLoad(whole);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        changes => {
          const bytes = whole.slice();
          for (const [place, value] of changes) bytes[place] = value;
          const started = performance.now();
          loadModelBytes(bytes, 'changed.onnx');
          expect(performance.now() - started).toBeLessThan(2000);
        },
      ),
      { numRuns: 5000, seed: 4 },
    );
  });

  it('no file, a folder, a broken gzip file', () => {
    writeFileSync(path.join(folder, 'broken.onnx.gz'), gzipSync(bytesOf({})).subarray(0, 60));
    for (const read of [loadModel, inspectModel]) {
      expect(read(path.join(folder, 'none.onnx'))).toMatchObject({
        error: { code: 'model-unreadable', message: expect.stringContaining('there is no such file') as string },
      });
      expect(read(folder)).toMatchObject({
        error: { code: 'model-unreadable', message: expect.stringContaining('folder') as string },
      });
      expect(read(path.join(folder, 'broken.onnx.gz'))).toMatchObject({ error: { code: 'model-damaged' } });
    }
  });

  it('a compressed file, whatever its name', () => {
    writeFileSync(path.join(folder, 'packed.onnx'), gzipSync(bytesOf({})));
    expect(loadModel(path.join(folder, 'packed.onnx'))).toMatchObject({ ok: true });
    expect(inspectModel(path.join(folder, 'packed.onnx'))).toMatchObject({ ok: true, value: { supported: true } });
  });
});

describe('graphs that make no sense', () => {
  const cases: [string, Partial<ModelParts>, string, RegExp][] = [
    [
      'a cycle',
      {
        nodes: [
          node('Add', ['x', 'b'], ['a'], {}, 'one'),
          node('Relu', ['a'], ['b'], {}, 'two'),
          node('Relu', ['b'], ['y']),
        ],
      },
      'graph-cycle',
      /"one" → "two" → "one"|"two" → "one" → "two"/,
    ],
    [
      'a missing value',
      { nodes: [node('Relu', ['z'], ['y'], {}, 'lost')] },
      'graph-missing-value',
      /node "lost" \(Relu\) reads "z"/,
    ],
    ['an output that nothing makes', { nodes: [node('Relu', ['x'], ['z'])] }, 'graph-missing-value', /output "y"/],
    [
      'two values of one name',
      { nodes: [node('Relu', ['x'], ['y'], {}, 'a'), node('Tanh', ['x'], ['y'], {}, 'b')] },
      'graph-duplicate-name',
      /"y" is given twice, by node "a" and by node "b"/,
    ],
    ['two initializers of one name', { initializers: [weight, weight] }, 'graph-duplicate-name', /"w"/],
    ['no input', { inputs: [], nodes: [node('Relu', ['w'], ['y'])] }, 'graph-no-input', /no input/],
    ['no output', { outputs: [] }, 'graph-no-output', /no output/],
    ['an old operator set', { opset: 6 }, 'model-old-opset', /operator set 6; 7 or newer/],
    ['an operator set of the future', { opset: 99 }, 'model-new-opset', /operator set 99, and 26 is the newest/],
    [
      'an open dimension',
      { inputs: [valueInfo('x', 'float32', [1, 'width'])] },
      'input-dynamic',
      /dimension 1 \("width"\) of input "x"/,
    ],
    ['an input of integers', { inputs: [valueInfo('x', 'int64', [1, 2])] }, 'input-type', /input "x" holds int64/],
    [
      'weights that do not fit',
      { initializers: [tensor('w', [3, 2], new Float32Array(6))] },
      'operator-invalid',
      /MatMul node "first" multiplies shapes \[1, 2\] and \[3, 2\]/,
    ],
    [
      'NaN weights',
      { initializers: [tensor('w', [2, 2], Float32Array.of(1, NaN, 0, 0))] },
      'weights-not-finite',
      /tensor "w" of MatMul node "first" contains NaN \(element 1\)/,
    ],
    [
      'infinite weights',
      { initializers: [tensor('w', [2, 2], Float32Array.of(1, 0, 0, -Infinity))] },
      'weights-not-finite',
      /contains -Infinity \(element 3\)/,
    ],
    [
      'too little data',
      { initializers: [{ ...weight, rawData: new Uint8Array(9) }] },
      'tensor-length',
      /tensor "w" has shape \[2, 2\], 4 values, but the file holds 9 bytes instead of 16/,
    ],
    ['a shape that lies', { initializers: [{ ...weight, dims: [2n, 2147483647n] }] }, 'tensor-length', /tensor "w"/],
    ['a negative dimension', { initializers: [{ ...weight, dims: [2n, -2n] }] }, 'tensor-shape', /dimension of -2/],
    [
      'complex weights',
      { initializers: [{ ...weight, dataType: 14 }] },
      'unsupported-operator',
      /MatMul \(node "first", opset 17\): tensor "w" holds elements of type complex64/,
    ],
    [
      'a constant too large',
      {
        nodes: [node('ConstantOfShape', ['s'], ['c']), node('Add', ['x', 'c'], ['y'])],
        initializers: [integers('s', [2000000000, 2000000000])],
      },
      'unsupported-operator',
      /too large/,
    ],
    [
      'an expansion too large',
      { nodes: [node('Expand', ['x', 's'], ['y'])], initializers: [integers('s', [100000, 100000, 2])] },
      'unsupported-operator',
      /too large/,
    ],
    [
      'a division by zero',
      { nodes: [node('Div', ['x', 'w'], ['y'], {}, 'd')], initializers: [tensor('w', [2], Float32Array.of(1, 0))] },
      'operator-invalid',
      /Div node "d" divides by zero: element 1 of "w"/,
    ],
    [
      'a reshape that does not fit',
      { nodes: [node('Reshape', ['x', 's'], ['y'], {}, 'r')], initializers: [integers('s', [1, 3])] },
      'operator-invalid',
      /Reshape node "r" reshapes 2 values/,
    ],
    [
      'an index beyond the end',
      { nodes: [node('Gather', ['x', 's'], ['y'], { axis: { int: 1 } }, 'g')], initializers: [integers('s', [2])] },
      'operator-invalid',
      /Gather node "g"/,
    ],
  ];

  it.each(cases)('%s', (_name, parts, code, words) => {
    const problem = problemOf(bytesOf(parts));
    expect(problem).toMatchObject({ code, message: expect.stringMatching(words) as string });
  });

  it('names every unsupported node with its operator set, before weights are looked at', () => {
    const problem = problemOf(
      bytesOf({
        nodes: [
          node('Erf', ['x'], ['a'], {}, 'e1'),
          node('MatMul', ['a', 'w'], ['b']),
          node('Softmax', ['b'], ['c'], {}, 's'),
          node('Mul', ['x', 'x'], ['d'], {}, 'square'),
          node('Add', ['c', 'd'], ['e']),
          node('Erf', ['e'], ['y'], {}, 'e2'),
        ],
        initializers: [tensor('w', [2, 2], Float32Array.of(NaN, 0, 0, 0))],
      }),
    );
    expect(problem.code).toBe('unsupported-operator');
    expect(problem.message).toMatch(
      /Erf \(node "e1", opset 17\).*Mul \(node "square", opset 17\): both factors depend.*Erf \(node "e2", opset 17\)/,
    );
  });

  it('names twenty unsupported nodes and counts the rest', () => {
    const chain = Array.from({ length: 25 }, (_, k) => node('Erf', ['x'], [`e${k}`]));
    const sum = node(
      'Sum',
      chain.map(own => own.output[0]),
      ['y'],
    );
    expect(problemOf(bytesOf({ nodes: [...chain, sum] })).message).toMatch(/^[^;]*25 nodes(.*;){20} and 5 more\./);
  });

  it('says so when an operator belongs to another domain', () => {
    const foreign = { ...node('FusedMatMul', ['x', 'w'], ['y'], {}, 'f'), domain: 'com.microsoft' };
    expect(problemOf(bytesOf({ nodes: [foreign] })).message).toContain('com.microsoft');
  });

  it('does not mind what the output does not depend on', () => {
    mustLoad(bytesOf({ nodes: [node('Relu', ['x'], ['y']), node('Erf', ['x'], ['unused'])] }));
  });
});

describe('external data', () => {
  const data = Buffer.from(Float32Array.of(9, 9, 1, -2, 3, 0.5).buffer);

  function externalModel(entries: Record<string, string>): Uint8Array {
    const external: TensorProto = {
      ...weight,
      rawData: new Uint8Array(0),
      dataLocation: TensorProto_DataLocation.EXTERNAL,
      externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
    };
    return bytesOf({ initializers: [external] });
  }

  it('is read from beside the model, at its offset', async () => {
    writeFileSync(path.join(folder, 'weights.bin'), data);
    const bytes = externalModel({ location: 'weights.bin', offset: '8', length: '16' });
    writeFileSync(path.join(folder, 'model.onnx'), bytes);
    const loaded = mustLoad(bytes, path.join(folder, 'model.onnx'));
    const weights = path.join(folder, 'weights.bin');
    expect(loaded.externalData).toEqual([
      { location: 'weights.bin', path: weights, size: 24, mtimeMs: statSync(weights).mtimeMs },
    ]);
    expect(loaded.network.nodes[1]).toMatchObject({ kind: 'dense', weight: Float64Array.of(1, 3, -2, 0.5) });
    expect(loaded.info.externalData).toEqual(['weights.bin']);
    expect(inspectModel(path.join(folder, 'model.onnx'))).toMatchObject({
      ok: true,
      value: { externalData: ['weights.bin'], parameterCount: 4 },
    });
    const { hash } = loaded;
    writeFileSync(
      path.join(folder, 'weights.bin'),
      data.map(byte => byte ^ 1),
    );
    expect(mustLoad(bytes, path.join(folder, 'model.onnx')).hash).not.toBe(hash);
    writeFileSync(path.join(folder, 'weights.bin'), data);
    const again = mustLoad(bytes, path.join(folder, 'model.onnx'));
    expect(again.hash).toBe(hash);
    const input = randomValues(2, 5);
    expect(Array.from(await runtimeOutputs(again, input)).map(Math.fround)).toEqual(
      Array.from(referenceOutput(again, input)).map(Math.fround),
    );
  });

  const cases: [string, Record<string, string>, string, RegExp][] = [
    ['missing', { location: 'nowhere.bin' }, 'external-data-missing', /"nowhere\.bin"/],
    ['too short', { location: 'short.bin' }, 'external-data-short', /bytes 0 to 16 of "short\.bin", which has only 3/],
    ['offset beyond', { location: 'short.bin', offset: '1000' }, 'external-data-short', /1000/],
    ['above the folder', { location: '../secret.bin' }, 'external-data-outside', /"\.\.\/secret\.bin"/],
    ['an absolute path', { location: '/etc/hostname' }, 'external-data-outside', /"\/etc\/hostname"/],
    ['a way out through a folder', { location: 'a/../../b.bin' }, 'external-data-outside', /inside the model's folder/],
    ['the folder itself', { location: '.' }, 'external-data-outside', /inside/],
    ['a length that does not fit', { location: 'short.bin', length: '12' }, 'tensor-length', /needs 16 bytes/],
    [
      'an offset that is no number',
      { location: 'short.bin', offset: '-8' },
      'external-data-entry',
      /"-8" as the offset/,
    ],
    ['no location', {}, 'external-data-outside', /tensor "w"/],
  ];

  it.each(cases)('%s', (_name, entries, code, words) => {
    writeFileSync(path.join(folder, 'short.bin'), Buffer.of(1, 2, 3));
    const result = loadModelBytes(externalModel(entries), path.join(folder, 'bad.onnx'));
    expect(result).toMatchObject({ ok: false, error: { code, message: expect.stringMatching(words) as string } });
  });
});
