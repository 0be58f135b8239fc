import { describe, expect, it } from 'vitest';
import { runJob, type JobEnvironment } from '../../../src/engine/job';
import type { Verdict } from '../../../src/report/verdict';
import type { ResultRecord } from '../../../src/report/record';
import { fakePlan, HALFWAY, VERIFIED, type Act, type Behaviour } from './fake-plan';

const EVERYTHING = { skip: new Set<number>(), recallOnly: false };

function environment(changes: Partial<JobEnvironment<Float32Array>> = {}): JobEnvironment<Float32Array> {
  return {
    cancelled: () => false,
    memoryLimit: 2 ** 40,
    key: task => Promise.resolve(`key-${task.sample}`),
    recall: () => Promise.resolve(undefined),
    keep: (_key, verdict) => Promise.resolve(verdict),
    tensor: (_name, values) => Promise.resolve(values),
    ...changes,
  };
}

async function run(
  behaviours: readonly Behaviour[],
  act: Act,
  changes: Partial<JobEnvironment<Float32Array>> = {},
  selection = EVERYTHING,
): Promise<{ outcome: string; results: ResultRecord[]; progress: number[] }> {
  const results: ResultRecord[] = [];
  const progress: number[] = [];
  const outcome = await runJob(fakePlan(behaviours, act), selection, environment(changes), {
    onProgress: (_, { workFraction }) => progress.push(workFraction),
    onResult: result => results.push(result),
  });
  return { outcome, results, progress };
}

describe('runJob', () => {
  it('makes an error of what a solver throws, and goes on', async () => {
    const { results, outcome } = await run(['throw', 'verified'], index =>
      index === 0 ? Promise.reject(new Error('matrix is singular')) : Promise.resolve(VERIFIED),
    );
    expect(outcome).toBe('complete');
    expect(results.map(result => result.verdict.kind)).toEqual(['error', 'verified']);
    expect(results[0].verdict).toMatchObject({ reason: 'The solver failed: matrix is singular.' });
  });

  it('tells of progress when a question begins, then at most four times a second', async () => {
    const { progress } = await run(['slow'], async (_, budget, onProgress) => {
      while (performance.now() < budget.deadline - 59_400) {
        onProgress(HALFWAY);
        await new Promise(resolve => setTimeout(resolve, 2));
      }
      return VERIFIED;
    });
    expect(progress[0]).toBe(0);
    expect(progress.length - 1).toBe(2);
  });

  it('ends a question that needs more memory than there is as unknown, with the bound it had', async () => {
    const { results } = await run(
      ['slow'],
      async (_, budget, onProgress) => {
        await new Promise(resolve => setTimeout(resolve, 260));
        onProgress(HALFWAY);
        expect(budget.cancelled()).toBe(true);
        return { kind: 'unknown', reason: 'Stopped on request.', advice: '', seconds: 0, lowerBound: null };
      },
      { memoryLimit: 1 },
    );
    expect(results[0].verdict).toMatchObject({
      kind: 'unknown',
      lowerBound: -0.125,
      reason: expect.stringContaining('memory ceiling') as string,
    });
  });

  it('keeps a verdict that was found although the memory ran out', async () => {
    const { results } = await run(
      ['slow'],
      async (_, _budget, onProgress) => {
        await new Promise(resolve => setTimeout(resolve, 260));
        onProgress(HALFWAY);
        return VERIFIED;
      },
      { memoryLimit: 1 },
    );
    expect(results[0].verdict.kind).toBe('verified');
  });

  it('drops what a cancelled question still says', async () => {
    let cancelled = false;
    const { results, outcome } = await run(
      ['verified', 'verified'],
      index => {
        cancelled = index === 1;
        return Promise.resolve(VERIFIED);
      },
      { cancelled: () => cancelled },
    );
    expect(outcome).toBe('cancelled');
    expect(results.map(result => result.index)).toEqual([0]);
  });

  it('answers from the store alone when told so, and what needs no solver', async () => {
    const stored: Verdict = { ...VERIFIED, seconds: 9 };
    const { results } = await run(
      ['verified', 'verified', 'misclassified'],
      () => Promise.reject(new Error('was solved')),
      { recall: key => Promise.resolve(key === 'key-1' ? stored : undefined) },
      { skip: new Set(), recallOnly: true },
    );
    expect(results.map(({ index, verdict, cached }) => [index, verdict.kind, cached])).toEqual([
      [1, 'verified', true],
      [2, 'misclassified', false],
    ]);
  });

  it('skips what is answered already', async () => {
    const { results } = await run(
      ['verified', 'verified', 'verified'],
      () => Promise.resolve(VERIFIED),
      {},
      { skip: new Set([0, 2]), recallOnly: false },
    );
    expect(results.map(result => result.index)).toEqual([1]);
  });
});
