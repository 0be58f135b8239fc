// Everything that can be checked on this machine: `npm test [-- STEP...]`, steps: build typecheck lint unit pages package host journey. Some run at the same time.
// The last line is `N passed, N failed` over all test suites; a step that fails or ends without a count is one failure. Where the benchmark
// data lies beside the repository, unit tests that skipped are failures too: they skip for want of data alone.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const unitReport = path.join(root, 'test/artefacts/unit.json');
const hasData = existsSync(path.join(root, '../shared/data'));

/** The package that host tests and journeys install, where this run has made it. */
let vsix;

/** Each gives { passed, failed } and says what else was wrong. */
const STEPS = {
  build: prefix => command(prefix, 'npm', ['run', '--silent', 'build']),
  typecheck: prefix => command(prefix, 'npm', ['run', '--silent', 'typecheck']),
  lint: prefix => command(prefix, 'npm', ['run', '--silent', 'lint']),
  unit,
  pages: prefix => countedSuite(prefix, 'test:pages'),
  package: makePackage,
  host: prefix => countedSuite(prefix, 'test:host'),
  journey: prefix => countedSuite(prefix, 'test:journey'),
};

/** One after the other; those of a stage at the same time. */
const STAGES = [['build'], ['typecheck', 'lint'], ['unit'], ['pages'], ['package'], ['host'], ['journey']];

const chosen = process.argv.slice(2);
const unknown = chosen.find(name => !(name in STEPS));
if (unknown) {
  console.error(`'${unknown}' is no step; there are ${Object.keys(STEPS).join(', ')}.`);
  process.exit(3);
}
mkdirSync(path.dirname(unitReport), { recursive: true });
const total = { passed: 0, failed: 0 };
const summary = [];
for (const stage of STAGES) {
  const names = stage.filter(name => isWanted(name));
  if (names.length === 0) continue;
  console.log(`\n=== ${names.join(', ')}`);
  await Promise.all(names.map(name => take(name, names.length > 1 ? `${name} | ` : '')));
}
console.log(`\n${summary.join('\n')}\n\n${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed === 0 ? 0 : 1);

/** Without names all steps; the package is made for whoever installs it. */
function isWanted(name) {
  if (chosen.length === 0 || chosen.includes(name)) return true;
  return name === 'package' && ['host', 'journey'].every(step => chosen.includes(step));
}

/** Takes one step; every line that it writes begins with `prefix`. */
async function take(name, prefix) {
  const started = performance.now();
  const { passed, failed, note } = await STEPS[name](prefix);
  total.passed += passed;
  total.failed += failed;
  const counts = passed + failed > 0 ? `${passed} passed, ${failed} failed` : 'ok';
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  summary.push(`${name.padEnd(10)} ${seconds.padStart(4)} s  ${counts}${note ? ` (${note})` : ''}`);
}

/** A step without tests of its own: it counts only when it fails. */
async function command(prefix, program, words) {
  const { code } = await run(prefix, program, words);
  return { passed: 0, failed: code === 0 ? 0 : 1, note: code === 0 ? '' : `ended with ${code}` };
}

/** The VSIX of this machine and the VS Code that it is installed in, once for all who need them. */
async function makePackage(prefix) {
  const made = await command(prefix, process.execPath, ['scripts/package.mjs']);
  const host = await command(prefix, process.execPath, ['test/host/install-host.mjs']);
  const [newest] = readdirSync(root)
    .filter(name => name.startsWith(`certiscope-${process.platform}-${process.arch}-`) && name.endsWith('.vsix'))
    .sort()
    .reverse();
  if (made.failed === 0 && newest) vsix = path.join(root, newest);
  return { passed: 0, failed: made.failed + host.failed, note: [made.note, host.note].filter(Boolean).join(', ') };
}

async function unit(prefix) {
  rmSync(unitReport, { force: true });
  const { code } = await run(prefix, 'npx', [
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
async function countedSuite(prefix, script) {
  const { code, output } = await run(prefix, 'npm', ['run', '--silent', script]);
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
function run(prefix, program, words) {
  return new Promise(resolve => {
    const env = vsix ? { ...process.env, CERTISCOPE_VSIX: vsix } : process.env;
    const child = spawn(program, words, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = stream => chunk => {
      output += chunk;
      stream.write(prefix ? chunk.replaceAll(/^(?=.)/gm, prefix) : chunk);
    };
    child.stdout.setEncoding('utf8').on('data', keep(process.stdout));
    child.stderr.setEncoding('utf8').on('data', keep(process.stderr));
    child.on('error', error => resolve({ code: error.message, output }));
    child.on('close', (code, signal) => resolve({ code: code ?? signal, output }));
  });
}
