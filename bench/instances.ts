import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Replayer } from '../src/attack/replay';
import type { Problem } from '../src/base/result';
import { loadModel } from '../src/network/load';
import type { Network } from '../src/network/network';
import type { Question } from '../src/spec/question';
import { readTextFile } from '../src/spec/text-file';
import { compile } from '../src/spec/vnnlib/compile';
import { parseVnnlib } from '../src/spec/vnnlib/parse';

/** Instances of a benchmark set, ready to be attacked. */

export interface Instance {
  readonly name: string;
  readonly onnx: string;
  readonly vnnlib: string;
  /** `sat`, `unsat` or `unknown`. */
  readonly expected: string;
}

/** The rows of a set's expected.csv (columns onnx, vnnlib, timeout_s, expected, …), with paths as they are on disk: gzipped or not. */
export function readInstances(folder: string): Instance[] {
  const onDisk = (file: string): string => {
    const full = path.join(folder, file);
    return existsSync(full) ? full : `${full}.gz`;
  };
  const lines = readFileSync(path.join(folder, 'expected.csv'), 'utf8').trim().split('\n').slice(1);
  return lines.map(line => {
    const [onnx, vnnlib, , expected] = line.split(',');
    const name = `${path.basename(onnx, '.onnx')} ${path.basename(vnnlib, '.vnnlib')}`;
    return { name, onnx: onDisk(onnx), vnnlib: onDisk(vnnlib), expected };
  });
}

/** The value, or the first problem as an exception. */
export function must<T>(result: { ok: true; value: T } | { ok: false; error: Problem | Problem[] }): T {
  if (result.ok) return result.value;
  throw new Error([result.error].flat()[0].message);
}

export async function openInstance({
  onnx,
  vnnlib,
}: Instance): Promise<{ network: Network; question: Question; replayer: Replayer }> {
  const { bytes, network } = must(loadModel(onnx));
  const question = must(compile(must(parseVnnlib(must(await readTextFile(vnnlib)), vnnlib)), network));
  return { network, question, replayer: must(await Replayer.open({ bytes, name: onnx }, network)) };
}
