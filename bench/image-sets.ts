import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Result } from '../src/base/result';
import type { StoredArray } from '../src/spec/data/array';
import { readIdx } from '../src/spec/data/idx';
import { readNumbers } from '../src/spec/data/numbers';
import { readNpz } from '../src/spec/data/npz';

/** Images as a network takes them, 0 to 1, and their right classes. */
export interface LabelledImages {
  readonly images: readonly Float32Array[];
  readonly labels: readonly number[];
}

/** The first images of MNIST's training set: those the AIGENT experiments attack. `data` is the folder of all benchmark data. */
export function mnistTraining(data: string, count: number): LabelledImages {
  const read = (name: string): StoredArray =>
    value(readIdx(gunzipSync(readFileSync(path.join(data, 'datasets/mnist', name)))));
  return {
    images: rows(read('train-images-idx3-ubyte.gz'), count),
    labels: numbers(read('train-labels-idx1-ubyte.gz'), 0, count),
  };
}

/** The 300 CIFAR-10 test images at hand, pixel by pixel (HWC). */
export async function cifarTest(data: string): Promise<LabelledImages> {
  const sets: LabelledImages[] = [];
  for (const [name, count] of [
    ['cifar10_test_first100', 100],
    ['cifar10_sdp200', 200],
  ] as const) {
    const bytes = readFileSync(path.join(data, 'datasets/cifar10', `${name}.npz`));
    const images = rows(value(await readNpz(bytes, 'images_nhwc_uint8', 'data')), count);
    sets.push({ images, labels: numbers(value(await readNpz(bytes, 'labels', 'labels')), 0, count) });
  }
  return { images: sets.flatMap(each => each.images), labels: sets.flatMap(each => each.labels) };
}

function rows(array: StoredArray, count: number): Float32Array[] {
  const size = array.shape.slice(1).reduce((a, b) => a * b, 1);
  return Array.from({ length: count }, (_, k) => Float32Array.from(numbers(array, k * size, size), each => each / 255));
}

function numbers(array: StoredArray, first: number, count: number): number[] {
  return Array.from(value(readNumbers(array, first, count)));
}

function value<T>(result: Result<T, { readonly message: string }>): T {
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}
