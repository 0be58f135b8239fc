import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { studyLargestEpsilon } from '../../../src/engine/studies/largest-epsilon';
import type { StudyEnvironment } from '../../../src/engine/studies/study';
import type {
  LargestEpsilonParams,
  LargestEpsilonPart,
  LargestEpsilonResult,
} from '../../../src/engine/study-protocols/largest-epsilon';
import type { Answer } from '../../../src/engine/protocol';
import { openPlan } from '../../../src/engine/open';
import { inlineTensor, readTensor } from '../../../src/engine/tensor-reference';
import { must } from '../must';

const FILE = path.resolve('samples/digits.certiscope.jsonc');

function text(epsilon: string, extra = ''): string {
  return `{ "model": "digits.onnx",
  "inputs": { "data": "digits-images.idx", "labels": "digits-labels.idx", "select": "0..9" },
  "preprocess": { "scale": "1/255" }, ${extra}
  "checks": [
    { "name": "levels", "perturb": "input", "epsilon": ${epsilon}, "clip": [0, 1] },
    { "name": "weights", "perturb": "weights", "magnitude": "1%" },
    { "name": "list", "perturb": "input", "epsilon": [${new Array<string>(256).fill('0.1').join(',')}] }
  ],
  "solver": { "timeout": 20, "threads": 1 } }`;
}

async function study(
  epsilon: string,
  params: Omit<LargestEpsilonParams, 'subject'> & { readonly samples?: readonly number[] },
  cancelled: (parts: readonly LargestEpsilonPart[]) => boolean = () => false,
): Promise<{ readonly answer: Answer<LargestEpsilonResult>; readonly parts: readonly LargestEpsilonPart[] }> {
  const parts: LargestEpsilonPart[] = [];
  const environment: StudyEnvironment<LargestEpsilonPart> = {
    cancelled: () => cancelled(parts),
    program: 'tested',
    memoryLimit: 2 ** 31,
    folder: os.tmpdir(),
    onProgress: () => {},
    onPart: part => parts.push(part),
    tensor: (_, values, shape) => Promise.resolve(inlineTensor(values, shape)),
  };
  const { samples, ...rest } = params;
  const subject = { specification: { path: FILE, text: text(epsilon) }, ...(samples ? { samples } : {}) };
  return { answer: await studyLargestEpsilon({ subject, ...rest }, environment), parts };
}

function value(answer: Answer<LargestEpsilonResult>): LargestEpsilonResult {
  if (answer.ok) return answer.value;
  throw new Error(answer.problems[0].message);
}

/** The verdicts of an ordinary run at some ε. */
async function verdicts(epsilon: string, samples: readonly number[]): Promise<string[]> {
  const opened = await openPlan({
    specification: { path: FILE, text: text(`"${epsilon}"`) },
    checks: ['levels'],
    samples,
  });
  if (!opened.ok) throw new Error(opened.problems[0].message);
  const kinds: string[] = [];
  for (const task of opened.value.tasks) {
    const prepared = must(await task.prepare());
    if (!('question' in prepared)) continue;
    const budget = { deadline: performance.now() + 20_000, cancelled: () => false };
    kinds.push((await opened.value.decide(prepared.question, task.options, budget, () => {})).kind);
  }
  await opened.value.close();
  return kinds;
}

describe('the largest ε that holds', () => {
  it('of one sample is verified, and the next in the last digit is falsified', async () => {
    const { answer, parts } = await study('"5/255"', { digits: 2, samples: [0] });
    const result = value(answer);
    expect(result.certified).toMatch(/^\d+(\.\d)?\/255$/);
    const attacked = result.attacked;
    if (result.certified === null || attacked === null) throw new Error('an open bracket');
    expect(Number.parseFloat(attacked.epsilon) - Number.parseFloat(result.certified)).toBeCloseTo(0.1, 9);
    expect(await verdicts(result.certified, [0])).toEqual(['verified']);
    expect(await verdicts(attacked.epsilon, [0])).toEqual(['falsified']);
    expect(must(await readTensor(attacked.input))).toHaveLength(256);
    expect(result).toMatchObject({ written: '5/255', samples: [0], misclassified: [], stopped: false, limiting: 0 });
    expect(parts.length).toBe(result.questions);
  }, 60_000);

  it('of several samples holds for all of them', async () => {
    const result = value((await study('"5/255"', { digits: 1 })).answer);
    expect(result.samples.length + result.misclassified.length).toBe(10);
    if (result.certified === null || result.attacked === null) throw new Error('an open bracket');
    expect(new Set(await verdicts(result.certified, result.samples))).toEqual(new Set(['verified']));
    expect(await verdicts(result.attacked.epsilon, [result.attacked.sample])).toEqual(['falsified']);
  }, 60_000);

  it('is not claimed for all samples when the search was stopped before', async () => {
    const { answer } = await study('"5/255"', { digits: 2 }, parts => (parts.at(-1)?.settled ?? 0) >= 1);
    const result = value(answer);
    expect(result).toMatchObject({ certified: null, stopped: true });
    expect(result.soFar?.samples).toBeGreaterThanOrEqual(1);
    expect(result.soFar?.samples).toBeLessThan(10);
  }, 60_000);

  it.each([
    ['a check of weights', { check: 'weights' }, /perturbs weights/],
    ['a list of radii', { check: 'list' }, /list of radii/],
    ['a check that is not there', { check: 'levvels' }, /no check named "levvels"; there are: "levels", "list"/],
    ['a sample that is not selected', { samples: [77] }, /none of the samples 77/],
  ])('refuses %s with a sentence', async (_, params, sentence) => {
    const { answer } = await study('"5/255"', params);
    expect(answer.ok).toBe(false);
    if (!answer.ok) expect(answer.problems[0].message).toMatch(sentence);
  });
});
