import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { encode as encodePng } from 'fast-png';
import { strToU8, zipSync } from 'fflate';
import jpeg from 'jpeg-js';
import { afterAll, describe, expect, it } from 'vitest';
import { loadData } from '../../../src/spec/data/load';
import type { DataSet } from '../../../src/spec/data/data-set';
import { parsePerturbationSpec } from '../../../src/spec/perturbation/parse';
import type { PerturbationSpec } from '../../../src/spec/perturbation/spec';
import { sharedData } from '../shared-data';

const folder = mkdtempSync(path.join(tmpdir(), 'certiscope-data-'));
afterAll(() => rmSync(folder, { recursive: true }));

function put(name: string, bytes: Uint8Array | string): string {
  writeFileSync(path.join(folder, name), bytes);
  return name;
}

function spec(inputs: Record<string, unknown>): PerturbationSpec {
  const text = JSON.stringify({ model: 'm.onnx', inputs, checks: [{ perturb: 'input', epsilon: 1 }] });
  const result = parsePerturbationSpec(text, 'test.certiscope.jsonc');
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

async function load(inputs: Record<string, unknown>, base = folder): Promise<DataSet> {
  const result = await loadData(spec(inputs), base);
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

async function values(data: DataSet, index = 0): Promise<number[]> {
  const sample = await data.sample(index);
  if (!sample.ok) throw new Error(sample.error.message);
  return [...sample.value.values];
}

/** Code, message and place of what is wrong with the data; the place as the characters of the specification. */
async function refusal(inputs: Record<string, unknown>): Promise<{ code: string; message: string; at: string }> {
  const from = spec(inputs);
  const result = await loadData(from, folder);
  if (result.ok) throw new Error('loaded');
  const [{ code, message, range }] = result.error;
  return { code, message, at: from.text.slice(range?.start.character, range?.end.character) };
}

function idx(type: number, dimensions: number[], data: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + 4 * dimensions.length);
  header.writeUInt8(type, 2);
  header.writeUInt8(dimensions.length, 3);
  dimensions.forEach((extent, k) => header.writeUInt32BE(extent, 4 + 4 * k));
  return Buffer.concat([header, data]);
}

function npy(descr: string, shape: number[], data: Uint8Array, fortran = false, version = 1): Buffer {
  const shapeText = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const header =
    `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': ${shapeText}, }`.padEnd(117) + '\n';
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  if (version === 1) length.writeUInt16LE(header.length);
  else length.writeUInt32LE(header.length);
  return Buffer.concat([
    Buffer.from('\x93NUMPY', 'latin1'),
    Buffer.from([version, 0]),
    length,
    Buffer.from(header, 'latin1'),
    data,
  ]);
}

const bytesOf = (array: Float32Array | Float64Array | BigInt64Array | Int16Array | Uint16Array): Uint8Array =>
  new Uint8Array(array.buffer);

describe('idx files', () => {
  const images = idx(8, [2, 2, 2], Uint8Array.of(0, 1, 2, 255, 4, 5, 6, 7));
  const labels = idx(8, [2], Uint8Array.of(3, 9));

  it('hold images and labels, gzipped or not', async () => {
    for (const [data, label] of [
      [put('i.idx', images), put('l.idx', labels)],
      [put('i.gz', gzipSync(images)), put('l.gz', gzipSync(labels))],
    ]) {
      const set = await load({ data, labels: label });
      expect([set.count, set.shape, set.size, set.layout, set.hasLabels]).toEqual([2, [2, 2], 4, 'CHW', true]);
      expect(await values(set, 0)).toEqual([0, 1, 2, 255]);
      expect(await values(set, 1)).toEqual([4, 5, 6, 7]);
      expect([set.label(0), set.label(1)]).toEqual([3, 9]);
    }
  });

  it('may hold floating-point numbers, big-endian', async () => {
    const data = Buffer.alloc(8);
    data.writeFloatBE(0.5, 0);
    data.writeFloatBE(-2, 4);
    expect(await values(await load({ data: put('f.idx', idx(13, [1, 2], data)) }))).toEqual([0.5, -2]);
  });

  it('that are cut off are refused', async () => {
    const cut = await refusal({ data: put('cut.idx', images.subarray(0, 20)) });
    expect(cut).toMatchObject({ code: 'data/truncated', at: '"cut.idx"' });
    expect(cut.message).toContain('announces 8 numbers (8 bytes), but 4 bytes follow');
    expect((await refusal({ data: put('head.idx', images.subarray(0, 7)) })).code).toBe('data/truncated');
    expect((await refusal({ data: put('cut.gz', gzipSync(images).subarray(0, 25)) })).code).toBe('file/gzip');
  });
});

describe('npy files', () => {
  it.each([
    ['<f4', bytesOf(Float32Array.of(0.1, -1.5, 2, 3)), [Math.fround(0.1), -1.5]],
    ['<f8', bytesOf(Float64Array.of(0.1, -1.5, 2, 3)), [0.1, -1.5]],
    ['|u1', Uint8Array.of(1, 2, 3, 4), [1, 2]],
    ['<i8', bytesOf(BigInt64Array.of(-5n, 6n, 7n, 8n)), [-5, 6]],
    ['>i2', Uint8Array.of(255, 255, 1, 0, 0, 0, 0, 0), [-1, 256]],
    ['<f2', bytesOf(Uint16Array.of(0x3c00, 0xc100, 0x0001, 0)), [1, -2.5]],
    ['|b1', Uint8Array.of(1, 0, 1, 1), [1, 0]],
  ])('of type %s', async (descr, data, expected) => {
    for (const version of [1, 2])
      expect(await values(await load({ data: put('t.npy', npy(descr, [2, 2], data, false, version)) }))).toEqual(
        expected,
      );
  });

  it('in Fortran order are read by columns', async () => {
    expect(
      await values(
        await load({ data: put('fo.npy', npy('<f4', [2, 2], bytesOf(Float32Array.of(1, 2, 3, 4)), true)) }),
        0,
      ),
    ).toEqual([1, 3]);
  });

  it('of images know their layout', async () => {
    const image = (shape: number[]): Promise<DataSet> =>
      load({ data: put('im.npy', npy('|u1', shape, new Uint8Array(shape.reduce((a, b) => a * b)))) });
    expect((await image([2, 4, 4, 3])).layout).toBe('HWC');
    expect((await image([2, 3, 4, 4])).layout).toBe('CHW');
    expect((await image([2, 3, 4, 3])).layout).toBe('flat');
    expect((await image([2, 12])).layout).toBe('flat');
  });

  it('of pickled objects are refused', async () => {
    const refused = await refusal({ data: put('o.npy', npy('|O', [2], Uint8Array.of(0x80, 4, 0x2e))) });
    expect(refused).toMatchObject({ code: 'data/pickle', at: '"o.npy"' });
    expect(refused.message).toContain('are programs and are never read');
    expect((await refusal({ data: put('data.pkl', Uint8Array.of(0x80, 4, 0x95, 0, 0x2e)) })).code).toBe('data/pickle');
  });

  it('that are damaged are refused', async () => {
    expect((await refusal({ data: put('a.npy', npy('<f4', [2, 2], Uint8Array.of(1, 2, 3))) })).code).toBe(
      'data/truncated',
    );
    expect((await refusal({ data: put('b.npy', npy('<f4', [2, 2], new Uint8Array(16)).subarray(0, 40)) })).code).toBe(
      'data/truncated',
    );
    expect((await refusal({ data: put('c.npy', npy('<c8', [1], new Uint8Array(8))) })).code).toBe('data/type');
    expect((await refusal({ data: put('d.npy', npy('<U5', [1], new Uint8Array(20))) })).code).toBe('data/type');
  });
});

describe('npz archives', () => {
  const x = npy('|u1', [2, 2], Uint8Array.of(1, 2, 3, 4));
  const y = npy('<i8', [2], bytesOf(BigInt64Array.of(1n, 0n)));
  const archive = put('set.npz', zipSync({ 'x_test.npy': x, 'y_test.npy': y, 'notes.txt': strToU8('hello') }));

  it('give the array with a usual name', async () => {
    const set = await load({ data: archive, labels: archive });
    expect([await values(set, 1), set.label(0)]).toEqual([[3, 4], 1]);
  });

  it('give the array that is named', async () => {
    put('odd.npz', zipSync({ 'a.npy': x, 'b.npy': y, 'o.npy': npy('|O', [1], Uint8Array.of(1)) }));
    const set = await load({ data: 'odd.npz#a', labels: 'odd.npz#b' });
    expect([await values(set, 0), set.label(1)]).toEqual([[1, 2], 0]);
    expect((await refusal({ data: 'odd.npz' })).message).toContain(
      'holds the arrays a, b, o; name one, as in file.npz#a',
    );
    expect((await refusal({ data: 'odd.npz#z' })).message).toContain('holds no array z; it holds the arrays a, b, o');
    expect((await refusal({ data: 'odd.npz#o' })).code).toBe('data/pickle');
  });

  it('that are damaged are refused', async () => {
    put('bad.npz', zipSync({ 'x.npy': x }).subarray(0, 60));
    expect((await refusal({ data: 'bad.npz' })).code).toBe('data/damaged');
  });
});

describe('CSV files', () => {
  it('have the label first, or where it is said, or nowhere', async () => {
    const file = put('d.csv', '7,0.5,1e-1\n3, -2 ,4\r\n\n');
    const set = await load({ data: file });
    expect([set.count, set.shape, set.label(0), set.label(1)]).toEqual([2, [2], 7, 3]);
    expect([await values(set, 0), await values(set, 1)]).toEqual([
      [0.5, 0.1],
      [-2, 4],
    ]);
    const plain = await load({ data: file, labels: 'none' });
    expect([plain.hasLabels, await values(plain, 1)]).toEqual([false, [3, -2, 4]]);
    const last = await load({ data: put('last.csv.gz', gzipSync('a;b;class\n1;2;0\n3;4;1')), labels: 2 });
    expect([last.count, last.label(1), await values(last, 1)]).toEqual([2, 1, [3, 4]]);
  });

  it('say in which line they are wrong', async () => {
    expect(await refusal({ data: put('e.csv', '') })).toMatchObject({ code: 'data/empty', at: '"e.csv"' });
    expect((await refusal({ data: put('t.csv', 'a,b\nc,d') })).message).toContain(
      'has text where numbers are expected (line 2)',
    );
    expect((await refusal({ data: put('f.csv', '0.5,1\n0.25,1') })).message).toContain('write "labels": "none"');
    expect((await refusal({ data: put('g.csv', '1,2\n1,2'), labels: 5 })).message).toContain('there is no column 5');
    const set = await load({ data: put('h.csv', '1,2,3\n1,2\n1,x,3') });
    expect(await set.sample(1)).toMatchObject({
      ok: false,
      error: {
        message: expect.stringContaining('2 columns in line 2, but 3 in line 1'),
        file: 'test.certiscope.jsonc',
      },
    });
    expect(await set.sample(2)).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('h.csv: has "x" in line 3') },
    });
  });
});

describe('pictures', () => {
  const rgb = Uint8Array.from({ length: 12 }, (_, k) => 20 * k);
  const png = (name: string, channels: number, data: Uint8Array | Uint16Array, depth: 8 | 16 = 8): string =>
    put(name, encodePng({ width: 2, height: 2, channels, depth, data }));

  it('are read pixel by pixel', async () => {
    const set = await load({ data: png('rgb.png', 3, rgb) });
    expect([set.count, set.shape, set.layout, set.hasLabels]).toEqual([1, [2, 2, 3], 'HWC', false]);
    expect(await values(set)).toEqual([...rgb]);
    expect(await values(await load({ data: png('grey.png', 1, Uint8Array.of(0, 9, 200, 255)) }))).toEqual([
      0, 9, 200, 255,
    ]);
    expect(await values(await load({ data: png('deep.png', 1, Uint16Array.of(0, 9, 200, 65535), 16) }))).toEqual([
      0, 9, 200, 65535,
    ]);
  });

  it('lose an alpha channel that says nothing, and are refused with one that does', async () => {
    expect(
      await values(await load({ data: png('alpha.png', 2, Uint8Array.of(1, 255, 2, 255, 3, 255, 4, 255)) })),
    ).toEqual([1, 2, 3, 4]);
    expect((await refusal({ data: png('glass.png', 2, Uint8Array.of(1, 255, 2, 9, 3, 255, 4, 255)) })).code).toBe(
      'data/transparent',
    );
  });

  it('may be JPEG', async () => {
    const data = Buffer.alloc(8 * 8 * 4, 128);
    put('p.jpg', jpeg.encode({ width: 8, height: 8, data }, 100).data);
    const set = await load({ data: 'p.jpg' });
    expect(set.shape).toEqual([8, 8, 3]);
    for (const value of await values(set)) expect(Math.abs(value - 128)).toBeLessThanOrEqual(2);
  });

  it('come as lists, folders and patterns, in the order of their numbers', async () => {
    mkdirSync(path.join(folder, 'many'));
    for (const k of [10, 2, 1]) png(`many/digit${k}.png`, 1, Uint8Array.of(k, 0, 0, 0));
    put('many/readme.txt', 'no picture');
    for (const data of [
      'many',
      'many/*.png',
      'many/digit?*.png',
      ['many/digit1.png', 'many/digit2.png', 'many/digit10.png'],
    ]) {
      const set = await load({ data, labels: [5, 6, 7] });
      expect(await Promise.all([0, 1, 2].map(async k => (await values(set, k))[0]))).toEqual([1, 2, 10]);
      expect(set.label(2)).toBe(7);
    }
    expect(await refusal({ data: 'many/*.gif' })).toMatchObject({ code: 'data/empty', at: '"many/*.gif"' });
    expect((await refusal({ data: ['many/digit1.png', 'd.csv'] })).message).toContain('only pictures');
  });

  it('must be alike', async () => {
    png('one.png', 1, Uint8Array.of(1, 2, 3, 4));
    const set = await load({ data: ['one.png', 'rgb.png'] });
    expect(await set.sample(1)).toMatchObject({
      ok: false,
      error: { code: 'data/shape', message: expect.stringContaining('2×2 with 3 channels') },
    });
  });

  it('that are damaged are refused', async () => {
    put('broken.png', encodePng({ width: 2, height: 2, channels: 1, data: new Uint8Array(4) }).subarray(0, 40));
    expect((await refusal({ data: 'broken.png' })).code).toBe('data/damaged');
    expect((await refusal({ data: put('fake.png', 'text') })).message).toContain(
      'no PNG or JPEG picture, whatever its name says',
    );
  });
});

describe('labels and inline data', () => {
  it('may be given in the specification', async () => {
    const set = await load({
      data: [
        [0.5, '1/4'],
        [1, 2],
      ],
      labels: [1, 0],
    });
    expect([set.count, set.size, await values(set), set.label(1)]).toEqual([2, 2, [0.5, 0.25], 0]);
    expect(await refusal({ data: [[1, 2], [3]] })).toMatchObject({ code: 'data/shape', at: '[[1,2],[3]]' });
  });

  it('may come from a text or be one-hot', async () => {
    expect((await load({ data: [[1], [2]], labels: put('l.txt', '4\n2\n9\n') })).label(1)).toBe(2);
    const oneHot = npy('<f4', [2, 3], bytesOf(Float32Array.of(0, 0, 1, 1, 0, 0)));
    expect((await load({ data: [[1], [2]], labels: put('hot.npy', oneHot) })).label(0)).toBe(2);
  });

  it('that are too few or no labels are refused at their own place', async () => {
    expect(await refusal({ data: [[1], [2]], labels: [1] })).toEqual({
      code: 'data/labels',
      message: 'There are 1 labels for 2 samples.',
      at: '[1]',
    });
    expect((await refusal({ data: [[1]], labels: [1, 0] })).message).toBe('There are 2 labels for 1 samples.');
    expect(await refusal({ data: [[1]], labels: put('w.txt', 'cat') })).toMatchObject({
      code: 'data/labels',
      at: '"w.txt"',
    });
    expect(await refusal({ data: [[1]], labels: 0 })).toMatchObject({ code: 'data/labels', at: '0' });
  });

  it('in files that are missing are reported where they are named', async () => {
    const missing = await refusal({ data: 'nowhere.npy' });
    expect(missing).toMatchObject({ code: 'file/unreadable', at: '"nowhere.npy"' });
    expect(missing.message).toContain('nowhere.npy: does not exist');
    expect((await refusal({ data: [[1]], labels: 'nowhere.txt' })).at).toBe('"nowhere.txt"');
    expect((await refusal({ data: put('zero.bin', '') })).code).toBe('data/empty');
    expect((await refusal({ data: put('noise.bin', Uint8Array.of(1, 2, 3, 0, 5)) })).code).toBe('data/format');
    expect((await refusal({ data: put('pointer.npz', Buffer.from('version 1, size 2')) })).message).toMatch(
      /is a text, no npz file/,
    );
  });
});

describe.skipIf(!sharedData)('shared data sets', () => {
  const base = path.join(sharedData ?? '', 'datasets');

  it('MNIST in idx and CSV are the same images', async () => {
    const idxSet = await load(
      { data: 'mnist/t10k-images-idx3-ubyte.gz', labels: 'mnist/t10k-labels-idx1-ubyte.gz' },
      base,
    );
    const csvSet = await load({ data: 'mnist/eran_mnist_test.csv' }, base);
    expect([idxSet.count, csvSet.count, idxSet.size, csvSet.size]).toEqual([10000, 100, 784, 784]);
    for (const index of [0, 41, 99]) {
      expect(await values(csvSet, index)).toEqual(await values(idxSet, index));
      expect(csvSet.label(index)).toBe(idxSet.label(index));
    }
    expect(idxSet.label(0)).toBe(7);
  });

  it('CIFAR-10 in npz and CSV are the same images', async () => {
    const npz = await load(
      { data: 'cifar10/cifar10_test_first100.npz', labels: 'cifar10/cifar10_test_first100.npz' },
      base,
    );
    const csv = await load({ data: 'cifar10/eran_cifar10_test.csv.gz' }, base);
    expect([npz.count, npz.shape, npz.layout, csv.count]).toEqual([100, [32, 32, 3], 'HWC', 100]);
    for (const index of [0, 57, 99]) {
      expect(await values(csv, index)).toEqual(await values(npz, index));
      expect(csv.label(index)).toBe(npz.label(index));
    }
    const labels = await load(
      { data: 'cifar10/cifar10_test_first100.npz', labels: 'cifar10/cifar10_test_first1000_labels.txt' },
      base,
    );
    for (let k = 0; k < 100; k++) expect(labels.label(k)).toBe(npz.label(k));
  });
});
