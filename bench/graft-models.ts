import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Random } from '../src/base/random';
import { randomMask } from '../src/graft/comparison';
import { graftNetwork } from '../src/graft/graft';
import { measureImportance } from '../src/graft/importance';
import { instabilityCounts, measureInstability } from '../src/graft/instability';
import { createMask, DEFAULT_MASK_OPTIONS } from '../src/graft/mask';
import { readNeuronValues, writeNeuronValues } from '../src/graft/neuron-file';
import { graftedPerLayer, neuronLayers, type Mask, type NeuronValues } from '../src/graft/neurons';
import type { Ranking } from '../src/graft/kinds';
import { readGraftedBytes } from '../src/graft/read-model';
import { regionAround } from '../src/graft/regions';
import { writeGraftedModel } from '../src/graft/write-model';
import { loadModelBytes, type LoadedModel } from '../src/network/load';
import { initialParameters, type Architecture } from '../src/train/architecture';
import { readCheckpoint } from '../src/train/checkpoint';
import { exportClassifier } from '../src/train/export';
import { ungrafted, type GraftedNetwork } from '../src/train/grafted-network';
import { uniformPerturbation, type Perturbation } from '../src/train/perturbation';
import { trainRobustly, type RobustTrainingOptions } from '../src/train/robust-training';
import { cosine, steps } from '../src/train/schedule';
import type { Dataset } from '../src/train/trainer';
import { mnist, say, table, type Settings, type State } from './graft-state';
import { must } from './instances';

/** The networks of the bench: a base network trained here, its grafts, and two controls. */

const ARCHITECTURE: Architecture = {
  inputShape: [1, 28, 28],
  layers: [
    { kind: 'conv', channels: 16, kernel: 4, stride: 2, pad: 1 },
    { kind: 'relu' },
    { kind: 'conv', channels: 32, kernel: 4, stride: 2, pad: 1 },
    { kind: 'relu' },
    { kind: 'dense', size: 100 },
    { kind: 'relu' },
    { kind: 'dense', size: 100 },
    { kind: 'relu' },
    { kind: 'dense', size: 10 },
  ],
};

/** Training images on which importance and instability are measured, and held-out ones that choose the best epoch. */
const IMPORTANCE_IMAGES = 1000;
const INSTABILITY_IMAGES = 200;
const VALIDATION_IMAGES = 1000;

export interface Variant {
  readonly name: string;
  readonly mask: 'none' | 'min' | 'empty' | 'random';
  readonly retrained: boolean;
}

/** With and without retraining of the weights, as in tables 4.1 to 4.3; and the controls. What answers the question comes first. */
export const VARIANTS: readonly Variant[] = [
  { name: 'none retrained', mask: 'none', retrained: true },
  { name: 'control empty', mask: 'empty', retrained: true },
  { name: 'control random', mask: 'random', retrained: true },
  { name: 'min retrained', mask: 'min', retrained: true },
  { name: 'none fixed', mask: 'none', retrained: false },
  { name: 'min fixed', mask: 'min', retrained: false },
];
export const CONTROLS = VARIANTS.filter(({ name }) => name.startsWith('control'));

export function perturbationOf({ epsilon }: Settings): Perturbation {
  return uniformPerturbation(784, epsilon, [0, 1]);
}

export interface BenchModel {
  readonly name: string;
  readonly model: GraftedNetwork;
  readonly loaded: LoadedModel;
}

export const BASE = 'base';

/** All networks, trained now where they are not kept. */
export async function benchModels(settings: Settings, state: State): Promise<BenchModel[]> {
  const held = Math.min(VALIDATION_IMAGES, Math.floor(settings.images / 6));
  const data = mnist(settings.data, 'train', 0, settings.images - held);
  const validation = mnist(settings.data, 'train', settings.images - held, held);
  const adversarial = { perturbation: perturbationOf(settings), step: 1.25, alignment: 0.2 };
  const common = {
    batch: 128,
    momentum: 0.9,
    adversarial,
    patience: null,
    seed: settings.seed,
    threads: settings.threads,
  };
  const base = await trained(BASE, state, data, validation, async () => {
    const bytes = exportClassifier(ARCHITECTURE, initialParameters(ARCHITECTURE, settings.seed));
    const model = ungrafted(must(loadModelBytes(bytes, 'base.onnx')).network);
    const weights = { rate: steps(0.03, [0.5, 0.75]), decay: 5e-4 };
    return { model, options: { ...common, epochs: settings.epochs, weights, grafts: null } };
  });
  const models = [base];
  for (const variant of VARIANTS.filter(({ name }) => settings.variants.includes(name))) {
    models.push(
      await trained(variant.name, state, data, validation, async () => {
        const mask = await maskOfVariant(variant, base, data, settings, state);
        const weights = variant.retrained ? { rate: cosine(1e-3), decay: 5e-4 } : null;
        const grafts = variant.mask === 'empty' ? null : { rate: cosine(0.01), decay: 0 };
        return {
          model: must(graftNetwork(base.model.network, mask)),
          options: { ...common, epochs: settings.graftEpochs, weights, grafts },
        };
      }),
    );
  }
  return models;
}

/** The kept model of this name, or the trained one, kept from now on; an interrupted training goes on from its last epoch. */
async function trained(
  name: string,
  state: State,
  data: Dataset,
  validation: Dataset,
  prepare: () => Promise<{ model: GraftedNetwork; options: RobustTrainingOptions }>,
): Promise<BenchModel> {
  const file = state.file(`${name}.onnx`);
  if (!existsSync(file)) {
    const { model, options } = await prepare();
    const checkpoint = state.file(`${name}.checkpoint`);
    const resume = existsSync(checkpoint) ? must(await readCheckpoint(checkpoint)) : undefined;
    const onEpoch = ({
      epoch,
      meanLoss,
      score,
      seconds,
    }: {
      epoch: number;
      meanLoss: number;
      score: number | null;
      seconds: number;
    }): void =>
      say(
        `  ${name}: epoch ${epoch} of ${options.epochs}, loss ${meanLoss.toFixed(4)}, validation ${((score ?? NaN) * 100).toFixed(1)} %, ${seconds.toFixed(1)} s`,
      );
    const outcome = must(
      await trainRobustly({ model, data, validation, checkpoint, ...(resume ? { resume } : {}) }, options, { onEpoch }),
    );
    say(`  ${name}: ${outcome.message}`);
    writeFileSync(file, must(writeGraftedModel(outcome.model)));
  }
  const bytes = readFileSync(file);
  return { name, model: must(readGraftedBytes(bytes, file)), loaded: must(loadModelBytes(bytes, file)) };
}

async function maskOfVariant(
  { mask, name }: Variant,
  base: BenchModel,
  data: Dataset,
  settings: Settings,
  state: State,
): Promise<Mask> {
  const layers = neuronLayers(base.model.network);
  if (mask === 'empty') return { layers, grafted: new Uint8Array(layers.reduce((sum, { size }) => sum + size, 0)) };
  if (mask === 'random') return randomMask(layers, settings.ratio, new Random(settings.seed, 0x3a5));
  const ranking: Ranking = mask;
  const options = {
    ...DEFAULT_MASK_OPTIONS,
    ratio: settings.ratio,
    instabilityRanking: ranking,
    significanceRanking: ranking,
  };
  const chosen = must(
    createMask(
      await instabilityOfBase(base, data, settings, state),
      await importanceOfBase(base, data, settings, state),
      options,
    ),
  );
  say(
    `  mask "${name}": ${graftedPerLayer(chosen).join(', ')} of ${layers.map(({ size }) => size).join(', ')} neurons per layer`,
  );
  return chosen;
}

async function keptValues(file: string, make: () => Promise<NeuronValues>): Promise<NeuronValues> {
  if (!existsSync(file)) must(await writeNeuronValues(file, await make()));
  return must(await readNeuronValues(file));
}

function instabilityOfBase(base: BenchModel, data: Dataset, settings: Settings, state: State): Promise<NeuronValues> {
  return keptValues(state.file('instability.npz'), async () => {
    const perturbation = perturbationOf(settings);
    const regions = Array.from({ length: Math.min(INSTABILITY_IMAGES, data.count) }, (_, k) =>
      regionAround(data.inputs.slice(784 * k, 784 * (k + 1)), perturbation),
    );
    return instabilityCounts(must(await measureInstability(base.model, regions, { method: 'crown' })));
  });
}

/** By GAP, the thesis's default. */
function importanceOfBase(base: BenchModel, data: Dataset, settings: Settings, state: State): Promise<NeuronValues> {
  return keptValues(state.file('gap.npz'), async () => {
    const random = new Random(settings.seed, 0x6a9);
    const order = Int32Array.from({ length: data.count }, (_, k) => k);
    random.shuffle(order);
    const chosen = order.subarray(0, Math.min(IMPORTANCE_IMAGES, data.count));
    const inputs = new Float32Array(784 * chosen.length);
    chosen.forEach((k, row) => inputs.set(data.inputs.subarray(784 * k, 784 * (k + 1)), 784 * row));
    const part = { count: chosen.length, inputs, labels: Uint8Array.from(chosen, k => data.labels[k]) };
    return must(await measureImportance(base.model, part, 'gap'));
  });
}

export async function trainingTable(settings: Settings, state: State): Promise<void> {
  const models = await benchModels(settings, state);
  table([
    ['network', 'linear neurons', 'bytes'],
    ...models.map(({ name, model, loaded }) => [
      name,
      String([...model.grafts.values()].reduce((sum, { mask }) => sum + mask.reduce((a, b) => a + b, 0), 0)),
      String(loaded.bytes.length),
    ]),
  ]);
}
