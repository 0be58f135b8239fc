import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AdversarialRunFile } from '../../../src/engine/study-protocols/adversarial-inputs';
import { bundle } from '../bundle';
import { perturbation, writeTinyModel } from './tiny';

let cli: string;
let folder: string;

beforeAll(() => {
  cli = path.join(
    bundle('cli-attack', {
      cli: 'src/cli/main.ts',
      'search-worker': 'src/verify/input-split/worker.ts',
      'neuron-worker': 'src/verify/neuron-split/worker.ts',
    }),
    'cli.js',
  );
  folder = mkdtempSync(path.join(os.tmpdir(), 'certiscope-test-'));
  writeTinyModel(folder);
  writeFileSync(path.join(folder, 'tiny.certiscope.jsonc'), perturbation());
}, 60_000);

// Processes are waited for without a turn of the event loop; the test runner must be answered in between.
afterEach(() => new Promise<void>(resolve => setTimeout(resolve)));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function certiscope(...words: string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...words], { cwd: folder, encoding: 'utf8' });
  return { code: status, stdout, stderr };
}

const json = (name: string): unknown => JSON.parse(readFileSync(path.join(folder, name), 'utf8'));

describe('attack', () => {
  it('answers 1 with every adversarial input, the metrics, and the files that were replayed', () => {
    const { code, stdout, stderr } = certiscope(
      'attack',
      'tiny.certiscope.jsonc',
      '--range',
      '0,1',
      '--out',
      'found',
      '--json',
      'run.json',
    );
    expect([code, stderr]).toEqual([1, '']);
    expect(stdout).toMatch(
      /^sample 0 +0 \u2192 1 +1 value, L\u221e [\d.]+, L2 [\d.]+ +\d+\.\d\d s {2}(patch|greedy)\n/,
    );
    expect(stdout).toMatch(/sample 2 +left out +The model answers class 0 here, and the label is class 1/);
    expect(stdout).toContain(
      '2 of 2 inputs have an adversarial input inside the valid range, 1 changed value at the median. 1 was left out.',
    );
    expect(stdout).toMatch(/defect detection 100 %/);
    const run = json('run.json') as AdversarialRunFile;
    expect(run.outcomes).toEqual((json('found/run.json') as AdversarialRunFile).outcomes);
    expect(run.summary).toMatchObject({ attacked: 2, found: 2, skipped: 1 });
  });

  it('answers 2 when none is found, and says what was tried', () => {
    const { code, stdout } = certiscope(
      'attack',
      'tiny.certiscope.jsonc',
      '--range',
      '0,1',
      '--sample',
      '1',
      '--target',
      '0',
      '--method',
      'fgsm',
      '--epsilon',
      '1e-6',
    );
    expect(code).toBe(2);
    expect(stdout).toMatch(
      /not found +No adversarial input was found inside the valid range \(tried: fgsm\)\. That proves nothing/,
    );
  });

  it.each<[string, readonly string[], RegExp]>([
    [
      'a specification without a range',
      [],
      /^certiscope: tiny\.certiscope\.jsonc:\d+:\d+: it does not say which values the data may take.*Give a check a "clip"/,
    ],
    ['an unknown attack', ['--method', 'magic'], /^certiscope: --method is patches, greedy, .*, not 'magic'/],
    ['half a range', ['--range', '1'], /^certiscope: --range takes two numbers such as 0,1, not '1'/],
    [
      'an unknown class',
      ['--range', '0,1', '--target', '5'],
      /^certiscope: There is no class 5: the model has the classes 0 to 1/,
    ],
  ])('answers 3 with a sentence to %s', (_, words, sentence) => {
    const { code, stdout, stderr } = certiscope('attack', 'tiny.certiscope.jsonc', ...words);
    expect([code, stdout]).toEqual([3, '']);
    expect(stderr).toMatch(sentence);
  });

  it('takes no VNN-LIB property and no model alone', () => {
    expect(certiscope('attack', 'tiny.onnx').stderr).toMatch(/attack takes a perturbation specification/);
  });
});

describe('patch', () => {
  it('puts the misclassified samples right and writes the patched model, which verify then takes', () => {
    const { code, stdout } = certiscope('patch', 'tiny.certiscope.jsonc', '--out', 'patched', '--json', 'patch.json');
    expect(code).toBe(0);
    expect(stdout).toContain('tiny.onnx: 1 input is to get another answer.\nAccuracy before: 2 of 3 (66.67 %).');
    expect(stdout).toMatch(/The smallest patch that puts the input right is one of /);
    const { layers } = json('patch.json') as { layers: { file: string; answers: number[] }[] };
    expect(layers[0].answers).toEqual([1]);
    const checked = certiscope('verify', layers[0].file, 'tiny.certiscope.jsonc', '--sample', '2');
    expect(checked.stdout).not.toContain('misclassified');
  });

  it('puts right what attack and verify found', () => {
    certiscope('attack', 'tiny.certiscope.jsonc', '--range', '0,1', '--sample', '0', '--out', 'one', '--quiet');
    const { code, stdout } = certiscope('patch', 'tiny.certiscope.jsonc', '--from', 'one/run.json', '--out', 'patched');
    expect(stdout).toContain('1 input is to get another answer');
    expect(code).toBe(0);
    writeFileSync(
      path.join(folder, 'wide.certiscope.jsonc'),
      perturbation({ checks: [{ name: 'wide', perturb: 'input', epsilon: 0.8 }] }),
    );
    const verified = certiscope(
      'verify',
      'wide.certiscope.jsonc',
      '--sample',
      '0',
      '--json',
      'verified.json',
      '--quiet',
    );
    expect(verified.code).toBe(1);
    const after = certiscope('patch', 'wide.certiscope.jsonc', '--from', 'verified.json', '--out', 'patched');
    expect(after.stderr).toBe('');
    expect(after.stdout).toContain('1 input is to get another answer');
    expect(after.code).toBe(0);
  });

  it('answers 3 with a sentence to a file that is no run', () => {
    const { code, stderr } = certiscope('patch', 'tiny.certiscope.jsonc', '--from', 'tiny.certiscope.jsonc');
    expect(code).toBe(3);
    expect(stderr).toMatch(/this is no file of a run. Name one that verify --json or attack wrote/);
  });
});
