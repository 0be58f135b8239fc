import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EngineClient } from '../../../src/engine/client';
import type { FinishedParams, TensorReference } from '../../../src/engine/protocol';
import { readTensor } from '../../../src/engine/tensor-reference';
import type { ResultRecord } from '../../../src/report/record';
import { bundle } from '../bundle';
import type { Behaviour } from './fake-plan';

const SPECIFICATION = { path: '/models/digits.certiscope.jsonc' };

let script: string;
let folder: string;
let clients: EngineClient[];

beforeAll(() => {
  script = path.join(bundle('fake-engine', { engine: 'test/unit/engine/fake-engine.ts' }), 'engine.js');
});

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'certiscope-test-'));
  clients = [];
});

afterEach(async () => {
  await Promise.all(clients.map(client => client.dispose()));
  rmSync(folder, { recursive: true, force: true });
});

interface FakeOptions {
  readonly timeout?: number;
  readonly graceSeconds?: number;
  readonly start?: 'crash' | 'other-version' | 'crash-in-plan';
}

function start(
  behaviours: readonly Behaviour[],
  { timeout = 60, graceSeconds = 3, start }: FakeOptions = {},
): EngineClient {
  const client = new EngineClient({
    script,
    version: 'test',
    storeFolder: path.join(folder, 'store'),
    storeLimitMegabytes: 10,
    memoryLimitMegabytes: 512,
    environment: {
      CERTISCOPE_FAKE: JSON.stringify({ behaviours, timeout, marker: path.join(folder, 'crashed'), start }),
    },
    limits: { graceSeconds },
  });
  clients.push(client);
  return client;
}

interface Run {
  readonly results: readonly ResultRecord<TensorReference>[];
  readonly kinds: readonly string[];
  readonly restarts: readonly string[];
  readonly finished: FinishedParams;
}

async function verify(client: EngineClient, cache?: 'read' | 'refresh' | 'only'): Promise<Run> {
  const results: ResultRecord<TensorReference>[] = [];
  const restarts: string[] = [];
  const run = client.verify(
    { specification: SPECIFICATION, cache },
    { onResult: result => results.push(result), onRestart: reason => restarts.push(reason) },
  );
  const finished = await run.stopped;
  return { results, kinds: results.map(result => result.verdict.kind), restarts, finished };
}

describe('a run', () => {
  it('gives the plan, the accuracy, every result in order and one end', async () => {
    const events: string[] = [];
    const run = start(['verified', 'misclassified', 'falsified', 'unreadable']).verify(
      { specification: SPECIFICATION },
      {
        onPlan: plan => events.push(`plan of ${plan.tasks.length}`),
        onAccuracy: ({ correct, total }) => events.push(`accuracy ${correct}/${total}`),
        onResult: ({ index, verdict }) => events.push(`${index} ${verdict.kind}`),
      },
    );
    const finished = await run.stopped;
    expect(events).toEqual(['plan of 4', 'accuracy 1/4', '0 verified', '1 misclassified', '2 falsified', '3 error']);
    expect(finished).toMatchObject({ outcome: 'complete', verdict: 'error' });
  });

  it('carries tensors with all their bits', async () => {
    const { results } = await verify(start(['falsified']));
    const [{ verdict, original }] = results;
    if (verdict.kind !== 'falsified' || original === undefined) throw new Error('no counterexample');
    expect(await readTensor(verdict.counterexample.input)).toEqual({ ok: true, value: Float32Array.of(0.1, 0.2) });
    expect(await readTensor(original)).toEqual({ ok: true, value: Float32Array.of(0, 0.5) });
  });

  it('takes what is decided from the store, in a new process too', async () => {
    const first = await verify(start(['verified', 'falsified']));
    expect(first.results.map(result => result.cached)).toEqual([false, false]);
    const second = await verify(start(['verified', 'falsified']));
    expect(second.results.map(result => result.cached)).toEqual([true, true]);
    expect(second.results.map(({ verdict }) => verdict)).toEqual(first.results.map(({ verdict }) => verdict));
    const third = await verify(start(['verified', 'falsified']), 'refresh');
    expect(third.results.map(result => result.cached)).toEqual([false, false]);
  });

  it('shows again what stayed undecided without solving, and solves it when asked', async () => {
    const behaviours: Behaviour[] = ['slow'];
    expect((await verify(start(behaviours, { timeout: 0.05 }))).kinds).toEqual(['timeout']);
    expect((await verify(start(behaviours, { timeout: 0.05 }), 'only')).results.map(result => result.cached)).toEqual([
      true,
    ]);
    expect((await verify(start(behaviours, { timeout: 0.05 }))).results.map(result => result.cached)).toEqual([false]);
  });

  it('waits for the one before', async () => {
    const client = start(['verified', 'slow'], { timeout: 0.3 });
    const order: string[] = [];
    const runs = ['first', 'second'].map(name =>
      client.verify(
        { specification: SPECIFICATION, cache: 'refresh' },
        { onResult: ({ index }) => order.push(`${name} ${index}`) },
      ),
    );
    await Promise.all(runs.map(run => run.stopped));
    expect(order).toEqual(['first 0', 'first 1', 'second 0', 'second 1']);
  });
});

describe('a crash', () => {
  it('loses nothing that was answered, and the run goes on', async () => {
    const { kinds, restarts, finished } = await verify(start(['verified', 'crash-once', 'falsified']));
    expect(existsSync(path.join(folder, 'crashed'))).toBe(true);
    expect(kinds).toEqual(['verified', 'verified', 'falsified']);
    expect(restarts).toEqual(['the engine crashed: it was ended by SIGKILL']);
    expect(finished).toMatchObject({ outcome: 'complete', verdict: 'falsified' });
  });

  it('that comes back makes an error of its question only, with the end of the log', async () => {
    const { results, kinds } = await verify(start(['verified', 'crash', 'falsified']));
    expect(kinds).toEqual(['verified', 'error', 'falsified']);
    expect(results[1].verdict).toMatchObject({
      reason: expect.stringContaining('Fatal: the kernel fell over') as string,
      lowerBound: -0.125,
    });
  });

  it('five times in three minutes ends it, with a reason and no loop', async () => {
    const client = start(['crash', 'crash', 'crash', 'verified']);
    const { finished, kinds } = await verify(client);
    expect(kinds).toEqual(['error', 'error']);
    expect(finished).toMatchObject({
      outcome: 'failed',
      problem: { message: expect.stringContaining('crashed 5 times') as string },
    });
    expect(client.state).toMatchObject({
      kind: 'failed',
      logTail: expect.stringContaining('the kernel fell over') as string,
    });
    // Nothing is started until someone asks for it.
    expect((await verify(client)).finished).toMatchObject({ outcome: 'failed' });
    await client.restart();
    expect((await client.inspect({ specification: SPECIFICATION })).ok).toBe(true);
  });

  it('while the files are read ends the run with a reason', async () => {
    const { finished } = await verify(start(['verified'], { start: 'crash-in-plan' }));
    expect(finished).toMatchObject({ outcome: 'failed', problem: { code: 'engine/crash' } });
  });

  it('at the start, or another version, is told at once and not tried again', async () => {
    const crashed = await verify(start(['verified'], { start: 'crash' }));
    expect(crashed.finished.problem?.message).toMatch(/did not start.*the kernel fell over/);
    const other = await verify(start(['verified'], { start: 'other-version' }));
    expect(other.finished.problem?.message).toMatch(/version 0\.0\.9.*Reload/);
  });
});

describe('limits', () => {
  it('a question that does not stop by itself is a timeout that says why, with the bound reached', async () => {
    const { results, kinds } = await verify(
      start(['verified', 'hang', 'falsified'], { timeout: 0.5, graceSeconds: 0.3 }),
    );
    expect(kinds).toEqual(['verified', 'timeout', 'falsified']);
    const { verdict } = results[1];
    expect(verdict).toMatchObject({ lowerBound: -0.125 });
    if (verdict.kind !== 'timeout') throw new Error('no timeout');
    expect(verdict.reason).toContain('The limit of 0.5 s passed during branching with 50 % of the region decided');
    expect(verdict.seconds).toBeGreaterThan(0.75);
    expect(verdict.seconds).toBeLessThan(3);
  });

  it('a question that reaches the memory ceiling is unknown, and the others are decided', async () => {
    const { results, kinds } = await verify(start(['memory', 'verified']));
    expect(kinds).toEqual(['unknown', 'verified']);
    expect(results[0].verdict).toMatchObject({
      reason: expect.stringContaining('memory ceiling') as string,
      advice: expect.stringContaining('Raise') as string,
    });
  });
});

describe('stopping', () => {
  it.each(['slow', 'hang'] as const)(
    'answers within 500 ms while a question is %s, and keeps what was answered',
    async behaviour => {
      const client = start(['verified', behaviour, 'verified']);
      const kinds: string[] = [];
      let working = (): void => undefined;
      const atWork = new Promise<void>(resolve => (working = resolve));
      const run = client.verify(
        { specification: SPECIFICATION },
        {
          onResult: ({ verdict }) => kinds.push(verdict.kind),
          onProgress: ({ task, progress }) => task === 1 && progress.workFraction > 0 && working(),
        },
      );
      await atWork;
      const begun = performance.now();
      const finished = await run.stop();
      expect(performance.now() - begun).toBeLessThan(500);
      expect(finished).toMatchObject({ outcome: 'cancelled', verdict: 'verified' });
      expect(kinds).toEqual(['verified']);
      // The next run has an engine.
      const next = client.verify({ specification: SPECIFICATION }, { onResult: () => void next.stop() });
      expect((await next.stopped).verdict).toBe('verified');
    },
  );

  it('takes a run out of the queue', async () => {
    const client = start(['slow']);
    const first = client.verify({ specification: SPECIFICATION });
    const second = client.verify({ specification: SPECIFICATION });
    expect(await second.stop()).toMatchObject({ outcome: 'cancelled', verdict: null });
    await first.stop();
  });
});

it('tells what is wrong with a model', async () => {
  const answer = await start([]).info({ model: '/models/none.onnx' });
  expect(answer).toEqual({
    ok: false,
    problems: [{ code: 'model-unreadable', message: '/models/none.onnx: there is no such file.' }],
  });
});
