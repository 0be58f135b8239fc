import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { loadData } from '../src/spec/data/load';
import { parsePerturbationSpec } from '../src/spec/perturbation/parse';
import { initialParameters, type Architecture } from '../src/train/architecture';
import { exportClassifier } from '../src/train/export';
import { cosine } from '../src/train/schedule';
import { predict, train, type Dataset } from '../src/train/trainer';

/** The networks of Wan et al. 2020: one is Neurify's own file, two are of the sizes of DeepZ's, trained here, without adversarial training. */
export interface LabelNetwork {
  readonly name: string;
  /** As the paper calls it. */
  readonly title: string;
  /** The file; trained first where that has not been done. */
  file(data: string): Promise<string>;
}

const STATE = path.join('bench', '.state', 'networks');

export const LABEL_NETWORKS: readonly LabelNetwork[] = [
  {
    name: 'mnist24',
    title: 'FNN1, 784-24-24-10 (Neurify)',
    file: async data => path.join(data, 'neurify', 'mnist24.onnx'),
  },
  { name: 'mnist2x100', title: 'FNN2, 784-100-100-10', file: data => trained('mnist2x100', [100, 100], data) },
  {
    name: 'mnist5x100',
    title: 'FNN3, 784-100-100-100-100-100-10',
    file: data => trained('mnist5x100', [100, 100, 100, 100, 100], data),
  },
];

const SEED = 1;
const EPOCHS = 8;
const BATCH = 100;

async function trained(name: string, hidden: readonly number[], data: string): Promise<string> {
  const file = path.join(STATE, `${name}.onnx`);
  if (existsSync(file)) return file;
  const architecture: Architecture = {
    inputShape: [1, 28, 28],
    layers: [
      ...hidden.flatMap(size => [{ kind: 'dense', size } as const, { kind: 'relu' } as const]),
      { kind: 'dense', size: 10 },
    ],
  };
  const folder = path.join(data, 'datasets', 'mnist');
  const result = await train(
    architecture,
    initialParameters(architecture, SEED),
    await images(folder, 'train', 60000),
    {
      epochs: EPOCHS,
      batch: BATCH,
      optimizer: { kind: 'adam' },
      rate: cosine(0.001),
      weightDecay: 0,
      seed: SEED,
      onEpoch: (epoch, loss) =>
        process.stderr.write(`${name}: epoch ${epoch + 1} of ${EPOCHS}, loss ${loss.toFixed(4)}\n`),
    },
  );
  if (!result.ok) throw new Error(result.error.message);
  const test = await images(folder, 't10k', 10000);
  const predicted = await predict(architecture, result.value, test);
  if (!predicted.ok) throw new Error(predicted.error.message);
  const right = predicted.value.filter((label, k) => label === test.labels[k]).length;
  process.stderr.write(`${name}: ${right} of ${test.count} test images right\n`);
  mkdirSync(STATE, { recursive: true });
  writeFileSync(file, exportClassifier(architecture, result.value));
  return file;
}

async function images(folder: string, part: 'train' | 't10k', count: number): Promise<Dataset> {
  const source = JSON.stringify({
    model: 'none.onnx',
    inputs: { data: `${part}-images-idx3-ubyte.gz`, labels: `${part}-labels-idx1-ubyte.gz` },
    property: { kind: 'label' },
    checks: [{ perturb: 'input', norm: 'inf', epsilon: 0.1 }],
  });
  const spec = parsePerturbationSpec(source, 'training');
  if (!spec.ok) throw new Error(JSON.stringify(spec.error));
  const data = await loadData(spec.value, folder);
  if (!data.ok) throw new Error(JSON.stringify(data.error));
  const inputs = new Float32Array(count * 784);
  const labels = new Uint8Array(count);
  for (let k = 0; k < count; k++) {
    const sample = await data.value.sample(k);
    if (!sample.ok) throw new Error(sample.error.message);
    inputs.set(
      sample.value.values.map(level => level / 255),
      k * 784,
    );
    labels[k] = sample.value.label!;
  }
  return { count, inputs, labels };
}
