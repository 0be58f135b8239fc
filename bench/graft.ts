/**
 * Every figure and table of chapter 4 of Brandis's thesis on linearity grafting, and what it leaves open, as tables.
 *
 *     node scripts/run.mjs bench/graft.ts [--only masks,released,train,outcomes,transfer,pairs,speed] [--samples N] [--timeout S] [--robust-images N] [--restarts N] [--epochs N]
 *         [--graft-epochs N] [--images N] [--epsilon E] [--variants A,B] [--ratio R] [--seed N] [--threads N] [--data DIR] [--fresh]
 *
 * DATA has the released scores (`linearity_grafting`) and MNIST (`datasets/mnist`). Everything is kept in bench/.state: an interrupted bench goes on where it was
 * (`--fresh` begins again). What does not come out as published is printed all the same.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { maskFigures, releasedOutcomes } from './graft-masks';
import { trainingTable, VARIANTS } from './graft-models';
import { outcomeTables, transferTables } from './graft-outcomes';
import { pairTables } from './graft-pairs';
import { speedTables } from './graft-speed';
import { State, say, type Settings } from './graft-state';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'masks,released,train,outcomes,transfer,pairs,speed' },
    samples: { type: 'string', default: '16' },
    timeout: { type: 'string', default: '30' },
    'robust-images': { type: 'string', default: '500' },
    restarts: { type: 'string', default: '5' },
    epochs: { type: 'string', default: '8' },
    'graft-epochs': { type: 'string', default: '5' },
    images: { type: 'string', default: '20000' },
    epsilon: { type: 'string', default: '0.1' },
    variants: { type: 'string', default: VARIANTS.map(({ name }) => name).join() },
    ratio: { type: 'string', default: '0.5' },
    seed: { type: 'string', default: '1' },
    threads: { type: 'string', default: '2' },
    data: { type: 'string', default: path.join('..', 'shared', 'data') },
    fresh: { type: 'boolean', default: false },
  },
});

const settings: Settings = {
  data: values.data,
  samples: Number(values.samples),
  timeout: Number(values.timeout),
  robustImages: Number(values['robust-images']),
  restarts: Number(values.restarts),
  epochs: Number(values.epochs),
  graftEpochs: Number(values['graft-epochs']),
  images: Number(values.images),
  epsilon: Number(values.epsilon),
  variants: values.variants.split(','),
  ratio: Number(values.ratio),
  seed: Number(values.seed),
  threads: Number(values.threads),
};
const state = new State(settings, values.fresh);
const parts: Readonly<Record<string, () => void | Promise<void>>> = {
  masks: () => maskFigures(settings),
  released: () => releasedOutcomes(settings),
  train: () => trainingTable(settings, state),
  outcomes: () => outcomeTables(settings, state),
  transfer: () => transferTables(settings, state),
  pairs: () => pairTables(settings, state),
  speed: () => speedTables(settings),
};

for (const name of values.only.split(',')) {
  if (!parts[name]) {
    process.stderr.write(`There is no part "${name}"; choose from ${Object.keys(parts).join(', ')}.\n`);
    process.exitCode = 3;
    break;
  }
  say(`== ${name}\n`);
  await parts[name]();
}
