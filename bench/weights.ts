/**
 * The experiment of Zubair et al. (CAI 2025, figure 4): the MNIST network with every weight of one layer moved by a part of the range of the layer's weights;
 * how many of 200 images keep their class for every such change, by stars, by complete verdicts and by the two baselines.
 *
 *     node scripts/run.mjs bench/weights.ts [--images 200] [--layers fc_6,fc_5] [--methods star,complete,baselines] [--timeout 60] [--data DIR] [--infer]
 *         [--fresh] [--points 0.4,0.5]
 *
 * Each layer goes through the paper's magnitudes and on by equal steps until the star verifies under 10 % of the images. What is done is kept in bench/.state, so
 * that an interrupted run goes on where it was. `--infer`: what a smaller magnitude did not verify, or falsified, is not asked again. The table goes to
 * standard output and, with all images and layers, to bench/results/weights.md, with the figure beside it.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { evaluate } from '../src/network/evaluate';
import { loadModel } from '../src/network/load';
import { isIdx, readIdx } from '../src/spec/data/idx';
import { differenceConstraint, outputRef } from '../src/spec/linear-term';
import type { Constraint } from '../src/spec/question';
import { baselineMargins } from '../src/weights/baselines';
import { DEFAULT_WEIGHT_OPTIONS, WeightDecision } from '../src/weights/decide';
import { Opening } from '../src/weights/open-network';
import { wholeLayer } from '../src/weights/perturbation';
import { perturbedLayer } from '../src/weights/perturbed-layer';
import { starReach } from '../src/weights/star';
import { WeightModel } from '../src/weights/weight-model';
import { must } from './instances';
import { figure, type Point } from './weights-figure';

const root = process.cwd();
const { values: options } = parseArgs({
  options: {
    images: { type: 'string', default: '200' },
    layers: { type: 'string', default: 'fc_6,fc_5,fc_4,fc_3,fc_2,fc_1' },
    methods: { type: 'string', default: 'star,complete,baselines' },
    points: { type: 'string' },
    timeout: { type: 'string', default: '60' },
    data: { type: 'string', default: path.join('..', 'shared', 'data') },
    infer: { type: 'boolean', default: false },
    fresh: { type: 'boolean', default: false },
  },
});

// Branch and bound looks for its threads' bundle beside the program; this one asks for one thread and has none.
Object.assign(globalThis, { __dirname: path.join(root, 'dist') });

const MODEL = path.join('modelstar', 'mnist_mlp_784-1024-512-256-256-256-10.onnx');
const CLASSES = 10;

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

interface Answer {
  readonly kind: string;
  readonly seconds: number;
  /** Seconds of processor time, which tell more than the clock on a machine that others use. */
  readonly processor?: number;
  readonly programs?: number;
  readonly inferred?: boolean;
}

type Answers = Partial<Record<'star' | 'complete' | 'wengRange' | 'wengMargin' | 'tsai', Answer>>;

/** Answers by layer, magnitude and image, written to disk now and then. */
class State {
  private readonly file = path.join(root, 'bench', '.state', 'weights.json');
  private readonly all: Record<string, Answers>;
  private written = performance.now();

  constructor(fresh: boolean) {
    this.all =
      !fresh && existsSync(this.file) ? (JSON.parse(readFileSync(this.file, 'utf8')) as Record<string, Answers>) : {};
  }

  of(layer: string, magnitude: number, image: number): Answers {
    return (this.all[`${layer} ${magnitude} ${image}`] ??= {});
  }

  save(always = false): void {
    if (!always && performance.now() - this.written < 5000) return;
    mkdirSync(path.dirname(this.file), { recursive: true });
    writeFileSync(this.file, JSON.stringify(this.all));
    this.written = performance.now();
  }
}

interface Image {
  readonly index: number;
  readonly label: number;
  readonly values: Float32Array;
  readonly unsafe: Constraint[][];
}

async function main(): Promise<number> {
  const data = path.resolve(options.data);
  if (!existsSync(path.join(data, MODEL))) {
    process.stderr.write(`${data}: no ${MODEL} there. Name the folder of the data with --data.\n`);
    return 3;
  }
  const model = must(WeightModel.open(must(loadModel(path.join(data, MODEL)))));
  const images = await readImages(path.join(data, 'datasets', 'mnist'), model, Number(options.images));
  const state = new State(options.fresh);
  const methods = options.methods.split(',');
  const points: Point[] = [];
  const lines: string[] = [];
  const say = (line: string) => {
    lines.push(line);
    process.stdout.write(`${line}\n`);
  };
  say(`${images.length} images; one thread; complete verdicts within ${options.timeout} s.\n`);
  say(
    '| layer | % of range | star % | complete % | falsified % | undecided % | Weng margin % | Weng range % | Tsai % | star s | star processor s | programs | complete s | baselines s |',
  );
  say('|---|---|---|---|---|---|---|---|---|---|---|---|---|---|');
  for (const layer of options.layers.split(',')) {
    for (const magnitude of magnitudes(layer)) {
      const own = images.map(image => state.of(layer, magnitude, image.index));
      await fill(model, layer, magnitude, images, own, methods, state);
      const point = summary(layer, magnitude, own);
      points.push(point.point);
      say(point.row);
      if (methods.includes('star') && !options.points && point.point.verified.star < 10) break;
    }
  }
  state.save(true);
  const isWhole = images.length === 200 && options.layers.split(',').length === 6 && !options.points;
  if (isWhole) {
    writeFileSync(
      path.join(root, 'bench', 'results', 'weights.md'),
      `# Weights moved, one layer at a time\n\n${lines.join('\n')}\n`,
    );
    writeFileSync(path.join(root, 'bench', 'results', 'weights.svg'), figure(points));
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

/** Answers for all images at one magnitude, those that are missing. */
async function fill(
  model: WeightModel,
  layer: string,
  magnitude: number,
  images: readonly Image[],
  own: readonly Answers[],
  methods: readonly string[],
  state: State,
): Promise<void> {
  const resolved = must(perturbedLayer(model, wholeLayer(layer, magnitude / 100)));
  let opening: Opening | undefined;
  let plain: Opening | undefined;
  for (const [k, image] of images.entries()) {
    const answers = own[k];
    const input = { kind: 'point', values: image.values } as const;
    if (options.infer) inferFrom(layer, magnitude, image, answers, state);
    if (methods.includes('star') && !answers.star) {
      opening ??= new Opening(model, [resolved]);
      const begin = performance.now();
      const before = process.cpuUsage();
      const star = await starReach(opening.at(input), image.unsafe, {}, { deadline: Infinity, cancelled: () => false });
      answers.star = {
        kind: star.verified ? 'verified' : 'unknown',
        seconds: since(begin),
        processor: processorSince(before),
        programs: star.programs,
      };
    }
    if (methods.includes('baselines') && !answers.tsai) {
      plain ??= new Opening(model, [resolved], { absorb: false });
      const begin = performance.now();
      const { wengRanges, wengMargins, tsai } = must(baselineMargins(plain.at(input), image.unsafe));
      const answer = (margins: Float64Array): Answer => ({
        kind: margins.every(margin => margin > 0) ? 'verified' : 'unknown',
        seconds: since(begin),
      });
      Object.assign(answers, { wengRange: answer(wengRanges), wengMargin: answer(wengMargins), tsai: answer(tsai) });
    }
    if (methods.includes('complete') && !answers.complete) {
      opening ??= new Opening(model, [resolved]);
      const question = { perturbations: [], input, unsafe: image.unsafe };
      const budget = { deadline: performance.now() + 1000 * Number(options.timeout), cancelled: () => false };
      const verdict = await new WeightDecision(
        model,
        opening,
        question,
        DEFAULT_WEIGHT_OPTIONS,
        budget,
        () => {},
      ).run();
      answers.complete = { kind: verdict.kind, seconds: verdict.seconds };
    }
    state.save();
  }
}

/** What a smaller magnitude already answered: sets only grow, so what was not verified stays so, and a failure stays one. */
function inferFrom(layer: string, magnitude: number, image: Image, answers: Answers, state: State): void {
  for (const smaller of magnitudes(layer).filter(m => m < magnitude)) {
    const { star, complete } = state.of(layer, smaller, image.index);
    if (star?.kind === 'unknown') answers.star ??= { kind: 'unknown', seconds: 0, inferred: true };
    if (complete?.kind === 'falsified') answers.complete ??= { kind: 'falsified', seconds: 0, inferred: true };
  }
}

function summary(layer: string, magnitude: number, own: readonly Answers[]): { point: Point; row: string } {
  const part = (method: keyof Answers, kind: string): number | undefined => {
    const asked = own.filter(answers => answers[method]);
    return asked.length === 0
      ? undefined
      : (100 * asked.filter(answers => answers[method]!.kind === kind).length) / asked.length;
  };
  const mean = (method: keyof Answers, of: (answer: Answer) => number): number | undefined => {
    const asked = own.flatMap(answers => (answers[method] && !answers[method].inferred ? [of(answers[method])] : []));
    return asked.length === 0 ? undefined : asked.reduce((a, b) => a + b, 0) / asked.length;
  };
  const verified = {
    star: part('star', 'verified'),
    complete: part('complete', 'verified'),
    'Weng margin': part('wengMargin', 'verified'),
    'Weng range': part('wengRange', 'verified'),
    Tsai: part('tsai', 'verified'),
  };
  const seconds = {
    star: mean('star', answer => answer.seconds),
    complete: mean('complete', answer => answer.seconds),
    'Weng margin': mean('wengMargin', answer => answer.seconds),
  };
  const falsified = part('complete', 'falsified');
  const undecided =
    falsified === undefined || verified.complete === undefined ? undefined : 100 - falsified - verified.complete;
  const shown = (value: number | undefined, digits: number) => (value === undefined ? '-' : value.toFixed(digits));
  const cells = [
    shown(verified.star, 1),
    shown(verified.complete, 1),
    shown(falsified, 1),
    shown(undecided, 1),
    shown(verified['Weng margin'], 1),
    shown(verified['Weng range'], 1),
    shown(verified.Tsai, 1),
    shown(seconds.star, 2),
    shown(
      mean('star', answer => answer.processor ?? NaN),
      2,
    ),
    shown(
      mean('star', answer => answer.programs ?? 0),
      1,
    ),
    shown(seconds.complete, 2),
    shown(seconds['Weng margin'], 2),
  ];
  const defined = (values: Record<string, number | undefined>) =>
    Object.fromEntries(Object.entries(values).filter((entry): entry is [string, number] => entry[1] !== undefined));
  return {
    point: { layer, magnitude, verified: defined(verified), seconds: defined(seconds) },
    row: `| ${layer} | ${magnitude} | ${cells.join(' | ')} |`,
  };
}

/** The first images of each class that the network classifies correctly, class by class in turn. */
async function readImages(folder: string, model: WeightModel, count: number): Promise<Image[]> {
  const { gunzipSync } = await import('node:zlib');
  const read = (name: string) => {
    const bytes = gunzipSync(readFileSync(path.join(folder, name)));
    if (!isIdx(bytes)) throw new Error(`${name} is no idx file`);
    return must(readIdx(bytes));
  };
  const pixels = read('t10k-images-idx3-ubyte.gz');
  const labels = read('t10k-labels-idx1-ubyte.gz');
  const perClass = Math.ceil(count / CLASSES);
  const chosen: Image[][] = Array.from({ length: CLASSES }, () => []);
  const { network } = model.loaded;
  for (let index = 0; index < labels.shape[0] && chosen.some(own => own.length < perClass); index++) {
    const label = labels.bytes[labels.offset + index];
    if (chosen[label].length >= perClass) continue;
    const values = Float32Array.from({ length: network.inputSize }, (_, i) =>
      Math.fround(pixels.bytes[pixels.offset + index * network.inputSize + i] / 255),
    );
    const outputs = evaluate(network, Float64Array.from(values)).at(-1)!;
    if (outputs.some((y, j) => j !== label && y >= outputs[label])) continue;
    const unsafe = Array.from({ length: CLASSES }, (_, j) => j)
      .filter(j => j !== label)
      .map(j => [differenceConstraint(outputRef(label), outputRef(j), false)]);
    chosen[label].push({ index, label, values, unsafe });
  }
  return Array.from({ length: perClass }, (_, k) => chosen.map(own => own[k]))
    .flat()
    .slice(0, count);
}

function processorSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

function since(begin: number): number {
  return (performance.now() - begin) / 1000;
}

process.exit(await main());
