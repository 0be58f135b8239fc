/**
 * Runs a set of competition instances through `certiscope vnncomp`, a process each, and compares with the expected verdicts.
 *
 *     npm run bench -- --set acasxu [--only REGEX] [--timeout-scale F] [--data DIR] [--fresh]
 *
 * A set is a folder with instances.csv (model, property, seconds) and expected.csv. What is done is kept in bench/.state, so that an
 * interrupted bench goes on where it was (`--fresh` begins again; a new build does too). Every `sat` is checked by a program that shares
 * no code with the solver. The table goes to standard output and, when the whole set was run, to bench/results/SET.md.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { checkAssignment } from './independent-check';

interface Instance {
  readonly model: string;
  readonly property: string;
  readonly timeout: number;
}

interface Expectation {
  readonly verdict: string;
  /** Published verdict and seconds by tool. */
  readonly others: ReadonlyMap<string, { readonly verdict: string; readonly seconds: number }>;
}

interface Outcome {
  readonly verdict: string;
  readonly seconds: number;
  readonly cpuSeconds: number | null;
  readonly subproblems: number | null;
  /** What is wrong with the answer; '' when nothing is. */
  readonly fault: string;
}

const root = process.cwd();
const { values: options } = parseArgs({
  options: {
    set: { type: 'string' },
    only: { type: 'string' },
    'timeout-scale': { type: 'string', default: '1' },
    data: { type: 'string', default: path.join('..', 'shared', 'data', 'vnncomp') },
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
  const scale = Number(options['timeout-scale']);
  const only = new RegExp(options.only ?? '');
  const all = readInstances(path.join(folder, 'instances.csv'));
  const chosen = all.filter(instance => only.test(nameOf(instance)));
  const expectations = readExpectations(path.join(folder, 'expected.csv'));
  const state = new State(options.set, options.fresh, scale);
  const rows: Row[] = [];
  for (const instance of chosen) {
    const name = nameOf(instance);
    const outcome = state.get(name) ?? (await run(folder, instance, scale));
    state.set(name, outcome);
    const row = { name, timeout: instance.timeout * scale, outcome, expected: expectations.get(name) };
    rows.push(row);
    process.stdout.write(`${rowText(row)}\n`);
  }
  const totals = totalsOf(rows);
  process.stdout.write(`\n${totals.join('\n')}\n`);
  if (chosen.length === all.length) {
    const file = path.join(root, 'bench', 'results', `${options.set}.md`);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, markdown(options.set, rows, totals));
  }
  return rows.some(row => isWrong(row)) ? 1 : 0;
}

interface Row {
  readonly name: string;
  readonly timeout: number;
  readonly outcome: Outcome;
  readonly expected: Expectation | undefined;
}

async function run(folder: string, instance: Instance, scale: number): Promise<Outcome> {
  const work = mkdtempSync(path.join(os.tmpdir(), 'certiscope-bench-'));
  const results = path.join(work, 'results.txt');
  const model = path.join(folder, instance.model);
  const property = path.join(folder, instance.property);
  const timeout = instance.timeout * scale;
  const cpuBefore = childCpuSeconds();
  const started = performance.now();
  const stdout = await spawned(
    ['dist/cli.js', 'vnncomp', 'v1', path.basename(folder), model, property, results, String(timeout)],
    timeout + GRACE_SECONDS,
  );
  const seconds = (performance.now() - started) / 1000;
  const cpuAfter = childCpuSeconds();
  const text = existsSync(results) ? readFileSync(results, 'utf8') : '';
  rmSync(work, { recursive: true, force: true });
  const verdict = seconds > timeout && text !== '' ? 'timeout' : text.split('\n', 1)[0] || 'none';
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

/** The outcomes of one build, kept as they come. */
class State {
  private readonly file: string;
  private readonly outcomes: Record<string, Outcome>;

  constructor(set: string, fresh: boolean, scale: number) {
    const folder = path.join(root, 'bench', '.state');
    mkdirSync(folder, { recursive: true });
    this.file = path.join(folder, `${set}-${scale}-${buildHash()}.json`);
    this.outcomes =
      existsSync(this.file) && !fresh ? (JSON.parse(readFileSync(this.file, 'utf8')) as Record<string, Outcome>) : {};
  }

  get(name: string): Outcome | undefined {
    return this.outcomes[name];
  }

  set(name: string, outcome: Outcome): void {
    this.outcomes[name] = outcome;
    writeFileSync(this.file, JSON.stringify(this.outcomes));
  }
}

function buildHash(): string {
  const dist = path.join(root, 'dist');
  const hash = createHash('sha256');
  for (const name of readdirSync(dist).sort())
    if (/^(cli|engine|search-worker|guard)\.js$|\.wasm$/.test(name)) hash.update(readFileSync(path.join(dist, name)));
  return hash.digest('hex').slice(0, 12);
}

function readInstances(file: string): Instance[] {
  return lines(file).map(line => {
    const [model, property, timeout] = line.split(',');
    return { model: clean(model), property: clean(property), timeout: Number(timeout) };
  });
}

/** Columns: onnx, vnnlib, timeout_s, expected, confidence, then for each tool its verdict and its seconds. */
function readExpectations(file: string): Map<string, Expectation> {
  const [head, ...rest] = lines(file).map(line => line.split(','));
  const tools = head.slice(5).filter((_, k) => k % 2 === 0);
  return new Map(
    rest.map(fields => [
      nameOf({ model: clean(fields[0]), property: clean(fields[1]) }),
      {
        verdict: fields[3],
        others: new Map(
          tools.map((tool, k) => [tool, { verdict: fields[5 + 2 * k], seconds: Number(fields[6 + 2 * k]) }]),
        ),
      },
    ]),
  );
}

function lines(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split(/\r?\n/)
    .filter(line => line.trim() !== '');
}

function clean(name: string): string {
  return name.trim().replace(/^\.\//, '').replace(/\.gz$/, '');
}

function nameOf({ model, property }: Pick<Instance, 'model' | 'property'>): string {
  return `${path.basename(model, '.onnx')} ${path.basename(property, '.vnnlib')}`;
}

/** A named file may lie there as `.gz`. */
function onDisk(file: string): string {
  return existsSync(file) ? file : `${file}.gz`;
}

function isDecided(verdict: string): boolean {
  return verdict === 'sat' || verdict === 'unsat';
}

/** An answer that cannot be true: against the expected one, or a counterexample that is none. */
function isWrong({ outcome, expected }: Row): boolean {
  if (outcome.fault !== '') return true;
  return (
    isDecided(outcome.verdict) &&
    expected !== undefined &&
    isDecided(expected.verdict) &&
    outcome.verdict !== expected.verdict
  );
}

function isSolved(row: Row): boolean {
  return isDecided(row.outcome.verdict) && !isWrong(row);
}

function rowText(row: Row): string {
  const { name, outcome, expected } = row;
  return [
    isWrong(row) ? 'WRONG' : isSolved(row) ? 'ok' : 'open',
    name.padEnd(60),
    (expected?.verdict ?? '?').padEnd(7),
    outcome.verdict.padEnd(7),
    outcome.seconds.toFixed(2).padStart(8),
    String(outcome.subproblems ?? '').padStart(9),
    othersText(expected),
    outcome.fault,
  ]
    .join('  ')
    .trimEnd();
}

function othersText(expected: Expectation | undefined): string {
  return [...(expected?.others ?? [])]
    .map(([tool, { verdict, seconds }]) => `${tool} ${isDecided(verdict) ? seconds.toFixed(1) : verdict}`)
    .join(', ');
}

function totalsOf(rows: readonly Row[]): string[] {
  const times = rows.map(row => row.outcome.seconds).sort((a, b) => a - b);
  const sum = times.reduce((total, seconds) => total + seconds, 0);
  const cpu = rows.reduce((total, row) => total + (row.outcome.cpuSeconds ?? 0), 0);
  const subproblems = rows.reduce((total, row) => total + (row.outcome.subproblems ?? 0), 0);
  const slowest = rows.reduce<Row | undefined>(
    (worst, row) => (worst === undefined || row.outcome.seconds > worst.outcome.seconds ? row : worst),
    undefined,
  );
  return [
    `solved ${rows.filter(isSolved).length} of ${rows.length}, wrong ${rows.filter(isWrong).length}`,
    `wall seconds: sum ${sum.toFixed(1)}, median ${(times[Math.floor(times.length / 2)] ?? 0).toFixed(2)}, max ${(times.at(-1) ?? 0).toFixed(2)}${slowest === undefined ? '' : ` (${slowest.name})`}`,
    `CPU seconds: ${cpu.toFixed(1)}; sub-problems: ${subproblems}`,
    ...publishedTotals(rows),
  ];
}

/** The other tools' published results on the same instances (on their own machines, start-up included). */
function publishedTotals(rows: readonly Row[]): string[] {
  const tools = [...new Set(rows.flatMap(row => [...(row.expected?.others.keys() ?? [])]))];
  return tools.map(tool => {
    const answers = rows.flatMap(row => row.expected?.others.get(tool) ?? []);
    const solved = answers.filter(answer => isDecided(answer.verdict));
    const times = solved.map(answer => answer.seconds).sort((a, b) => a - b);
    const sum = times.reduce((total, seconds) => total + seconds, 0);
    return `published ${tool}: solved ${solved.length} of ${answers.length}, seconds on those: sum ${sum.toFixed(1)}, median ${(times[Math.floor(times.length / 2)] ?? 0).toFixed(2)}, max ${(times.at(-1) ?? 0).toFixed(2)}`;
  });
}

function markdown(set: string, rows: readonly Row[], totals: readonly string[]): string {
  const tools = [...new Set(rows.flatMap(row => [...(row.expected?.others.keys() ?? [])]))];
  const cells = (values: readonly string[]): string => `| ${values.join(' | ')} |`;
  return [
    `# ${set}`,
    '',
    `${os.cpus()[0]?.model ?? 'unknown processor'}, ${os.availableParallelism()} cores, Node ${process.version}. A process each, start to end. The other tools' seconds are published ones, from other machines.`,
    '',
    ...totals.map(line => `- ${line}`),
    '',
    cells(['instance', 'expected', 'Certiscope', 'seconds', 'CPU seconds', 'sub-problems', ...tools]),
    cells(Array.from({ length: 6 + tools.length }, () => '---')),
    ...rows.map(row =>
      cells([
        row.name,
        row.expected?.verdict ?? '?',
        `${row.outcome.verdict}${isWrong(row) ? ` **wrong** ${row.outcome.fault}` : ''}`,
        row.outcome.seconds.toFixed(2),
        row.outcome.cpuSeconds?.toFixed(2) ?? '',
        String(row.outcome.subproblems ?? ''),
        ...tools.map(tool => {
          const answer = row.expected?.others.get(tool);
          return answer === undefined ? '' : isDecided(answer.verdict) ? answer.seconds.toFixed(1) : answer.verdict;
        }),
      ]),
    ),
    '',
  ].join('\n');
}

process.exitCode = await main();
