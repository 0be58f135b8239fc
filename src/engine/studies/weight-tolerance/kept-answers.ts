import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Unsafe } from '../../../weights/question';

/**
 * Answers that outlive the process, one line each in a file that is only added to: a study that was stopped goes on where it was. Keys hold everything that an
 * answer depends on, so another specification of the same model finds what it may use and nothing else.
 */
export class KeptAnswers {
  private readonly known = new Map<string, unknown>();
  private readonly file: string;

  /** @param name what all answers of the file depend on: the model and the program */
  constructor(folder: string, name: readonly string[]) {
    this.file = path.join(folder, `${digest(...name)}.jsonl`);
    if (!existsSync(this.file)) return;
    for (const line of readFileSync(this.file, 'utf8').split('\n')) {
      const entry = read(line);
      if (entry) this.known.set(entry.key, entry.value);
    }
  }

  get<T>(key: string): T | undefined {
    return this.known.get(key) as T | undefined;
  }

  put(key: string, value: unknown): void {
    this.known.set(key, value);
    try {
      appendFileSync(this.file, `${JSON.stringify({ key, value })}\n`);
    } catch {
      // A full disk costs only the shorter way the next time.
    }
  }
}

/** A line that the end of a process cut off is no answer. */
function read(line: string): { key: string; value: unknown } | null {
  try {
    return JSON.parse(line) as { key: string; value: unknown };
  } catch {
    return null;
  }
}

/** A short name for contents. */
export function digest(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex').slice(0, 20);
}

/** What an answer depends on at one sample: the input and the unsafe sets. */
export function questionDigest(input: Float32Array, unsafe: readonly Unsafe[]): string {
  const sets = unsafe.map(set =>
    set.map(({ outputs, bound, coefficientError }) => [
      [...outputs.index],
      [...outputs.value],
      bound,
      coefficientError,
    ]),
  );
  return digest(new Uint8Array(input.buffer, input.byteOffset, input.byteLength), JSON.stringify(sets));
}
