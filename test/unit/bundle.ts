import { buildSync } from 'esbuild';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');

/** Bundles programs of this repository as they ship, for tests that run them as processes; gives their folder. */
export function bundle(name: string, entries: Readonly<Record<string, string>>): string {
  // Below node_modules, so that packages are found from there.
  const outdir = path.join(root, 'node_modules/.cache/certiscope', name);
  buildSync({
    entryPoints: Object.entries(entries).map(([out, file]) => ({ in: path.join(root, file), out })),
    outdir,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    mainFields: ['module', 'main'],
    external: ['onnxruntime-node', 'highs'],
    logLevel: 'warning',
  });
  return outdir;
}
