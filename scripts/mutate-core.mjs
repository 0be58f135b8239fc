// Does a test watch every line of the error analysis? Takes one error term at a time out of the bounds (a mutant), builds them in memory, and runs
// the exact-arithmetic cases of test/unit/bounds/exact.ts on them. A mutant that is not caught is a term that no test misses.
// `npm run mutate [-- --seeds 40] [--only TEXT]`; by hand, it takes minutes.
import { build } from 'esbuild';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import asc from 'assemblyscript/asc';
import { CORE_OPTIONS } from './core-options.mjs';
import { MUTANTS } from './mutants.mjs';

const root = path.resolve(import.meta.dirname, '..');
const option = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : process.argv[at + 1];
};
const seeds = Number(option('seeds', '10'));
const only = option('only', '');
const assembly = path.join(root, 'src/bounds/core/assembly');

/** The mutated text of a file; a mutant whose line is gone is an error of this script. */
function mutated(file, edits) {
  let text = readFileSync(path.join(root, file), 'utf8');
  for (const [from, to] of edits) {
    const pieces = text.split(from);
    if (pieces.length !== 2) throw new Error(`${file}: "${from}" occurs ${pieces.length - 1} times`);
    text = pieces.join(to);
  }
  return text;
}

/** The float64 core, compiled from sources of which one is replaced. */
async function compile(file, text) {
  let wasm = null;
  const { error, stderr } = await asc.main(['index.ts', '--outFile', 'core.wasm', ...CORE_OPTIONS], {
    readFile: name => {
      if (path.join(assembly, name) === path.join(root, file)) return text;
      try {
        return readFileSync(path.join(assembly, name), 'utf8');
      } catch {
        return null;
      }
    },
    writeFile: (name, contents) => {
      if (name.endsWith('.wasm')) wasm = contents;
    },
    listFiles: () => [],
  });
  if (error) throw new Error(`${file}: ${stderr.toString()}`);
  return Buffer.from(wasm).toString('base64');
}

/** A file of the tests as a module, with `replacements` (absolute path → source text) in place of the files themselves. */
async function bundled(file, replacements = new Map()) {
  const { outputFiles } = await build({
    entryPoints: [path.join(root, 'test/unit/bounds', file)],
    bundle: true,
    platform: 'node',
    format: 'esm',
    // Imported where they are used only, which is not here.
    external: ['onnxruntime-node', 'highs'],
    mainFields: ['module', 'main'],
    write: false,
    logLevel: 'error',
    plugins: [
      {
        name: 'mutant',
        setup: ({ onLoad }) =>
          onLoad({ filter: /\.ts$/ }, ({ path: loaded }) =>
            replacements.has(loaded) ? { contents: replacements.get(loaded), loader: 'ts' } : undefined,
          ),
      },
    ],
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}

const { exactCase, FAMILIES, fault } = await bundled('exact.ts');
const cases = Array.from({ length: seeds }, (_, seed) =>
  Object.keys(FAMILIES).map(family => ({ label: `${family}, seed ${seed}`, exact: exactCase(family, seed) })),
).flat();

/** Which of the bounders a file is part of. */
function bounderOf(file) {
  const name = path.basename(file, '.ts');
  if (name.startsWith('tile') || name === 'graph-region') return 'tiles';
  if (name === 'certify' || name === 'rows') return 'rows';
  return file.includes('assembly') ? 'ladder' : 'graph';
}

/** The first case that catches a mutant, or null. */
async function judge({ file, edits }) {
  const text = mutated(file, edits);
  const isCore = path.join(root, file).startsWith(assembly);
  const generated = path.join(root, 'src/bounds/core/module.generated.ts');
  const replacements = isCore
    ? new Map([[generated, `export const CORE_MODULE_BASE64 = '${await compile(file, text)}';`]])
    : new Map([[path.join(root, file), text]]);
  const { bounders } = await bundled('bounders.ts', replacements);
  const bounder = bounders[bounderOf(file)];
  for (const { label, exact } of cases) {
    const rungs = bounder(exact);
    const found = rungs && fault(rungs, exact);
    if (found) return `${label}: ${found}`;
  }
  return null;
}

const wrong = await judge({ file: 'src/bounds/core/assembly/rounding.ts', edits: [] });
if (wrong !== null) throw new Error(`the cases find fault with the unchanged core: ${wrong}`);

const survivors = [];
for (const mutant of MUTANTS) {
  if (!mutant.name.includes(only)) continue;
  const fault = await judge(mutant);
  if (fault === null) survivors.push(mutant);
  const why = fault ?? mutant.redundant;
  console.log(`${fault === null ? 'SURVIVES' : 'caught  '}  ${mutant.name}${why ? `  (${why})` : ''}`);
}
console.log(`${survivors.length} of ${MUTANTS.filter(({ name }) => name.includes(only)).length} mutants survive.`);
process.exitCode = survivors.some(({ redundant }) => !redundant) ? 1 : 0;
