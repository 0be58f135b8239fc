// Makes the VSIX of a platform: `node scripts/package.mjs [--target linux-x64 | --all] [--no-build] [--list]`.
// Without --target it is made for this machine, with --all for every platform. --list prints what would ship, one file a line.
import { PackageManager, createVSIX, listFiles } from '@vscode/vsce';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** The platforms ONNX Runtime's package has binaries for, and what of its folder each one needs. */
const RUNTIME = {
  'linux-x64': ['linux/x64/libonnxruntime.so.1', 'linux/x64/onnxruntime_binding.node'],
  'linux-arm64': ['linux/arm64/libonnxruntime.so.1', 'linux/arm64/onnxruntime_binding.node'],
  'darwin-arm64': ['darwin/arm64/libonnxruntime.1*.dylib', 'darwin/arm64/onnxruntime_binding.node'],
  'win32-x64': ['win32/x64/*'],
  'win32-arm64': ['win32/arm64/*'],
};

/** No package is larger. */
const MOST_MEGABYTES = 60;

const root = path.resolve(import.meta.dirname, '..');
const option = name => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined);
const targets = process.argv.includes('--all')
  ? Object.keys(RUNTIME)
  : [option('--target') ?? `${process.platform}-${process.arch}`];
const unknown = targets.find(target => !RUNTIME[target]);
if (unknown) {
  console.error(
    `There is no ONNX Runtime for ${unknown}. Choose one of ${Object.keys(RUNTIME).join(', ')} with --target.`,
  );
  process.exit(3);
}
const scratch = path.join(root, '.vscode-test');
mkdirSync(scratch, { recursive: true });
const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));

if (process.argv.includes('--list')) {
  for (const target of targets)
    console.log(
      (await listFiles({ cwd: root, packageManager: PackageManager.Npm, ignoreFile: ignoreFileFor(target) })).join(
        '\n',
      ),
    );
} else {
  if (!process.argv.includes('--no-build')) {
    const built = spawnSync(process.execPath, [path.join(root, 'scripts/build.mjs')], { stdio: 'inherit' });
    if (built.status !== 0) process.exit(built.status ?? 1);
  }
  const missing = ['dist/extension.js', 'dist/engine.js', 'dist/webview/results.js'].filter(
    file => !existsSync(path.join(root, file)),
  );
  if (missing.length > 0) {
    console.error(`The build left no ${missing.join(', ')}; a package without it would not run.`);
    process.exit(1);
  }
  for (const target of targets) await makePackage(target);
}

/** What is left out of the package of a platform: the binaries of all others among it. */
function ignoreFileFor(target) {
  const file = path.join(scratch, `vscodeignore.${target}`);
  const runtime = RUNTIME[target].map(name => `!node_modules/onnxruntime-node/bin/napi-v6/${name}`);
  writeFileSync(file, `${readFileSync(path.join(root, '.vscodeignore'), 'utf8')}${runtime.join('\n')}\n`);
  return file;
}

async function makePackage(target) {
  const packagePath = path.join(root, `certiscope-${target}-${version}.vsix`);
  await createVSIX({
    cwd: root,
    target,
    packagePath,
    ignoreFile: ignoreFileFor(target),
    allowMissingRepository: true,
    rewriteRelativeLinks: false,
  });
  const megabytes = statSync(packagePath).size / 1e6;
  console.log(`${packagePath} (${megabytes.toFixed(1)} MB)`);
  if (megabytes <= MOST_MEGABYTES) return;
  console.error(`${packagePath} has more than ${MOST_MEGABYTES} MB: look at what --list says is in it.`);
  process.exit(1);
}
