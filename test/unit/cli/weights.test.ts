import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { model, node, tensor, valueInfo } from '../../../src/network/authoring';
import { encodeModel } from '../../../src/network/codec';
import { loadModel } from '../../../src/network/load';
import type { WeightToleranceReport } from '../../../src/engine/study-protocols/weight-tolerance';
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

  it('may be several maps with bounds of their own, over weights and biases of several layers', () => {
    const half = [
      { layer: 'fc_1', pattern: [[0, null]], magnitude: '3%' },
      { layer: 'fc_1', entries: [2, 3], magnitude: [-0.03, 0.03] },
    ];
    // Together they move every weight of fc_1 by 3 %: that is safe, and twice over it is not.
    expect(ask({ maps: half }).code).toBe(0);
    expect(report().results[0].claim).toContain(
      'every change of the weights of fc_1 that the 2 maps allow (by at most 0.03)',
    );
    expect(ask({ maps: [...half, ...half] }).code).toBe(1);
    // c is what `shift` adds: the lead of 0.2 is gone when its entries move by 0.1 against each other, and stays when they move together.
    const bias = { layer: 'shift', tensor: 'bias', magnitude: 0.21 };
    expect(ask({ maps: [bias] }).code).toBe(1);
    expect(report().results[0].changes?.changes.every(({ layer }) => layer === 'shift')).toBe(true);
    expect(ask({ maps: [{ ...bias, together: true }] }).code).toBe(0);
    expect(
      ask({
        maps: [
          { ...bias, magnitude: 0.05 },
          { layer: 2, magnitude: '2%' },
        ],
      }).code,
    ).toBe(0);
  });

  it.each([
    [
      { maps: [{ layer: 'fc_9', magnitude: '1%' }] },
      'no layer "fc_9" with weights. The layers are: 1 fc_1 (Gemm), 2 fc_2',
    ],
    [{ maps: [{ layer: 'shift', magnitude: '1%' }] }, 'Layer "shift" (Add) has no weights, it only adds'],
    [
      { maps: [{ layer: 'shift', tensor: 'bias', magnitude: '1%' }] },
      'so their range means nothing; give an absolute magnitude',
    ],
    [{ maps: [{ layer: 'flat', magnitude: '1%' }] }, 'All weights of layer "flat" are 1, so their range is zero'],
    [
      { maps: [{ layer: 'fc_1', pattern: [[2, null]], magnitude: '1%' }] },
      '[2, *] names no entries of "w1", whose shape is [2, 2]',
    ],
    [
      { maps: [{ layer: 'fc_1', magnitude: ['2%', '1%'] }] },
      'The lower end 2% lies above the upper end 1%; exchange them.',
    ],
    [{ maps: [{ layer: 'fc_1' }] }, 'How far the weights may move is missing'],
    [{ layers: ['fc_1'], maps: [{ layer: 'fc_1', magnitude: '1%' }] }, 'each map says for itself what "layers" says'],
    [
      { maps: [{ layer: 'fc_1', bitFlips: { format: 'float32', flips: [25] } }] },
      'bit 25 is in the exponent of a float32',
    ],
    [{ maps: [{ layer: 'fc_1', map: 'none.npy', magnitude: '1%' }] }, 'none.npy: there is no such file'],
  ])('of maps says what it cannot ask: %j', (check, sentence) => {
    const { code, stderr } = ask(check);
    expect(stderr).toContain(sentence);
    expect(stderr).toMatch(/^certiscope: drift\.certiscope\.json:\d+:\d+: /);
    expect(code).toBe(3);
  });

  it('moves weights and bias with one number where maps say so', () => {
    writeFileSync(path.join(folder, 'w.npy'), encodeNpy(Float32Array.of(1, 0, 0, 1), [2, 2]));
    const map = { layer: 'fc_1', map: 'w.npy', together: true, magnitude: 0.5 };
    // Both classes grow alike: nothing changes.
    expect(ask({ maps: [map] }).code).toBe(0);
    const { code, stderr } = ask({ maps: [{ ...map, biasMap: 'w.npy' }] });
    expect(stderr).toContain('Layer "fc_1" (Gemm) has no bias of its own; leave the map of the bias out.');
    expect(code).toBe(3);
  });

  it('finds the names of its layers in what info says', () => {
    const { stdout } = spawnSync(process.execPath, [cli, 'info', 'identity.onnx'], { cwd: folder, encoding: 'utf8' });
    expect(stdout).toContain('  1  fc_1   Gemm               weights [2, 2]');
    expect(stdout).toMatch(/ 4 {2}shift +Add +bias \[2\]/);
  });
});

describe('certiscope tolerance', () => {
  it('brackets every layer, lists the weights that fail, and goes on where it was', async () => {
    const specification = {
      model: 'identity.onnx',
      inputs: {
        data: [
          [1, 0.8],
          [0, 1],
        ],
        labels: [0, 0],
      },
      checks: [{ name: 'drift', perturb: 'weights', magnitude: '1%' }],
    };
    writeFileSync(path.join(folder, 'drift.certiscope.json'), JSON.stringify(specification));
    const run = () =>
      spawnSync(
        process.execPath,
        [
          cli,
          'tolerance',
          'drift.certiscope.json',
          '--layer',
          'fc_1',
          '--layer',
          '2',
          '--grid',
          '2%,5%,6%',
          '--json',
          'out.json',
          '--patched',
          'kept',
        ],
        { cwd: folder, encoding: 'utf8' },
      );
    const { status, stdout, stderr } = run();
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toContain('1 sample; 1 left out, wrong without any change.');
    const first = readFileSync(path.join(folder, 'out.json'), 'utf8');
    const { layers, finished } = JSON.parse(first) as WeightToleranceReport;
    expect(finished).toBe(true);
    expect(layers.map(({ name }) => name)).toEqual(['fc_1', 'fc_2']);
    for (const { samples, curve, failure } of layers) {
      // The closed form: 0.2 / (2 · 1.8) of a range of 1.
      const exact = 0.2 / 3.6;
      expect(samples[0].certified).toBeLessThanOrEqual(exact * (1 + 1e-9));
      expect(samples[0].certified).toBeGreaterThan(exact * 0.95);
      expect(samples[0].failing).toBeGreaterThanOrEqual(exact * (1 - 1e-5));
      expect(samples[0].failing).toBeLessThan(exact * 1.05);
      expect(curve.map(point => point.methods.complete?.verified)).toEqual([1, 1, 0]);
      expect(curve.map(point => point.methods.star?.verified)).toEqual([1, 1, 0]);
      const answer = await answerOf(path.relative(folder, path.resolve(folder, failure?.model ?? '')));
      expect(answer[1]).toBeGreaterThanOrEqual(answer[0]);
      for (const { before, after } of failure?.changes ?? [])
        expect(Math.abs(after - before)).toBeLessThanOrEqual((failure?.magnitude ?? 0) * (1 + 1e-6));
    }
    // The same answers, seconds included: nothing was asked twice.
    expect(run().status).toBe(0);
    expect(readFileSync(path.join(folder, 'out.json'), 'utf8')).toBe(first);
  });

  it.each([
    [['--layer', 'fc_7'], 'no layer "fc_7" with weights'],
    [['--grid', '5 %,x'], '--grid: "%" is no magnitude'],
    [['--method', 'magic'], '--method is star, complete, weng-margin, weng-range or tsai'],
    [['--layer', 'flat'], 'range is zero'],
  ])('says what it cannot ask: %j', (words, sentence) => {
    ask({ magnitude: '1%', layers: ['fc_1'] });
    const { status, stderr } = spawnSync(process.execPath, [cli, 'tolerance', 'drift.certiscope.json', ...words], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(stderr).toContain(sentence);
    expect(status).toBe(3);
  });
});

describe('a check of weights that cannot be asked', () => {
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
