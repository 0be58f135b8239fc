import type { ResultRecord, RunRecord } from '../../../src/report/record';
import type { Verdict } from '../../../src/report/verdict';

const RANGE = { start: { line: 6, character: 4 }, end: { line: 6, character: 70 } };

export function result(index: number, verdict: Verdict, changes: Partial<ResultRecord> = {}): ResultRecord {
  return {
    index,
    check: 'one grey level',
    sample: index,
    range: RANGE,
    claim: `for every input within 1/255 of sample ${index}, class 3 stays ahead of every other class`,
    verdict,
    label: 3,
    predicted: 3,
    inputShape: [1, 3],
    outputShape: [1, 2],
    epsilon: { raw: [1], model: [1 / 255] },
    key: `key-${index}`,
    cached: false,
    ...changes,
  };
}

export const VERDICTS = {
  verified: {
    kind: 'verified',
    soundness: 'real',
    proof: { leaves: 3, depth: 2 },
    seconds: 0.25,
    lowerBound: 0.5,
    statistics: { subproblems: 5 },
  },
  falsified: {
    kind: 'falsified',
    counterexample: {
      input: Float32Array.of(0.1, -1e-40, 3),
      output: Float32Array.of(1.5, -2),
      margin: 3.5,
      outsideWritten: true,
      foundBy: 'pgd',
    },
    seconds: 1.5,
    lowerBound: -Infinity,
  },
  misclassified: {
    kind: 'misclassified',
    reason: 'The network answers class 4 on sample 2, which is class 3.',
    predicted: 4,
    label: 3,
    seconds: 0,
    lowerBound: null,
  },
  unknown: {
    kind: 'unknown',
    reason: 'The bounds do not settle it.',
    advice: 'Ask about a smaller region.',
    seconds: 2,
    lowerBound: -0.125,
  },
  timeout: {
    kind: 'timeout',
    reason: 'Not decided within 60 s.',
    advice: 'Give it more time.',
    seconds: 60,
    lowerBound: -0.5,
  },
  error: {
    kind: 'error',
    reason: 'The solver failed: "x" < 3 & so on.',
    advice: 'Please report it.',
    seconds: 0.1,
    lowerBound: null,
  },
} as const satisfies Record<string, Verdict>;

export function run(results: readonly ResultRecord[], changes: Partial<RunRecord> = {}): RunRecord {
  return {
    model: 'models/digits.onnx',
    specification: 'models/digits.certiscope.jsonc',
    version: '0.1.0',
    seconds: 64,
    results,
    ...changes,
  };
}

export const EVERY_KIND = run(Object.values(VERDICTS).map((verdict, index) => result(index, verdict)));
