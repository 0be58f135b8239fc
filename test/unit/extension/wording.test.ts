import { beforeEach, describe, expect, it } from 'vitest';
import type { LabelResult } from '../../../src/report/verdict';
import { questionId, VerdictStore } from '../../../src/extension/core/verdict-store';
import {
  epsilonValue,
  headline,
  moveValue,
  percent,
  resultSentences,
  seconds,
  statusLine,
} from '../../../src/extension/core/wording';
import { rowOf, shownOf, workOf } from '../../../src/extension/panel/shown';
import { finished, outlineOf, plan, progress, result, VERDICT } from './records';

const SPEC = 'file:///w/a.certiscope.jsonc';
const A = questionId(SPEC, 'a');

let store: VerdictStore;

beforeEach(() => {
  store = new VerdictStore();
  store.apply({
    kind: 'outlined',
    specification: SPEC,
    outline: outlineOf(['a', 'A']),
    model: '/w/m.onnx',
    problems: [],
  });
});

const said = () => {
  const question = store.question(A)!;
  const { label, detail } = headline(question, store.isStale(question));
  return [label, detail];
};

describe('headline', () => {
  it('follows a run', () => {
    expect(said()).toEqual(['not run yet', '']);
    store.apply({ kind: 'queued', run: '1', specification: SPEC, names: null, quiet: false });
    expect(said()).toEqual(['queued', '']);
    store.apply(plan('1', ['a', 'a']));
    store.apply({ kind: 'progress', run: '1', progress: progress(0, 0.25) });
    expect(said()).toEqual(['verifying', 'splitting the region · 25 % · lower bound -0.5 · 1 s']);
    store.apply({ kind: 'result', run: '1', result: result(0, 'a', VERDICT.verified) });
    store.apply({ kind: 'progress', run: '1', progress: progress(1, 0) });
    expect(said()).toEqual(['verifying', '1 of 2 · splitting the region · lower bound -0.5 · 1 s']);
    const outlined = (fingerprint: string) =>
      store.apply({
        kind: 'outlined',
        specification: SPEC,
        outline: outlineOf(['a', fingerprint]),
        model: '/w/m.onnx',
        problems: [],
      });
    outlined('another');
    expect(said()[0]).toBe('verifying an earlier text');
    outlined('A');
    expect(said()[0]).toBe('verifying');
    store.apply({ kind: 'result', run: '1', result: result(1, 'a', VERDICT.falsified) });
    store.apply({ kind: 'finished', run: '1', finished: finished() });
    expect(said()).toEqual(['falsified', '1 falsified, 1 verified · 1.50 s']);
    store.apply({ kind: 'edited', specification: SPEC });
    expect(said()[0]).toBe('falsified, stale');
    expect(headline(store.question(A)!, true).tone).toBe('none');
  });
});

describe('sentences', () => {
  it('say what was claimed, why, and what to do', () => {
    const falsified = resultSentences(result(3, 'a', VERDICT.falsified));
    expect(falsified).toMatch(
      /^Sample 3: falsified claim: for every input near sample 3, class 7 stays first\. .*ONNX Runtime/,
    );
    const unknown = resultSentences(result(0, 'a', VERDICT.unknown, null));
    expect(unknown).toMatch(/^Undecided claim \(unknown\): /);
    expect(unknown).toContain('The bounds were not tight enough.');
    expect(unknown).toContain('Raise the timeout.');
  });

  it('give ε in both units, once where they are the same', () => {
    expect(epsilonValue({ raw: [1], model: [0.0155] })).toBe('1 in raw values, 0.0155 in the model’s own units');
    expect(epsilonValue({ raw: [0.1], model: [0.1] })).toBe('0.1 in the model’s own units');
    expect(epsilonValue({ raw: [1, 2, 3, 4, 5], model: [1, 2, 3, 4, 5] })).toBe('1, 2, 3, … in the model’s own units');
  });

  it('give times and parts that are short to read', () => {
    expect([0.001, 0.5, 12.3, 150].map(seconds)).toEqual(['< 0.01 s', '0.50 s', '12 s', '2 min 30 s']);
    expect([0, 0.005, 0.256, 2].map(percent)).toEqual(['0 %', '0.5 %', '25 %', '100 %']);
  });
});

describe('statusLine', () => {
  it('counts what is current apart from what is stale', () => {
    store.apply({ kind: 'queued', run: '1', specification: SPEC, names: null, quiet: false });
    expect(statusLine(store).text).toMatch(/loading/);
    store.apply(plan('1', ['a']));
    store.apply({ kind: 'result', run: '1', result: result(0, 'a', VERDICT.verified) });
    store.apply({ kind: 'finished', run: '1', finished: finished() });
    expect(statusLine(store).text).toBe('Certiscope $(pass) 1');
    store.apply({ kind: 'edited', specification: SPEC });
    expect(statusLine(store).text).toBe('Certiscope $(history) 1');
  });
});

describe('what the results panel shows', () => {
  const shown = () =>
    shownOf({
      question: store.question(A)!,
      specification: store.specification(SPEC)!,
      stale: false,
      specificationPath: 'a.certiscope.jsonc',
      modelPath: 'm.onnx',
      canRun: true,
      shorten: sentence => sentence,
    });

  it('a run in work has a part that is done, over all samples', () => {
    store.apply({ kind: 'queued', run: '1', specification: SPEC, names: null, quiet: false });
    expect(shown().busy).toEqual({ fraction: null, text: 'queued', live: null });
    store.apply(plan('1', ['a', 'a']));
    store.apply({ kind: 'result', run: '1', result: result(0, 'a', VERDICT.verified) });
    store.apply({ kind: 'progress', run: '1', progress: progress(1, 0.5) });
    expect(shown().busy?.fraction).toBe(0.75);
  });

  it('a run in work has its history, its numbers and the label it is at, and a new sample starts anew', () => {
    const step = (task: number, elapsedSeconds: number, lowerBound: number) => {
      const before = progress(task);
      const now = { ...before.progress, elapsedSeconds, lowerBound, depth: 4, disjunct: 2, label: 1 };
      store.apply({ kind: 'progress', run: '1', progress: { ...before, progress: now } });
    };
    store.apply({ kind: 'queued', run: '1', specification: SPEC, names: null, quiet: false });
    store.apply(plan('1', ['a', 'a']));
    step(0, 1, -2);
    step(0, 2, -1);
    expect(shown().busy?.live?.text).toBe('class 1 in work · 3 sub-problems open, 9 bounded · depth 4');
    expect(shown().busy?.live?.trace.map(({ seconds, lowerBound }) => [seconds, lowerBound])).toEqual([
      [1, -2],
      [2, -1],
    ]);
    store.apply({
      kind: 'result',
      run: '1',
      result: { ...result(0, 'a', VERDICT.verified), outputNames: ['cat', 'dog'] },
    });
    step(1, 0.5, -3);
    expect(shown().busy?.live?.text).toMatch(/^dog in work/);
    expect(shown().busy?.live?.trace).toHaveLength(1);
  });

  it('tells of every label, in words', () => {
    const label = (of: Partial<LabelResult>): LabelResult => {
      const base = { disjunct: 0, label: 0, margin: 0.12345, seconds: 1.5, subproblems: 12, reason: null };
      return { ...base, outcome: 'verified', ...of };
    };
    const work = workOf({
      ...result(0, 'a', {
        ...VERDICT.verified,
        statistics: {
          subproblems: 12,
          sortSeconds: 0.5,
          neurons: [
            {
              node: 'relu_1',
              unstable: 3,
              size: 8,
              lower: { kind: 'inline', base64: '', shape: [0] },
              upper: { kind: 'inline', base64: '', shape: [0] },
            },
          ],
          labels: [
            label({ label: 1 }),
            label({ disjunct: 1, outcome: 'discarded', subproblems: 0, reason: 'It stays behind.' }),
            label({ disjunct: 7, label: null, outcome: 'open', margin: null }),
          ],
        },
      }),
      outputNames: ['cat', 'dog'],
    });
    expect(work.labels).toEqual([
      { name: 'dog', outcome: 'verified', margin: '0.1234', seconds: '1.50 s', subproblems: '12', reason: '' },
      {
        name: 'cat',
        outcome: 'discarded',
        margin: '0.1234',
        seconds: '',
        subproblems: '',
        reason: 'It stays behind.',
      },
      { name: 'violation 7', outcome: 'open', margin: '', seconds: '1.50 s', subproblems: '12', reason: '' },
    ]);
    expect(work.labelsNote).toBe('Sorted in 0.50 s.');
    expect(work.neurons).toEqual([{ node: 'relu_1', unstable: 3, size: 8 }]);
    expect(workOf(result(0, 'a', VERDICT.verified))).toEqual({
      labels: [],
      labelsNote: '',
      trace: [],
      neurons: [],
      weights: null,
    });
  });

  it('lists changed weights, the model to save, and how far the layers may move', () => {
    const changes = [
      { layer: 'fc_1', tensor: 'w1', index: [0, 3], before: 1, after: 0.5 },
      { layer: 'fc_1', tensor: 'w1', index: [1, 3], before: 0, after: 0.25 },
    ];
    const patched = { kind: 'file', path: '/store/ab.patched.onnx' } as const;
    const verdict = { ...VERDICT.falsified, weights: { changed: 7, layers: ['fc_1'], largest: 0.5, changes, patched } };
    const move = { layer: 'fc_1', number: 1, lower: -0.5, upper: 0.5, range: 2, moved: 7, weights: 8 };
    const falsified = { ...result(0, 'a', verdict), weights: [move] };
    expect(workOf(falsified).weights).toEqual({
      rows: [
        { layer: 'fc_1', place: 'w1[0, 3]', before: 1, after: 0.5 },
        { layer: 'fc_1', place: 'w1[1, 3]', before: 0, after: 0.25 },
      ],
      more: 5,
      model: true,
    });
    expect(
      workOf({ ...falsified, verdict: { ...verdict, weights: { ...verdict.weights, patched: null } } }).weights,
    ).toMatchObject({
      model: false,
    });
    expect(moveValue(move)).toBe('−0.5 to 0.5 (25 % of their range), 7 of 8 weights');
    expect(resultSentences(falsified)).toContain(
      'In ONNX Runtime the model with 7 changed weights of fc_1 (the largest change is 0.5) violates it by 0.125 (found by pgd).',
    );
  });

  it('a row has its reason, and its facts have names', () => {
    store.apply({ kind: 'queued', run: '1', specification: SPEC, names: null, quiet: false });
    store.apply(plan('1', ['a']));
    store.apply({
      kind: 'result',
      run: '1',
      result: {
        ...result(0, 'a', VERDICT.falsified),
        epsilon: { raw: [1], model: [0.5] },
        label: 1,
        predicted: 1,
        outputNames: ['cat', 'dog'],
      },
    });
    expect(shown().counts).toEqual([{ kind: 'falsified', count: 1 }]);
    const row = rowOf(store.questions(SPEC)[0]!.evidence!.results[0]!);
    expect(row).toMatchObject({ title: 'Sample 0', kind: 'falsified', counterexample: true, label: 1 });
    expect(row!.reason).toMatch(/ONNX Runtime/);
    expect(row!.facts.map(({ name, value }) => [name, value])).toEqual([
      ['Time', '1.00 s'],
      ['ε', '1 in raw values, 0.5 in the model’s own units'],
      ['Label', 'dog'],
      ['Answer', 'dog on the original'],
    ]);
  });
});
