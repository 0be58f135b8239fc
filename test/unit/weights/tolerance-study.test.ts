import fc from 'fast-check';
import { mkdtempSync, rmSync, appendFileSync, readdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readMagnitudes } from '../../../src/base/magnitudes';
import { weightsChecks } from '../../../src/extension/tolerance/weights-checks';
import { equalSteps } from '../../../src/engine/studies/weight-tolerance/grid';
import { KeptAnswers } from '../../../src/engine/studies/weight-tolerance/kept-answers';

describe('magnitudes', () => {
  it('are percentages or parts, in one line', () => {
    expect(readMagnitudes('0.1%, 0.2% ;5e-1% 0.01')).toEqual({ ok: true, value: [0.001, 0.002, 0.005, 0.01] });
    for (const wrong of ['', 'x', '-1%', '0', '1%%', '2000%'])
      expect(readMagnitudes(wrong)).toMatchObject({
        ok: false,
        error: { message: expect.stringMatching(/magnitude/) },
      });
  });

  it('of a curve are equal steps that end at the top or just above it', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 5, noNaN: true }), top => {
        const steps = equalSteps(top);
        const step = steps[0];
        expect(steps.length).toBeGreaterThanOrEqual(4);
        expect(steps.length).toBeLessThanOrEqual(9);
        expect(steps.at(-1)).toBeGreaterThanOrEqual(top * (1 - 1e-5));
        expect(steps.at(-1)! - step).toBeLessThan(top * (1 + 1e-5));
        steps.forEach((value, k) => expect(value).toBeCloseTo(step * (k + 1), 8));
      }),
    );
    expect(equalSteps(0)).toEqual([]);
  });
});

describe('kept answers', () => {
  it('outlive the process, and a line that was cut off is none', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'certiscope-test-'));
    try {
      const first = new KeptAnswers(folder, ['model', '1']);
      first.put('a', { kind: 'verified' });
      first.put('b', [1]);
      const [file] = readdirSync(folder);
      appendFileSync(path.join(folder, file), '{"key":"c","val');
      const again = new KeptAnswers(folder, ['model', '1']);
      expect(again.get('a')).toEqual({ kind: 'verified' });
      expect(again.get('b')).toEqual([1]);
      expect(again.get('c')).toBeUndefined();
      expect(new KeptAnswers(folder, ['model', '2']).get('a')).toBeUndefined();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('lenses', () => {
  it('stand above checks of weights alone', () => {
    const text = '{ "checks": [ { "perturb": "input" }, { "name": "drift", "perturb": "weights" }, 3 ] }';
    expect(weightsChecks(text)).toEqual([{ offset: text.indexOf('{ "name"'), name: 'drift' }]);
    expect(weightsChecks('{ "checks": [')).toEqual([]);
    expect(weightsChecks('')).toEqual([]);
  });
});
