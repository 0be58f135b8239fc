import type { StoreEvent } from '../../../src/extension/core/verdict-state';
import type { Answered } from '../../../src/extension/core/verdict-store';
import type { FinishedParams, PlannedTask, ProgressParams, TensorReference } from '../../../src/engine/protocol';
import type { Outline } from '../../../src/extension/core/outline';
import type { Verdict } from '../../../src/report/verdict';
import type { Range } from '../../../src/base/result';

const NO_TENSOR: TensorReference = { kind: 'inline', base64: '', shape: [0] };

/** Verdicts as the engine sends them, with as little as they need. */
export const VERDICT = {
  verified: { kind: 'verified', soundness: 'real', proof: { leaves: 1, depth: 0 }, seconds: 0.5, lowerBound: 0.25 },
  falsified: {
    kind: 'falsified',
    counterexample: { input: NO_TENSOR, output: NO_TENSOR, margin: 0.125, outsideWritten: false, foundBy: 'pgd' },
    seconds: 1,
    lowerBound: null,
  },
  unknown: {
    kind: 'unknown',
    reason: 'The bounds were not tight enough.',
    advice: 'Raise the timeout.',
    seconds: 2,
    lowerBound: -0.5,
  },
} as const satisfies Record<string, Verdict<TensorReference>>;

export function result(
  index: number,
  check: string,
  verdict: Verdict<TensorReference>,
  sample: number | null = index,
): Answered {
  return {
    index,
    check,
    sample,
    claim: `for every input near sample ${sample}, class 7 stays first`,
    verdict,
    inputShape: [1, 4],
    outputShape: [1, 2],
    key: `key-${index}`,
    cached: false,
  };
}

export function range(line: number): Range {
  return { start: { line, character: 0 }, end: { line, character: 10 } };
}

/** An outline with these properties, whose meaning is their fingerprint. */
export function outlineOf(...properties: readonly (readonly [name: string, fingerprint: string])[]): Outline {
  return {
    kind: 'perturbation',
    model: 'm.onnx',
    properties: properties.map(([name, fingerprint], line) => ({
      name,
      fingerprint,
      range: range(line),
      anchor: range(line),
    })),
    places: {},
  };
}

export function tasks(...checks: readonly string[]): PlannedTask[] {
  return checks.map((check, index) => ({ index, check, sample: index, claim: '', timeout: 60 }));
}

/** How many results each check has in all. */
export function countsOf(...checks: readonly string[]): Record<string, number> {
  return Object.fromEntries(checks.map(check => [check, checks.filter(other => other === check).length]));
}

export type Planned = Extract<StoreEvent, { kind: 'planned' }>;

/** A run's plan: one task for every name, of a model that lies in no workspace, unless `other` says more. */
export function plan(run: string, checks: readonly string[], other: Partial<Planned> = {}): Planned {
  return {
    kind: 'planned',
    run,
    model: '/w/m.onnx',
    files: [],
    tasks: tasks(...checks),
    counts: countsOf(...checks),
    warnings: [],
    ...other,
  };
}

export function finished(outcome: FinishedParams['outcome'] = 'complete'): FinishedParams {
  return { runId: '', outcome, verdict: null, seconds: 1 };
}

export function progress(task: number, workFraction = 0.5): ProgressParams {
  return {
    runId: '',
    task,
    decided: task,
    progress: {
      phase: 'branching',
      lowerBound: -0.5,
      bestAttack: 0.1,
      openSubproblems: 3,
      subproblems: 9,
      depth: 0,
      disjunct: null,
      workFraction,
      elapsedSeconds: 1.5,
    },
  };
}
