import { beforeEach, describe, expect, it } from 'vitest';
import { questionId, verdictOf, VerdictStore, type StoreChange } from '../../../src/extension/core/verdict-store';
import { finished, outlineOf, plan, progress, result, VERDICT } from './records';

const SPEC = 'file:///w/a.certiscope.jsonc';
const MODEL = '/w/m.onnx';
const A = questionId(SPEC, 'a');
const B = questionId(SPEC, 'b');
const DATA = '/w/data.npy';
/** What runs have read. */
const FILES = [
  { path: MODEL, state: 'first' },
  { path: DATA, state: 'first' },
];

let store: VerdictStore;
let changes: StoreChange[];

beforeEach(() => {
  store = new VerdictStore();
  changes = [];
  outlined(['a', 'A1'], ['b', 'B1']);
  store.onChange(change => changes.push(change));
});

function outlined(...properties: readonly (readonly [string, string])[]): void {
  store.apply({ kind: 'outlined', specification: SPEC, outline: outlineOf(...properties), model: MODEL, problems: [] });
}

function queued(run: string, names: readonly string[] | null = null, quiet = false): void {
  store.apply({ kind: 'queued', run, specification: SPEC, names, quiet });
}

function planned(run: string, ...checks: readonly string[]): void {
  store.apply(plan(run, checks, { files: FILES }));
}

function runToTheEnd(run: string): void {
  queued(run);
  planned(run, 'a', 'b');
  store.apply({ kind: 'result', run, result: result(0, 'a', VERDICT.verified) });
  store.apply({ kind: 'result', run, result: result(1, 'b', VERDICT.falsified) });
  store.apply({ kind: 'finished', run, finished: finished() });
}

const changed = (path: string, state: string) => store.apply({ kind: 'fileChanged', file: { path, state } });
const verdict = (id: string) => verdictOf(store.question(id)?.evidence ?? null);
const activity = (id: string) => store.question(id)?.activity.kind;
const stale = (id: string) => store.isStale(store.question(id)!);

describe('a run', () => {
  it('that a newer one has taken over from is still told to have ended, for whoever keeps something open for it', () => {
    queued('1');
    queued('2');
    store.apply({ kind: 'finished', run: '1', finished: finished() });
    const ends = changes.filter(({ event }) => event.kind === 'finished');
    expect(ends).toHaveLength(1);
    expect([...ends[0]!.specifications]).toEqual([SPEC]);
    expect([activity(A), activity(B)]).toEqual(['queued', 'queued']);
  });

  it('goes from queued through running to a verdict for every question', () => {
    queued('1');
    expect([activity(A), activity(B)]).toEqual(['queued', 'queued']);
    planned('1', 'a', 'b');
    store.apply({ kind: 'progress', run: '1', progress: progress(0) });
    expect([activity(A), activity(B)]).toEqual(['running', 'queued']);
    store.apply({ kind: 'result', run: '1', result: result(0, 'a', VERDICT.verified) });
    expect([activity(A), verdict(A)]).toEqual(['idle', 'verified']);
    store.apply({ kind: 'progress', run: '1', progress: progress(1) });
    expect(activity(B)).toBe('running');
    store.apply({ kind: 'result', run: '1', result: result(1, 'b', VERDICT.falsified) });
    store.apply({ kind: 'finished', run: '1', finished: finished() });
    expect([activity(B), verdict(B)]).toEqual(['idle', 'falsified']);
    expect(store.isBusy()).toBe(false);
  });

  it('tells its listeners which questions have changed', () => {
    queued('1', ['b']);
    expect([...changes[0]!.questions]).toEqual([B]);
  });

  it('never says verified before every sample is in', () => {
    queued('1');
    planned('1', 'a', 'a', 'a');
    store.apply({ kind: 'result', run: '1', result: result(0, 'a', VERDICT.verified) });
    store.apply({ kind: 'result', run: '1', result: result(1, 'a', VERDICT.verified) });
    expect(verdict(A)).toBeNull();
    store.apply({ kind: 'result', run: '1', result: result(2, 'a', VERDICT.verified) });
    expect(verdict(A)).toBe('verified');
  });

  it('keeps results in the order of the plan, one for each question', () => {
    queued('1');
    planned('1', 'a', 'a', 'a', 'a');
    for (const index of [1, 0, 2, 1])
      store.apply({ kind: 'result', run: '1', result: result(index, 'a', VERDICT.verified) });
    expect(store.question(A)?.evidence?.results.map(({ index }) => index)).toEqual([0, 1, 2]);
  });

  it('says falsified with the first counterexample', () => {
    queued('1');
    planned('1', 'a', 'a');
    store.apply({ kind: 'result', run: '1', result: result(0, 'a', VERDICT.falsified) });
    expect(verdict(A)).toBe('falsified');
  });

  it('that is stopped leaves what is missing undecided, and says so', () => {
    queued('1');
    planned('1', 'a', 'a');
    store.apply({ kind: 'result', run: '1', result: result(0, 'a', VERDICT.verified) });
    store.apply({ kind: 'finished', run: '1', finished: finished('cancelled') });
    expect(verdict(A)).toBe('unknown');
    expect(store.question(A)?.evidence?.interrupted).toMatch(/stopped/);
    expect(store.isBusy()).toBe(false);
  });

  it('that is refused shows what is wrong and leaves no verdict', () => {
    queued('1');
    store.apply({ kind: 'refused', run: '1', problems: [{ code: 'x', message: 'm.onnx is missing.' }] });
    store.apply({ kind: 'finished', run: '1', finished: finished('failed') });
    expect(store.specification(SPEC)?.runProblems).toHaveLength(1);
    expect(store.question(A)?.evidence).toBeNull();
  });

  it('keeps the results of questions it was not asked about', () => {
    runToTheEnd('1');
    queued('2', ['a']);
    expect(activity(B)).toBe('idle');
    expect(verdict(B)).toBe('falsified');
  });
});

describe('late events', () => {
  it('of a run that another has replaced change nothing', () => {
    queued('1');
    planned('1', 'a', 'b');
    queued('2');
    planned('2', 'a', 'b');
    const before = store.questions();
    store.apply({ kind: 'progress', run: '1', progress: progress(0) });
    store.apply({ kind: 'result', run: '1', result: result(0, 'a', VERDICT.falsified) });
    store.apply({ kind: 'finished', run: '1', finished: finished('cancelled') });
    expect(store.questions()).toEqual(before);
  });

  it('of a run that has finished change nothing', () => {
    runToTheEnd('1');
    store.apply({ kind: 'result', run: '1', result: result(0, 'a', VERDICT.falsified) });
    expect(verdict(A)).toBe('verified');
  });

  it('of a run of a question that is gone change nothing', () => {
    queued('1');
    planned('1', 'a', 'b');
    outlined(['b', 'B1']);
    store.apply({ kind: 'result', run: '1', result: result(0, 'a', VERDICT.verified) });
    expect(store.question(A)).toBeUndefined();
  });
});

describe('freshness', () => {
  beforeEach(() => runToTheEnd('1'));

  it('the first keystroke makes every verdict of the specification stale', () => {
    store.apply({ kind: 'edited', specification: SPEC });
    expect([stale(A), stale(B)]).toEqual([true, true]);
    expect(changes.at(-1)?.event.kind).toBe('edited');
  });

  it('once the text is read, only what means something else is stale', () => {
    store.apply({ kind: 'edited', specification: SPEC });
    outlined(['a', 'A1'], ['b', 'B2']);
    expect([stale(A), stale(B)]).toEqual([false, true]);
  });

  it('taking an edit back brings the verdict back', () => {
    outlined(['a', 'A2'], ['b', 'B1']);
    expect(stale(A)).toBe(true);
    outlined(['a', 'A1'], ['b', 'B1']);
    expect(stale(A)).toBe(false);
    expect(verdict(A)).toBe('verified');
  });

  it('a changed model makes the verdicts about it stale, and a new run makes them current', () => {
    changed('/w/other.onnx', 'second');
    expect(stale(A)).toBe(false);
    changed(MODEL, 'second');
    expect(stale(A)).toBe(true);
    expect([...changes.at(-1)!.questions]).toEqual([A, B]);
    queued('2');
    store.apply(plan('2', ['a', 'b'], { files: [{ path: MODEL, state: 'second' }] }));
    store.apply({ kind: 'result', run: '2', result: result(0, 'a', VERDICT.verified) });
    expect([stale(A), stale(B)]).toEqual([false, true]);
  });

  it('so does changed data, and a file that is gone', () => {
    changed(DATA, 'first');
    expect(stale(A)).toBe(false);
    changed(DATA, 'missing');
    expect(stale(A)).toBe(true);
    changed(DATA, 'first');
    expect(stale(A)).toBe(false);
  });

  it('a verdict of a file that changed while it was read is stale, whenever that is noticed', () => {
    queued('2');
    changed(MODEL, 'second');
    planned('2', 'a', 'b');
    store.apply({ kind: 'result', run: '2', result: result(0, 'a', VERDICT.verified) });
    expect(stale(A)).toBe(true);
  });

  it('a verdict of a run that was overtaken by an edit is stale from the start', () => {
    queued('2');
    planned('2', 'a', 'b');
    outlined(['a', 'A2'], ['b', 'B1']);
    store.apply({ kind: 'result', run: '2', result: result(0, 'a', VERDICT.verified) });
    expect(stale(A)).toBe(true);
  });

  it('a renamed property keeps what was found out about it', () => {
    outlined(['c', 'A1'], ['b', 'B1']);
    expect(verdict(questionId(SPEC, 'c'))).toBe('verified');
    expect(stale(questionId(SPEC, 'c'))).toBe(false);
  });
});

describe('restoring from the engine’s store', () => {
  it('brings verdicts back without showing work', () => {
    queued('1', null, true);
    planned('1', 'a', 'b');
    expect(store.isBusy()).toBe(false);
    store.apply({ kind: 'result', run: '1', result: result(0, 'a', VERDICT.verified) });
    store.apply({ kind: 'finished', run: '1', finished: finished() });
    expect(verdict(A)).toBe('verified');
    expect(store.question(B)?.evidence).toBeNull();
  });

  it('does not disturb a run of the person', () => {
    queued('1', null, true);
    planned('1', 'a', 'b');
    queued('2');
    store.apply({ kind: 'result', run: '1', result: result(0, 'a', VERDICT.verified) });
    expect(activity(A)).toBe('queued');
    expect(store.question(A)?.evidence).toBeNull();
  });
});

describe('clearing and removing', () => {
  beforeEach(() => runToTheEnd('1'));

  it('clearing forgets verdicts and keeps questions', () => {
    store.apply({ kind: 'cleared' });
    expect(store.questions().map(({ evidence }) => evidence)).toEqual([null, null]);
  });

  it('a removed specification takes its questions with it', () => {
    store.apply({ kind: 'removed', specification: SPEC });
    expect(store.questions()).toEqual([]);
    expect(store.specification(SPEC)).toBeUndefined();
    expect([...changes.at(-1)!.questions].sort()).toEqual([A, B]);
  });

  it('problems of a model go when the model changes', () => {
    store.apply({ kind: 'inspected', model: MODEL, problems: [{ code: 'x', message: 'broken' }] });
    expect(store.modelProblems().get(MODEL)).toHaveLength(1);
    changed(MODEL, 'second');
    expect(store.modelProblems().get(MODEL)).toBeUndefined();
    expect([...changes.at(-1)!.files]).toEqual([MODEL]);
  });
});

describe('a run of some samples', () => {
  const some = (run: string, ...samples: number[]) =>
    store.apply({ kind: 'queued', run, specification: SPEC, names: ['a'], samples, quiet: false });

  /** A plan of some of the three samples of `a`. */
  const plannedSome = (run: string, ...checks: readonly string[]) =>
    store.apply(plan(run, checks, { files: FILES, counts: { a: 3 } }));

  function allOf(run: string): void {
    queued(run, ['a']);
    planned(run, 'a', 'a', 'a');
    for (const index of [0, 1, 2]) store.apply({ kind: 'result', run, result: result(index, 'a', VERDICT.unknown) });
    store.apply({ kind: 'finished', run, finished: finished() });
  }

  it('adds to what is known of the others, at the places they had', () => {
    allOf('1');
    some('2', 2, 1);
    plannedSome('2', 'a', 'a');
    store.apply({ kind: 'result', run: '2', result: result(0, 'a', VERDICT.falsified, 1) });
    expect(activity(A)).toBe('queued');
    store.apply({ kind: 'result', run: '2', result: result(1, 'a', VERDICT.verified, 2) });
    store.apply({ kind: 'finished', run: '2', finished: finished() });
    const { results } = store.question(A)!.evidence!;
    expect(results.map(({ index, sample, verdict: { kind } }) => [index, sample, kind])).toEqual([
      [0, 0, 'unknown'],
      [1, 1, 'falsified'],
      [2, 2, 'verified'],
    ]);
    expect(verdict(A)).toBe('falsified');
  });

  it('alone never makes a question verified', () => {
    some('1', 1);
    plannedSome('1', 'a');
    store.apply({ kind: 'result', run: '1', result: result(0, 'a', VERDICT.verified, 1) });
    store.apply({ kind: 'finished', run: '1', finished: finished() });
    expect(verdict(A)).toBe('unknown');
    expect(store.question(A)!.evidence!.interrupted).toBe('Only some samples were run.');
  });

  it('is all of them when the others are known', () => {
    some('1', 1);
    plannedSome('1', 'a');
    store.apply({ kind: 'result', run: '1', result: result(0, 'a', VERDICT.verified, 1) });
    store.apply({ kind: 'finished', run: '1', finished: finished() });
    some('2', 0, 2);
    plannedSome('2', 'a', 'a');
    store.apply({ kind: 'result', run: '2', result: result(0, 'a', VERDICT.verified, 0) });
    store.apply({ kind: 'result', run: '2', result: result(1, 'a', VERDICT.verified, 2) });
    store.apply({ kind: 'finished', run: '2', finished: finished() });
    expect(verdict(A)).toBe('verified');
    expect(store.question(A)!.evidence!.interrupted).toBeUndefined();
  });

  it('is not all of them because an earlier text had no more samples', () => {
    queued('1', ['a']);
    planned('1', 'a');
    store.apply({ kind: 'result', run: '1', result: result(0, 'a', VERDICT.verified) });
    store.apply({ kind: 'finished', run: '1', finished: finished() });
    outlined(['a', 'A2'], ['b', 'B1']);
    some('2', 1);
    plannedSome('2', 'a');
    store.apply({ kind: 'result', run: '2', result: result(0, 'a', VERDICT.verified, 1) });
    store.apply({ kind: 'finished', run: '2', finished: finished() });
    expect(verdict(A)).toBe('unknown');
  });

  it('forgets what was known about other files', () => {
    allOf('1');
    some('2', 1);
    store.apply(plan('2', ['a'], { files: [{ path: MODEL, state: 'second' }], counts: { a: 3 } }));
    store.apply({ kind: 'result', run: '2', result: result(0, 'a', VERDICT.verified, 1) });
    expect(store.question(A)!.evidence!.results).toHaveLength(1);
  });

  it('forgets what was known about another text', () => {
    allOf('1');
    outlined(['a', 'A2'], ['b', 'B1']);
    some('2', 1);
    plannedSome('2', 'a');
    store.apply({ kind: 'result', run: '2', result: result(0, 'a', VERDICT.verified, 1) });
    store.apply({ kind: 'finished', run: '2', finished: finished() });
    expect(store.question(A)!.evidence!.results.map(({ sample }) => sample)).toEqual([1]);
    expect(verdict(A)).toBe('unknown');
  });
});
