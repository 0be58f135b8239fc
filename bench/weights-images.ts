import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { evaluate } from '../src/network/evaluate';
import type { Network } from '../src/network/network';
import { readIdx } from '../src/spec/data/idx';
import { differenceConstraint, outputRef } from '../src/spec/linear-term';
import type { Constraint } from '../src/spec/question';
import { must } from './instances';

const CLASSES = 10;

/** An image that a network classifies right, and what must not happen. */
export interface Image {
  readonly index: number;
  readonly label: number;
  readonly values: Float32Array;
  readonly unsafe: Constraint[][];
}

/** The first MNIST test images of each class that the network classifies right, class by class in turn. `data` is the folder of all benchmark data. */
export function testImages(data: string, network: Network, count: number): Image[] {
  const read = (name: string) => must(readIdx(gunzipSync(readFileSync(path.join(data, 'datasets', 'mnist', name)))));
  const pixels = read('t10k-images-idx3-ubyte.gz');
  const labels = read('t10k-labels-idx1-ubyte.gz');
  const perClass = Math.ceil(count / CLASSES);
  const chosen: Image[][] = Array.from({ length: CLASSES }, () => []);
  for (let index = 0; index < labels.shape[0] && chosen.some(own => own.length < perClass); index++) {
    const label = labels.bytes[labels.offset + index];
    if (chosen[label].length >= perClass) continue;
    const values = Float32Array.from({ length: network.inputSize }, (_, i) =>
      Math.fround(pixels.bytes[pixels.offset + index * network.inputSize + i] / 255),
    );
    const outputs = evaluate(network, Float64Array.from(values)).at(-1)!;
    if (outputs.some((y, j) => j !== label && y >= outputs[label])) continue;
    const unsafe = Array.from({ length: CLASSES }, (_, j) => j)
      .filter(j => j !== label)
      .map(j => [differenceConstraint(outputRef(label), outputRef(j), false)]);
    chosen[label].push({ index, label, values, unsafe });
  }
  return Array.from({ length: perClass }, (_, k) => chosen.map(own => own[k]))
    .flat()
    .slice(0, count);
}
