import { existsSync } from 'node:fs';
import path from 'node:path';
import { measureInstability, unstableRatio } from '../src/graft/instability';
import { regionAround } from '../src/graft/regions';
import { loadModel, loadModelBytes } from '../src/network/load';
import { initialParameters, type Architecture, type Layer } from '../src/train/architecture';
import { exportClassifier } from '../src/train/export';
import { ungrafted } from '../src/train/grafted-network';
import { uniformPerturbation } from '../src/train/perturbation';
import { trainRobustly } from '../src/train/robust-training';
import { cosine } from '../src/train/schedule';
import { mnist, say, table, type Settings } from './graft-state';
import { must } from './instances';

/** How long the map of a released network and an epoch of training take. */

const dense = (size: number): Layer => ({ kind: 'dense', size });
const RELU: Layer = { kind: 'relu' };
const NETWORKS: readonly (readonly [string, readonly Layer[]])[] = [
  ['784-256-256-10', [dense(256), RELU, dense(256), RELU, dense(10)]],
  [
    'conv 16, conv 32, 100, 10',
    [
      { kind: 'conv', channels: 16, kernel: 4, stride: 2, pad: 1 },
      RELU,
      { kind: 'conv', channels: 32, kernel: 4, stride: 2, pad: 1 },
      RELU,
      dense(100),
      RELU,
      dense(10),
    ],
  ],
];

export async function speedTables(settings: Settings): Promise<void> {
  const perturbation = uniformPerturbation(784, 0.1, [0, 1]);
  const rows = [['one epoch of fast adversarial training with gradient alignment', 'images', 'wall s', 'processor s']];
  for (const [name, layers] of NETWORKS) {
    const architecture: Architecture = { inputShape: [1, 28, 28], layers };
    const bytes = exportClassifier(architecture, initialParameters(architecture, settings.seed));
    const model = ungrafted(must(loadModelBytes(bytes, name)).network);
    const data = mnist(settings.data, 'train', 0, settings.images);
    const [started, before] = [performance.now(), process.cpuUsage()];
    must(
      await trainRobustly(
        { model, data, validation: null },
        {
          epochs: 1,
          batch: 128,
          momentum: 0.9,
          weights: { rate: cosine(0.05), decay: 5e-4 },
          grafts: null,
          adversarial: { perturbation, step: 1.25, alignment: 0.2 },
          patience: null,
          seed: settings.seed,
          threads: settings.threads,
        },
      ),
    );
    rows.push([name, String(settings.images), ...elapsed(started, before)]);
  }
  table(rows);

  const file = path.join(settings.data, 'linearity_grafting', 'mnist_cnn_a_adv.onnx');
  if (!existsSync(file)) return;
  const { network } = must(loadModel(file));
  const images = mnist(settings.data, 't10k', 0, 100);
  const regions = Array.from({ length: 100 }, (_, k) =>
    regionAround(images.inputs.slice(784 * k, 784 * (k + 1)), perturbation),
  );
  const maps = [['map of mnist_cnn_a_adv.onnx, 100 images, ε = 0.1', 'wall s', 'processor s', 'unstable']];
  for (const method of ['intervals', 'crown', 'alpha-crown'] as const) {
    const [started, before] = [performance.now(), process.cpuUsage()];
    const measured = must(await measureInstability(ungrafted(network), regions, { method }));
    maps.push([method, ...elapsed(started, before), unstableRatio(measured).statement]);
  }
  table(maps);
  say();
}

function elapsed(started: number, before: NodeJS.CpuUsage): string[] {
  const { user, system } = process.cpuUsage(before);
  return [((performance.now() - started) / 1000).toFixed(1), ((user + system) / 1e6).toFixed(1)];
}
