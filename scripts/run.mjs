// Runs one TypeScript program of this repository: `node scripts/run.mjs FILE.ts [ARGUMENTS...]`. It is bundled first, so that it may import
// anything under src/.
import { buildSync } from 'esbuild';
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const [file, ...rest] = process.argv.slice(2);
if (!file) {
  console.error('usage: node scripts/run.mjs FILE.ts [ARGUMENTS...]');
  process.exit(3);
}
const root = path.resolve(import.meta.dirname, '..');
// Below node_modules, so that packages are found from there.
const outfile = path.join(root, 'node_modules/.cache/certiscope', `${file.replaceAll(/[^\w]+/g, '-')}.mjs`);
buildSync({
  entryPoints: [path.resolve(file)],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  packages: 'external',
  // The solver's threads are those of the build: `npm run build` first, where a program asks for more than one.
  define: { __dirname: JSON.stringify(path.join(root, 'dist')) },
  sourcemap: 'inline',
  logLevel: 'warning',
});
const run = spawnSync(process.execPath, ['--enable-source-maps', outfile, ...rest], { stdio: 'inherit' });
process.exit(run.status ?? 1);
