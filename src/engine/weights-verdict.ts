import { availableParallelism } from 'node:os';
import { satisfaction } from '../attack/violation';
import type { Verdict, WeightChanges } from '../report/verdict';
import type { Question } from '../spec/question';
import type { SolverOptions } from '../verify/options';
import type { Budget, Progress } from '../verify/progress';
import { WeightDecision, type WeightProgress, type WeightVerdict } from '../weights/decide';
import type { WeightFailure } from '../weights/replay-change';
import type { OpenedWeightsCheck } from './weights-check';

/** Changes that a record lists; the patched model holds them all. */
const MOST_CHANGES = 1000;

/** Decides a question under a check of weights, as `Decide` does one about inputs. */
export async function decideWeightsCheck(
  opened: OpenedWeightsCheck,
  question: Question,
  options: SolverOptions,
  budget: Budget,
  onProgress: (progress: Progress) => void,
): Promise<Verdict> {
  const [{ box }] = question.disjuncts;
  const started = performance.now();
  const weightQuestion = {
    perturbations: [],
    input: opened.check.epsilon
      ? ({ kind: 'box', box } as const)
      : ({ kind: 'point', values: box.lowerPoint } as const),
    unsafe: question.disjuncts.map(({ constraints }) => constraints),
  };
  const decision = new WeightDecision(
    opened.model,
    opened.opening,
    weightQuestion,
    {
      seed: options.seed,
      threads: options.threads > 0 ? options.threads : availableParallelism(),
      method: opened.check.method ?? 'complete',
      attackOnly: options.attackOnly,
    },
    budget,
    progress => onProgress(progressOf(progress, question.disjuncts.length, started)),
  );
  return verdictOf(await decision.run(), question);
}

const PHASES: Readonly<Record<WeightProgress['phase'], Progress['phase']>> = {
  bounds: 'bounds',
  attack: 'attack',
  programs: 'bounds',
  branching: 'branching',
  replay: 'replay',
};

function progressOf({ phase, lowerBound, bestAttack, open }: WeightProgress, sets: number, started: number): Progress {
  return {
    phase: PHASES[phase],
    lowerBound,
    bestAttack,
    openSubproblems: open,
    subproblems: 0,
    depth: 0,
    disjunct: null,
    workFraction: sets === 0 ? 0 : (sets - open) / sets,
    elapsedSeconds: (performance.now() - started) / 1000,
  };
}

function verdictOf(verdict: WeightVerdict, question: Question): Verdict {
  const { seconds, lowerBound } = verdict;
  const common = { seconds, lowerBound };
  switch (verdict.kind) {
    case 'verified':
      return {
        ...common,
        kind: 'verified',
        soundness: 'real',
        statistics: { subproblems: verdict.programs, backend: verdict.method },
      };
    case 'falsified': {
      const { output, margin, foundBy, input } = verdict.failure;
      return {
        ...common,
        kind: 'falsified',
        counterexample: { input, output, margin, foundBy, outsideWritten: false },
        weights: changesOf(verdict.failure),
      };
    }
    // Labels were compared before; what fails here is the property on the file as it is.
    case 'misclassified': {
      const input = question.disjuncts[0].box.lowerPoint;
      const margins = question.disjuncts
        .map(disjunct => satisfaction(disjunct, input, verdict.output))
        .filter(({ holds }) => holds)
        .map(({ margin }) => margin);
      return {
        ...common,
        kind: 'falsified',
        counterexample: {
          input,
          output: verdict.output,
          margin: margins.reduce((most, margin) => Math.max(most, margin), 0),
          foundBy: 'the file as it is',
          outsideWritten: false,
        },
        weights: { changed: 0, layers: [], largest: 0, changes: [], patched: null },
      };
    }
    case 'unknown':
    case 'timeout':
    case 'error':
      return { ...common, kind: verdict.kind, reason: verdict.reason, advice: verdict.advice };
  }
}

/** The changes of a failure for a record. */
export function changesOf({ patched: { bytes, changes } }: WeightFailure): WeightChanges {
  const size = ({ before, after }: { before: number; after: number }): number => Math.abs(after - before);
  const sorted = [...changes].sort((a, b) => size(b) - size(a));
  return {
    changed: changes.length,
    layers: [...new Set(changes.map(({ layer }) => layer))],
    largest: sorted.length === 0 ? 0 : size(sorted[0]),
    changes: sorted.slice(0, MOST_CHANGES),
    patched: { kind: 'bytes', bytes },
  };
}
