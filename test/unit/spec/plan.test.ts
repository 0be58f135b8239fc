import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Problem } from '../../../src/base/result';
import type { TensorInfo } from '../../../src/network/network';
import type { DataSet, Sample } from '../../../src/spec/data/data-set';
import { loadData } from '../../../src/spec/data/load';
import { limitOf } from '../../../src/spec/numbers/decimal';
import {
  add,
  compare,
  divide,
  fromNumber,
  multiply,
  rational,
  subtract,
  type Rational,
} from '../../../src/spec/numbers/rational';
import { claimOf } from '../../../src/spec/perturbation/claim';
import { parsePerturbationSpec } from '../../../src/spec/perturbation/parse';
import { planSpec, type Asked, type SpecModel, type SpecPlan } from '../../../src/spec/perturbation/plan';
import type { InputCheck, PerturbationSpec } from '../../../src/spec/perturbation/spec';
import type { Constraint } from '../../../src/spec/question';
import { sharedData } from '../shared-data';

const tensor = (name: string, shape: number[]): TensorInfo => ({
  name,
  shape,
  type: 'float32',
  offset: 0,
  size: shape.reduce((a, b) => a * b, 1),
});

function model(input: number[], outputs: number, trailing: SpecModel['trailing'] = 'none'): SpecModel {
  const [x, y] = [tensor('input', input), tensor('output', [1, outputs])];
  return { inputs: [x], outputs: [y], inputSize: x.size, outputSize: outputs, trailing };
}

function specOf(text: string): PerturbationSpec {
  const result = parsePerturbationSpec(text, 'test.certiscope.jsonc');
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

/** A specification over samples written into it. */
function inline(
  data: unknown,
  changes: Record<string, unknown> = {},
  inputs: Record<string, unknown> = {},
): PerturbationSpec {
  const base = { model: 'm.onnx', inputs: { data, ...inputs }, checks: [{ perturb: 'input', epsilon: 0.5 }] };
  return specOf(JSON.stringify({ ...base, ...changes }));
}

async function dataOf(spec: PerturbationSpec): Promise<DataSet> {
  const data = await loadData(spec, '.');
  if (!data.ok) throw new Error(JSON.stringify(data.error));
  return data.value;
}

async function planned(spec: PerturbationSpec, of: SpecModel, data?: DataSet): Promise<SpecPlan> {
  const plan = planSpec(spec, of, data ?? (await dataOf(spec)));
  if (!plan.ok) throw new Error(JSON.stringify(plan.error));
  return plan.value;
}

async function refused(spec: PerturbationSpec, of: SpecModel): Promise<[string, string][]> {
  const plan = planSpec(spec, of, await dataOf(spec));
  if (plan.ok) throw new Error('planned');
  return plan.error.map(problem => [problem.code, at(spec, problem)]);
}

function at(spec: PerturbationSpec, { range }: Problem): string {
  return spec.text.slice(range?.start.character, range?.end.character);
}

function check(plan: SpecPlan, index = 0): InputCheck {
  const found = plan.spec.checks[index];
  if (found.perturb !== 'input') throw new Error('no input check');
  return found;
}

async function ask(spec: PerturbationSpec, of: SpecModel, output: number[], index = 0): Promise<Asked> {
  const data = await dataOf(spec);
  const plan = await planned(spec, of, data);
  const sample = await data.sample(index);
  const asked = sample.ok ? plan.question(check(plan), sample.value, Float32Array.from(output)) : sample;
  if (!asked.ok) throw new Error(JSON.stringify(asked.error));
  return asked.value;
}

/** The disjuncts of a question as text. */
function unsafe(asked: Asked): string[] {
  if (asked.kind !== 'question') return [asked.kind];
  expect(new Set(asked.question.disjuncts.map(({ box }) => box)).size).toBe(1);
  const shown = ({ outputs, bound, strict }: Constraint): string =>
    `${Array.from(outputs.index, (i, k) => `${outputs.value[k]}y${i}`).join(' ')} ${strict ? '<' : '<='} ${bound}`;
  return asked.question.disjuncts.map(({ constraints }) => constraints.map(shown).join(' & '));
}

describe('the box of a perturbed sample', () => {
  const fraction = fc.tuple(fc.bigInt(1n, 999n), fc.bigInt(1n, 999n)).map(([n, d]) => `${n}/${d}`);
  const decimal = fc.integer({ min: -2000, max: 2000 }).map(n => String(n / 1000));
  const positive = fc.oneof(
    fraction,
    fc.integer({ min: 1, max: 5000 }).map(n => String(n / 1000)),
  );
  const raw = fc.oneof(
    fc.integer({ min: 0, max: 255 }),
    fc.float({ noNaN: true, noDefaultInfinity: true, min: -1000, max: 1000 }),
  );

  it('covers every exact preprocessed value and its float32 rounding; the middle is rounded once', async () => {
    await fc.assert(
      fc.asyncProperty(
        raw,
        positive,
        decimal,
        positive,
        fraction,
        fc.boolean(),
        fc.integer({ min: 0, max: 100 }),
        async (x, scale, mean, std, epsilon, clipped, part) => {
          const exact = (text: string): Rational => {
            const [n, d = '1'] = text.split('/');
            return divide(fromNumberText(n), fromNumberText(d));
          };
          const scaled = multiply(fromNumber(x), exact(scale));
          const [low, high] = [
            Math.floor(Number(scaled.n) / Number(scaled.d)) - 1,
            Math.ceil(Number(scaled.n) / Number(scaled.d)) + 1,
          ];
          const clip = clipped ? { clip: [low, high] } : {};
          const spec = inline(
            [[x]],
            { preprocess: { scale, mean, std }, checks: [{ perturb: 'input', epsilon, ...clip }] },
            { labels: [0] },
          );
          const data = await dataOf(spec);
          const plan = await planned(spec, model([1, 1], 2), data);
          const sample = await data.sample(0);
          if (!sample.ok) throw new Error(sample.error.message);
          const asked = plan.question(check(plan), sample.value, Float32Array.of(1, 0));
          const input = plan.modelInput(sample.value);
          if (!asked.ok || asked.value.kind !== 'question' || !input.ok) throw new Error(JSON.stringify(asked));
          const { box } = asked.value.question.disjuncts[0];

          const tensorOf = (value: Rational): Rational => divide(subtract(value, exact(mean)), exact(std));
          expect(input.value[0]).toBe(limitOf(tensorOf(scaled)).single);
          // any point of the interval, its ends included, cut by the clip range
          for (const share of [0, part, 100]) {
            const offset = multiply(exact(epsilon), rational(BigInt(share - 50), 50n));
            let moved = add(scaled, offset);
            if (clipped && compare(moved, rational(BigInt(low))) < 0) moved = rational(BigInt(low));
            if (clipped && compare(moved, rational(BigInt(high))) > 0) moved = rational(BigInt(high));
            const t = tensorOf(moved);
            const { single } = limitOf(t);
            expect(compare(fromNumber(box.lower[0]), t)).toBeLessThanOrEqual(0);
            expect(compare(t, fromNumber(box.upper[0]))).toBeLessThanOrEqual(0);
            expect(box.lowerPoint[0]).toBeLessThanOrEqual(single);
            expect(single).toBeLessThanOrEqual(box.upperPoint[0]);
            expect(box.lower[0]).toBeLessThanOrEqual(single);
            expect(single).toBeLessThanOrEqual(box.upper[0]);
            if (share === 0) expect(box.lowerPoint[0]).toBe(single);
            if (share === 100) expect(box.upperPoint[0]).toBe(single);
          }
          // and is wider by a few units in the last place of float64 only
          const number = (value: Rational): number => Number(value.n) / Number(value.d);
          const size =
            (Math.abs(number(scaled)) + number(exact(epsilon)) + Math.abs(number(exact(mean)))) / number(exact(std));
          const unclipped = subtract(scaled, exact(epsilon));
          const isCut = clipped && compare(unclipped, rational(BigInt(low))) < 0;
          const lowest = limitOf(tensorOf(isCut ? rational(BigInt(low)) : unclipped)).down;
          expect(Math.min(lowest, box.lowerPoint[0]) - box.lower[0]).toBeLessThanOrEqual(size * 2 ** -48);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('ends exactly at the clip range', async () => {
    const spec = inline(
      [[0, 255, 128]],
      { preprocess: { scale: '1/255' }, checks: [{ perturb: 'input', epsilon: '1/255', clip: [0, 1] }] },
      { labels: [0] },
    );
    const asked = await ask(spec, model([1, 3], 2), [1, 0]);
    if (asked.kind !== 'question') throw new Error(asked.kind);
    const { box } = asked.question.disjuncts[0];
    expect([box.lower[0], box.lowerPoint[0]]).toEqual([0, 0]);
    expect(box.upperPoint[1]).toBe(1);
    expect(box.lowerPoint[2]).toBe(Math.fround(127 / 255));
    expect(box.upperPoint[2]).toBe(Math.fround(129 / 255));
  });

  it('takes a radius per feature or per channel', async () => {
    const edges = async (epsilon: unknown, of: SpecModel, preprocess = {}): Promise<number[]> => {
      const asked = await ask(
        inline([[0, 0, 0, 0, 0, 0]], { preprocess, checks: [{ perturb: 'input', epsilon }] }, { labels: [0] }),
        of,
        [1, 0],
      );
      if (asked.kind !== 'question') throw new Error(asked.kind);
      return Array.from(asked.question.disjuncts[0].box.upperPoint);
    };
    expect(await edges([0, 1, 2, 3, 4, 5], model([1, 6], 2))).toEqual([0, 1, 2, 3, 4, 5]);
    expect(await edges([1, 2], model([1, 2, 1, 3], 2))).toEqual([1, 1, 1, 2, 2, 2]);
    expect(await edges([1, 2], model([1, 1, 3, 2], 2), { layout: 'HWC' })).toEqual([1, 2, 1, 2, 1, 2]);
    expect(await edges(1, model([1, 2, 1, 3], 2), { std: [1, 0.5] })).toEqual([1, 1, 1, 2, 2, 2]);
  });
});

function fromNumberText(text: string): Rational {
  const [whole, fraction = ''] = text.split('.');
  return rational(BigInt(whole + fraction), 10n ** BigInt(fraction.length));
}

describe('layouts', () => {
  const pixels = [11, 21, 31, 12, 22, 32]; // two pixels of three channels, pixel by pixel
  const input = async (
    inputs: Record<string, unknown>,
    preprocess: Record<string, unknown>,
    data = pixels,
  ): Promise<number[]> => {
    const spec = inline([data], { preprocess }, inputs);
    const set = await dataOf(spec);
    const plan = await planned(spec, model(preprocess.layout === 'HWC' ? [1, 1, 2, 3] : [1, 3, 1, 2], 2), set);
    const sample = await set.sample(0);
    const result = sample.ok ? plan.modelInput(sample.value) : sample;
    if (!result.ok) throw new Error(result.error.message);
    return Array.from(result.value);
  };

  it('of data and model are brought together, with mean and std by channel', async () => {
    const mean = [10, 20, 30];
    expect(await input({ layout: 'HWC' }, { mean })).toEqual([1, 2, 1, 2, 1, 2]);
    expect(await input({ layout: 'HWC' }, { mean, layout: 'HWC' })).toEqual([1, 1, 1, 2, 2, 2]);
    expect(await input({ layout: 'CHW' }, { mean, layout: 'HWC' }, [11, 12, 21, 22, 31, 32])).toEqual([
      1, 1, 1, 2, 2, 2,
    ]);
    expect(await input({ layout: 'CHW' }, { mean }, [11, 12, 21, 22, 31, 32])).toEqual([1, 2, 1, 2, 1, 2]);
    // flat data is in the model's own order
    expect(await input({}, { mean }, [11, 12, 21, 22, 31, 32])).toEqual([1, 2, 1, 2, 1, 2]);
  });

  it('that look wrong are warned of', async () => {
    const plan = await planned(inline([pixels], { preprocess: { mean: [1, 2, 3] } }), model([1, 1, 2, 3], 2));
    expect(plan.warnings).toMatchObject([
      { code: 'spec/layout', severity: 'warning', message: expect.stringContaining('"layout": "HWC"') },
    ]);
  });
});

describe('properties', () => {
  const three = model([1, 1], 3);
  const one = (property: unknown, labels?: number[]): PerturbationSpec =>
    inline([[0]], { property }, labels ? { labels } : {});

  it('label: any other class at least as large', async () => {
    expect(unsafe(await ask(one({ kind: 'label' }, [1]), three, [0, 5, 1]))).toEqual([
      '-1y0 1y1 <= 0',
      '1y1 -1y2 <= 0',
    ]);
  });

  it('label without labels: the prediction stays', async () => {
    const asked = await ask(one({ kind: 'label' }), three, [0, 1, 7]);
    expect(asked).toMatchObject({ kind: 'question', predicted: 2, label: null });
    expect(unsafe(asked)).toEqual(['-1y0 1y2 <= 0', '-1y1 1y2 <= 0']);
  });

  it('label of a sample that is wrong already: misclassified', async () => {
    expect(await ask(one({ kind: 'label' }, [0]), three, [0, 5, 1])).toMatchObject({
      kind: 'misclassified',
      predicted: 1,
      label: 0,
      reason: 'the network answers class 1 on sample 0, which is class 0',
    });
    // a tie is left to the question, which it falsifies
    expect((await ask(one({ kind: 'label' }, [1]), three, [5, 5, 1])).kind).toBe('question');
  });

  it('target: one class at least as large as all others', async () => {
    expect(unsafe(await ask(one({ kind: 'target', class: 2 }), three, [5, 0, 0]))).toEqual([
      '1y0 -1y2 <= 0 & 1y1 -1y2 <= 0',
    ]);
  });

  it('target leaves out samples of that class', async () => {
    const plan = await planned(
      inline([[0], [1], [2]], { property: { kind: 'target', class: 1 } }, { labels: [0, 1, 2] }),
      three,
    );
    expect(plan.tasks.map(({ sample }) => sample)).toEqual([0, 2]);
    expect(plan.warnings).toMatchObject([{ code: 'spec/target' }]);
  });

  it('topk: k others at least as large', async () => {
    const asked = await ask(one({ kind: 'topk', k: 2 }, [3]), model([1, 1], 4), [1, 2, 0, 5]);
    expect(unsafe(asked)).toEqual([
      '-1y0 1y3 <= 0 & -1y1 1y3 <= 0',
      '-1y0 1y3 <= 0 & -1y2 1y3 <= 0',
      '-1y1 1y3 <= 0 & -1y2 1y3 <= 0',
    ]);
    expect((await ask(one({ kind: 'topk', k: 2 }, [3]), model([1, 1], 4), [9, 2, 0, 5])).kind).toBe('question');
    expect((await ask(one({ kind: 'topk', k: 2 }, [3]), model([1, 1], 4), [9, 8, 0, 5])).kind).toBe('misclassified');
  });

  it('range: any output beyond its radius, strictly', async () => {
    expect(unsafe(await ask(one({ kind: 'range', radius: 0.5 }), model([1, 1], 2), [1, -2]))).toEqual([
      '-1y0 < -1.5',
      '1y0 < 0.5',
      '-1y1 < 1.5',
      '1y1 < -2.5',
    ]);
    expect(
      unsafe(await ask(one({ kind: 'range', radius: [1, 2], center: [0, 0] }), model([1, 1], 2), [1, -2])),
    ).toEqual(['-1y0 < -1', '1y0 < -1', '-1y1 < -2', '1y1 < -2']);
  });

  it('linear: any row above its bound, strictly, with the bound moved up and the coefficients bounded', async () => {
    const asked = await ask(
      one({
        kind: 'linear',
        C: [
          [1, 0],
          ['1/3', -1],
        ],
        d: [2, 0.1],
      }),
      model([1, 1], 2),
      [0, 0],
    );
    if (asked.kind !== 'question') throw new Error(asked.kind);
    const [[first], [second]] = asked.question.disjuncts.map(({ constraints }) => constraints);
    expect([first.bound, first.coefficientError, first.strict]).toEqual([-2, 0, true]);
    expect(Array.from(second.outputs.value)).toEqual([-1 / 3, 1]);
    expect(second.bound).toBeGreaterThan(-0.1);
    expect(second.coefficientError).toBe(2 ** -53);
  });

  it('of a network that ends in ArgMax take the class it answers', async () => {
    expect(await ask(one({ kind: 'label' }, [1]), model([1, 1], 3, 'argmax'), [1])).toMatchObject({
      kind: 'question',
      predicted: 1,
    });
    expect(await ask(one({ kind: 'label' }, [1]), model([1, 1], 3, 'argmax'), [2])).toMatchObject({
      kind: 'misclassified',
      predicted: 2,
    });
  });
});

describe('what is claimed', () => {
  const three = model([1, 1], 3);
  it('is said in plain words and in all units', async () => {
    const changes = {
      preprocess: { scale: '1/255', std: 0.25 },
      checks: [{ perturb: 'input', epsilon: '1/255', clip: [0, 1] }],
    };
    const spec = inline([[0], [9]], changes, { labels: [1, 1] });
    expect((await ask(spec, three, [0, 1, 0], 1)).claim).toBe(
      'for every input within 1/255 of sample 1 (1 in raw values, 0.0157 for the model), clipped to [0, 1], class 1 stays ahead of every other class',
    );
    const plan = await planned(spec, three);
    expect(plan.epsilon(check(plan))).toEqual({ written: [1 / 255], raw: [1], model: [4 / 255] });
  });

  it.each([
    [{ kind: 'target', class: 2 }, 'class 2 (cat) never wins'],
    [{ kind: 'topk', k: 2 }, 'class 0 (ant) stays among the 2 largest outputs'],
    [{ kind: 'range', radius: '1/8' }, 'every output stays within 1/8 of its unperturbed value'],
    [{ kind: 'linear', C: [[1, 0, 0]], d: [1] }, 'the outputs satisfy C·y ≤ d'],
  ])('%j', async (property, expected) => {
    const { claim } = await ask(inline([[0]], { property, classes: ['ant', 'bee', 'cat'] }), three, [3, 1, 2]);
    expect(claim).toBe(`for every input within 0.5 of sample 0, ${expected}`);
  });
});

it('is said before the network was asked, too', async () => {
  const plan = await planned(inline([[0]]), model([1, 1], 3));
  expect(claimOf(plan.spec, check(plan), plan.epsilon(check(plan)), 0, null)).toBe(
    "for every input within 0.5 of sample 0, the network's own answer stays ahead of every other class",
  );
});

describe('a plan', () => {
  it('lists checks and samples in order, with the place of each check', async () => {
    const checks = [
      { perturb: 'input', epsilon: 1 },
      { perturb: 'weights', magnitude: '1%' },
    ];
    const plan = await planned(inline([[0], [1], [2]], { checks }, { select: '2,0' }), model([1, 1], 2));
    expect(plan.tasks.map(({ kind, sample, check }) => [kind, sample, check.index])).toEqual([
      ['input', 2, 0],
      ['input', 0, 0],
      ['weights', 2, 1],
      ['weights', 0, 1],
    ]);
    expect(at(plan.spec, { code: '', message: '', range: plan.tasks[2].checkRange })).toBe(
      '{"perturb":"weights","magnitude":"1%"}',
    );
  });

  const two = model([1, 2], 3);
  const data = [[0, 0]];
  it.each<[what: string, spec: PerturbationSpec, of: SpecModel, expected: [string, string][]]>([
    ['samples of another size', inline([[0, 0, 0]]), two, [['spec/sample-size', '[[0,0,0]]']]],
    ['a sample that does not exist', inline(data, {}, { select: '0..4' }), two, [['spec/select', '"0..4"']]],
    ['a label that is no output', inline(data, {}, { labels: [3] }), two, [['spec/label-range', '[3]']]],
    [
      'means for channels that do not exist',
      inline(data, { preprocess: { mean: [1, 2, 3] } }),
      two,
      [['spec/length', '[1,2,3]']],
    ],
    [
      'a wrong number of epsilons',
      inline(data, { checks: [{ perturb: 'input', epsilon: [1, 2, 3] }] }),
      two,
      [['spec/length', '[1,2,3]']],
    ],
    ['a class that is no output', inline(data, { property: { kind: 'target', class: 3 } }), two, [['spec/class', '3']]],
    ['a k that says nothing', inline(data, { property: { kind: 'topk', k: 3 } }), two, [['spec/value', '3']]],
    [
      'too many combinations',
      inline(data, { property: { kind: 'topk', k: 10 } }),
      model([1, 2], 40),
      [['spec/topk', '10']],
    ],
    [
      'a wrong number of radii',
      inline(data, { property: { kind: 'range', radius: [1, 2] } }),
      two,
      [['spec/length', '[1,2]']],
    ],
    [
      'a wrong number of columns',
      inline(data, { property: { kind: 'linear', C: [[1]], d: [1] } }),
      two,
      [['spec/length', '[1]']],
    ],
    [
      'a range of a softmax',
      inline(data, { property: { kind: 'range', radius: 1 } }),
      model([1, 2], 3, 'softmax'),
      [['spec/softmax', '"range"']],
    ],
    [
      'classes of one output',
      inline(data, { property: { kind: 'label' } }),
      model([1, 2], 1),
      [['spec/property', '"label"']],
    ],
    ['layouts without channels', inline(data, {}, { layout: 'HWC' }), two, [['spec/layout', '"HWC"']]],
    ['a wrong number of names', inline(data, { classes: ['a'] }), two, [['spec/length', '["a"]']]],
  ])('refuses %s', async (_, spec, of, expected) => {
    expect(await refused(spec, of)).toEqual(expected);
  });

  it('reports what is wrong with one sample', async () => {
    const spec = inline([[0, 255.5]], {
      preprocess: { scale: '1/255' },
      checks: [{ perturb: 'input', epsilon: 0.1, clip: [0, 1] }],
    });
    const plan = await planned(spec, two);
    const sample = (values: number[]): Sample => ({ index: 0, values: Float64Array.from(values), label: null });
    const problem = (values: number[], output = [1, 0, 0]): string => {
      const asked = plan.question(check(plan), sample(values), Float32Array.from(output));
      return asked.ok ? '' : `${asked.error.code} ${at(spec, asked.error)} ${asked.error.message}`;
    };
    expect(problem([0, 255])).toBe('');
    expect(problem([0, 255.5])).toContain(
      'spec/clip-excludes [0,1] Sample 0 lies outside of this range itself: value 1 is 255.5, 1.00196 after scaling by 1/255, 0.00196078 above 1. Widen',
    );
    expect(problem([-51, 256])).toContain(
      'value 0 is -51, -0.2 after scaling by 1/255, 0.2 below 0 (and 1 more value is outside).',
    );
    expect(problem([0, NaN])).toContain('data/not-finite [[0,255.5]]');
    expect(problem([0])).toContain('spec/sample-size');
    expect(problem([0, 0], [NaN, 0, 0])).toContain('model/not-finite');
    expect(plan.modelInput(sample([0, 1e300]))).toMatchObject({ ok: false, error: { code: 'data/range' } });
  });
});

describe.skipIf(!sharedData)('shared data', () => {
  it('MNIST becomes what the network was trained on', async () => {
    const folder = path.join(sharedData ?? '', 'datasets/mnist');
    const spec =
      specOf(`{ "model": "m.onnx", "inputs": { "data": "t10k-images-idx3-ubyte.gz", "labels": "t10k-labels-idx1-ubyte.gz", "select": "0..1" },
      "preprocess": { "scale": "1/255" }, "checks": [{ "perturb": "input", "epsilon": "1/255", "clip": [0, 1] }] }`);
    const data = await loadData(spec, folder);
    if (!data.ok) throw new Error(JSON.stringify(data.error));
    const plan = await planned(spec, model([1, 784], 10), data.value);
    const sample = await data.value.sample(0);
    if (!sample.ok) throw new Error(sample.error.message);
    const input = plan.modelInput(sample.value);
    expect(input.ok && Array.from(input.value)).toEqual(Array.from(sample.value.values, x => Math.fround(x / 255)));
    const output = Float32Array.from({ length: 10 }, (_, k) => (k === 7 ? 1 : 0));
    expect(plan.question(check(plan), sample.value, output)).toMatchObject({
      ok: true,
      value: { kind: 'question', label: 7 },
    });
  });
});
