/**
 * Runs a set of competition instances through `certiscope vnncomp`, a process each, and compares with the expected verdicts.
 *
 *     npm run bench -- --set acasxu [--only REGEX] [--cap SECONDS] [--minutes M] [--keep] [--fresh] [--data DIR]
 *
 * A set is a folder with instances.csv (model, property, seconds) and expected.csv. Every instance has its own time, at most `--cap` seconds. What is done is kept in
 * bench/.state: an interrupted bench goes on where it was, and a longer cap, or more cores, runs again only what was left open (`--fresh` begins again; a new build does too,
 * but for `--keep`, with which decisions of earlier builds stand). `--minutes`: begin no further instance after so long. Every `sat` is checked by a program that shares
 * no code with the solver. The table goes to standard output and, once every instance of the set was run, to bench/results/SET.md.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { checkAssignment } from './independent-check';
import { isWrong, nameOf, onDisk, readExpectations, readInstances, type Instance, type Outcome } from './vnncomp-rows';
import { buildHash, State } from './vnncomp-state';
import { markdown, rowText, totalsOf } from './vnncomp-tables';

const root = process.cwd();
const { values: options } = parseArgs({
  options: {
    set: { type: 'string' },
    only: { type: 'string' },
    cap: { type: 'string', default: 'Infinity' },
    minutes: { type: 'string', default: 'Infinity' },
    data: { type: 'string', default: path.join('..', 'shared', 'data', 'vnncomp') },
    keep: { type: 'boolean', default: false },
    fresh: { type: 'boolean', default: false },
  },
});

/** A process that has not ended this long after its limit is ended; its answer counts as none. */
const GRACE_SECONDS = 60;

async function main(): Promise<number> {
  if (options.set === undefined) {
    process.stderr.write('Name a set: npm run bench -- --set acasxu\n');
    return 3;
  }
  const folder = path.resolve(options.data, options.set);
  if (!existsSync(path.join(folder, 'instances.csv'))) {
    process.stderr.write(`${folder}: no instances.csv there. Name the folder of the sets with --data.\n`);
    return 3;
  }
  const cap = Number(options.cap);
  const end = performance.now() + 60000 * Number(options.minutes);
  const cores = os.availableParallelism();
  const only = new RegExp(options.only ?? '');
  const all = readInstances(folder);
  const expectations = readExpectations(folder);
  const build = buildHash(path.join(root, 'dist'));
  const state = new State(path.join(root, 'bench', '.state'), options.set, build, options);
  const known = (instances: readonly Instance[]) =>
    instances.flatMap(instance => {
      const name = nameOf(instance);
      const outcome = state.get(name);
      return outcome ? [{ name, timeout: instance.timeout, outcome, expected: expectations.get(name) }] : [];
    });
  for (const instance of all.filter(each => only.test(nameOf(each)))) {
    const name = nameOf(instance);
    const limit = Math.min(instance.timeout, cap);
    if (!state.isOpen(name, limit, cores)) continue;
    if (performance.now() >= end) break;
    state.set(name, { ...(await run(folder, instance, limit)), limit, cores, build });
    process.stdout.write(`${known([instance]).map(rowText).join('')}\n`);
  }
  const rows = known(all);
  process.stdout.write(`\n${totalsOf(rows).join('\n')}\n`);
  if (rows.length === all.length) {
    const file = path.join(root, 'bench', 'results', `${options.set}.md`);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, markdown(options.set, rows));
  } else process.stdout.write(`${all.length - rows.length} of ${all.length} not run yet\n`);
  return rows.some(isWrong) ? 1 : 0;
}

async function run(
  folder: string,
  instance: Instance,
  limit: number,
): Promise<Omit<Outcome, 'limit' | 'cores' | 'build'>> {
  const work = mkdtempSync(path.join(os.tmpdir(), 'certiscope-bench-'));
  const results = path.join(work, 'results.txt');
  const model = path.join(folder, instance.model);
  const property = path.join(folder, instance.property);
  const cpuBefore = childCpuSeconds();
  const started = performance.now();
  const stdout = await spawned(
    ['dist/cli.js', 'vnncomp', 'v1', path.basename(folder), model, property, results, String(limit)],
    limit + GRACE_SECONDS,
  );
  const seconds = (performance.now() - started) / 1000;
  const cpuAfter = childCpuSeconds();
  const text = existsSync(results) ? readFileSync(results, 'utf8') : '';
  rmSync(work, { recursive: true, force: true });
  const verdict = seconds > limit && text !== '' ? 'timeout' : text.split('\n', 1)[0] || 'none';
  const subproblems = /(\d+) sub-problems/.exec(stdout);
  const fault = verdict === 'sat' ? await check(onDisk(model), onDisk(property), text) : '';
  return {
    verdict,
    seconds,
    cpuSeconds: cpuBefore === null || cpuAfter === null ? null : cpuAfter - cpuBefore,
    subproblems: subproblems === null ? null : Number(subproblems[1]),
    fault,
  };
}

async function check(model: string, property: string, text: string): Promise<string> {
  try {
    return (await checkAssignment(model, property, text)) ?? '';
  } catch (error) {
    return `cannot be checked: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function spawned(words: readonly string[], limitSeconds: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, words, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), 1000 * limitSeconds);
    let stdout = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
    child.on('error', reject);
    child.on('close', () => {
      clearTimeout(timer);
      resolve(stdout);
    });
  });
}

/** CPU seconds of all children that have ended; null where the system does not tell. */
function childCpuSeconds(): number | null {
  try {
    const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ');
    // Fields 16 and 17 of proc(5), in ticks of a hundredth of a second; the first field here is the third there.
    return (Number(fields[13]) + Number(fields[14])) / 100;
  } catch {
    return null;
  }
}

process.exitCode = await main();
