import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** One line of a set's instances.csv. */
export interface Instance {
  readonly model: string;
  readonly property: string;
  /** Seconds that the competition gives. */
  readonly timeout: number;
}

export interface Expectation {
  readonly verdict: string;
  /** Published verdict and seconds by tool. */
  readonly others: ReadonlyMap<string, { readonly verdict: string; readonly seconds: number }>;
}

/** What one run of one instance gave. */
export interface Outcome {
  readonly verdict: string;
  readonly seconds: number;
  readonly cpuSeconds: number | null;
  readonly subproblems: number | null;
  /** What is wrong with the answer; '' when nothing is. */
  readonly fault: string;
  /** Seconds that it was given, and cores. */
  readonly limit: number;
  readonly cores: number;
  /** The build that ran. */
  readonly build: string;
}

export interface Row {
  readonly name: string;
  readonly timeout: number;
  readonly outcome: Outcome;
  readonly expected: Expectation | undefined;
}

export function readInstances(folder: string): Instance[] {
  return lines(path.join(folder, 'instances.csv')).map(line => {
    const [model, property, timeout] = line.split(',');
    return { model: clean(model), property: clean(property), timeout: Number(timeout) };
  });
}

/** By instance. Columns: onnx, vnnlib, timeout_s, expected, confidence, then for each tool its verdict and its seconds. */
export function readExpectations(folder: string): Map<string, Expectation> {
  const [head, ...rest] = lines(path.join(folder, 'expected.csv')).map(line => line.split(','));
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

export function nameOf({ model, property }: Pick<Instance, 'model' | 'property'>): string {
  return `${path.basename(model, '.onnx')} ${path.basename(property, '.vnnlib')}`;
}

/** A named file may lie there as `.gz`. */
export function onDisk(file: string): string {
  return existsSync(file) ? file : `${file}.gz`;
}

export function isDecided(verdict: string): boolean {
  return verdict === 'sat' || verdict === 'unsat';
}

/** An answer that cannot be true: against the expected one, or a counterexample that is none. */
export function isWrong({ outcome, expected }: Row): boolean {
  if (outcome.fault !== '') return true;
  return (
    isDecided(outcome.verdict) &&
    expected !== undefined &&
    isDecided(expected.verdict) &&
    outcome.verdict !== expected.verdict
  );
}

/** Decided, as far as anybody knows rightly. */
export function isSolved(row: Row): boolean {
  return isDecided(row.outcome.verdict) && !isWrong(row);
}
