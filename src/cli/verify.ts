import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Problem } from '../base/result';
import type { PlannedTask } from '../engine/protocol';
import { packageVersion } from '../engine/version';
import type { Accuracy, ResultRecord, RunRecord } from '../report/record';
import { explain, isError, resultName, runVerdict } from '../report/summary';
import type { VerdictKind } from '../report/verdict';
import type { VerifyArguments } from './arguments';
import { execute, type Question, type World } from './execute';
import { openResult, type ExecutionListener } from './execution';
import { Printer } from './print';
import { problemLine, unwritten } from './problems';
import { ProgressLine, Style, wantsColour } from './terminal';

const EXIT_CODE: Readonly<Record<VerdictKind, number>> = {
  verified: 0,
  falsified: 1,
  unknown: 2,
  timeout: 2,
  misclassified: 2,
  error: 3,
};

/** `certiscope verify`; gives the exit code. */
export async function verify(words: VerifyArguments, world: World): Promise<number> {
  const started = performance.now();
  const text = words.json === '-' ? world.stderr : world.stdout;
  const printer = words.quiet ? undefined : new Printer(text, new Style(wantsColour(text)), words.verbose);
  const line = new ProgressLine(world.stderr, world.stderr.isTTY === true && !words.quiet);
  const results: ResultRecord[] = [];
  const problems: Problem[] = [];
  let tasks: readonly PlannedTask[] = [];
  let model = words.model ?? '';
  let accuracy: Accuracy | undefined;
  const say = (message: string): void => {
    line.clear();
    world.stderr.write(`certiscope: ${message}\n`);
  };
  /** Samples of one check tend to fail for one reason. */
  const said = new Set<string>();
  const sayOnce = (message: string): void => {
    if (!said.has(message)) say(message);
    said.add(message);
  };
  const report = (found: readonly Problem[]): void => {
    problems.push(...found);
    for (const problem of found)
      if (isError(problem) || (problem.severity === 'warning' && !words.quiet)) say(problemLine(problem));
  };
  const add = (result: ResultRecord): void => {
    results.push(result);
    line.clear();
    printer?.result(result);
  };
  const lost: Problem[] = [];
  /** The record with its changed model on disk, where someone asked for files. */
  const keepModel = (result: ResultRecord): ResultRecord => {
    const { verdict } = result;
    const folder =
      words.patched ?? (words.json === undefined || words.json === '-' ? undefined : path.dirname(words.json));
    if (verdict.kind !== 'falsified' || verdict.weights?.patched?.kind !== 'bytes' || folder === undefined)
      return result;
    const stem = path
      .basename(words.specification)
      .replace(/\.gz$/, '')
      .replace(/(\.certiscope)?\.jsonc?$/, '');
    const file = path.join(folder, `${stem}.${result.index}.patched.onnx`);
    try {
      mkdirSync(folder, { recursive: true });
      writeFileSync(file, verdict.weights.patched.bytes);
    } catch (error) {
      lost.push(unwritten(file, error));
      return result;
    }
    return {
      ...result,
      verdict: { ...verdict, weights: { ...verdict.weights, patched: { kind: 'file', path: file } } },
    };
  };
  const listener: ExecutionListener = {
    onPlan: (plan, warnings) => {
      ({ model, tasks } = plan);
      printer?.plan(tasks);
      report(warnings);
    },
    onAccuracy: measured => {
      accuracy = measured;
      line.clear();
      printer?.accuracy(measured);
    },
    onProgress: (index, progress) => {
      const task = tasks[index];
      line.show(resultName(task), results.length, tasks.length, task.timeout, progress);
    },
    onResult: found => {
      const result = keepModel(found);
      add(result);
      const { verdict, range } = result;
      if (verdict.kind !== 'error') return;
      sayOnce(problemLine({ code: 'cli/undecidable', message: explain(verdict), file: words.specification, range }));
    },
    onNotice: say,
  };
  const { timeout, backend, labelOrder, guided, attackOnly, soundness, seed, threads } = words;
  const question: Question = {
    model: words.model,
    specification: { path: words.specification },
    checks: words.checks,
    samples: words.samples,
    options: defined({ timeout, backend, labelOrder, guided, attackOnly, soundness, seed, threads }),
  };
  const end = await execute(
    question,
    { ...words, keys: words.json !== undefined || words.sarif !== undefined },
    world,
    listener,
  );
  line.clear();
  if (end.kind === 'refused') report(end.problems);
  else if (end.kind !== 'complete') {
    if (end.kind === 'failed') say(problemLine(end.problem));
    const answered = new Set(results.map(result => result.index));
    for (const task of tasks.filter(({ index }) => !answered.has(index))) add(openResult(task, end));
  }
  const run: RunRecord = {
    model,
    specification: words.specification,
    version: packageVersion,
    seconds: (performance.now() - started) / 1000,
    results,
    accuracy,
    problems,
  };
  printer?.summary(run);
  const written = [...lost, ...(await writeReports(run, words, world))];
  for (const problem of written) say(problemLine(problem));
  return written.length > 0 ? 3 : EXIT_CODE[runVerdict(run)];
}

/** The options that were given: one that was not must not hide the specification's own. */
function defined<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** Writes what was asked for; gives what could not be written. */
async function writeReports(run: RunRecord, words: VerifyArguments, world: World): Promise<Problem[]> {
  const problems: Problem[] = [];
  const write = (file: string, content: string | Uint8Array): void => {
    try {
      writeFileSync(file, content);
    } catch (error) {
      problems.push(unwritten(file, error));
    }
  };
  if (words.json !== undefined) {
    const [{ toJson }, { encodeNpy }] = await Promise.all([import('../report/json'), import('../report/npy')]);
    const stem = words.json === '-' ? 'certiscope' : path.basename(words.json).replace(/\.json$/, '');
    const report = toJson(run, stem);
    if (words.json === '-') world.stdout.write(report.text);
    else write(words.json, report.text);
    for (const { name, values, shape } of report.files)
      write(path.join(words.json === '-' ? '' : path.dirname(words.json), name), encodeNpy(values, shape));
  }
  if (words.sarif !== undefined) write(words.sarif, (await import('../report/sarif')).toSarif(run, process.cwd()));
  if (words.junit !== undefined) write(words.junit, (await import('../report/junit')).toJunit(run));
  return problems;
}
