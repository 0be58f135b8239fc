/**
 * Sub-problems a second of the branch and bound on neurons: `npm run bench:subproblems -- [--data FOLDER] [--seconds 12] [--images 10] [--threads 2] [--least 10]`. On the
 * 784-5x100-10 network of `bench:labels`, at an ε that bounds alone do not decide, all margins of an image in one run. Counted are the sub-problems of the question's trees and
 * those of the trees of inner neurons; each is bounded after a split and concluded in float64. The time is all of a run's: first bounds, slopes and threads included. Per
 * processor second it tells the same on a busy machine. The table goes to standard output and to bench/results/subproblems.md.
 */
import { buildSync } from 'esbuild';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { boxProblems } from '../src/verify/problems';
import type { NeuronSplitProver } from '../src/verify/neuron-split/prover';
import { imageQuestions, type ImageQuestion } from './image-questions';
import { LABEL_NETWORKS } from './label-networks';
import { machine } from './vnncomp-tables';
import type { Network } from '../src/network/network';

const { values: options } = parseArgs({
  options: {
    data: { type: 'string', default: '../shared/data' },
    epsilon: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '12' },
    images: { type: 'string', default: '10' },
    threads: { type: 'string', default: '2' },
    /** Runs shorter than so many seconds are shown but not summed: they are mostly first bounds. */
    least: { type: 'string', default: '10' },
  },
});
const RESULTS = path.join('bench', 'results', 'subproblems.md');

/** One image's run. */
interface Run {
  readonly image: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Sub-problems of the question's own trees, and of the trees of inner neurons. */
  readonly own: number;
  readonly inner: number;
  readonly end: string;
}

/** The prover and its worker as they ship, side by side. */
function bundledProver(): typeof NeuronSplitProver {
  const outdir = path.resolve('node_modules/.cache/certiscope/subproblems');
  buildSync({
    entryPoints: [
      { in: 'src/verify/neuron-split/prover.ts', out: 'prover' },
      { in: 'src/verify/neuron-split/worker.ts', out: 'neuron-worker' },
    ],
    outdir,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    mainFields: ['module', 'main'],
    external: ['onnxruntime-node', 'highs'],
    logLevel: 'warning',
  });
  const loaded = createRequire(path.join(outdir, 'prover.js'))('./prover.js') as {
    NeuronSplitProver: typeof NeuronSplitProver;
  };
  return loaded.NeuronSplitProver;
}

async function run(Prover: typeof NeuronSplitProver, network: Network, asked: ImageQuestion): Promise<Run> {
  const [problem] = boxProblems(asked.question);
  const prover = new Prover(network, problem, {
    threads: Number(options.threads),
    tryCandidate: ({ margin }) => Promise.resolve(margin <= 0),
    onProgress: () => {},
  });
  const begin = performance.now();
  const used = process.cpuUsage();
  const end = await prover.run({ deadline: begin + 1000 * Number(options.seconds), cancelled: () => false });
  const seconds = (performance.now() - begin) / 1000;
  const { user, system } = process.cpuUsage(used);
  const { subproblems, open } = prover.counts();
  const inner = prover.innerSubproblems;
  await prover.close();
  return {
    image: asked.image,
    seconds,
    cpuSeconds: (user + system) / 1e6,
    own: subproblems,
    inner,
    end: end.kind === 'stopped' ? `${open} open` : end.kind,
  };
}

function rowText(name: string, { seconds, cpuSeconds, own, inner, end }: Omit<Run, 'image'>): string {
  const all = own + inner;
  const cells = [
    name,
    seconds.toFixed(1),
    cpuSeconds.toFixed(1),
    String(own),
    String(inner),
    (all / seconds).toFixed(0),
    (all / cpuSeconds).toFixed(0),
    end,
  ];
  return `| ${cells.join(' | ')} |`;
}

async function main(): Promise<void> {
  const Prover = bundledProver();
  const network = LABEL_NETWORKS.find(({ name }) => name === 'mnist5x100')!;
  const epsilon = Number(options.epsilon);
  const least = Number(options.least);
  const folder = path.join(options.data, 'datasets', 'mnist');
  const { model, byEpsilon } = await imageQuestions(await network.file(options.data), folder, Number(options.images), [
    epsilon,
  ]);
  const head = `${network.title}, ε = ${epsilon}/255, ${options.threads} threads, at most ${options.seconds} s an image`;
  console.log(head);
  const runs: Run[] = [];
  for (const asked of byEpsilon.get(epsilon)!) {
    runs.push(await run(Prover, model.network, asked));
    console.log(rowText(`image ${asked.image}`, runs.at(-1)!));
  }
  const long = runs.filter(({ seconds }) => seconds >= least);
  const sum = (of: (run: Run) => number) => long.reduce((total, each) => total + of(each), 0);
  const total = rowText(`${long.length} runs of ${least} s or more`, {
    seconds: sum(each => each.seconds),
    cpuSeconds: sum(each => each.cpuSeconds),
    own: sum(each => each.own),
    inner: sum(each => each.inner),
    end: '',
  });
  console.log(total);
  const table = `# Sub-problems a second

Branch and bound on ReLU phases, \`npm run bench:subproblems\`: ${head}. ${machine()}.

Counted are sub-problems that were bounded, each with its slopes and split multipliers searched and concluded in float64: those of the question's own trees (all margins) and those of the trees over
inner neurons, which tighten the bounds that all share. The seconds are all of a run's, first bounds included.

| run | seconds | processor seconds | the question's | inner neurons' | a second | a processor second | end |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |
${runs.map(each => rowText(`image ${each.image}`, each)).join('\n')}
${long.length > 0 ? `${total}\n` : ''}`;
  mkdirSync(path.dirname(RESULTS), { recursive: true });
  writeFileSync(RESULTS, table);
}

await main();
process.exit(0);
