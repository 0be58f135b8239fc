import { beforeEach, describe, expect, it } from 'vitest';
import type { Engine, EngineRun, RunListener } from '../../../src/engine/run';
import type { FinishedParams, VerifyParams, VerifyPlan } from '../../../src/engine/protocol';
import { questionId, verdictOf, VerdictStore } from '../../../src/extension/core/verdict-store';
import { Runner, type RunRequest } from '../../../src/extension/runner';
import { countsOf, finished, outlineOf, result, tasks, VERDICT } from './records';

const SPEC = 'file:///w/a.certiscope.jsonc';

/** An engine that does what the test says, when the test says so. */
class FakeEngine {
  readonly asked: Omit<VerifyParams, 'runId'>[] = [];
  readonly runs: {
    listener: RunListener;
    plan: (checks: readonly string[]) => void;
    refuse: (message: string) => void;
    finish: (outcome?: FinishedParams['outcome']) => void;
  }[] = [];

  verify(params: Omit<VerifyParams, 'runId'>, listener: RunListener = {}): EngineRun {
    this.asked.push(params);
    const plan = deferred<Awaited<EngineRun['plan']>>();
    const stopped = deferred<FinishedParams>();
    this.runs.push({
      listener,
      plan: checks => {
        const value: VerifyPlan = {
          runId: '',
          model: '/w/m.onnx',
          files: [],
          tasks: tasks(...checks),
          counts: countsOf(...checks),
          fingerprint: '',
        };
        listener.onPlan?.(value, []);
        plan.resolve({ ok: true, value, warnings: [] });
      },
      refuse: message => {
        plan.resolve({ ok: false, problems: [{ code: 'x', message }] });
        stopped.resolve(finished('failed'));
      },
      finish: outcome => stopped.resolve(finished(outcome)),
    });
    return {
      runId: '',
      plan: plan.promise,
      stopped: stopped.promise,
      stop: () => {
        plan.resolve({ ok: false, problems: [] });
        stopped.resolve(finished('cancelled'));
        return stopped.promise;
      },
    };
  }
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>(done => (resolve = done));
  return { promise, resolve };
}

/** Lets everything that waits for a settled promise go on. */
const settle = () => new Promise(resolve => setTimeout(resolve, 0));

let engine: FakeEngine;
let store: VerdictStore;
let runner: Runner;

beforeEach(() => {
  engine = new FakeEngine();
  store = new VerdictStore();
  store.apply({
    kind: 'outlined',
    specification: SPEC,
    outline: outlineOf(['a', 'A'], ['b', 'B']),
    model: null,
    problems: [],
  });
  runner = new Runner(
    () => Promise.resolve(engine as unknown as Engine),
    store,
    () => undefined,
  );
});

function request(change: Partial<RunRequest> = {}): RunRequest {
  return {
    specification: SPEC,
    path: '/w/a.certiscope.jsonc',
    text: 'text',
    names: null,
    options: { seed: 1 },
    purpose: 'verify',
    ...change,
  };
}

describe('Runner', () => {
  it('passes the text on the screen and puts results into the store', async () => {
    const end = runner.run(request());
    await settle();
    expect(engine.asked[0]).toMatchObject({
      specification: { path: '/w/a.certiscope.jsonc', text: 'text' },
      cache: 'read',
    });
    engine.runs[0]!.plan(['a', 'b']);
    engine.runs[0]!.listener.onResult?.(result(0, 'a', VERDICT.verified));
    engine.runs[0]!.finish();
    expect((await end).finished.outcome).toBe('complete');
    expect(verdictOf(store.question(questionId(SPEC, 'a'))!.evidence)).toBe('verified');
    expect(store.isBusy()).toBe(false);
  });

  it('runs one request after the other', async () => {
    store.apply({
      kind: 'outlined',
      specification: 'file:///w/b.vnnlib',
      outline: outlineOf(['p', 'P']),
      model: null,
      problems: [],
    });
    void runner.run(request());
    void runner.run(request({ specification: 'file:///w/b.vnnlib' }));
    await settle();
    expect(engine.asked).toHaveLength(1);
    engine.runs[0]!.plan(['a']);
    engine.runs[0]!.finish();
    await settle();
    expect(engine.asked).toHaveLength(2);
  });

  it('a new request for a specification ends the one before it', async () => {
    const first = runner.run(request());
    await settle();
    engine.runs[0]!.plan(['a', 'b']);
    const second = runner.run(request({ names: ['b'] }));
    expect((await first).finished.outcome).toBe('cancelled');
    await settle();
    expect(engine.asked[1]).toMatchObject({ checks: ['b'] });
    engine.runs[1]!.plan(['b']);
    engine.runs[1]!.finish();
    await second;
    expect(store.isBusy()).toBe(false);
  });

  it('stop ends what runs and what waits', async () => {
    const ends = [runner.run(request()), runner.run(request({ specification: 'file:///w/c.vnnlib' }))];
    await settle();
    await runner.stop();
    expect((await Promise.all(ends)).map(end => end.finished.outcome)).toEqual(['cancelled', 'cancelled']);
    expect(store.isBusy()).toBe(false);
  });

  it('what is wrong with the files is an answer and a problem of the specification', async () => {
    const end = runner.run(request());
    await settle();
    engine.runs[0]!.refuse('m.onnx is missing.');
    expect((await end).problems.map(({ message }) => message)).toEqual(['m.onnx is missing.']);
    expect(store.specification(SPEC)?.runProblems).toHaveLength(1);
  });

  it('an engine that cannot be started is an answer too', async () => {
    runner = new Runner(
      () => Promise.reject(new Error('no such file')),
      store,
      () => undefined,
    );
    const { finished: how, problems } = await runner.run(request());
    expect(how.outcome).toBe('failed');
    expect(problems[0]?.message).toMatch(/could not be started: no such file/);
    expect(store.isBusy()).toBe(false);
  });

  it('restoring asks for kept results only, and stops no run', async () => {
    const work = runner.run(request());
    void runner.run(request({ purpose: 'restore' }));
    await settle();
    engine.runs[0]!.plan(['a']);
    engine.runs[0]!.finish();
    expect((await work).finished.outcome).toBe('complete');
    await settle();
    expect(engine.asked[1]?.cache).toBe('only');
  });
});
