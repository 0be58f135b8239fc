/** The command line over an engine that is slow, hangs or crashes: a pretended one in the place of dist/engine.js. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { version } from '../../../package.json';
import { sharedData } from '../shared-data';
import { bundle } from '../bundle';
import type { Behaviour } from '../engine/fake-plan';

let programs: string;
let folder: string;

beforeAll(() => {
  programs = bundle('cli-over-fake', {
    cli: 'src/cli/main.ts',
    engine: 'test/unit/engine/fake-engine.ts',
    guard: 'src/engine/guard.ts',
    'search-worker': 'src/verify/input-split/worker.ts',
    'neuron-worker': 'src/verify/neuron-split/worker.ts',
  });
});

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'certiscope-test-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

class Running {
  stdout = '';
  stderr = '';
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;

  constructor(words: readonly string[], behaviours: readonly Behaviour[] = [], timeout = 60) {
    const fake = { behaviours, timeout, version, marker: path.join(folder, 'crashed') };
    this.child = spawn(process.execPath, [path.join(programs, 'cli.js'), ...words], {
      cwd: folder,
      env: { ...process.env, CERTISCOPE_FAKE: JSON.stringify(fake) },
    });
    this.child.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.ended = new Promise(resolve => this.child.on('close', resolve));
  }

  /** Resolves when standard output holds `text`. */
  async shows(text: string): Promise<void> {
    while (!this.stdout.includes(text)) await new Promise(resolve => setTimeout(resolve, 10));
  }
}

const VERIFY = ['verify', 'digits.certiscope.jsonc', '--isolated', '--json', 'out.json'];

function verdicts(): readonly string[] {
  const report = JSON.parse(readFileSync(path.join(folder, 'out.json'), 'utf8')) as { results: { verdict: string }[] };
  return report.results.map(result => result.verdict);
}

describe('Ctrl-C', () => {
  it.each(['slow', 'hang'] as const)('while a question is %s ends at once, with what is finished', async behaviour => {
    const running = new Running(VERIFY, ['verified', behaviour, 'verified']);
    await running.shows('sample 0');
    await new Promise(resolve => setTimeout(resolve, 400));
    const begun = performance.now();
    running.child.kill('SIGINT');
    expect(await running.ended).toBe(130);
    expect(performance.now() - begun).toBeLessThan(2000);
    expect(verdicts()).toEqual(['verified', 'unknown', 'unknown']);
    expect(running.stdout).toContain('The run was stopped before this question was decided. Run it again.');
  });
});

describe('an engine that fails', () => {
  it('is replaced, and the run goes on', async () => {
    const running = new Running(VERIFY, ['verified', 'crash-once', 'falsified']);
    expect(await running.ended).toBe(1);
    expect(verdicts()).toEqual(['verified', 'verified', 'falsified']);
    expect(running.stderr).toBe(
      'certiscope: a new engine goes on with the open questions: the engine crashed: it was ended by SIGKILL.\n',
    );
  });

  it('for good leaves the open questions as errors', async () => {
    const running = new Running(VERIFY, ['crash', 'crash', 'crash', 'verified']);
    expect(await running.ended).toBe(3);
    expect(verdicts()).toEqual(['error', 'error', 'error', 'error']);
    expect(running.stderr).toContain('The engine crashed 5 times within three minutes');
  });

  it('to stop at its limit is a timeout', async () => {
    const running = new Running(VERIFY, ['hang', 'verified'], 0.5);
    expect(await running.ended).toBe(2);
    expect(verdicts()).toEqual(['timeout', 'verified']);
    expect(running.stdout).toMatch(/the solver did not stop by itself and was ended from outside/);
  });
});

describe.skipIf(sharedData === undefined)('a long question in its own process (needs ../shared/data)', () => {
  const acas = path.join(sharedData ?? '', 'vnncomp/acasxu');
  const hard = [path.join(acas, 'onnx/ACASXU_run2a_3_3_batch_2000.onnx'), path.join(acas, 'vnnlib/prop_2.vnnlib')];

  it('stops at Ctrl-C', async () => {
    const running = new Running(['verify', ...hard, '--json', 'out.json']);
    // Past the start of all threads.
    await new Promise(resolve => setTimeout(resolve, 2500));
    const begun = performance.now();
    running.child.kill('SIGINT');
    expect(await running.ended).toBe(130);
    expect(performance.now() - begun).toBeLessThan(2000);
    expect(verdicts()).toEqual(['unknown']);
  });

  it('ends at its limit', async () => {
    const running = new Running(['verify', ...hard, '--timeout', '1', '--json', 'out.json']);
    const begun = performance.now();
    expect(await running.ended).toBe(2);
    expect(performance.now() - begun).toBeLessThan(6000);
    expect(verdicts()).toEqual(['timeout']);
  });
});
