/** The entry that VS Code loads inside its extension host, whichever launcher started it. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Mocha from 'mocha';

const PATIENCE_MS = 60_000;

/** In the order in which they run: activation is measured first. CERTISCOPE_TEST_SUITE runs one of them alone. */
const SUITES: Readonly<Record<string, () => Promise<unknown>>> = {
  activation: () => import('./activation'),
  specifications: () => import('./specifications'),
  verdicts: () => import('./verdicts'),
  runs: () => import('./runs'),
  start: () => import('./start'),
  tolerance: () => import('./tolerance'),
  tuning: () => import('./tuning'),
  adversarial: () => import('./adversarial'),
  grafting: () => import('./grafting'),
  'model-page': () => import('./model-page'),
  tasks: () => import('./tasks'),
  'language-tools': () => import('./language-tools'),
  decorations: () => import('./decorations'),
  'wrong-input': () => import('./wrong-input'),
  engine: () => import('./engine'),
};

/** They run in development alone, for want of time: none of it depends on what the package holds. */
const IN_DEVELOPMENT = new Set(['runs', 'tuning', 'language-tools', 'decorations', 'wrong-input']);

/** They run only when CERTISCOPE_TEST_SUITE names them: what a benchmark prints is measured, and a busy machine is no fault. */
const BY_NAME: Readonly<Record<string, () => Promise<unknown>>> = {
  streaming: () => import('./streaming'),
};

/** One result as the launcher reads it. */
interface Outcome {
  readonly state: 'pass' | 'fail' | 'skip';
  readonly title: string;
  readonly milliseconds: number | undefined;
  readonly error?: string;
}

export async function run(): Promise<void> {
  const mocha = new Mocha({ ui: 'bdd', color: false, timeout: PATIENCE_MS, reporter: 'spec' });
  mocha.suite.emit('pre-require', globalThis, '', mocha);
  // The suites register themselves when they are loaded, which must come after Mocha's globals are there.
  const only = process.env['CERTISCOPE_TEST_SUITE'];
  const part = process.env['CERTISCOPE_TEST_PART'];
  if (part === 'untrusted') await import('./untrusted');
  else if (only && BY_NAME[only]) await BY_NAME[only]();
  else
    for (const [name, load] of Object.entries(SUITES))
      if (only ? only === name : part !== 'packaged' || !IN_DEVELOPMENT.has(name)) await load();
  const outcomes: Outcome[] = [];
  await new Promise<void>((resolve, reject) => {
    const runner = mocha.run(failures => {
      const { stats } = runner;
      writeResults({ stats, outcomes });
      // In these words and alone on a line, because that is what continuous integration counts.
      console.log(`${stats?.passes ?? 0} passed, ${failures} failed, ${stats?.pending ?? 0} skipped`);
      if (failures > 0 || !stats?.tests) reject(new Error(`${failures} of ${stats?.tests ?? 0} tests failed.`));
      else resolve();
    });
    const keep = (state: Outcome['state']) => (test: Mocha.Test, error?: Error) =>
      void outcomes.push({
        state,
        title: test.fullTitle(),
        milliseconds: test.duration,
        ...(error ? { error: error.stack ?? String(error) } : {}),
      });
    runner.on('pass', keep('pass'));
    runner.on('fail', keep('fail'));
    runner.on('pending', keep('skip'));
  });
}

/** Written whole or not at all: a half-written file would look like results. */
function writeResults(results: unknown): void {
  const file = process.env['VSCODE_TEST_RESULTS'];
  if (!file) return;
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(`${file}.part`, JSON.stringify(results, null, 1));
  renameSync(`${file}.part`, file);
}
