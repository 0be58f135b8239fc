import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { model, node, tensor, valueInfo } from '../../../src/network/authoring';
import { encodeModel } from '../../../src/network/codec';
import { loadModel } from '../../../src/network/load';
import { encodeNpy } from '../../../src/report/npy';
import { Replayer } from '../../../src/attack/replay';
import { bundle } from '../bundle';
import { must } from '../must';

let cli: string;
let folder: string;

beforeAll(() => {
  cli = path.join(
    bundle('cli-weights', {
      cli: 'src/cli/main.ts',
      engine: 'src/engine/main.ts',
      guard: 'src/engine/guard.ts',
      'search-worker': 'src/verify/input-split/worker.ts',
      'neuron-worker': 'src/verify/neuron-split/worker.ts',
    }),
    'cli.js',
  );
});

beforeEach(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  folder = mkdtempSync(path.join(os.tmpdir(), 'certiscope-test-'));
  writeModel();
});

// Processes are waited for without a turn of the event loop; the test runner must be answered in between.
afterEach(() => new Promise<void>(resolve => setTimeout(resolve)));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/**
 * fc_1 and fc_2 are the identity and `shift` adds nothing: on (1, 0.8) class 0 is ahead by 0.2, and weights of one layer that move by p each take at most 2p(1 + 0.8) of that.
 * So p = 5 % is safe and 6 % is not; the range of the weights is 1. All weights of `flat` are 1: it takes their sum twice.
 */
function writeModel(): void {
  const identity = Float32Array.of(1, 0, 0, 1);
  const proto = model({
    nodes: [
      node('Gemm', ['x', 'w1'], ['h'], { transB: { int: 1 } }, 'fc_1'),
      node('Relu', ['h'], ['r'], {}, 'relu_1'),
      node('Gemm', ['r', 'w2'], ['z'], { transB: { int: 1 } }, 'fc_2'),
      node('Mul', ['z', 'ones'], ['m'], {}, 'flat'),
      node('Add', ['m', 'c'], ['y'], {}, 'shift'),
    ],
    inputs: [valueInfo('x', 'float32', [1, 2])],
    outputs: [valueInfo('y', 'float32', [1, 2])],
    initializers: [
      tensor('w1', [2, 2], identity),
      tensor('w2', [2, 2], identity),
      tensor('ones', [1, 2], Float32Array.of(1, 1)),
      tensor('c', [2], Float32Array.of(0, 0)),
    ],
  });
  writeFileSync(path.join(folder, 'identity.onnx'), encodeModel(proto));
}

/** Asks about one check of weights on (1, 0.8), which is of class 0. */
function ask(check: object, ...words: string[]) {
  const specification = {
    model: 'identity.onnx',
    inputs: { data: [[1, 0.8]], labels: [0] },
    checks: [{ name: 'drift', perturb: 'weights', ...check }],
  };
  writeFileSync(path.join(folder, 'drift.certiscope.json'), JSON.stringify(specification, undefined, 2));
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [cli, 'verify', 'drift.certiscope.json', '--json', 'out.json', ...words],
    { cwd: folder, encoding: 'utf8' },
  );
  return { code: status, stdout, stderr };
}

interface Report {
  readonly results: readonly {
    readonly verdict: string;
    readonly claim: string;
    readonly reason?: string;
    readonly changes?: {
      readonly changed: number;
      readonly largest: number;
      readonly model: string | null;
      readonly changes: readonly { readonly layer: string; readonly before: number; readonly after: number }[];
    };
    readonly weights?: readonly { readonly layer: string; readonly upper: number; readonly upperPercent: number }[];
  }[];
}

function report(): Report {
  return JSON.parse(readFileSync(path.join(folder, 'out.json'), 'utf8')) as Report;
}

/** What ONNX Runtime answers on (1, 0.8). */
async function answerOf(file: string): Promise<readonly number[]> {
  const loaded = must(loadModel(path.join(folder, file)));
  const replayer = must(await Replayer.open({ bytes: loaded.bytes, externalData: [], name: file }, loaded.network));
  try {
    return Array.from(must(await replayer.forward(Float32Array.of(1, 0.8))).output);
  } finally {
    await replayer.close();
  }
}

describe('a check of weights', () => {
  it('is verified below the tolerance of a layer', () => {
    const { code, stdout, stderr } = ask({ layers: ['fc_1'], magnitude: '5%' });
    expect(stderr).toBe('');
    expect(stdout).toContain(
      'drift: on sample 0, for every change of the weights of fc_1 by at most 5% of their range (0.05), class 0 stays ahead of every other class',
    );
    expect(report().results[0]).toMatchObject({
      verdict: 'verified',
      weights: [{ layer: 'fc_1', upper: 0.05, upperPercent: 5 }],
    });
    expect(code).toBe(0);
  });

  it.each([['fc_1'], ['fc_2']])(
    'of %s is falsified above it, by a file that ONNX Runtime misclassifies',
    async layer => {
      const { code, stdout } = ask({ layers: [layer], magnitude: '6%' }, '--patched', 'changed');
      const [result] = report().results;
      expect(result.verdict).toBe('falsified');
      const { changes } = result;
      expect(changes?.model).toBe(path.join('changed', 'drift.0.patched.onnx'));
      expect(stdout).toContain(`The changed model: ${changes?.model}`);
      expect(changes?.changes.length).toBe(changes?.changed);
      for (const change of changes?.changes ?? []) {
        expect(change.layer).toBe(layer);
        expect(Math.abs(change.after - change.before)).toBeLessThanOrEqual(0.06);
      }
      const before = await answerOf('identity.onnx');
      expect(before[0]).toBeGreaterThan(before[1]);
      const after = await answerOf(changes?.model ?? '');
      expect(after[0]).toBeLessThanOrEqual(after[1]);
      expect(code).toBe(1);
    },
  );

  it('does the same in a supervised process, with the model beside the JSON file', async () => {
    const { code } = ask({ layers: [1], magnitude: 0.06 }, '--isolated');
    expect(code).toBe(1);
    const after = await answerOf('drift.0.patched.onnx');
    expect(after[0]).toBeLessThanOrEqual(after[1]);
  });

  it('takes layers that are named together together: what each survives alone, both do not', () => {
    expect(ask({ layers: ['fc_1'], magnitude: '4%' }).code).toBe(0);
    expect(ask({ layers: ['fc_2'], magnitude: '4%' }).code).toBe(0);
    expect(ask({ layers: ['fc_1', 'fc_2'], magnitude: '4%' }).code).toBe(1);
    expect(new Set(report().results[0].changes?.changes.map(({ layer }) => layer))).toEqual(new Set(['fc_1', 'fc_2']));
  });

  it('may be about some weights, a map of them, or weights and inputs at once', () => {
    // One weight has to move by 0.2.
    expect(ask({ layers: ['fc_1'], magnitude: '19%', entries: [0] }).code).toBe(0);
    expect(ask({ layers: ['fc_1'], magnitude: '21%', entries: [0] }).code).toBe(1);
    writeFileSync(path.join(folder, 'half.npy'), encodeNpy(Float32Array.of(0.5, 0, 0, 0), [2, 2]));
    expect(ask({ layers: ['fc_1'], magnitude: '39%', map: 'half.npy' }).code).toBe(0);
    expect(ask({ layers: ['fc_1'], magnitude: '41%', map: 'half.npy' }).code).toBe(1);
    expect(ask({ layers: ['fc_1'], magnitude: '4%', epsilon: 0.001 }).code).toBe(0);
    expect(ask({ layers: ['fc_1'], magnitude: '4%', epsilon: 0.05 }).code).toBe(1);
    // Of a weight of 1 and of its own size: 0 stays 0.
    expect(ask({ layers: ['fc_1'], magnitude: '11%', of: 'weight' }).code).toBe(0);
    expect(ask({ layers: ['fc_1'], magnitude: '12%', of: 'weight' }).code).toBe(1);
  });

  it('may be about rounding and about flips of bits', () => {
    // Half a step of 2^4 − 1 steps is 0.033, of 2^3 − 1 steps 0.071.
    expect(ask({ layers: ['fc_1'], quantisation: { bits: 4 } }).code).toBe(0);
    expect(ask({ layers: ['fc_1'], quantisation: { bits: 3 } }).code).toBe(1);
    // One step of an 8-bit grid is 1/127; bit 4 is sixteen of them.
    expect(ask({ layers: ['fc_1'], bitFlips: { flips: [0, 1] } }).code).toBe(0);
    expect(ask({ layers: ['fc_1'], bitFlips: { flips: [4] } }).code).toBe(1);
  });

  it('says what it cannot ask at its place', () => {
    const map = (shape: number[]) =>
      writeFileSync(path.join(folder, 'map.npy'), encodeNpy(new Float32Array(shape[0] * shape[1]), shape));
    map([2, 3]);
    const cases: [object, RegExp][] = [
      [{ layers: ['fc_3'], magnitude: 1 }, /:\d+:\d+: .*no layer "fc_3".*1 fc_1 \(Gemm\), 2 fc_2 \(Gemm\)/],
      [{ layers: [9], magnitude: 1 }, /no layer 9 .*1 fc_1/],
      [{ layers: ['shift'], magnitude: 1 }, /"shift" \(Add\) has no weights/],
      [{ layers: ['flat'], magnitude: '1%' }, /All weights of layer "flat" are 1, so their range is zero/],
      [{ layers: ['fc_1'], magnitude: 1, map: 'map.npy' }, /shape \[2, 3\].*\[2, 2\]/],
      [{ layers: ['fc_1'], magnitude: 1, map: 'none.npy' }, /none\.npy: there is no such file/],
      [{ layers: ['fc_1'], magnitude: 1, entries: [4] }, /has no entry 4.*0 to 3/],
      [{ layers: ['fc_1'], magnitude: ['2%', '1%'] }, /lower end 2% lies above the upper end 1%/],
      [{ layers: ['fc_1'], bitFlips: { format: 'float32', flips: [30] } }, /bit 30 is in the exponent/],
      [{ layers: ['fc_1', 1], magnitude: 1 }, /"fc_1" is named twice/],
      [{ layers: ['fc_1'], magnitude: 1, solver: { soundness: 'runtime' } }, /the soundness is "real"/],
    ];
    for (const [check, message] of cases) {
      const { code, stderr } = ask(check);
      expect(stderr).toMatch(message);
      expect(stderr).toMatch(/drift\.certiscope\.json:\d+:\d+/);
      expect(code).toBe(3);
    }
    map([2, 2]);
    expect(ask({ layers: ['fc_1'], magnitude: 1, map: 'map.npy' }).stderr).toMatch(/No weight of layer "fc_1" moves/);
    expect(existsSync(path.join(folder, 'drift.0.patched.onnx'))).toBe(false);
  });
});
