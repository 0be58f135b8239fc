/**
 * How long a person waits for a quick bound after an edit: `node scripts/run.mjs bench/quick-bound.ts` after `npm run build`. A network 784-256-256-10 and pictures
 * are made; ε is edited again and again, with nothing else at work and with a run on every core. The alternative, a question that the engine answers between the
 * events of its run, is measured beside it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../src/base/random';
import { EngineClient } from '../src/engine/client';
import { QuickClient } from '../src/engine/quick/client';
import { QuickLane } from '../src/engine/quick/lane';
import { initialParameters, type Architecture } from '../src/train/architecture';
import { exportClassifier } from '../src/train/export';
import { train } from '../src/train/trainer';
import { cosine } from '../src/train/schedule';
import { must } from './instances';

const DIST = path.resolve('dist');
const EDITS = 40;
const SIDE = 28;
const CLASSES = 10;
const IMAGES = 600;

const ARCHITECTURE: Architecture = {
  inputShape: [1, SIDE, SIDE],
  layers: [
    { kind: 'dense', size: 256 },
    { kind: 'relu' },
    { kind: 'dense', size: 256 },
    { kind: 'relu' },
    { kind: 'dense', size: CLASSES },
  ],
};

/** Blurred blobs at places that follow from the class: enough for a network to learn, so that its bounds are those of a trained one. */
function pictures(): { readonly images: Uint8Array; readonly labels: Uint8Array } {
  const random = new Random(1, 2);
  const images = new Uint8Array(IMAGES * SIDE * SIDE);
  const labels = Uint8Array.from({ length: IMAGES }, (_, k) => k % CLASSES);
  labels.forEach((label, k) => {
    const angle = (2 * Math.PI * label) / CLASSES;
    const [x, y] = [14 + 8 * Math.cos(angle) + random.uniform(), 14 + 8 * Math.sin(angle) + random.uniform()];
    for (let i = 0; i < SIDE * SIDE; i++) {
      const distance = ((i % SIDE) - x) ** 2 + (Math.floor(i / SIDE) - y) ** 2;
      images[k * SIDE * SIDE + i] = Math.min(255, 255 * Math.exp(-distance / 18) + 20 * random.uniform());
    }
  });
  return { images, labels };
}

function idx(dimensions: readonly number[], bytes: Uint8Array): Uint8Array {
  const header = new DataView(new ArrayBuffer(4 + 4 * dimensions.length));
  header.setUint32(0, 0x0800 + dimensions.length);
  dimensions.forEach((dimension, k) => header.setUint32(4 + 4 * k, dimension));
  return Buffer.concat([new Uint8Array(header.buffer), bytes]);
}

function text(epsilon: string, timeout: number): string {
  return `{ "model": "net.onnx", "inputs": { "data": "images.idx", "labels": "labels.idx" }, "preprocess": { "scale": "1/255" },
  "checks": [{ "name": "levels", "perturb": "input", "epsilon": "${epsilon}", "clip": [0, 1] }], "solver": { "timeout": ${timeout} } }`;
}

function row(name: string, times: number[]): void {
  times.sort((a, b) => a - b);
  const at = (part: number) =>
    times[Math.min(times.length - 1, Math.floor(part * times.length))].toFixed(0).padStart(6);
  console.log(`${name.padEnd(62)} ${at(0)} ${at(0.5)} ${at(0.95)} ${at(1)}  (${times.length})`);
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'certiscope-bench-'));
const { images, labels } = pictures();
const inputs = Float32Array.from(images, level => level / 255);
const parameters = must(
  await train(
    ARCHITECTURE,
    initialParameters(ARCHITECTURE, 1),
    { count: IMAGES, inputs, labels },
    {
      epochs: 6,
      batch: 50,
      optimizer: { kind: 'adam' },
      rate: cosine(0.002),
      weightDecay: 0.01,
      seed: 1,
    },
  ),
);
writeFileSync(path.join(folder, 'net.onnx'), exportClassifier(ARCHITECTURE, parameters));
writeFileSync(path.join(folder, 'images.idx'), idx([IMAGES, SIDE, SIDE], images));
writeFileSync(path.join(folder, 'labels.idx'), idx([IMAGES], labels));
const file = path.join(folder, 'net.certiscope.jsonc');

const quick = new QuickClient({ script: path.join(DIST, 'quick.js'), memoryLimitMegabytes: 1024 });
const engine = new EngineClient({
  script: path.join(DIST, 'engine.js'),
  storeFolder: path.join(folder, 'store'),
  storeLimitMegabytes: 50,
  memoryLimitMegabytes: 2048,
  // As in the editor; 0 shows what it would be without.
  environment: { CERTISCOPE_BACKGROUND: process.env.CERTISCOPE_BACKGROUND ?? '1' },
});

/** What the text of an edit is, and what is asked about it. */
function question(k: number) {
  const specification = { path: file, text: text(`${(0.5 + (k % 16) / 4).toFixed(2)}/255`, 60) };
  return { specification, check: 0, milliseconds: 60 };
}

/** Processor time of an answer, whatever else the machine is doing. */
async function processorTime(): Promise<void> {
  const lane = new QuickLane();
  await lane.bound(question(0));
  const times: number[] = [];
  for (let k = 0; k < EDITS; k++) {
    const before = process.cpuUsage();
    await lane.bound(question(k));
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1000);
  }
  await lane.close();
  row('processor time of an answer', times);
}

/** One edit: from the moment the text is new to the answer. */
async function edit(k: number): Promise<number> {
  const started = performance.now();
  const answer = await quick.bound(question(k));
  if (!answer.ok) throw new Error(answer.problems[0].message);
  return performance.now() - started;
}

async function edits(name: string): Promise<void> {
  const times: number[] = [];
  for (let k = 0; k < EDITS; k++) {
    times.push(await edit(k));
    await delay(60);
  }
  row(name, times);
}

console.log(`milliseconds${' '.repeat(50)}  least median  95 %   most  (how many)`);
await processorTime();
row('quick lane, first answer (starts the process, reads the files)', [await edit(0)]);
await edits('quick lane, an edit');
// A question that stays open keeps every core at work.
const run = engine.verify({ specification: { path: file, text: text('12/255', 60) } });
const plan = await run.plan;
if (!plan.ok) throw new Error(plan.problems[0].message);
await delay(3000);
await edits('quick lane, an edit, while a run is at work');
const between: number[] = [];
for (let k = 0; k < EDITS; k++) {
  const started = performance.now();
  await engine.info({ model: path.join(folder, 'net.onnx') });
  between.push(performance.now() - started);
  await delay(60);
}
row('the engine itself, its smallest answer between events of the run', between);
await run.stop();
await Promise.all([quick.dispose(), engine.dispose()]);
rmSync(folder, { recursive: true, force: true });
