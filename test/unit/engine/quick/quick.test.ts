import { copyFileSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { QuickLane } from '../../../../src/engine/quick/lane';
import { SUPERSEDED, UNTUNABLE, type QuickBound } from '../../../../src/engine/quick/protocol';
import type { Answer } from '../../../../src/engine/protocol';
import { readTensor } from '../../../../src/engine/tensor-reference';
import { openPlan } from '../../../../src/engine/open';
import { must } from '../../must';

const SAMPLES = path.resolve('samples');
const NAMES = ['digits.onnx', 'digits-conv.onnx', 'digits-images.idx', 'digits-labels.idx'];

let folder: string;
let lane: QuickLane;

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'certiscope-quick-'));
  for (const name of NAMES) copyFileSync(path.join(SAMPLES, name), path.join(folder, name));
  lane = new QuickLane();
});

afterAll(async () => {
  await lane.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Asked {
  readonly model?: string;
  readonly epsilon?: string;
  readonly checks?: string;
  readonly extra?: string;
}

function specification({ model = 'digits.onnx', epsilon = '"1/255"', checks, extra = '' }: Asked): {
  path: string;
  text: string;
} {
  const text = `{
  "model": "${model}",
  "inputs": { "data": "digits-images.idx", "labels": "digits-labels.idx", "select": "0..39" },
  "preprocess": { "scale": "1/255" },${extra}
  "checks": [${checks ?? `{ "name": "levels", "perturb": "input", "epsilon": ${epsilon}, "clip": [0, 1] }`}]
}`;
  return { path: path.join(folder, 'digits.certiscope.jsonc'), text };
}

function value<T>(answer: Answer<T>): T {
  if (answer.ok) return answer.value;
  throw new Error(answer.problems.map(({ message }) => message).join('\n'));
}

function bound(asked: Asked, sample?: number, milliseconds = 2000): Promise<Answer<QuickBound>> {
  return lane.bound({
    specification: specification(asked),
    check: 0,
    milliseconds,
    ...(sample === undefined ? {} : { sample }),
  });
}

describe('a quick bound', () => {
  it('certifies a small region and leaves a large one open, with a margin for every label', async () => {
    const small = value(await bound({ epsilon: '"0.5/255"' }));
    expect(small).toMatchObject({ check: 'levels', epsilon: '0.5/255', outcome: 'holds', method: 'crown' });
    expect(small.margin).toBeGreaterThan(0);
    expect(small.ways).toHaveLength(9);
    expect(Math.min(...small.ways.map(({ margin }) => margin ?? -Infinity))).toBe(small.margin);
    expect(small.ways.map(({ label }) => label)).not.toContain(small.label);
    const large = value(await bound({ epsilon: '"60/255"' }));
    expect(large.outcome).toBe('open');
    expect(large.margin).toBeLessThan(0);
  });

  it('holds nowhere where the complete verifier finds a counterexample, on either kind of network', async () => {
    for (const model of ['digits.onnx', 'digits-conv.onnx'])
      for (const epsilon of ['"2/255"', '"6/255"']) {
        const opened = await openPlan({
          specification: specification({ model, epsilon }),
          samples: [0, 1, 2, 3, 4, 5],
        });
        const plan = value(opened);
        for (const task of plan.tasks) {
          const prepared = must(await task.prepare());
          if (!('question' in prepared)) continue;
          const budget = { deadline: performance.now() + 20_000, cancelled: () => false };
          const verdict = await plan.decide(prepared.question, { ...task.options, threads: 1 }, budget, () => {});
          const quick = value(await bound({ model, epsilon }, task.sample ?? undefined));
          if (verdict.kind === 'falsified') expect(quick.outcome).toBe('open');
          if (quick.outcome === 'holds') expect(verdict.kind).toBe('verified');
        }
        await plan.close();
      }
  });

  it('says something certified even when no time is left', async () => {
    const rushed = value(await bound({ epsilon: '"0.1/255"', model: 'digits-conv.onnx' }, 0, 0));
    expect(rushed.method).toBe('intervals');
    const thorough = value(await bound({ epsilon: '"0.1/255"', model: 'digits-conv.onnx' }, 0));
    expect(rushed.margin).toBeLessThanOrEqual(thorough.margin ?? -Infinity);
  });

  it('takes the first sample that the network gets right, and says when a chosen one is not', async () => {
    const first = value(await bound({}));
    expect(first.predicted).toBe(first.label);
    const wrong = await Promise.all(
      Array.from({ length: 40 }, (_, sample) =>
        new QuickLane().bound({ specification: specification({}), check: 0, milliseconds: 0, sample }),
      ),
    );
    for (const answer of wrong.map(value))
      expect(answer.outcome === 'misclassified').toBe(answer.predicted !== answer.label);
  }, 60_000);

  it('takes another ε than the one that is written, and gives the ends of its region', async () => {
    const answer = value(
      await lane.bound({
        specification: specification({}),
        check: 0,
        epsilon: '3/255',
        sample: 0,
        milliseconds: 500,
        tensors: true,
      }),
    );
    expect(answer.epsilon).toBe('3/255');
    expect(answer.units.raw).toEqual([3]);
    const tensors = answer.tensors;
    if (!tensors) throw new Error('tensors were asked for');
    const [original, lower, upper] = await Promise.all(
      [tensors.original, tensors.lower, tensors.upper].map(async each => must(await readTensor(each))),
    );
    expect(original).toHaveLength(256);
    original.forEach((pixel, i) => {
      expect(Math.abs(lower[i] - Math.max(0, pixel - 3 / 255))).toBeLessThan(1e-6);
      expect(Math.abs(upper[i] - Math.min(1, pixel + 3 / 255))).toBeLessThan(1e-6);
    });
  });

  it('reads a model again when it has changed on the disk', async () => {
    copyFileSync(path.join(SAMPLES, 'digits.onnx'), path.join(folder, 'changing.onnx'));
    const before = value(await bound({ model: 'changing.onnx' }, 0));
    copyFileSync(path.join(SAMPLES, 'digits-conv.onnx'), path.join(folder, 'changing.onnx'));
    utimesSync(path.join(folder, 'changing.onnx'), new Date(), new Date());
    const after = value(await bound({ model: 'changing.onnx' }, 0));
    expect(after.margin).not.toBe(before.margin);
    writeFileSync(path.join(folder, 'changing.onnx'), readFileSync(path.join(SAMPLES, 'digits.onnx')).subarray(0, 900));
    const broken = await bound({ model: 'changing.onnx' }, 0);
    expect(broken.ok).toBe(false);
    expect(!broken.ok && broken.problems[0].range).toBeDefined();
  });

  it.each([
    ['a check of weights', { checks: '{ "name": "levels", "perturb": "weights", "magnitude": "1%" }' }],
    ['a list of radii', { epsilon: '[0.1, 0.2]' }],
  ])('refuses %s with a sentence', async (_, asked) => {
    const answer = await bound(asked);
    expect(answer).toMatchObject({ ok: false, problems: [{ code: UNTUNABLE }] });
  });

  it('passes on what is wrong with the text, at its place', async () => {
    const answer = await bound({ epsilon: '"1/0"' });
    expect(answer.ok).toBe(false);
    expect(!answer.ok && answer.problems[0].range).toBeDefined();
  });
});

describe('a quick bracket', () => {
  it('has a certified end that the complete verifier agrees with, and an attacked end with its input', async () => {
    const params = {
      specification: specification({ epsilon: '"2/255"' }),
      check: 0,
      sample: 0,
      milliseconds: 8000,
    };
    const bracket = value(await lane.bracket(params));
    expect(bracket.certified).toMatch(/^\d+(\.\d+)?\/255$/);
    expect(bracket.attacked).toMatch(/^\d+(\.\d+)?\/255$/);
    if (bracket.certified === null || bracket.attacked === null || !bracket.counterexample)
      throw new Error('no bracket');
    const opened = await openPlan({
      specification: specification({ epsilon: `"${bracket.certified}"` }),
      samples: [0],
    });
    const plan = value(opened);
    const prepared = must(await plan.tasks[0].prepare());
    if (!('question' in prepared)) throw new Error('no question');
    const budget = { deadline: performance.now() + 20_000, cancelled: () => false };
    expect((await plan.decide(prepared.question, plan.tasks[0].options, budget, () => {})).kind).toBe('verified');
    await plan.close();
    const [input, output] = [
      must(await readTensor(bracket.counterexample.input)),
      must(await readTensor(bracket.counterexample.output)),
    ];
    expect(input).toHaveLength(256);
    const label = value(await bound({}, 0)).label ?? -1;
    expect(Math.max(...output.filter((_, k) => k !== label))).toBeGreaterThanOrEqual(output[label]);
  }, 30_000);

  it('gives way to a newer one', async () => {
    const params = { specification: specification({}), check: 0, sample: 0, milliseconds: 20_000 };
    const older = lane.bracket(params);
    const newer = lane.bracket({ ...params, milliseconds: 100 });
    expect(await older).toMatchObject({ ok: false, problems: [{ code: SUPERSEDED }] });
    expect((await newer).ok).toBe(true);
  });
});
