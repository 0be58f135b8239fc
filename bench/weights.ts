/**
 * The experiment of Zubair et al. (CAI 2025, figure 4): the MNIST network with every weight of one layer moved by a part of the range of the layer's weights;
 * how many of 200 images keep their class for every such change, by stars, by complete verdicts and by the two baselines. Then two layers at once, and a
 * convolution.
 *
 *     node scripts/run.mjs bench/weights.ts [--images 200] [--layers fc_6,fc_5] [--methods star,complete,baselines,full] [--others] [--full 10]
 *         [--timeout 60] [--points 0.4,0.5] [--data DIR] [--infer] [--fresh] [--report] [--write]
 *
 * Each layer goes through the paper's magnitudes and on by equal steps until the star verifies under 10 % of the images. What is done is kept in bench/.state, so
 * that an interrupted run goes on where it was. `--others`: the other perturbations instead. `--infer`: a star that failed at a smaller magnitude is not asked again. `--full`: for how many images the star with every
 * linear program is run beside the one that leaves out those far from the threshold. `--report`: nothing is computed, everything known is printed. `--write`: into
 * bench/results/weights.md as well, with the figure beside it; `--note`: what is to be said above the table about the machine and the build.
 */
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { loadModel } from '../src/network/load';
import { wholeLayer } from '../src/weights/perturbation';
import { WeightModel } from '../src/weights/weight-model';
import { must } from './instances';
import { Asker } from './weights-ask';
import { figure } from './weights-figure';
import { testImages, type Image } from './weights-images';
import { AnswerState } from './weights-state';
import { comparison, fullTable, mainTable, sampleTable, type Row } from './weights-tables';

const root = process.cwd();
const { values: options } = parseArgs({
  options: {
    images: { type: 'string', default: '200' },
    layers: { type: 'string', default: 'fc_6,fc_5,fc_4,fc_3,fc_2,fc_1' },
    methods: { type: 'string', default: 'star,complete,baselines' },
    others: { type: 'boolean', default: false },
    full: { type: 'string', default: '10' },
    points: { type: 'string' },
    timeout: { type: 'string', default: '60' },
    data: { type: 'string', default: path.join('..', 'shared', 'data') },
    infer: { type: 'boolean', default: false },
    fresh: { type: 'boolean', default: false },
    report: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    note: { type: 'string' },
  },
});

// Branch and bound looks for its threads' bundle beside the program; this one asks for one thread and has none.
Object.assign(globalThis, { __dirname: path.join(root, 'dist') });

const MODELS = {
  mlp: path.join('modelstar', 'mnist_mlp_784-1024-512-256-256-256-10.onnx'),
  cnn: path.join('linearity_grafting', 'mnist_cnn_a_adv.onnx'),
} as const;

/** First magnitudes in percent, as in the paper; the step between the last two goes on. */
const GRIDS: Readonly<Record<string, readonly number[]>> = {
  fc_6: [0.5, 1, 1.5, 2],
  fc_5: [0.1, 0.2, 0.3, 0.4],
  fc_4: [0.1, 0.2, 0.3, 0.4],
  fc_3: [0.05, 0.1, 0.15, 0.2],
  fc_2: [0.04, 0.06, 0.08, 0.1],
  fc_1: [0.02, 0.03, 0.04, 0.05],
};
const MOST_POINTS = 24;

/** What else is perturbed: layers of a network, each by the same part of its own range. */
const OTHERS: readonly {
  readonly model: keyof typeof MODELS;
  readonly layers: readonly string[];
  readonly grid: readonly number[];
}[] = [
  { model: 'mlp', layers: ['fc_5', 'fc_6'], grid: [0.1, 0.3, 0.5] },
  { model: 'mlp', layers: ['fc_4', 'fc_5'], grid: [0.05, 0.1, 0.2] },
  { model: 'cnn', layers: ['conv_1'], grid: [0.5, 1, 2, 4] },
  { model: 'cnn', layers: ['conv_2'], grid: [0.1, 0.2, 0.4] },
  { model: 'cnn', layers: ['conv_1', 'conv_2'], grid: [0.05, 0.1, 0.2] },
];

const methods = options.methods.split(',');
const timeout = Number(options.timeout);
const count = Number(options.images);

async function main(): Promise<number> {
  const data = path.resolve(options.data);
  const missing = Object.values(MODELS).find(model => !existsSync(path.join(data, model)));
  if (missing !== undefined) {
    process.stderr.write(`${data}: no ${missing} there. Name the folder of the data with --data.\n`);
    return 3;
  }
  const opened = {
    mlp: must(WeightModel.open(must(loadModel(path.join(data, MODELS.mlp))))),
    cnn: must(WeightModel.open(must(loadModel(path.join(data, MODELS.cnn))))),
  };
  const images = {
    mlp: testImages(data, opened.mlp.loaded.network, count),
    cnn: testImages(data, opened.cnn.loaded.network, count),
  };
  const state = new AnswerState(root, opened.mlp.loaded.hash + opened.cnn.loaded.hash, options.fresh);
  const [rows, others]: [Row[], Row[]] = [[], []];
  if (options.report || !options.others)
    for (const layer of options.layers.split(',')) {
      let earlier: string | null = null;
      for (const magnitude of magnitudes(layer)) {
        const question = `mlp ${layer} ${magnitude}`;
        await fill(state, opened.mlp, [layer], magnitude, images.mlp, question, earlier);
        earlier = question;
        const row: Row = {
          layers: layer,
          magnitude,
          isPublished: (GRIDS[layer] ?? []).includes(magnitude),
          answers: [],
        };
        row.answers.push(...images.mlp.map(({ index }) => state.of(question, index)));
        if (!row.answers.some(each => each.star)) break;
        rows.push(row);
        process.stdout.write(`${mainTable([row], false)}\n`);
        const verified = row.answers.filter(({ star }) => star?.kind === 'verified').length;
        if (!options.points && verified < 0.1 * row.answers.filter(({ star }) => star).length) break;
      }
    }
  if (options.report || options.others)
    for (const { model, layers, grid } of OTHERS) {
      let earlier: string | null = null;
      for (const magnitude of grid) {
        const question = `${model} ${layers.join('+')} ${magnitude}`;
        await fill(state, opened[model], layers, magnitude, images[model], question, earlier);
        earlier = question;
        const answers = images[model].map(({ index }) => state.of(question, index));
        if (!answers.some(each => each.star)) continue;
        const row: Row = { layers: `${model} ${layers.join(' + ')}`, magnitude, isPublished: false, answers };
        others.push(row);
        process.stdout.write(`${mainTable([row], false)}\n`);
      }
    }
  const sampled = sampleTable(rows);
  const text = [
    ...(options.note === undefined ? [] : [options.note]),
    `One thread; complete verdicts within ${timeout} s. Percent of the images that were asked. Seconds are means over the answers that were computed: what follows from a smaller magnitude (a failure stays one), or from the star, has none. The figure is [weights.svg](weights.svg).`,
    mainTable(rows, true),
    comparison(rows),
    ...(sampled === ''
      ? []
      : [
          `## Complete verdicts of some images\n\nWhere not all images were asked about, and what the star says of the same ones.`,
          sampled,
        ]),
    `## Every linear program\n\nThe star above searches slopes before it solves programs, and solves those of inner neurons only where a margin is near zero; "programs" is how many it solved. Here is the star with all of its programs on the first images, and the other one on the same images.`,
    fullTable([...rows, ...others]),
    `## Two layers, and convolutions\n\nThe first ${others.reduce((most, row) => Math.max(most, row.answers.filter(each => each.star).length), 0)} images. Two layers at once are over-approximated: what is neither proved nor falsified stays undecided.`,
    mainTable(others, true),
  ].join('\n\n');
  if (options.report) process.stdout.write(`\n${text}\n`);
  if (options.write) {
    writeFileSync(path.join(root, 'bench', 'results', 'weights.md'), `# Weights moved\n\n${text}\n`);
    writeFileSync(path.join(root, 'bench', 'results', 'weights.svg'), figure(rows));
  }
  return 0;
}

function magnitudes(layer: string): number[] {
  if (options.points) return options.points.split(',').map(Number);
  const grid = [...GRIDS[layer]];
  const step = grid[grid.length - 1] - grid[grid.length - 2];
  while (grid.length < MOST_POINTS) grid.push(Number((grid[grid.length - 1] + step).toPrecision(6)));
  return grid;
}

/** Answers for all images at one magnitude, those that are missing. `earlier`: the same at a smaller magnitude. */
async function fill(
  state: AnswerState,
  model: WeightModel,
  layers: readonly string[],
  magnitude: number,
  images: readonly Image[],
  question: string,
  earlier: string | null,
): Promise<void> {
  if (options.report) return;
  const perturbations = layers.map(layer => wholeLayer(layer, magnitude / 100));
  const asker = new Asker(state, question, model, perturbations);
  for (const [k, image] of images.entries()) {
    // A failure stays one when more is allowed, and a set that grows proves no more.
    const before = earlier === null ? {} : state.of(earlier, image.index);
    if (before.complete?.kind === 'falsified') asker.infer(image, 'complete', 'falsified');
    if (options.infer && before.star?.kind === 'unknown') asker.infer(image, 'star', 'unknown');
    if (methods.includes('star')) await asker.star(image, 'star');
    if (methods.includes('full') && k < Number(options.full)) await asker.star(image, 'full');
    if (methods.includes('baselines') && layers.length === 1 && layers[0].startsWith('fc'))
      await asker.baselines(image);
    if (methods.includes('complete')) await asker.complete(image, timeout);
  }
}

process.exit(await main());
