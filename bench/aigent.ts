/*
 * Adversarial inputs, as Table I of "Efficient Adversarial Input Generation via Neural Net Patching" (PRDC 2023) has them: every method on the same images of MNIST and
 * CIFAR-10, every metric. `node scripts/run.mjs bench/aigent.ts DATA-FOLDER [--sets mnist,cifar] [--methods …] [--seconds S] [--count N] [--fresh] [--write]`
 *
 * What is done is kept in bench/.state/aigent.jsonl, so that a run which is cut off goes on where it was. Every input that counts was replayed by ONNX Runtime on the
 * model's file. ImageNet is missing: neither its images nor the paper's networks for it can be had here.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { confirm, prepare, type AdversarialInput, type Subject } from '../src/attack/adversarial';
import { AttackedModel } from '../src/attack/attacked-model';
import { fitLines } from '../src/attack/patch/fit-lines';
import { findAdversarial, type PipelineOptions } from '../src/attack/patch/pipeline';
import type { PixelLayout } from '../src/attack/metrics/norms';
import { RIVAL_TITLES, type RivalName } from '../src/attack/rivals/names';
import { attackWith } from '../src/attack/rivals/rivals';
import { loadModel } from '../src/network/load';
import { tableOf, type MethodRun } from './aigent-table';
import { cifarTest, mnistTraining, type LabelledImages } from './image-sets';
import { must } from './instances';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sets: { type: 'string', default: 'mnist,cifar' },
    methods: { type: 'string' },
    seconds: { type: 'string', default: '60' },
    count: { type: 'string', default: '500' },
    fresh: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const [data] = positionals;
if (!data) {
  console.error(
    'usage: node scripts/run.mjs bench/aigent.ts DATA-FOLDER [--sets mnist,cifar] [--methods A,B] [--seconds S] [--count N] [--fresh] [--write]',
  );
  process.exit(3);
}

interface ImageSet {
  readonly title: string;
  readonly model: string;
  /** Another network of the same inputs, for transferability. */
  readonly other: string;
  readonly layout: PixelLayout;
  /** Radii of the gradient and black-box rivals: the paper's where it names one. */
  readonly epsilon: Readonly<Record<Exclude<RivalName, 'greedy'>, number>>;
  load(): Promise<LabelledImages> | LabelledImages;
}

const common = { fgsm: 0.1, 'one-step-target': 0.1, random: 0.23, 'output-diversification': 0.1 };
const sets: Readonly<Record<string, ImageSet>> = {
  mnist: {
    title: 'MNIST, training images 1 to 500, AttackMNIST_mnist_1.onnx',
    model: 'aigent/AttackMNIST_mnist_1.onnx',
    other: 'aigent/AttackMNIST_mnist.onnx',
    layout: { channels: 1, order: 'CHW' },
    epsilon: { ...common, bim: 0.1, ilcm: 0.1, pgd: 0.1, apgd: 0.3 },
    load: () => mnistTraining(data, Number(options.count)),
  },
  cifar: {
    title: 'CIFAR-10, the 300 test images at hand, those classified correctly, AttackCIFAR_cifar2.onnx',
    model: 'aigent/AttackCIFAR_cifar2.onnx',
    other: 'aigent/AttackCIFAR_cifar.onnx',
    layout: { channels: 3, order: 'HWC' },
    epsilon: { ...common, bim: 8 / 255, ilcm: 8 / 255, pgd: 8 / 255, apgd: 8 / 255 },
    load: () => cifarTest(data),
  },
};

/** Methods that go by patches; the rivals follow. */
const patchMethods: Readonly<Record<string, { title: string; options: PipelineOptions; lines?: boolean }>> = {
  'algorithm-1': {
    title: 'Algorithm 1 alone, as found',
    options: { stages: ['patch', 'other phases'], reduce: false },
  },
  'algorithm-1-reduced': { title: 'Algorithm 1 alone, reduced', options: { stages: ['patch', 'other phases'] } },
  'algorithm-1-lines': {
    title: 'Algorithm 1, lines per class',
    options: { stages: ['patch', 'other phases'], reduce: false },
    lines: true,
  },
  pipeline: { title: 'Whole pipeline', options: {} },
};

const introduction = `# Adversarial inputs

Every method on the same images, every metric, as Table I of Khan, Madhukar and Sharma (PRDC 2023) has them: \`npm run bench:aigent -- DATA-FOLDER --write\`. What is counted was replayed by ONNX Runtime on the
model's own file and lies in [0, 1]. The paper's own run on these MNIST images fooled 412 of 500 with 24 values at the median and 45.2 on average, outside of the valid range. ImageNet is missing: neither its images nor the paper's networks for it can be had here.

CPU s are seconds of the processor on two cores that other programs were using too; s are by the clock of such a machine. What is loaded at the first use (solver, graphs) is not in them. The radii are the paper's where it names one. Rows were measured by several builds.
`;

const CHUNK = 50;
/** Attempts are what limits patches here: on a machine with other work, seconds say little. */
const PATCH_SECONDS = 120;

/** One image by one method. */
interface Entry {
  readonly set: string;
  readonly method: string;
  readonly image: number;
  readonly seconds: number;
  /** Seconds of the processor: what a quiet machine takes. */
  readonly processor: number;
  readonly stage: string | null;
  /** The adversarial input, float32 in base64; null: none. */
  readonly input: string | null;
}

const folder = path.resolve(import.meta.dirname, '../../../bench/.state');
const file = path.join(folder, 'aigent.jsonl');
mkdirSync(folder, { recursive: true });
if (options.fresh) rmSync(file, { force: true });
const entries = new Map<string, Entry>();
const keyOf = ({ set, method, image }: Pick<Entry, 'set' | 'method' | 'image'>): string => `${set} ${method} ${image}`;
if (existsSync(file))
  for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
    const entry = JSON.parse(line) as Entry;
    entries.set(keyOf(entry), entry);
  }

const deadline = performance.now() + 1000 * Number(options.seconds);
const chosen = options.methods?.split(',') ?? [...Object.keys(patchMethods), ...Object.keys(RIVAL_TITLES)];
const tables: string[] = [];
for (const name of options.sets.split(',')) await runSet(name, sets[name]);
if (options.write)
  writeFileSync(path.join(folder, '../results/aigent.md'), `${introduction}\n${tables.join('\n\n')}\n`);

async function runSet(name: string, set: ImageSet): Promise<void> {
  const model = must(await AttackedModel.open(must(loadModel(path.join(data, set.model)))));
  const { images, labels } = await set.load();
  const subjects = new Map<number, Subject>();
  for (const [image, original] of images.entries()) {
    const subject = must(await prepare(model, { original, range: { lower: 0, upper: 1 } }));
    // MNIST as in the paper's run: every image, from what the network answers; CIFAR: those it gets right.
    if (name === 'mnist' || subject.label === labels[image]) subjects.set(image, subject);
  }
  for (const method of chosen) await runMethod(name, set, method, model, subjects);
  const runs = chosen.map(method => collected(name, method, subjects)).filter(run => run.attacked > 0);
  const other = must(await AttackedModel.open(must(loadModel(path.join(data, set.other)))));
  const table = await tableOf({
    title: `${set.title}: ${subjects.size} images`,
    images: subjects.size,
    set: name,
    model,
    other,
    layout: set.layout,
    runs,
  });
  console.log(`${table}\n`);
  tables.push(table);
  await model.close();
  await other.close();
}

async function runMethod(
  name: string,
  set: ImageSet,
  method: string,
  model: AttackedModel,
  subjects: ReadonlyMap<number, Subject>,
): Promise<void> {
  const open = [...subjects].filter(([image]) => !entries.has(keyOf({ set: name, method, image })));
  if (open.length === 0 || performance.now() > deadline) return;
  const patches = patchMethods[method];
  const lines = patches?.lines
    ? fitLines(
        model.network,
        [...subjects.values()].map(each => each.original),
        [...subjects.values()].map(each => each.label),
      )
    : undefined;
  // What is loaded at the first use (solver, graphs, just-in-time code) is no time of an image.
  if (patches) must(await findAdversarial(model, open[0][1], { ...patches.options, ...(lines ? { lines } : {}) }));
  for (let first = 0; first < open.length && performance.now() < deadline; first += patches ? 1 : CHUNK) {
    const chunk = open.slice(first, first + (patches ? 1 : CHUNK));
    const [started, used] = [performance.now(), process.cpuUsage()];
    const found: { adversarial: AdversarialInput | null; stage: string | null }[] = [];
    if (patches) {
      const outcome = must(
        await findAdversarial(model, chunk[0][1], {
          ...patches.options,
          patchSeconds: PATCH_SECONDS,
          ...(lines ? { lines } : {}),
        }),
      );
      found.push({ adversarial: outcome.adversarial, stage: outcome.stage });
    } else {
      const rival = method as RivalName;
      const epsilon = rival === 'greedy' ? 1 : set.epsilon[rival];
      const reached = must(
        await attackWith(
          model,
          chunk.map(([, subject]) => subject),
          rival,
          { epsilon },
        ),
      );
      for (const [, subject] of chunk) {
        const point = reached.get(subject);
        found.push({ adversarial: point ? must(await confirm(model, subject, point, rival)) : null, stage: null });
      }
    }
    const seconds = (performance.now() - started) / 1000 / chunk.length;
    const { user, system } = process.cpuUsage(used);
    const processor = (user + system) / 1e6 / chunk.length;
    chunk.forEach(([image], k) => {
      const { adversarial, stage } = found[k];
      const input = adversarial
        ? Buffer.from(adversarial.input.buffer, adversarial.input.byteOffset, adversarial.input.byteLength).toString(
            'base64',
          )
        : null;
      const entry: Entry = { set: name, method, image, seconds, processor, stage, input };
      entries.set(keyOf(entry), entry);
      appendFileSync(file, `${JSON.stringify(entry)}\n`);
    });
  }
}

function collected(set: string, method: string, subjects: ReadonlyMap<number, Subject>): MethodRun {
  const own = [...subjects].flatMap(([image, subject]) => {
    const entry = entries.get(keyOf({ set, method, image }));
    return entry ? [{ entry, subject }] : [];
  });
  const stages: Record<string, number> = {};
  for (const { entry } of own) if (entry.stage) stages[entry.stage] = (stages[entry.stage] ?? 0) + 1;
  return {
    title: patchMethods[method]?.title ?? RIVAL_TITLES[method as RivalName],
    attacked: own.length,
    stages,
    seconds: own.map(({ entry }) => entry.seconds),
    processor: own.map(({ entry }) => entry.processor),
    changes: own.flatMap(({ entry, subject }) => {
      if (entry.input === null) return [];
      const bytes = Buffer.from(entry.input, 'base64');
      return [
        { subject, input: new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)) },
      ];
    }),
  };
}
