// What host tests, journeys and the demo need before VS Code starts: the bundled suite, the packaged extension, a workspace with models.
import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { installVsix, ROOT } from './server.mjs';

const OUT = path.join(ROOT, '.vscode-test/out');
const require = createRequire(import.meta.url);

/** Bundles the Mocha suite; returns the module that VS Code loads. */
export async function bundleSuite() {
  await build({
    entryPoints: [path.join(ROOT, 'test/host/suite/index.ts')],
    outfile: path.join(OUT, 'suite/index.js'),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: ['vscode', 'mocha'],
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  return path.join(OUT, 'suite/index.js');
}

/** Fills `folder` with small models and specifications that are made by code, and with the project's samples. */
export async function makeWorkspace(folder) {
  // Host tests and journeys may run at the same time.
  const module = path.join(OUT, `fixtures-${process.pid}.cjs`);
  await build({
    entryPoints: [path.join(ROOT, 'test/host/fixtures.ts')],
    outfile: module,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    logLevel: 'warning',
  });
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  delete require.cache[module];
  require(module).writeFixtures(folder);
  const samples = path.join(ROOT, 'samples');
  if (existsSync(samples)) cpSync(samples, path.join(folder, 'samples'), { recursive: true });
}

/** Builds and packages the extension for this machine; returns the VSIX. With CERTISCOPE_VSIX that one is taken. */
export function packageExtension() {
  const made = process.env['CERTISCOPE_VSIX'];
  return made ?? newPackage();
}

function newPackage() {
  const result = spawnSync(process.execPath, [path.join(ROOT, 'scripts/package.mjs')], { cwd: ROOT, encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`packaging failed:\n${result.stdout}\n${result.stderr}`);
  const made = readdirSync(ROOT).filter(name => name.startsWith(`certiscope-${process.platform}-${process.arch}-`));
  const [vsix] = made.sort().reverse();
  if (!vsix) throw new Error('packaging left no VSIX');
  return path.join(ROOT, vsix);
}

/** A fresh folder of extensions with the VSIX installed in it. */
export function installedExtensions(vsix, folder = path.join(ROOT, '.vscode-test/extensions')) {
  rmSync(folder, { recursive: true, force: true });
  installVsix(vsix, folder);
  return folder;
}

/** An empty extension in development: it only brings the suite into a host in which Certiscope is installed from its VSIX. */
export function testDriver() {
  const folder = path.join(ROOT, '.vscode-test/test-driver');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    path.join(folder, 'package.json'),
    JSON.stringify({
      name: 'test-driver',
      publisher: 'certiscope-tests',
      version: '0.0.0',
      engines: { vscode: '^1.100.0' },
    }),
  );
  return folder;
}
