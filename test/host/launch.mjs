// Runs a Mocha suite inside the extension host of the installed VS Code, in headless Chromium, and says truthfully how it ended.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { ROOT, startServer, workbenchUrl } from './server.mjs';

/** Exit codes beside the suite's own 0 and 1. */
const PAGE_CRASHED = 70;
const HOST_CRASHED = 71;
const TIMED_OUT = 72;
const NO_RESULTS = 73;
const INTERRUPTED = 130;

const DEFAULT_TIMEOUT_MS = 300_000;

/** Start-up chatter of the workbench that says nothing about the tests. */
const NOISE =
  /^(Resolving connection token|Resolved connection token|Creating a socket|\[reconnection-grace-time\]|Updating additional builtin|Ignoring fetching additional|\[AccountPolicyGate|\[AgentHost|\[Service Worker\] registration|\[ChatModelSelection|ChatSessionStore|Timed out waiting for authentication provider)/;

/** Chromium as Debian packages it; no sandbox, because tests run as root in containers. */
export function launchBrowser({ headless = true } = {}) {
  const executablePath = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';
  if (!existsSync(executablePath))
    throw new Error(`${executablePath} is missing: install chromium, or name it in CHROMIUM_PATH.`);
  return chromium.launch({
    executablePath,
    headless,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/**
 * @typedef {object} SuiteOptions
 * @property {string} tests path of the module with `run()`
 * @property {string[]} development paths of extensions in development
 * @property {string} [folder] workspace folder
 * @property {string} [workspace] workspace file
 * @property {string} [extensionsDir] installed extensions
 * @property {string} [userDataDir]
 * @property {Record<string, string>} [env]
 * @property {Record<string, unknown>} [settings]
 * @property {boolean} [trust]
 * @property {number} [timeout] milliseconds
 */

/**
 * Runs the suite and returns its exit code. A crashed extension host makes the workbench report success, so the server's own log line and
 * the results file that the suite must have written have the last word.
 * @param {SuiteOptions} options
 */
export async function runSuite({
  tests,
  development,
  folder,
  workspace,
  extensionsDir,
  userDataDir,
  env = {},
  settings,
  trust,
  timeout,
}) {
  const results = env['VSCODE_TEST_RESULTS'] ?? process.env['VSCODE_TEST_RESULTS'];
  if (results) rmSync(results, { force: true });
  const server = await startServer({ extensionsDir, userDataDir, env, settings, trust, runsSuite: true });
  let crash = null;
  let said = '';
  let hostEnded = () => {};
  const hostEnd = new Promise(resolve => (hostEnded = resolve));
  server.child.stdout.on('data', chunk => {
    said = (said + chunk).slice(-4000);
    const match = /Extension Host Process exited with code: (\S+), signal: (\S+)\./.exec(said);
    if (!match) return;
    if (match[1] !== '0' || match[2] !== 'null') crash = `code ${match[1]}, signal ${match[2]}`;
    hostEnded();
  });
  const browser = await launchBrowser();
  const page = await (
    await browser.newContext({
      viewport: { width: 1280, height: 800 },
      permissions: ['clipboard-read', 'clipboard-write'],
    })
  ).newPage();
  let finish = () => {};
  const finished = new Promise(resolve => (finish = resolve));
  await page.exposeFunction('codeAutomationLog', (type, args) => {
    if (!NOISE.test(String(args[0]))) (console[type] ?? console.log)(...args);
  });
  await page.exposeFunction('codeAutomationExit', code => finish(code));
  page.on('crash', () => finish(PAGE_CRASHED));
  let stopping = false;
  server.child.on('exit', () => !stopping && finish(HOST_CRASHED));
  const timer = setTimeout(
    () => finish(TIMED_OUT),
    timeout ?? Number(process.env['VSCODE_TEST_TIMEOUT_MS'] ?? DEFAULT_TIMEOUT_MS),
  );
  const interrupt = () => finish(INTERRUPTED);
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  await page.goto(workbenchUrl(server.origin, { folder, workspace, development, tests }));
  let code = await finished;
  stopping = true;
  clearTimeout(timer);
  process.off('SIGINT', interrupt);
  process.off('SIGTERM', interrupt);
  if (code === 0) await Promise.race([hostEnd, new Promise(resolve => setTimeout(resolve, 5000))]);
  if (crash) {
    console.error(`The extension host crashed (${crash}); the server's log is ${server.logFile}.`);
    code = HOST_CRASHED;
  }
  if (code === 0 && results && !existsSync(results)) {
    console.error('The suite wrote no results.');
    code = NO_RESULTS;
  }
  if (code === TIMED_OUT) {
    const picture = path.join(ROOT, 'test/artefacts/timed-out.png');
    mkdirSync(path.dirname(picture), { recursive: true });
    await page.screenshot({ path: picture }).catch(() => {});
    console.error(
      `The suite did not end in time; ${picture} shows the window, ${server.logFile} has the server's log.`,
    );
  }
  await browser.close();
  await server.stop({ keepFiles: code !== 0 && code !== 1 });
  return code;
}

/** @param {string} file written by the suite */
export function readResults(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
}
