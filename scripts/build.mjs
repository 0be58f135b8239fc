// Builds everything that ships: the float64 core (WebAssembly), the bundles of extension, engine, worker, command line and webviews.
// `node scripts/build.mjs [--watch] [--only core|bundles]`
import { build, context } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CORE_OPTIONS } from './core-options.mjs';

const root = path.resolve(import.meta.dirname, '..');
const watch = process.argv.includes('--watch');
const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1] : 'all';
const dist = path.join(root, 'dist');
mkdirSync(dist, { recursive: true });

if (only !== 'bundles') {
  const entry = path.join(root, 'src/bounds/core/assembly/index.ts');
  const asc = spawnSync(
    process.execPath,
    [
      path.join(root, 'node_modules/assemblyscript/bin/asc.js'),
      entry,
      '--outFile',
      path.join(dist, 'core.wasm'),
      ...CORE_OPTIONS,
    ],
    { stdio: 'inherit', cwd: root },
  );
  if (asc.status !== 0) process.exit(asc.status ?? 1);
  // The module travels inside the bundles: no path to find at run time, and it is small.
  writeFileSync(
    path.join(root, 'src/bounds/core/module.generated.ts'),
    `/** Made by scripts/build.mjs from src/bounds/core/assembly. */\nexport const CORE_MODULE_BASE64 =\n  '${readFileSync(path.join(dist, 'core.wasm')).toString('base64')}';\n`,
  );
}

/**
 * One copy of VS Code's namespace for the whole bundle. A bundler gives every importing file a copy of its own, and copying some hundred
 * properties for each of our files took half of the extension's activation.
 */
const oneVscode = {
  name: 'one-vscode',
  setup(builder) {
    builder.onResolve({ filter: /^vscode$/ }, ({ namespace }) =>
      namespace === 'one-vscode' ? { path: 'vscode', external: true } : { path: 'vscode', namespace: 'one-vscode' },
    );
    builder.onLoad({ filter: /.*/, namespace: 'one-vscode' }, () => ({ contents: `export * from 'vscode';` }));
  },
};

if (only !== 'core') {
  const node = {
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    // jsonc-parser's CommonJS form requires its own files by computed paths, which no bundler follows.
    mainFields: ['module', 'main'],
    // Native or WebAssembly packages stay in node_modules and travel with the extension.
    external: ['onnxruntime-node', 'highs'],
    plugins: [oneVscode],
    sourcemap: watch ? 'inline' : false,
    minify: !watch,
    logLevel: 'warning',
    keepNames: true,
  };
  const entries = [
    { in: 'src/extension/extension.ts', out: 'extension' },
    { in: 'src/engine/main.ts', out: 'engine' },
    { in: 'src/engine/guard.ts', out: 'guard' },
    { in: 'src/engine/quick/main.ts', out: 'quick' },
    { in: 'src/verify/input-split/worker.ts', out: 'search-worker' },
    { in: 'src/verify/neuron-split/worker.ts', out: 'neuron-worker' },
    { in: 'src/cli/main.ts', out: 'cli' },
  ].filter(entry => existsSync(path.join(root, entry.in)));
  const configurations = [{ ...node, entryPoints: entries, outdir: dist }];
  // One folder a panel: webview/NAME/main.ts becomes dist/webview/NAME.js.
  const panels = readdirSync(path.join(root, 'webview'), { withFileTypes: true })
    .filter(entry => entry.isDirectory() && existsSync(path.join(root, 'webview', entry.name, 'main.ts')))
    .map(entry => ({ in: `webview/${entry.name}/main.ts`, out: entry.name }));
  if (panels.length > 0)
    configurations.push({
      absWorkingDir: root,
      bundle: true,
      platform: 'browser',
      target: 'es2022',
      format: 'esm',
      entryPoints: panels,
      outdir: path.join(dist, 'webview'),
      sourcemap: watch ? 'inline' : false,
      minify: !watch,
      logLevel: 'warning',
    });
  for (const configuration of configurations) {
    if (watch) await (await context(configuration)).watch();
    else await build(configuration);
  }
  if (existsSync(path.join(dist, 'cli.js'))) chmodSync(path.join(dist, 'cli.js'), 0o755);
}
