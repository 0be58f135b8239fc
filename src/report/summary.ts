import type { Problem } from '../base/result';
import type { ResultRecord, RunRecord } from './record';
import { worst, WORST_FIRST, type LabelResult, type Verdict, type VerdictKind, type WeightChanges } from './verdict';

/** The verdict of a whole run: `error` when nothing could be asked, else the worst of its results. */
export function runVerdict(run: RunRecord): VerdictKind {
  if (run.problems?.some(isError)) return 'error';
  return worst(run.results.map(result => result.verdict.kind));
}

/** True for a problem that stops a run, false for what was only noticed. */
export function isError(problem: Problem): boolean {
  return problem.severity === undefined || problem.severity === 'error';
}

/** How many results have each verdict, worst first, kinds that do not occur left out. */
export function countVerdicts(
  results: readonly ResultRecord<unknown>[],
): readonly { kind: VerdictKind; count: number }[] {
  return WORST_FIRST.map(kind => ({
    kind,
    count: results.filter(result => result.verdict.kind === kind).length,
  })).filter(entry => entry.count > 0);
}

/** Name of one result for people: its check, and its sample when the data has several. */
export function resultName(result: Pick<ResultRecord, 'check' | 'sample'>): string {
  return result.sample === null ? result.check : `${result.check}, sample ${result.sample}`;
}

/** Name of a label for people: that of its output, else its number; `violation 3` where the disjunct is no label. */
export function labelName(
  { label, disjunct }: Pick<LabelResult, 'label' | 'disjunct'>,
  names?: readonly string[],
): string {
  if (label === null) return `violation ${disjunct}`;
  return names?.[label] ?? `class ${label}`;
}

const METHODS: Readonly<Record<string, string>> = {
  'input-split': 'splitting the region of inputs',
  'neuron-split': 'splitting neurons',
  bounds: 'bounds of the whole region',
  milp: 'a mixed-integer program',
  zonotope: 'one zonotope of the region',
  symbolic: 'symbolic intervals with refinement',
  attack: 'an attack',
  'backward bounds': 'backward bounds',
  star: 'a star set',
};

/** The method of `Statistics.backend` for people. */
export function methodName(backend: string): string {
  return METHODS[backend] ?? backend;
}

/** Why the verdict is what it is and what to do, as sentences; empty for a `verified` without a note. Reasons name the bound that was reached. */
export function explain(verdict: Verdict<unknown>): string {
  switch (verdict.kind) {
    case 'verified':
      return verdict.note ?? '';
    case 'falsified': {
      const { margin, foundBy, outsideWritten } = verdict.counterexample;
      if (verdict.weights) return explainWeights(verdict.weights, margin, foundBy);
      const violated =
        margin === 0
          ? 'meets its limit exactly, which counts as a violation'
          : `violates it by ${formatNumber(margin)}`;
      const edge = outsideWritten
        ? '; it lies on the edge of the region as float32 rounds it, just outside the written number'
        : '';
      return `In ONNX Runtime an input of the region ${violated} (found by ${foundBy}${edge}).`;
    }
    case 'misclassified':
      return verdict.reason;
    case 'unknown':
    case 'timeout':
    case 'error':
      return `${verdict.reason} ${verdict.advice}`;
  }
}

function explainWeights({ changed, layers, largest }: WeightChanges, margin: number, foundBy: string): string {
  const violated =
    margin === 0 ? 'meets the limit exactly, which counts as a violation' : `violates it by ${formatNumber(margin)}`;
  if (changed === 0) return `In ONNX Runtime the file as it is ${violated}.`;
  const weights = `${changed} changed ${changed === 1 ? 'weight' : 'weights'} of ${layers.join(' and ')}`;
  return `In ONNX Runtime the model with ${weights} (the largest change is ${formatNumber(largest)}) ${violated} (found by ${foundBy}).`;
}

/** Four significant digits, for people. */
export function formatNumber(value: number): string {
  return String(Number(value.toPrecision(4)));
}
