import { parse } from 'jsonc-parser';
import { describe, expect, it } from 'vitest';
import type { AdversarialRun, FoundInput } from '../../../src/engine/study-protocols/adversarial-inputs';
import {
  attackParams,
  FIRST_ATTACK_CHOICE,
  FIRST_PATCH_CHOICE,
  patchParams,
} from '../../../src/extension/adversarial/choice';
import { npyFile, testCase, vnnlibAssignment } from '../../../src/extension/adversarial/exports';
import { decodeNpy } from '../../../src/report/npy';
import { parsePerturbationSpec } from '../../../src/spec/perturbation/parse';
import { classesOf, filtered } from '../../../webview/adversarial/filter';
import { INITIAL_STATE, type Entry } from '../../../webview/adversarial/protocol';
import { must } from '../must';

const run: AdversarialRun = {
  kind: 'run',
  folder: '/store/run',
  specification: '/w/digits.certiscope.jsonc',
  model: '/w/digits.onnx',
  planned: 3,
  methods: ['patches'],
  measure: 'count',
  target: null,
  range: ['0', '1'],
  inputShape: [1, 4],
  classes: ['zero', 'one "1"'],
  preprocess: { scale: 1, mean: [0], std: [1], layout: 'HWC' },
  channels: 1,
};

function found(sample: number, from: number, to: number, values: number, inf = 1): FoundInput {
  return {
    kind: 'found',
    sample,
    label: from,
    from,
    to,
    seconds: 0.1,
    original: { kind: 'inline', base64: '', shape: [1, 4] },
    input: { kind: 'inline', base64: '', shape: [1, 4] },
    originalLogits: [1, 0],
    logits: [0, 1],
    foundBy: 'patch',
    found: { patch: values },
    patched: ['fc_1'],
    norms: { values, pixels: values, pixelPercent: 25 * values, one: values, two: Math.sqrt(values), inf },
    scope: '',
    optimum: null,
    replay: '',
  };
}

describe('what is written in the panels', () => {
  it('becomes numbers; empty fields leave the defaults', () => {
    expect(attackParams(FIRST_ATTACK_CHOICE)).toEqual({
      ok: true,
      value: {
        methods: ['patches', 'greedy', 'gradient'],
        measure: 'count',
        reduce: true,
        regional: false,
        lines: false,
        misclassified: false,
      },
    });
    const models = { transfer: '/other.onnx', features: '/features.onnx' };
    const choice = { ...FIRST_ATTACK_CHOICE, target: '3', samples: '1, 4..6', seconds: '0.5', lines: true, ...models };
    expect(attackParams(choice)).toMatchObject({
      ok: true,
      value: { target: 3, samples: [1, 4, 5, 6], seconds: 0.5, lines: true, ...models },
    });
    expect(patchParams({ ...FIRST_PATCH_CHOICE, keep: '20', margin: '0.1' })).toMatchObject({
      ok: true,
      value: { mode: 'each', measure: 'inf', keep: 20, margin: 0.1 },
    });
  });

  it.each([
    [{ target: 'seven' }, /^The class to reach is "seven"; write a whole number/],
    [{ target: '1.5' }, /^The class to reach is "1\.5"/],
    [{ seconds: '-1' }, /^The seconds for an input is "-1"; write a number from 0 up/],
    [{ samples: '1-4' }, /^The samples are "1-4"; write indices and ranges/],
    [{ methods: [] }, /^Choose at least one attack/],
  ])('that makes no sense gets a sentence: %o', (change, sentence) => {
    const params = attackParams({ ...FIRST_ATTACK_CHOICE, ...change });
    expect(params.ok ? '' : params.error.message).toMatch(sentence);
  });
});

describe('an exported adversarial input', () => {
  const numbers = { input: Float32Array.of(0.1, 1, 1e-30, 1 / 3), logits: Float32Array.of(0, 1) };

  it('as a test case is a specification whose only sample is the input, to the last bit', () => {
    const [file, ...more] = testCase(run, found(7, 0, 1, 2), numbers, {
      name: 'case.certiscope.jsonc',
      model: '../digits.onnx',
    });
    expect(more).toEqual([]);
    const spec = must(parsePerturbationSpec(new TextDecoder().decode(file.bytes), '/w/case.certiscope.jsonc'));
    expect(spec).toMatchObject({
      model: '../digits.onnx',
      classes: run.classes,
      preprocess: { layout: 'HWC', scale: { value: 1 } },
    });
    const { inputs } = parse(new TextDecoder().decode(file.bytes)) as {
      inputs: { data: number[][]; labels: number[] };
    };
    expect(inputs.labels).toEqual([0]);
    expect(Float32Array.from(inputs.data[0])).toEqual(numbers.input);
  });

  it('with many values keeps them in a file beside the specification', () => {
    const input = new Float32Array(5000).fill(0.25);
    const files = testCase(
      { ...run, inputShape: [1, 5000] },
      found(7, 0, 1, 2),
      { ...numbers, input },
      { name: 'case.certiscope.jsonc', model: 'digits.onnx' },
    );
    expect(files.map(({ name }) => name)).toEqual(['case.certiscope.jsonc', 'case.npy']);
    expect(decodeNpy(files[1].bytes)).toMatchObject({ shape: [1, 5000] });
    expect(new TextDecoder().decode(files[0].bytes)).toContain('"data": "case.npy"');
  });

  it('as VNN-LIB and as NPY holds the same numbers', () => {
    const assigned = vnnlibAssignment(numbers);
    numbers.input.forEach((value, k) => expect(assigned).toContain(`(X_${k} ${value})`));
    expect(assigned).toContain('(Y_1 1)');
    expect(decodeNpy(npyFile(run, numbers))).toEqual({ values: numbers.input, shape: [1, 4] });
  });
});

describe('the gallery', () => {
  const missed: Entry = { kind: 'skipped', sample: 9, label: 1, from: 0, reason: 'wrong already', seconds: 0 };
  const entries: readonly Entry[] = [found(3, 0, 1, 5, 0.5), found(1, 1, 2, 2), missed, found(2, 0, 2, 2, 0.9)];
  const listed = (state: Partial<typeof INITIAL_STATE>): number[] =>
    filtered(entries, { ...INITIAL_STATE, ...state }).map(({ sample }) => sample);

  it('has the smallest change first, in the norm that was chosen', () => {
    expect(listed({})).toEqual([1, 2, 3]);
    expect(listed({ norm: 'inf' })).toEqual([3, 2, 1]);
  });

  it('is filtered by class, by what it was taken for, by norm and by outcome', () => {
    expect(listed({ from: '0' })).toEqual([2, 3]);
    expect(listed({ to: '2' })).toEqual([1, 2]);
    expect(listed({ most: '2' })).toEqual([1, 2]);
    expect(listed({ norm: 'inf', most: '0.9' })).toEqual([3, 2]);
    expect(listed({ shown: 'skipped' })).toEqual([9]);
    expect(listed({ shown: 'all' })).toEqual([1, 2, 3, 9]);
    expect([classesOf(entries, 'from'), classesOf(entries, 'to')]).toEqual([
      [0, 1],
      [1, 2],
    ]);
  });
});
