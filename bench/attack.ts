/**
 * How many of the falsifiable instances the attack finds, and in what time.
 *
 *     node scripts/run.mjs bench/attack.ts [--sets a,b] [--verdict sat] [--rounds N] [--timeout S] [--seed N] [--verbose] DATA
 *
 * DATA is a folder with one folder a benchmark set, each with expected.csv (columns onnx, vnnlib, timeout_s, expected, …) and the files it names,
 * gzipped or not. Instances whose expected verdict is not `--verdict` are left out; `unsat` checks that nothing is found.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { attack } from '../src/attack/pgd';
import { Replayer } from '../src/attack/replay';
import { loadModel } from '../src/network/load';
import { readTextFile } from '../src/spec/text-file';
import { compile } from '../src/spec/vnnlib/compile';
import { parseVnnlib } from '../src/spec/vnnlib/parse';
import type { Problem } from '../src/base/result';

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

function must<T>(result: { ok: true; value: T } | { ok: false; error: Problem | Problem[] }): T {
  if (result.ok) return result.value;
  throw new Error([result.error].flat()[0].message);
}

const packed = (file: string): string => (existsSync(file) ? file : `${file}.gz`);
const median = (values: number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;

console.log(`${'set'.padEnd(20)} ${options.verdict.padStart(5)} found   median s    max s    sum s  not found`);
for (const set of options.sets.split(',')) {
  const folder = path.join(positionals[0], set);
  const lines = readFileSync(path.join(folder, 'expected.csv'), 'utf8').trim().split('\n').slice(1);
  const seconds: number[] = [];
  const missed: string[] = [];
  let found = 0;
  let count = 0;
  for (const line of lines) {
    const [onnx, vnnlib, , expected] = line.split(',');
    if (expected !== options.verdict) continue;
    count++;
    const name = `${path.basename(onnx, '.onnx')} ${path.basename(vnnlib, '.vnnlib')}`;
    try {
      const model = must(loadModel(packed(path.join(folder, onnx))));
      const text = must(await readTextFile(packed(path.join(folder, vnnlib))));
      const question = must(compile(must(parseVnnlib(text, vnnlib)), model.network));
      const replayer = must(await Replayer.open({ bytes: model.bytes }, model.network));
      const budget = { deadline: performance.now() + 1000 * Number(options.timeout), cancelled: () => false };
      const settings = { seed: Number(options.seed), ...(options.rounds ? { rounds: Number(options.rounds) } : {}) };
      const result = await attack(model.network, question, replayer, settings, budget);
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
    `${set.padEnd(20)} ${String(count).padStart(5)} ${String(found).padStart(5)}   ${time(median(seconds))} ${time(Math.max(0, ...seconds))} ${time(sum)}  ${missed.slice(0, 12).join(', ')}`,
  );
}
