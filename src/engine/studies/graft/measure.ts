import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ok, type Result } from '../../../base/result';
import { maskOf } from '../../../graft/graft';
import { measureImportance } from '../../../graft/importance';
import { instabilityCounts, measureInstability, unstableRatio } from '../../../graft/instability';
import type { BoundMethod, Importance } from '../../../graft/kinds';
import { neuronCount, neuronLayers, ofLayer, type NeuronValues } from '../../../graft/neurons';
import { saveFile } from '../../../train/saved-file';
import type { GraftedNetwork } from '../../../train/grafted-network';
import type { Perturbation } from '../../../train/perturbation';
import type { Dataset } from '../../../train/trainer';
import type { Box } from '../../../spec/question';
import type { MeasuredImportance, UnstableRun } from '../../study-protocols/unstable-neurons';
import { readTensor, referTensor } from '../../tensor-reference';
import type { CheckedRegion } from './region';
import { readDataset, samplesToLearnFrom } from './samples';

/** Indicators of neurons, kept by content: what was measured on the same model and regions is taken from the folder. */

/** What measuring may use of the world. */
export interface Measuring {
  /** See `StudyEnvironment`. */
  readonly program: string;
  readonly folder: string;
  cancelled(): boolean;
  onProgress(fraction: number, text: string): void;
}

/** Bounds that are kept for showing, one number a neuron and sample; beyond it the first samples have to do. */
const MOST_KEPT_BOUNDS = 2 ** 23;
/** Samples on which importance is measured (thesis, section 3.4). */
const IMPORTANCE_SAMPLES = 1000;
const IMPORTANCE_SEED = 1;
/** Counts up when what is kept changes. */
const FORMAT = 2;

/** How often each neuron is unstable around the chosen samples. Errors: those of samples and of `measureInstability`. */
export async function measureRun(
  model: GraftedNetwork,
  region: CheckedRegion,
  method: BoundMethod,
  world: Measuring,
): Promise<Result<UnstableRun>> {
  const samples = region.subject.chosen;
  const boxes: Box[] = [];
  for (const index of samples) {
    const box = await region.box(index);
    if (!box.ok) return box;
    boxes.push(box.value);
  }
  const hash = keyOf(world.program, region.subject.model.loaded.hash, ['instability', method]);
  for (const { lower, upper } of boxes) hash.update(bytesOf(lower)).update(bytesOf(upper));
  const file = (part: string): string => path.join(world.folder, `${key}-${part}`);
  const key = hash.digest('hex').slice(0, 32);
  const kept = await readKept<UnstableRun>(file('run.json'));
  if (kept && [kept.counts, kept.lower, kept.upper].every(each => each.kind === 'inline' || existsSync(each.path)))
    return ok({ ...kept, epsilon: region.epsilon, samples });
  const layers = neuronLayers(model.network);
  const neurons = neuronCount(layers);
  const keepBounds = Math.min(boxes.length, Math.floor(MOST_KEPT_BOUNDS / Math.max(1, neurons)));
  const started = performance.now();
  const measured = await measureInstability(model, boxes, {
    method,
    keepBounds,
    cancelled: world.cancelled,
    onProgress: (done, total) => world.onProgress(done / total, `${done} of ${total} samples at ε = ${region.epsilon}`),
  });
  if (!measured.ok) return measured;
  const { values } = instabilityCounts(measured.value);
  const linear = model.grafts.size > 0 ? { mask: maskOf(model), graftedCount: true } : {};
  const { ratio, statement } = unstableRatio(measured.value, linear);
  const flat = (side: 'lower' | 'upper'): Float32Array => {
    const all = new Float32Array(keepBounds * neurons);
    measured.value.bounds.forEach((bounds, k) => all.set(bounds[side], k * neurons));
    return all;
  };
  // A disk that is full costs the next run its shortcut and nothing else.
  const refer = (part: string, data: Float32Array, shape: number[]): Promise<UnstableRun['counts']> =>
    referTensor(data, shape, file(`${part}.npy`), () => undefined);
  const run: UnstableRun = {
    epsilon: region.epsilon,
    samples,
    counts: await refer('counts', Float32Array.from(values), [neurons]),
    perLayer: layers.map((_, k) => ofLayer(layers, values, k).reduce((a, b) => a + b, 0) / boxes.length),
    ratio,
    statement,
    lower: await refer('lower', flat('lower'), [keepBounds, neurons]),
    upper: await refer('upper', flat('upper'), [keepBounds, neurons]),
    boundedSamples: keepBounds,
    seconds: (performance.now() - started) / 1000,
  };
  await saveFile(file('run.json'), Buffer.from(JSON.stringify(run)));
  return ok(run);
}

/** How much each neuron matters, on up to a thousand samples of the data. Errors: those of samples and of `measureImportance`. */
export async function measureSignificance(
  model: GraftedNetwork,
  { subject }: CheckedRegion,
  importance: Importance,
  world: Measuring,
): Promise<Result<MeasuredImportance>> {
  const { indices, statement } = samplesToLearnFrom(subject, IMPORTANCE_SAMPLES, IMPORTANCE_SEED);
  world.onProgress(0, `reading ${indices.length} samples`);
  const data = await readDataset(subject, indices, world.cancelled);
  if (!data.ok) return data;
  const { inputs, labels, count } = data.value;
  const hash = keyOf(world.program, subject.model.loaded.hash, ['importance', importance]);
  const key = hash.update(bytesOf(inputs)).update(labels).digest('hex').slice(0, 32);
  const file = (part: string): string => path.join(world.folder, `${key}-${part}`);
  const kept = await readKept<MeasuredImportance>(file('importance.json'));
  if (kept && (kept.values.kind === 'inline' || existsSync(kept.values.path)))
    return ok({ ...kept, samples: statement });
  world.onProgress(0.5, `${importance.toUpperCase()} on ${count} samples`);
  const measured = await measureImportance(
    model,
    { count, inputs, labels: subject.data.hasLabels ? labels : null },
    importance,
    { cancelled: world.cancelled },
  );
  if (!measured.ok) return measured;
  const values = Float32Array.from(measured.value.values);
  const found: MeasuredImportance = {
    kind: importance,
    values: await referTensor(values, [values.length], file('importance.npy'), () => undefined),
    samples: statement,
  };
  await saveFile(file('importance.json'), Buffer.from(JSON.stringify(found)));
  return ok(found);
}

/** Measured values as the indicator of a mask. Error: the kept file is gone. */
export async function neuronValues(
  model: GraftedNetwork,
  tensor: UnstableRun['counts'],
): Promise<Result<NeuronValues>> {
  const read = await readTensor(tensor);
  if (!read.ok) return read;
  return ok({ layers: neuronLayers(model.network), values: Float64Array.from(read.value) });
}

/** A hash that begins with what every kept thing depends on. */
export function keyOf(program: string, modelHash: string, parts: readonly unknown[]): ReturnType<typeof createHash> {
  return createHash('sha256').update(JSON.stringify([program, FORMAT, modelHash, ...parts]));
}

/** The hash, of what is learnt from or decided as well: samples, labels, and what counts as near. */
export function addData(
  hash: ReturnType<typeof keyOf>,
  { inputs, labels }: Dataset,
  { radius, lower, upper }: Perturbation,
): ReturnType<typeof keyOf> {
  for (const part of [inputs, labels, radius, lower, upper]) hash.update(bytesOf(part));
  return hash;
}

export function bytesOf({ buffer, byteOffset, byteLength }: Float64Array | Float32Array | Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** What an earlier study kept; undefined where there is nothing whole. */
export async function readKept<T>(file: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as T;
  } catch {
    return undefined;
  }
}
