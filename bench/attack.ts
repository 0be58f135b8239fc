/**
 * How many of the falsifiable instances the attack finds, and in what time.
 *
 *     node scripts/run.mjs bench/attack.ts [--sets a,b] [--verdict sat] [--rounds N] [--timeout S] [--seed N] [--verbose] DATA
 *
 * DATA is a folder with one folder a benchmark set, each with expected.csv (columns onnx, vnnlib, timeout_s, expected, …) and the files it names,
 * gzipped or not. Instances whose expected verdict is not `--verdict` are left out; `unsat` checks that nothing is found.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { attack } from '../src/attack/pgd';
import { openInstance, readInstances } from './instances';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sets: {
      type: 'string',
      default: 'acasxu,rl_benchmarks,reach_prob_density,collins_rul_cnn,mnist_fc,oval21,sri_resnet_a,eran,verivital',
    },
    verdict: { type: 'string', default: 'sat' },
    rounds: { type: 'string' },
    timeout: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    verbose: { type: 'boolean', default: false },
  },
});

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;

console.log(`${'set'.padEnd(20)} ${options.verdict.padStart(5)} found   median s    max s    sum s  not found`);
for (const set of options.sets.split(',')) {
  const instances = readInstances(path.join(positionals[0], set)).filter(each => each.expected === options.verdict);
  const seconds: number[] = [];
  const missed: string[] = [];
  let found = 0;
  for (const instance of instances) {
    const { name } = instance;
    try {
      const { network, question, replayer } = await openInstance(instance);
      const budget = { deadline: performance.now() + 1000 * Number(options.timeout), cancelled: () => false };
      const settings = { seed: Number(options.seed), ...(options.rounds ? { rounds: Number(options.rounds) } : {}) };
      const result = await attack(network, question, replayer, settings, budget);
      await replayer.close();
      seconds.push(result.seconds);
      if (result.counterexample) found++;
      else missed.push(`${name} (${result.bestMargin.toPrecision(3)})`);
      if (options.verbose) {
        const how = result.counterexample
          ? `${result.counterexample.foundBy} ${result.counterexample.margin.toPrecision(3)}`
          : '-';
        console.log(
          `  ${name.padEnd(90)} ${how.padEnd(20)} ${result.points} points ${result.seconds.toFixed(2)} s ${result.problem?.message ?? ''}`,
        );
      }
    } catch (error) {
      missed.push(`${name} (${(error as Error).message})`);
    }
  }
  const time = (value: number): string => value.toFixed(3).padStart(8);
  const sum = seconds.reduce((a, b) => a + b, 0);
  console.log(
    `${set.padEnd(20)} ${String(instances.length).padStart(5)} ${String(found).padStart(5)}   ${time(median(seconds))} ${time(Math.max(0, ...seconds))} ${time(sum)}  ${missed.slice(0, 12).join(', ')}`,
  );
}
