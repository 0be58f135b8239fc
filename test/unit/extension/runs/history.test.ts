import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeNpy } from '../../../../src/report/npy';
import type { FinishedParams } from '../../../../src/engine/protocol';
import { History, type HistoryLimits } from '../../../../src/extension/runs/history';
import { verdictOfRun, type RunStart } from '../../../../src/extension/runs/kept-run';
import { result, VERDICT } from '../records';

const START: RunStart = {
  specification: 'file:///w/a.certiscope.jsonc',
  checks: null,
  samples: null,
  effort: 'complete',
  options: {},
  version: '1.0.0',
};
const COMPLETE: FinishedParams = { runId: 'run-1', outcome: 'complete', verdict: 'verified', seconds: 2 };

describe('the history of runs', () => {
  let folder: string;
  let limits: HistoryLimits;
  const warnings: string[] = [];
  const open = async (): Promise<History> => {
    const history = new History(
      folder,
      () => limits,
      message => warnings.push(message),
    );
    await history.open();
    return history;
  };
  const runFolder = (id: string): string => path.join(folder, 'v1', id);

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'history-'));
    limits = { runs: 100, megabytes: 100 };
    warnings.length = 0;
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function record(history: History, samples = 3): Promise<string> {
    const writer = history.begin(START, Promise.resolve('the text'));
    writer.planned('/w/a.onnx', samples);
    for (let index = 0; index < samples; index++)
      writer.add(result(index, 'near', index === 1 ? VERDICT.falsified : VERDICT.verified));
    await writer.finish(COMPLETE, []);
    return writer.id;
  }

  it('keeps a run across restarts, with its results and the text that was asked', async () => {
    const id = await record(await open());
    const later = await open();
    const head = later.head(id)!;
    expect(head).toMatchObject({ outcome: 'complete', planned: 3, model: '/w/a.onnx', seconds: 2 });
    expect(head.counts).toEqual({ verified: 2, falsified: 1 });
    expect(verdictOfRun(head)).toBe('falsified');
    const results = await later.results(id);
    expect(results.map(({ index, verdict }) => [index, verdict.kind])).toEqual([
      [0, 'verified'],
      [1, 'falsified'],
      [2, 'verified'],
    ]);
    expect(await later.text(id)).toBe('the text');
  });

  it('names and pins outlast the session', async () => {
    const history = await open();
    const id = await record(history);
    await history.change(id, { name: 'before the fix', pinned: true });
    expect((await open()).head(id)).toMatchObject({ name: 'before the fix', pinned: true });
  });

  it('a host that dies in mid-run leaves every result that was written', async () => {
    const history = await open();
    const writer = history.begin(START, Promise.resolve(null));
    writer.planned('/w/a.onnx', 5);
    writer.add(result(0, 'near', VERDICT.verified));
    writer.add(result(1, 'near', VERDICT.falsified));
    await writer.flush();
    const head = (await open()).head(writer.id)!;
    expect(head).toMatchObject({ outcome: 'interrupted', planned: 5, counts: { verified: 1, falsified: 1 } });
  });

  it('a line that was cut short is not there; the ones before it are', async () => {
    const id = await record(await open());
    const file = path.join(runFolder(id), 'results.jsonl');
    const { length } = await readFile(file);
    for (const cut of [2, 10, 100]) {
      await truncate(file, length - cut);
      expect((await (await open()).results(id)).map(({ index }) => index)).toEqual([0, 1]);
    }
    await appendFile(file, 'garbage\n');
    expect(await (await open()).results(id)).toHaveLength(2);
  });

  it('a draft of a head that was never finished does not hide the head before it', async () => {
    const id = await record(await open());
    await writeFile(path.join(runFolder(id), 'head.json.1234.draft'), '{"id":');
    expect((await open()).head(id)?.outcome).toBe('complete');
  });

  it('a result that is told twice counts once', async () => {
    const history = await open();
    const writer = history.begin(START, Promise.resolve(null));
    writer.planned('/w/a.onnx', 1);
    writer.add(result(0, 'near', VERDICT.verified));
    writer.add(result(0, 'near', VERDICT.verified));
    await writer.finish(COMPLETE, []);
    expect(history.head(writer.id)?.counts).toEqual({ verified: 1 });
    expect(await history.results(writer.id)).toHaveLength(1);
  });

  it('a counterexample’s file outlives the verdict cache', async () => {
    const cached = path.join(folder, 'cached.npy');
    await writeFile(cached, encodeNpy(Float32Array.of(1, 2), [2]));
    const history = await open();
    const writer = history.begin(START, Promise.resolve(null));
    writer.planned('/w/a.onnx', 1);
    const file = { kind: 'file', path: cached, shape: [2] } as const;
    const verdict = { ...VERDICT.falsified, counterexample: { ...VERDICT.falsified.counterexample, input: file } };
    writer.add(result(0, 'near', verdict));
    await writer.finish(COMPLETE, []);
    await rm(cached);
    const [kept] = await (await open()).results(writer.id);
    const input = kept!.verdict.kind === 'falsified' ? kept!.verdict.counterexample.input : null;
    expect(input).toMatchObject({ kind: 'file', path: path.join(runFolder(writer.id), 'cached.npy') });
    expect(await readFile(path.join(runFolder(writer.id), 'cached.npy'))).toHaveLength(128 + 8);
  });

  it('is bounded: the oldest run goes, a pinned one stays', async () => {
    limits = { runs: 2, megabytes: 100 };
    const history = await open();
    const pinned = await record(history);
    await history.change(pinned, { pinned: true });
    const second = await record(history);
    const third = await record(history);
    const fourth = await record(history);
    expect(new Set(history.heads().map(({ id }) => id))).toEqual(new Set([pinned, fourth]));
    expect(new Set(await readdir(path.join(folder, 'v1')))).toEqual(new Set([pinned, fourth]));
    expect(history.head(second)).toBeUndefined();
    expect(history.head(third)).toBeUndefined();
  });

  it('a run that was stopped before it was planned leaves nothing; one that was refused says why', async () => {
    const history = await open();
    const stopped = history.begin(START, Promise.resolve(null));
    await stopped.finish({ ...COMPLETE, outcome: 'cancelled' }, []);
    const refused = history.begin(START, Promise.resolve(null));
    await refused.finish({ ...COMPLETE, outcome: 'failed' }, ['a.onnx: no such file.']);
    expect(history.heads().map(({ id, problem }) => [id, problem])).toEqual([[refused.id, 'a.onnx: no such file.']]);
    expect(await readdir(path.join(folder, 'v1'))).toEqual([refused.id]);
  });

  it('a disk that refuses is told of once, and the run goes on', async () => {
    await writeFile(path.join(folder, 'v1'), 'a file where the folder should be');
    const history = await open();
    await record(history);
    await record(history);
    expect(warnings).toHaveLength(1);
    expect(history.heads()).toHaveLength(2);
  });
});
