import type { Plan, PreparedTask, Task } from '../../../src/engine/plan';
import type { Verdict } from '../../../src/report/verdict';
import type { Box, Question } from '../../../src/spec/question';
import { DEFAULT_OPTIONS } from '../../../src/verify/options';
import type { Budget, Progress } from '../../../src/verify/progress';

/** What the pretended solver does with one question. */
export type Behaviour =
  | 'verified'
  | 'falsified'
  | 'misclassified'
  | 'unreadable'
  | 'slow'
  | 'throw'
  | 'hang'
  | 'crash'
  | 'crash-once'
  | 'memory';

export const VERIFIED: Verdict = {
  kind: 'verified',
  soundness: 'real',
  proof: { leaves: 3, depth: 2 },
  seconds: 0.25,
  lowerBound: 0.5,
  statistics: { subproblems: 5 },
};

export const FALSIFIED: Verdict = {
  kind: 'falsified',
  counterexample: {
    input: Float32Array.of(0.1, 0.2),
    output: Float32Array.of(1, 2),
    margin: 1,
    outsideWritten: false,
    foundBy: 'pgd',
  },
  seconds: 0.25,
  lowerBound: -0.5,
};

/** A question that says nothing but which task it is of. */
export function question(index: number): Question {
  const box: Box = {
    lower: Float64Array.of(index, 0),
    upper: Float64Array.of(index + 1, 1),
    lowerPoint: Float32Array.of(index, 0),
    upperPoint: Float32Array.of(index + 1, 1),
  };
  return { disjuncts: [{ box, constraints: [] }], inputSize: 2, outputSize: 2 };
}

export type Act = (index: number, budget: Budget, onProgress: (progress: Progress) => void) => Promise<Verdict>;

/** A plan of one check with one sample for every behaviour; `act` decides what is no plain answer. */
export function fakePlan(behaviours: readonly Behaviour[], act: Act, timeout = 60): Plan {
  const tasks = behaviours.map((behaviour, sample): Task => ({
    check: 'noise',
    sample,
    claim: `sample ${sample} keeps its class`,
    range: { start: { line: 7, character: 4 }, end: { line: 7, character: 20 } },
    options: { ...DEFAULT_OPTIONS, timeout },
    prepare: () =>
      Promise.resolve(
        behaviour === 'unreadable'
          ? { ok: false, error: { code: 'data/missing', message: 'digits.png: does not exist. Check the path.' } }
          : { ok: true, value: prepared(behaviour, sample) },
      ),
  }));
  return {
    model: '/models/digits.onnx',
    specification: '/models/digits.certiscope.jsonc',
    files: [],
    tasks,
    counts: { noise: tasks.length },
    warnings: [],
    measureAccuracy: () => Promise.resolve({ correct: 1, total: behaviours.length, classes: 2 }),
    decide: (asked, _options, budget, onProgress) => act(asked.disjuncts[0].box.lower[0], budget, onProgress),
    close: () => Promise.resolve(),
    multiplications: 10,
    modelHash: () => Promise.resolve('model-hash'),
  };
}

function prepared(behaviour: Behaviour, sample: number): PreparedTask {
  const facts = {
    original: Float32Array.of(sample, 0.5),
    originalOutput: Float32Array.of(2, 1),
    label: 0,
    predicted: behaviour === 'misclassified' ? 1 : 0,
    inputShape: [1, 2],
    outputShape: [1, 2],
  };
  if (behaviour !== 'misclassified') return { facts, question: question(sample) };
  const reason = 'The network answers class 1, the label is 0.';
  return { facts, settled: { kind: 'misclassified', reason, predicted: 1, label: 0, seconds: 0, lowerBound: null } };
}

/** A question in the middle of its work. */
export const HALFWAY: Progress = {
  phase: 'branching',
  lowerBound: -0.125,
  bestAttack: 0.5,
  openSubproblems: 12,
  subproblems: 40,
  depth: 0,
  disjunct: null,
  workFraction: 0.5,
  elapsedSeconds: 1,
};
