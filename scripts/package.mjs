// Makes the VSIX of one platform: `node scripts/package.mjs [--target linux-x64] [--no-build] [--list]`.
// Without --target it is made for this machine. --list prints what would ship, one file a line.
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

const root = path.resolve(import.meta.dirname, '..');
const option = name => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined);
const target = option('--target') ?? `${process.platform}-${process.arch}`;
const files = RUNTIME[target];
if (!files) {
  console.error(
    `There is no ONNX Runtime for ${target}. Choose one of ${Object.keys(RUNTIME).join(', ')} with --target.`,
  );
  process.exit(3);
}

const scratch = path.join(root, '.vscode-test');
mkdirSync(scratch, { recursive: true });
const ignoreFile = path.join(scratch, `vscodeignore.${target}`);
const runtime = files.map(file => `!node_modules/onnxruntime-node/bin/napi-v6/${file}`);
writeFileSync(ignoreFile, `${readFileSync(path.join(root, '.vscodeignore'), 'utf8')}${runtime.join('\n')}\n`);

const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const packagePath = path.join(root, `certiscope-${target}-${version}.vsix`);
if (process.argv.includes('--list')) {
  const listed = await listFiles({ cwd: root, packageManager: PackageManager.Npm, ignoreFile });
  console.log(listed.join('\n'));
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
  await createVSIX({
    cwd: root,
    target,
    packagePath,
    ignoreFile,
    allowMissingRepository: true,
    rewriteRelativeLinks: false,
  });
  console.log(`${packagePath} (${(statSync(packagePath).size / 2 ** 20).toFixed(1)} MiB)`);
}
