import { describe, expect, it } from 'vitest';
import { candidates, mayBeData, shapeOfData } from '../../../src/extension/core/data-files';
import { encodeNpy } from '../../../src/report/npy';

function idx(type: number, ...extents: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(4 + 4 * extents.length);
  bytes[2] = type;
  bytes[3] = extents.length;
  extents.forEach((extent, index) => bytes.writeUInt32BE(extent, 4 + 4 * index));
  return bytes;
}

const text = (content: string) => new TextEncoder().encode(content);

describe('shapeOfData', () => {
  it('reads idx headers, also of packed files', () => {
    const shape = { kind: 'idx', sample: [28, 28], count: 10_000, bytes: true };
    expect(shapeOfData('t10k-images-idx3-ubyte', idx(8, 10_000, 28, 28))).toEqual(shape);
    expect(shapeOfData('t10k-images-idx3-ubyte.gz', idx(8, 10_000, 28, 28))).toEqual(shape);
    expect(shapeOfData('labels-idx1-ubyte', idx(8, 10_000))).toEqual({ ...shape, sample: [] });
  });

  it('reads npy headers', () => {
    expect(shapeOfData('a.npy', encodeNpy(new Float32Array(12), [2, 3, 2]))).toEqual({
      kind: 'npy',
      sample: [3, 2],
      count: 2,
      bytes: false,
    });
    expect(shapeOfData('a.npy', encodeNpy(new Float32Array(3), [3]))).toMatchObject({ sample: [], count: 3 });
  });

  it('counts the columns of CSV after the label, and sees bytes', () => {
    expect(shapeOfData('a.csv', text('label,x,y\n1,0.5,2\n'))).toMatchObject({
      kind: 'csv',
      sample: [2],
      bytes: false,
    });
    expect(shapeOfData('a.csv', text(`7,${Array(784).fill(255).join(',')}\n`))).toMatchObject({
      sample: [784],
      bytes: true,
    });
  });

  it('reads width and height of PNG', () => {
    const png = Buffer.alloc(33);
    png.set([0x89, 0x50, 0x4e, 0x47]);
    png.writeUInt32BE(32, 16);
    png.writeUInt32BE(24, 20);
    png[25] = 2;
    expect(shapeOfData('a.png', png)).toEqual({ kind: 'png', sample: [3, 24, 32], count: 1, bytes: true });
  });

  it.each(['a.csv', 'a.npy', 'a-idx3-ubyte', 'a.png'])('gives nothing for %s with other content', name => {
    expect(shapeOfData(name, text('This is prose, not data.'))).toBeNull();
    expect(shapeOfData(name, new Uint8Array(0))).toBeNull();
  });
});

describe('candidates', () => {
  const shape = (name: string, header: Uint8Array) => ({ path: name, shape: shapeOfData(name, header)! });

  it('puts what fits first and finds the labels', () => {
    const found = candidates(
      [
        shape('small-idx3-ubyte', idx(8, 10, 8, 8)),
        shape('t10k-images-idx3-ubyte', idx(8, 100, 28, 28)),
        shape('t10k-labels-idx1-ubyte', idx(8, 100)),
        shape('train-labels-idx1-ubyte', idx(8, 100)),
        shape('train-images-idx3-ubyte', idx(8, 100, 28, 28)),
      ],
      784,
    );
    expect(found.map(({ path, labels, fits }) => [path, labels, fits])).toEqual([
      ['t10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte', true],
      ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte', true],
      ['small-idx3-ubyte', null, false],
    ]);
  });
});

describe('mayBeData', () => {
  it('goes by the name', () => {
    expect(
      ['a.csv', 'a.npy', 'b.npz', 'c.PNG', 'd.jpeg', 't10k-images-idx3-ubyte.gz', 'x.csv.gz'].every(mayBeData),
    ).toBe(true);
    expect(['a.onnx', 'a.py', 'idx', 'a.pkl', 'notes.txt'].some(mayBeData)).toBe(false);
  });
});
