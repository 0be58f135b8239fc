/**
 * Makes everything under samples/: `npm run samples`. Digits are drawn by a script, two small networks are trained on them, and specifications
 * ask about both. Nothing foreign is in it, and on one machine it is the same bytes every time.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Random } from '../src/base/random';
import { initialParameters, type Architecture, type Parameter } from '../src/train/architecture';
import { exportClassifier } from '../src/train/export';
import { cosine } from '../src/train/schedule';
import { predict, train, type Dataset } from '../src/train/trainer';
import { drawDigits, SIDE } from './draw-digits';

const { values: options } = parseArgs({
  options: { out: { type: 'string', default: 'samples' }, seed: { type: 'string', default: '1' } },
});
const seed = Number(options.seed);

const DENSE: Architecture = {
  inputShape: [1, SIDE, SIDE],
  layers: [
    { kind: 'dense', size: 24 },
    { kind: 'relu' },
    { kind: 'dense', size: 24 },
    { kind: 'relu' },
    { kind: 'dense', size: 10 },
  ],
};

const CONVOLUTIONAL: Architecture = {
  inputShape: [1, SIDE, SIDE],
  layers: [
    { kind: 'conv', channels: 6, kernel: 4, stride: 2, pad: 1 },
    { kind: 'relu' },
    { kind: 'conv', channels: 8, kernel: 4, stride: 2, pad: 1 },
    { kind: 'relu' },
    { kind: 'dense', size: 10 },
  ],
};

const TRAINING_IMAGES = 3000;
const TEST_IMAGES = 200;
/** Half-width of the uniform noise added while training, in units of the full scale: makes the networks less brittle. */
const NOISE = 0.06;

function scaled({ images, labels }: { images: Uint8Array; labels: Uint8Array }): Dataset {
  // The preprocessing of the specifications: scale 1/255, nothing else.
  return { count: labels.length, inputs: Float32Array.from(images, level => Math.fround(level / 255)), labels };
}

function addNoise(inputs: Float32Array, random: Random): void {
  for (let i = 0; i < inputs.length; i++) inputs[i] += NOISE * (2 * random.uniform() - 1);
}

async function trained(architecture: Architecture, data: Dataset): Promise<Parameter[]> {
  const result = await train(architecture, initialParameters(architecture, seed), data, {
    epochs: 30,
    batch: 50,
    optimizer: { kind: 'adam' },
    rate: cosine(0.004),
    weightDecay: 0.02,
    seed,
    augment: addNoise,
  });
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

/** The idx format of LeCun et al.: a magic number with type and number of dimensions, the dimensions, the bytes. */
function idx(dimensions: readonly number[], bytes: Uint8Array): Uint8Array {
  const header = new DataView(new ArrayBuffer(4 + 4 * dimensions.length));
  header.setUint32(0, 0x0800 + dimensions.length);
  dimensions.forEach((dimension, k) => header.setUint32(4 + 4 * k, dimension));
  return Buffer.concat([new Uint8Array(header.buffer), bytes]);
}

function specification(model: string, epsilons: readonly (readonly [string, string])[]): string {
  const checks = epsilons.map(
    ([name, epsilon]) =>
      `    { "name": "${name}", "perturb": "input", "norm": "inf", "epsilon": "${epsilon}", "clip": [0, 1] }`,
  );
  return `// Which of the first 40 digits keep their class when every pixel may change by up to epsilon?
{
  "model": "${model}",
  "inputs": { "data": "digits-images.idx", "labels": "digits-labels.idx", "select": "0..39" },
  "preprocess": { "scale": "1/255" },
  "property": { "kind": "label" },
  "checks": [
${checks.join(',\n')}
  ],
  "solver": { "timeout": 20 }
}
`;
}

/** VNN-LIB: is there an image near this one in which another digit scores at least as high? */
function vnnlib(image: Uint8Array, label: number, radius: number): string {
  const lines = [
    `; The first of the drawn digits, a ${label}: with every pixel changed by up to ${radius} grey levels, can another digit win?`,
    ...Array.from(image, (_, i) => `(declare-const X_${i} Real)`),
    ...Array.from({ length: 10 }, (_, i) => `(declare-const Y_${i} Real)`),
  ];
  image.forEach((level, i) => {
    const edge = (value: number): string => (Math.min(255, Math.max(0, value)) / 255).toFixed(8);
    lines.push(`(assert (>= X_${i} ${edge(level - radius)}))`, `(assert (<= X_${i} ${edge(level + radius)}))`);
  });
  const others = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].filter(digit => digit !== label);
  lines.push('(assert (or', ...others.map(digit => `  (and (>= Y_${digit} Y_${label}))`), '))', '');
  return lines.join('\n');
}

async function main(): Promise<void> {
  const training = scaled(drawDigits(TRAINING_IMAGES, seed));
  const drawn = drawDigits(TEST_IMAGES, seed + 1);
  const test = scaled(drawn);
  mkdirSync(options.out, { recursive: true });
  const write = (name: string, content: Uint8Array | string): void => {
    writeFileSync(path.join(options.out, name), content);
    console.log(`${name.padEnd(32)} ${String(content.length).padStart(8)} bytes`);
  };
  for (const [name, architecture] of [['digits.onnx', DENSE], ['digits-conv.onnx', CONVOLUTIONAL]] as const) {
    const parameters = await trained(architecture, training);
    const predicted = await predict(architecture, parameters, test);
    if (!predicted.ok) throw new Error(predicted.error.message);
    const right = predicted.value.filter((label, k) => label === test.labels[k]).length;
    write(name, exportClassifier(architecture, parameters));
    console.log(`  ${right} of ${TEST_IMAGES} test images right`);
  } // prettier-ignore
  write('digits-images.idx', idx([TEST_IMAGES, SIDE, SIDE], drawn.images));
  write('digits-labels.idx', idx([TEST_IMAGES], drawn.labels));
  write('digits.certiscope.jsonc', specification('digits.onnx', [['one grey level', '1/255'], ['five grey levels', '5/255']])); // prettier-ignore
  write(
    'digits-conv.certiscope.jsonc',
    specification('digits-conv.onnx', [
      ['one grey level', '1/255'],
      ['eight grey levels', '8/255'],
    ]),
  );
  write('digit-zero.vnnlib', vnnlib(drawn.images.subarray(0, SIDE * SIDE), drawn.labels[0], 3));
}

await main();
