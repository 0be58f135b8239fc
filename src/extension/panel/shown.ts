import { shownBelow } from '../../base/shown-number';
import type { ResultRecord } from '../../report/record';
import { explain, labelName, methodName } from '../../report/summary';
import { pointsOf } from '../../report/trace';
import type { Verdict } from '../../report/verdict';
import { changedWeights } from '../../../webview/results/changed-weights';
import type { ChangedWeights, ListedRow, Row, Shown, Work } from '../../../webview/results/protocol';
import {
  capital,
  claimWords,
  epsilonValue,
  headline,
  liveWords,
  missingSentence,
  moveValue,
  seconds,
  soundnessSentence,
} from '../core/wording';
import { countsOf } from '../core/tally';
import type { QuestionState, SpecificationState } from '../core/verdict-store';

export interface ShownOptions {
  readonly question: QuestionState;
  readonly specification: SpecificationState;
  readonly stale: boolean;
  /** How the specification and the model are named to a person. */
  readonly specificationPath: string;
  readonly modelPath: string;
  readonly canRun: boolean;
  /** Writes the paths in a sentence as a person names them. */
  readonly shorten: (sentence: string) => string;
}

/** What the results panel shows of a question: a projection of the store like every other view. */
export function shownOf({
  question,
  specification,
  stale,
  specificationPath,
  modelPath,
  canRun,
  shorten,
}: ShownOptions): Shown {
  const { label, detail, tone } = headline(question, stale);
  const { activity, evidence } = question;
  const busy: Shown['busy'] =
    activity.kind === 'idle'
      ? null
      : { fraction: fractionDone(question), text: detail === '' ? label : detail, live: liveOf(question) };
  return {
    question: question.id,
    name: question.name,
    specification: specificationPath,
    model: modelPath,
    label,
    detail: busy ? '' : detail,
    tone,
    stale,
    busy,
    notes: notesOf(specification, question, shorten),
    counts: countsOf(evidence?.results ?? []),
    planned: evidence?.planned ?? 0,
    canRun,
  };
}

function notesOf(
  { problems, runProblems, accuracy }: SpecificationState,
  { evidence }: QuestionState,
  shorten: ShownOptions['shorten'],
): string[] {
  const sentences = [...problems, ...runProblems]
    .filter(({ severity }) => severity !== 'information')
    .map(({ message }) => shorten(message));
  const missing = evidence && missingSentence(evidence);
  return [
    ...new Set(sentences),
    ...(accuracy?.warning ? [accuracy.warning] : []),
    ...(missing === null ? [] : [missing]),
  ];
}

/** Part of a question's work that is done, over all its samples; null while nothing is known. */
function fractionDone({ activity, evidence }: QuestionState): number | null {
  if (activity.kind !== 'running') return null;
  const current = activity.progress?.progress.workFraction ?? 0;
  const mine = evidence?.run === activity.run ? evidence : null;
  if (!mine) return current > 0 ? current : null;
  return Math.min(1, (mine.results.length + current) / mine.planned);
}

/** The question in work; null before the solver has told of anything. */
function liveOf({ activity, evidence }: QuestionState): NonNullable<Shown['busy']>['live'] {
  if (activity.kind !== 'running' || activity.progress === null) return null;
  const { progress } = activity.progress;
  if (progress.phase === 'loading') return null;
  // All questions of one specification are about one network.
  const names = evidence?.results.find(result => result.outputNames)?.outputNames;
  return { text: liveWords(progress, names), trace: pointsOf(activity.trace) };
}

/** How a result came about, in words. */
export function workOf({ verdict, outputNames }: ResultRecord<unknown>): Work {
  const { statistics } = verdict;
  const labels = statistics?.labels ?? [];
  const sorted = statistics?.sortSeconds;
  return {
    labels: labels.map(label => ({
      name: labelName(label, outputNames),
      outcome: label.outcome,
      margin: label.margin === null ? '' : shownBelow(label.margin),
      seconds: label.outcome === 'discarded' || label.outcome === 'not tried' ? '' : seconds(label.seconds),
      subproblems: label.subproblems === 0 ? '' : String(label.subproblems),
      reason: label.reason ?? '',
    })),
    labelsNote: sorted === undefined || labels.length === 0 ? '' : `Sorted in ${seconds(sorted)}.`,
    trace: statistics?.trace ?? [],
    neurons: (statistics?.neurons ?? []).map(({ node, unstable, size }) => ({ node, unstable, size })),
    weights: weightsOf(verdict),
  };
}

function weightsOf(verdict: Verdict<unknown>): ChangedWeights | null {
  if (verdict.kind !== 'falsified' || !verdict.weights) return null;
  const { changes, changed, patched } = verdict.weights;
  return changedWeights(changes, changed, patched?.kind === 'file');
}

/** A result in a list. */
export function listedRowOf({ index, sample, check, verdict }: ResultRecord<unknown>): ListedRow {
  const title = sample === null ? check : `Sample ${sample}`;
  return { index, title, kind: verdict.kind, seconds: seconds(verdict.seconds) };
}

/** One result in words. */
export function rowOf(result: ResultRecord<unknown>): Row {
  const { verdict } = result;
  const falsified = verdict.kind === 'falsified';
  return {
    ...listedRowOf(result),
    claim: result.claim,
    claimWords: capital(claimWords(verdict.kind)),
    reason: explain(verdict),
    facts: factsOf(result),
    // Where the weights alone are changed, the input is the sample itself.
    counterexample: falsified && (!verdict.weights || result.epsilon !== undefined),
    inputShape: result.inputShape,
    outputNames: result.outputNames ?? [],
    preprocess: result.preprocess ?? null,
    label: result.label ?? null,
  };
}

function factsOf(result: ResultRecord<unknown>): Row['facts'] {
  const { verdict, epsilon, label, predicted, cached, outputNames } = result;
  const className = (index: number) => outputNames?.[index] ?? String(index);
  const facts: { name: string; value: string; title?: string }[] = [
    { name: 'Time', value: `${seconds(verdict.seconds)}${cached ? ', from an earlier run' : ''}` },
  ];
  const { statistics } = verdict;
  if (statistics?.backend !== undefined && statistics.backend !== '')
    facts.push({
      name: 'Method',
      value: `${methodName(statistics.backend)}, ${statistics.subproblems} ${result.weights ? 'linear program' : 'sub-problem'}${statistics.subproblems === 1 ? '' : 's'}`,
      title: 'What settled the question, or was tried last',
    });
  if (verdict.lowerBound !== null)
    facts.push({
      name: 'Lower bound',
      value: shownBelow(verdict.lowerBound),
      title:
        'Certified distance to a violation over the whole region; above 0 is verified. Rounding is already subtracted.',
    });
  for (const move of result.weights ?? [])
    facts.push({
      name: `Layer ${move.layer}`,
      value: moveValue(move),
      title: 'What may happen to each of its weights',
    });
  if (epsilon) facts.push({ name: 'ε', value: epsilonValue(epsilon) });
  if (label !== undefined) facts.push({ name: 'Label', value: className(label) });
  if (predicted !== undefined) facts.push({ name: 'Answer', value: `${className(predicted)} on the original` });
  if (verdict.kind === 'verified') {
    if (verdict.proof)
      facts.push({
        name: 'Proof',
        value: `${verdict.proof.leaves} ${verdict.proof.leaves === 1 ? 'part' : 'parts'} of the region`,
      });
    facts.push({ name: 'Meaning', value: soundnessSentence(result) });
  }
  return facts;
}
