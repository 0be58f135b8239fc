/*
 * Table II of "Efficient Adversarial Input Generation via Neural Net Patching" (PRDC 2023): how many adversarial images of each method fool a network that was retrained on the
 * pooled adversarial images of all methods. `node scripts/run.mjs bench/aigent-transfer.ts DATA-FOLDER [--sets mnist,cifar] [--seed N]`
 *
 * The images are those that bench/aigent.ts found and keeps in bench/.state/aigent.jsonl; run it first. Those of every second sample go into the pool, as many of each method; those
 * of the other samples are tried on the retrained network, so that it has seen none of them. Where images are few, so are what it is retrained on: the numbers say how many.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Replayer } from '../src/attack/replay';
import { Random } from '../src/base/random';
import { measureTransfer, pooledData } from '../src/graft/transfer';
import { writeGraftedModel } from '../src/graft/write-model';
import { loadModel, loadModelBytes, type LoadedModel } from '../src/network/load';
import { ungrafted } from '../src/train/grafted-network';
import { trainRobustly } from '../src/train/robust-training';
import { cosine } from '../src/train/schedule';
import type { Dataset } from '../src/train/trainer';
import { percent, say, table } from './graft-state';
import { cifarTest, mnistTraining, type LabelledImages } from './image-sets';
import { must } from './instances';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { sets: { type: 'string', default: 'mnist,cifar' }, seed: { type: 'string', default: '1' } },
});
const [data] = positionals;
if (!data) {
  process.stderr.write(
    'usage: node scripts/run.mjs bench/aigent-transfer.ts DATA-FOLDER [--sets mnist,cifar] [--seed N]\n',
  );
  process.exit(3);
}

/** Images of MNIST's training set that keep the network accurate while it is retrained. */
const MNIST_IMAGES = 10_000;
const EPOCHS = 5;

interface ImageSet {
  readonly title: string;
  readonly model: string;
  load(): Promise<LabelledImages> | LabelledImages;
}

const SETS: Readonly<Record<string, ImageSet>> = {
  mnist: {
    title: 'MNIST, AttackMNIST_mnist_1.onnx (paper: AIGENT 48 %, FGSM 38 %, AutoAttack 34 %)',
    model: 'aigent/AttackMNIST_mnist_1.onnx',
    load: () => mnistTraining(data, MNIST_IMAGES),
  },
  cifar: {
    title:
      'CIFAR-10, AttackCIFAR_cifar2.onnx, on the 300 images at hand (paper: AIGENT 51 %, FGSM 41 %, AutoAttack 33 %)',
    model: 'aigent/AttackCIFAR_cifar2.onnx',
    load: () => cifarTest(data),
  },
};

type Found = Map<number, Float32Array>;

/** Adversarial images by method and sample. */
function foundImages(set: string): Map<string, Found> {
  const file = path.join('bench', '.state', 'aigent.jsonl');
  if (!existsSync(file)) {
    process.stderr.write(`${file} is not there. Make it first: node scripts/run.mjs bench/aigent.ts ${data}\n`);
    process.exit(3);
  }
  const byMethod = new Map<string, Found>();
  for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
    const entry = JSON.parse(line) as { set: string; method: string; image: number; input: string | null };
    if (entry.set !== set || entry.input === null) continue;
    const found = byMethod.get(entry.method) ?? new Map<number, Float32Array>();
    byMethod.set(
      entry.method,
      found.set(entry.image, new Float32Array(Uint8Array.from(Buffer.from(entry.input, 'base64')).buffer)),
    );
  }
  return byMethod;
}

for (const name of options.sets.split(',')) await transferTable(name, SETS[name]);

async function transferTable(name: string, set: ImageSet): Promise<void> {
  const loaded = must(loadModel(path.join(data, set.model)));
  const { images, labels } = await set.load();
  const size = loaded.network.inputSize;
  const all: Dataset = {
    count: images.length,
    inputs: Float32Array.from({ length: images.length * size }, (_, i) => images[Math.floor(i / size)][i % size]),
    labels: Uint8Array.from(labels),
  };
  const found = foundImages(name);
  const random = new Random(Number(options.seed), 0x2b7);
  const pools = [...found].map(([method, each]) => ({
    method,
    pool: shuffled(
      [...each].filter(([image]) => image % 2 === 0),
      random,
    ),
  }));
  const most = Math.min(...pools.map(({ pool }) => pool.length));
  const pooled = pooledData(
    all,
    pools.map(({ pool }) => new Map(pool.slice(0, most))),
  );
  const trained = must(
    await trainRobustly(
      { model: ungrafted(loaded.network), data: pooled, validation: null },
      {
        epochs: EPOCHS,
        batch: 64,
        momentum: 0.9,
        weights: { rate: cosine(0.01), decay: 0 },
        grafts: null,
        adversarial: null,
        patience: null,
        seed: Number(options.seed),
      },
    ),
  );
  const retrained = must(loadModelBytes(must(writeGraftedModel(trained.model)), 'retrained.onnx'));
  const target = must(await Replayer.open({ bytes: retrained.bytes }, retrained.network));
  const rows = [['method', 'tried', 'fooled %', 'withstood %', 'wrong on the image itself %', 'fooled of all %']];
  for (const [method, each] of found) {
    const others = new Map([...each].filter(([image]) => image % 2 === 1));
    const { tried, misclassified, fooled, withstood } = must(await measureTransfer(others, all, target));
    const part = (count: number): string => percent(count / tried);
    rows.push([
      method,
      String(tried),
      part(fooled),
      part(withstood),
      part(misclassified),
      part(fooled + misclassified),
    ]);
  }
  const accuracy = await rightOf(retrained, all, target);
  await target.close();
  say(
    `${set.title}: retrained on ${all.count} images and ${most} adversarial images of each of ${found.size} methods;`,
  );
  say(
    `right on ${percent(accuracy)} % of the images themselves. "fooled of all" is the paper's score: whatever is not answered with the true label.`,
  );
  table(rows);
}

async function rightOf(
  { network }: LoadedModel,
  { count, inputs, labels }: Dataset,
  target: Replayer,
): Promise<number> {
  let right = 0;
  for (let k = 0; k < count; k++) {
    const { output } = must(await target.forward(inputs.slice(k * network.inputSize, (k + 1) * network.inputSize)));
    if (output.every((value, j) => j === labels[k] || value < output[labels[k]])) right++;
  }
  return right / count;
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const order = Int32Array.from(list.keys());
  random.shuffle(order);
  return Array.from(order, k => list[k]);
}
