/**
 * Sub-problems a second of the branch and bound on neurons: `npm run bench:subproblems -- [--data FOLDER] [--seconds 12] [--images 10] [--threads 2]`. On the
 * 784-5x100-10 network of `bench:labels`, at an ε that bounds alone do not decide. Sub-problems are those of the question, each bounded in float64; trees of inner
 * neurons are not counted, the time they take is. Per processor second it tells the same on a busy machine.
 */
import { buildSync } from 'esbuild';
import { createRequire } from 'node:module';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { boxProblems } from '../src/verify/problems';
import type { NeuronSplitProver } from '../src/verify/neuron-split/prover';
import { imageQuestions } from './image-questions';
import { LABEL_NETWORKS } from './label-networks';

const { values: options } = parseArgs({
  options: {
    data: { type: 'string', default: '../shared/data' },
    epsilon: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '12' },
    images: { type: 'string', default: '10' },
    threads: { type: 'string', default: '2' },
  },
});

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

async function main(): Promise<void> {
  const Prover = bundledProver();
  const network = LABEL_NETWORKS.find(({ name }) => name === 'mnist5x100')!;
  const epsilon = Number(options.epsilon);
  const folder = path.join(options.data, 'datasets', 'mnist');
  const { model, byEpsilon } = await imageQuestions(await network.file(options.data), folder, Number(options.images), [
    epsilon,
  ]);
  console.log(
    `${network.title}, ε = ${epsilon}/255, ${options.threads} threads, at most ${options.seconds} s an image`,
  );
  console.log('image  seconds  sub-problems  a second  a processor second  left open');
  for (const { image, question } of byEpsilon.get(epsilon)!) {
    const [problem] = boxProblems(question);
    const prover = new Prover(model.network, problem, {
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
    await prover.close();
    console.log(
      [
        String(image).padStart(5),
        seconds.toFixed(1).padStart(8),
        String(subproblems).padStart(13),
        (subproblems / seconds).toFixed(0).padStart(9),
        (subproblems / ((user + system) / 1e6)).toFixed(0).padStart(19),
        end.kind === 'stopped' ? String(open).padStart(10) : `  ${end.kind}`,
      ].join(' '),
    );
  }
}

await main();
process.exit(0);
