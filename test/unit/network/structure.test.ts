import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { model, node, tensor, valueInfo } from '../../../src/network/authoring';
import { encodeModel } from '../../../src/network/codec';
import { loadModel } from '../../../src/network/load';
import { GraphProto, ModelProto, TensorProto_DataLocation, type TensorProto } from '../../../src/network/proto/onnx';
import { WeightReader } from '../../../src/network/stored-weights';
import { readStructure } from '../../../src/network/structure';
import { weightStatistics } from '../../../src/network/weight-statistics';
import type { WeightStatistics } from '../../../src/network/model-types';
import { must } from '../must';
import { sharedData } from '../shared-data';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'structure-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const kept = (name: string, bytes: Uint8Array): string => {
  const file = path.join(folder, name);
  writeFileSync(file, bytes);
  return file;
};

/** x → Conv → Relu → Reshape → Foo (not supported) → y. */
function pictureModel(): ModelProto {
  return model({
    name: 'picture',
    nodes: [
      node('Constant', [], ['shape'], { value: { tensor: tensor('', [2], BigInt64Array.of(1n, -1n)) } }, 'where'),
      node('Conv', ['x', 'kernel', 'bias'], ['c'], { kernel_shape: { ints: [3, 3] }, group: { int: 1 } }, 'conv'),
      node('LeakyRelu', ['c'], ['r'], { alpha: { float: 0.1 } }, 'leak'),
      node('Reshape', ['r', 'shape'], ['flat'], {}, 'flatten'),
      node('Foo', ['flat'], ['y'], { mode: { text: 'odd' } }, 'foo'),
    ],
    initializers: [
      tensor(
        'kernel',
        [4, 1, 3, 3],
        Float32Array.from({ length: 36 }, (_, k) => k - 9),
      ),
      tensor('bias', [4], Float32Array.of(0, 0, 1, 2)),
    ],
    inputs: [valueInfo('x', 'float32', [1, 1, 6, 6])],
    outputs: [valueInfo('y', 'float32', [1, 64])],
  });
}

describe('the structure of a model', () => {
  it('has shapes, attributes and stored tensors, and the sentence why a node is not supported', () => {
    const structure = must(readStructure(kept('picture.onnx', encodeModel(pictureModel()))));
    const { info, details, tensors } = structure;
    expect(info.nodes.map(({ outputs }) => outputs[0].shape)).toEqual([[2], [1, 4, 4, 4], [1, 4, 4, 4], [1, 64], null]);
    expect(details.map(({ outputTypes }) => outputTypes)).toEqual([
      ['int64'],
      ['float32'],
      ['float32'],
      ['float32'],
      [null],
    ]);
    expect(details[1].attributes).toEqual([
      { name: 'kernel_shape', text: '[3, 3]' },
      { name: 'group', text: '1' },
    ]);
    expect(details[2].attributes).toEqual([{ name: 'alpha', text: '0.1' }]);
    expect(details[4].attributes).toEqual([{ name: 'mode', text: 'odd' }]);
    expect(info.nodes[4].reason).toBe('this operator is not supported');
    expect(tensors).toEqual([
      { name: 'kernel', type: 'float32', shape: [4, 1, 3, 3], bytes: 144, location: null, values: null },
      { name: 'bias', type: 'float32', shape: [4], bytes: 16, location: null, values: [0, 0, 1, 2] },
      { name: 'shape', type: 'int64', shape: [2], bytes: 16, location: null, values: [1, -1] },
    ]);
  });

  it('is there without shapes where the graph as a whole is refused', () => {
    const broken = pictureModel();
    broken.graph!.node[1].input[0] = 'nowhere';
    const { info, tensors } = must(readStructure(kept('nowhere.onnx', encodeModel(broken))));
    expect(info.problem?.message).toMatch(/reads "nowhere", which nothing in the file makes/);
    expect(info.nodes).toHaveLength(5);
    expect(tensors).toHaveLength(3);
  });

  it('says in one sentence what is wrong with a file', () => {
    const bytes = encodeModel(pictureModel());
    for (const [name, content, sentence] of [
      ['cut.onnx', bytes.subarray(0, bytes.length / 2), /stops making sense at byte/],
      ['empty.onnx', new Uint8Array(0), /is empty/],
      ['lfs.onnx', new TextEncoder().encode('version https://git-lfs.github.com/spec/v1\n'), /git lfs pull/],
    ] as const) {
      const read = readStructure(kept(name, content));
      expect(read.ok ? '' : read.error.message).toMatch(sentence);
    }
    const nowhere = readStructure(path.join(folder, 'not-there.onnx'));
    expect(nowhere.ok ? '' : nowhere.error.message).toMatch(/there is no such file/);
  });
});

/** What the statistics must be, computed in the plainest way. */
function plain(values: readonly number[]): WeightStatistics {
  const finite = values.filter(Number.isFinite);
  const zeros = finite.filter(value => value === 0).length;
  const base = { count: values.length, zeros, notFinite: values.length - finite.length };
  if (finite.length === 0) return { ...base, spread: null };
  const mean = finite.reduce((sum, value) => sum + value, 0) / finite.length;
  const deviation = Math.sqrt(finite.reduce((sum, value) => sum + (value - mean) ** 2, 0) / finite.length);
  return {
    ...base,
    spread: { smallest: Math.min(...finite), largest: Math.max(...finite), mean, deviation, histogram: [] },
  };
}

describe('weight statistics', () => {
  it('are those of all numbers together, however they are cut into parts', async () => {
    const numbers = fc.array(fc.oneof(fc.double({ min: -1e6, max: 1e6 }), fc.constantFrom(0, NaN, Infinity)), {
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(numbers, { maxLength: 5 }), async parts => {
        const statistics = await weightStatistics(async function* () {
          for (const part of parts) yield Promise.resolve(Float64Array.from(part));
        });
        const expected = plain(parts.flat());
        expect(statistics).toMatchObject({
          count: expected.count,
          zeros: expected.zeros,
          notFinite: expected.notFinite,
        });
        expect(statistics.spread === null).toBe(expected.spread === null);
        if (!expected.spread) return;
        const { smallest, largest, mean, deviation, histogram } = statistics.spread!;
        expect([smallest, largest]).toEqual([expected.spread.smallest, expected.spread.largest]);
        const scale = 1e-9 * Math.max(1, Math.abs(smallest), Math.abs(largest));
        expect(Math.abs(mean - expected.spread.mean)).toBeLessThan(scale);
        expect(Math.abs(deviation - expected.spread.deviation)).toBeLessThan(1e3 * scale);
        expect(histogram.reduce((sum, bin) => sum + bin, 0)).toBe(expected.count - expected.notFinite);
      }),
    );
  });

  it('of equal numbers fill one bin', async () => {
    const { spread } = await weightStatistics(async function* () {
      yield Promise.resolve(new Float64Array(7).fill(3));
    });
    expect(spread?.deviation).toBe(0);
    expect(spread?.histogram[0]).toBe(7);
  });

  const values = Float32Array.from({ length: 1000 }, (_, k) => (k % 10 === 0 ? 0 : Math.sin(k)));
  const stored = (change: (weights: TensorProto) => void): Uint8Array => {
    const made = model({
      name: 'weights',
      nodes: [node('MatMul', ['x', 'w'], ['y'])],
      initializers: [tensor('w', [100, 10], values)],
      inputs: [valueInfo('x', 'float32', [1, 100])],
      outputs: [valueInfo('y', 'float32', [1, 10])],
    });
    change(made.graph!.initializer[0]);
    return encodeModel(made);
  };
  const asList = (weights: TensorProto): void => {
    weights.rawData = new Uint8Array(0);
    weights.floatData = [...values];
  };

  it('are read from every place where a file may keep them', async () => {
    writeFileSync(path.join(folder, 'weights.bin'), Buffer.concat([Buffer.alloc(64), Buffer.from(values.buffer)]));
    const outside = (weights: TensorProto): void => {
      weights.rawData = new Uint8Array(0);
      weights.dataLocation = TensorProto_DataLocation.EXTERNAL;
      const entries = { location: 'weights.bin', offset: '64', length: '4000' };
      weights.externalData = Object.entries(entries).map(([key, value]) => ({ key, value }));
    };
    const expected = plain([...values]);
    for (const [name, bytes] of [
      ['raw.onnx', stored(() => undefined)],
      ['list.onnx', stored(asList)],
      ['outside.onnx', stored(outside)],
      ['packed.onnx.gz', gzipSync(stored(() => undefined))],
    ] as const) {
      const [answer] = must(await new WeightReader().statistics(kept(name, bytes), ['w']));
      expect(answer.problem, name).toBeNull();
      expect(answer.statistics, name).toMatchObject({ count: 1000, zeros: expected.zeros, notFinite: 0 });
      expect(answer.statistics?.spread?.deviation, name).toBeCloseTo(expected.spread!.deviation, 12);
    }
  });

  it('of integers that are stored as a list are those of the numbers', async () => {
    const bytes = stored(weights => {
      weights.rawData = new Uint8Array(0);
      weights.dataType = 7;
      weights.int64Data = Array.from({ length: 1000 }, (_, k) => BigInt(k * 1000 - 5));
    });
    const [{ statistics }] = must(await new WeightReader().statistics(kept('integers.onnx', bytes), ['w']));
    expect(statistics?.spread).toMatchObject({ smallest: -5, largest: 998_995 });
  });

  it('say what keeps a tensor from being read, and read the others', async () => {
    const missing = stored(weights => {
      weights.rawData = new Uint8Array(0);
      weights.dataLocation = TensorProto_DataLocation.EXTERNAL;
      weights.externalData = [{ key: 'location', value: 'nowhere.bin' }];
    });
    const short = stored(weights => (weights.rawData = weights.rawData.subarray(0, 3996)));
    for (const [name, bytes, sentence] of [
      ['missing.onnx', missing, /there is no such file beside the model/],
      ['short.onnx', short, /holds 3996; it is damaged/],
    ] as const) {
      const [answer, other] = must(await new WeightReader().statistics(kept(name, bytes), ['w', 'v']));
      expect(answer.problem?.message).toMatch(sentence);
      expect(other.problem?.message).toMatch(/there is no tensor "v"/);
    }
  });

  it('speak of the file as it is now', async () => {
    const reader = new WeightReader();
    const file = kept(
      'replaced.onnx',
      stored(() => undefined),
    );
    must(await reader.statistics(file, ['w']));
    kept(
      'replaced.onnx',
      stored(weights => ((weights.dims = [50n, 10n]), (weights.rawData = weights.rawData.subarray(0, 2000)))),
    );
    const [{ statistics }] = must(await reader.statistics(file, ['w']));
    expect(statistics?.count).toBe(500);
  });
});

describe('a file of 2 GB', () => {
  const gigabytes2 = 2 ** 31 - 2 ** 20;

  /** A model whose one weight is a hole of nearly 2 GB in a sparse file. */
  function sparse(name: string): string {
    const file = path.join(folder, name);
    const rows = gigabytes2 / 4 / 1024;
    const small = model({
      name: 'large',
      nodes: [node('MatMul', ['x', 'w'], ['y'])],
      initializers: [],
      inputs: [valueInfo('x', 'float32', [1, rows])],
      outputs: [valueInfo('y', 'float32', [1, 1024])],
    });
    // The tensor's payload comes last, so that everything before it can be written and the rest left a hole.
    const head = new BinaryWriter()
      .tag(1, WireType.LengthDelimited)
      .bytes(dims(rows, 1024))
      .tag(2, WireType.Varint)
      .int32(1)
      .tag(8, WireType.LengthDelimited)
      .string('w')
      .tag(9, WireType.LengthDelimited)
      .uint32(gigabytes2)
      .finish();
    const graph = GraphProto.encode(small.graph!).finish();
    const initializer = new BinaryWriter()
      .raw(graph)
      .tag(5, WireType.LengthDelimited)
      .uint32(head.length + gigabytes2)
      .raw(head)
      .finish();
    const rest = ModelProto.encode({ ...small, graph: undefined }).finish();
    const start = new BinaryWriter()
      .raw(rest)
      .tag(7, WireType.LengthDelimited)
      .uint32(initializer.length + gigabytes2)
      .raw(initializer)
      .finish();
    const descriptor = openSync(file, 'w');
    writeSync(descriptor, start);
    ftruncateSync(descriptor, start.length + gigabytes2);
    closeSync(descriptor);
    return file;
  }

  function dims(...sizes: number[]): Uint8Array {
    const writer = new BinaryWriter();
    for (const size of sizes) writer.uint32(size);
    return writer.finish();
  }

  it('opens at once', () => {
    const file = sparse('large.onnx');
    const started = performance.now();
    const { info, tensors } = must(readStructure(file));
    // Reading it would take seconds.
    expect(performance.now() - started).toBeLessThan(500);
    expect(info.fileSize).toBeGreaterThan(gigabytes2);
    expect(tensors[0]).toMatchObject({ name: 'w', bytes: gigabytes2, values: null });
    expect(info.nodes[0].outputs[0].shape).toEqual([1, 1024]);
  });
});

describe.skipIf(!sharedData)('structure of real networks (need ../shared/data)', () => {
  const networks = sharedData
    ? readdirSync(path.join(sharedData, 'modelstar'))
        .filter(name => name.endsWith('.onnx'))
        .map(name => path.join(sharedData!, 'modelstar', name))
    : [];

  it.each(networks)('%s: every weight has the statistics of the numbers that are verified', async file => {
    const { tensors } = must(readStructure(file));
    const names = tensors.map(({ name }) => name);
    const answers = must(await new WeightReader().statistics(file, names));
    expect(answers.filter(({ problem }) => problem)).toEqual([]);
    const floats = answers.filter((_, k) => tensors[k].type === 'float32');
    const total = floats.reduce((sum, { statistics }) => sum + statistics!.count, 0);
    expect(total).toBe(must(loadModel(file)).info.parameterCount);
  });
});
