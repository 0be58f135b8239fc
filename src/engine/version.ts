import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

export { version as packageVersion } from '../../package.json';

/** What of the program can change a verdict: the bundle that runs and the float64 core beside it. */
const PROGRAM_FILES = ['engine.js', 'search-worker.js', 'neuron-worker.js', 'core.wasm'];

/**
 * The version that is part of every content key: the package's, and a hash of the program itself, so that a changed solver never answers with
 * what an earlier build decided.
 */
export async function engineVersion(packageVersion: string, folder: string): Promise<string> {
  const hash = createHash('sha256');
  for (const name of PROGRAM_FILES) {
    const content = await readFile(path.join(folder, name)).catch(() => Buffer.alloc(0));
    hash.update(`${name} ${content.length}\n`).update(content);
  }
  return `${packageVersion}+${hash.digest('hex').slice(0, 16)}`;
}
