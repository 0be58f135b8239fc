import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Problem } from '../base/result';
import { EngineClient } from '../engine/client';
import type { TensorReference, VerifyParams } from '../engine/protocol';
import { mapVerdict, readTensor } from '../engine/tensor-reference';
import type { ResultRecord } from '../report/record';
import type { Verdict } from '../report/verdict';
import type { ExecutionEnd, ExecutionListener, StopSignal } from './execution';

/** Runs in an engine process under supervision: nothing that happens there can take the finished results with it. */
export async function runIsolated(
  params: Omit<VerifyParams, 'runId'>,
  options: { readonly folder: string; readonly memoryLimit: number },
  listener: ExecutionListener,
  signal: StopSignal,
): Promise<ExecutionEnd> {
  const storeFolder = await mkdtemp(path.join(os.tmpdir(), 'certiscope-'));
  const client = new EngineClient({
    script: path.join(options.folder, 'engine.js'),
    storeFolder,
    // The folder lives as long as the run.
    storeLimitMegabytes: 2 ** 20,
    memoryLimitMegabytes: Math.round(options.memoryLimit / 2 ** 20),
  });
  // Tensors are read one after the other, so that results keep their order.
  let reading = Promise.resolve();
  try {
    const run = client.verify(params, {
      onPlan: (plan, warnings) => listener.onPlan(plan, warnings),
      onAccuracy: accuracy => listener.onAccuracy(accuracy),
      onProgress: ({ task, progress }) => listener.onProgress(task, progress),
      onResult: result => {
        reading = reading.then(async () => listener.onResult(await withTensors(result)));
      },
      onRestart: reason => listener.onNotice(`a new engine goes on with the open questions: ${reason}.`),
    });
    signal.onStop(() => void run.stop());
    const finished = await run.stopped;
    await reading;
    const plan = await run.plan;
    if (!plan.ok && finished.outcome === 'failed') return { kind: 'refused', problems: plan.problems };
    if (finished.outcome === 'failed' && finished.problem !== undefined)
      return { kind: 'failed', problem: finished.problem };
    return { kind: finished.outcome === 'complete' ? 'complete' : 'cancelled' };
  } finally {
    await client.dispose();
    await rm(storeFolder, { recursive: true, force: true });
  }
}

/** The verdict with its changed model in memory: the folder it lies in ends with the run. */
async function withModel(verdict: Verdict): Promise<Verdict> {
  if (verdict.kind !== 'falsified' || verdict.weights?.patched?.kind !== 'file') return verdict;
  const bytes = await readFile(verdict.weights.patched.path).catch(() => null);
  return { ...verdict, weights: { ...verdict.weights, patched: bytes && { kind: 'bytes', bytes } } };
}

/** The record with its tensors in memory; an error when the disk lost one. */
async function withTensors(result: ResultRecord<TensorReference>): Promise<ResultRecord> {
  let lost: Problem | undefined;
  const values = async (tensor: TensorReference): Promise<Float32Array> => {
    const read = await readTensor(tensor);
    if (read.ok) return read.value;
    lost = read.error;
    return new Float32Array(0);
  };
  const record: ResultRecord = {
    ...result,
    original: result.original && (await values(result.original)),
    originalOutput: result.originalOutput && (await values(result.originalOutput)),
    verdict: await withModel(await mapVerdict(result.verdict, values)),
  };
  if (lost === undefined) return record;
  const { seconds, lowerBound } = result.verdict;
  const verdict: Verdict = {
    kind: 'error',
    reason: lost.message,
    advice: 'Free some disk space.',
    seconds,
    lowerBound,
  };
  return { ...record, original: undefined, originalOutput: undefined, verdict };
}
