// Everything that can be checked on this machine: `npm test [-- STEP...]`, steps: build typecheck lint unit pages host journey.
// The last line is `N passed, N failed` over all test suites; a step that fails or ends without a count is one failure. Where the benchmark
// data lies beside the repository, unit tests that skipped are failures too: they skip for want of data alone.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const unitReport = path.join(root, 'test/artefacts/unit.json');
const hasData = existsSync(path.join(root, '../shared/data'));

/** Each gives { passed, failed } and says what else was wrong. */
const STEPS = {
  build: () => command('npm', ['run', '--silent', 'build']),
  typecheck: () => command('npm', ['run', '--silent', 'typecheck']),
  lint: () => command('npm', ['run', '--silent', 'lint']),
  unit,
  pages: () => countedSuite('test:pages'),
  host: () => countedSuite('test:host'),
  journey: () => countedSuite('test:journey'),
};

const chosen = process.argv.slice(2);
const unknown = chosen.find(name => !(name in STEPS));
if (unknown) {
  console.error(`'${unknown}' is no step; there are ${Object.keys(STEPS).join(', ')}.`);
  process.exit(3);
}
mkdirSync(path.dirname(unitReport), { recursive: true });
const total = { passed: 0, failed: 0 };
const summary = [];
for (const [name, step] of Object.entries(STEPS)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  console.log(`\n=== ${name}`);
  const started = performance.now();
  const { passed, failed, note } = await step();
  total.passed += passed;
  total.failed += failed;
  const counts = passed + failed > 0 ? `${passed} passed, ${failed} failed` : 'ok';
  summary.push(
    `${name.padEnd(10)} ${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${counts}${note ? ` (${note})` : ''}`,
  );
}
console.log(`\n${summary.join('\n')}\n\n${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed === 0 ? 0 : 1);

/** A step without tests of its own: it counts only when it fails. */
async function command(program, words) {
  const { code } = await run(program, words);
  return { passed: 0, failed: code === 0 ? 0 : 1, note: code === 0 ? '' : `ended with ${code}` };
}

async function unit() {
  rmSync(unitReport, { force: true });
  const { code } = await run('npx', [
    'vitest',
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${unitReport}`,
  ]);
  if (!existsSync(unitReport)) return { passed: 0, failed: 1, note: 'vitest ended without a report' };
  const report = JSON.parse(readFileSync(unitReport, 'utf8'));
  const skipped = report.testResults
    .flatMap(file => file.assertionResults)
    .filter(test => test.status === 'skipped' || test.status === 'pending');
  if (hasData) for (const test of skipped) console.log(`skipped although the data is there: ${test.fullName}`);
  // A file that does not even load has no failed test.
  const failed = Math.max(report.numFailedTests, code === 0 ? 0 : 1) + (hasData ? skipped.length : 0);
  return { passed: report.numPassedTests, failed, note: skipped.length > 0 ? `${skipped.length} skipped` : '' };
}

/** A suite that ends with a line `N passed, N failed`. */
async function countedSuite(script) {
  const { code, output } = await run('npm', ['run', '--silent', script]);
  const counts = [...output.matchAll(/^(\d+) passed, (\d+) failed/gm)].at(-1);
  if (!counts) return { passed: 0, failed: 1, note: `ended with ${code} and without a count` };
  const [passed, failed] = [Number(counts[1]), Number(counts[2])];
  return {
    passed,
    failed: Math.max(failed, code === 0 && passed > 0 ? 0 : 1),
    note: code === 0 ? '' : `ended with ${code}`,
  };
}

/** Runs a program, shows what it writes and keeps it. */
function run(program, words) {
  return new Promise(resolve => {
    const child = spawn(program, words, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = stream => chunk => {
      output += chunk;
      stream.write(chunk);
    };
    child.stdout.setEncoding('utf8').on('data', keep(process.stdout));
    child.stderr.setEncoding('utf8').on('data', keep(process.stderr));
    child.on('error', error => resolve({ code: error.message, output }));
    child.on('close', (code, signal) => resolve({ code: code ?? signal, output }));
  });
}
