import { shownBelow } from '../base/shown-number';
import type { Counterexample, LabelResult, Proof, Statistics, Verdict } from '../report/verdict';

/** What a decision knows when it ends. */
export interface Findings {
  readonly counterexample: Counterexample | null;
  /** Every disjunct of the question is proved. */
  readonly verified: boolean;
  readonly soundness: 'real' | 'runtime';
  readonly proof: Proof;
  readonly labels: readonly LabelResult[];
  /** Why ONNX Runtime could not be asked. */
  readonly replayProblem: string | null;
  /** The smallest float64 margin among points that ONNX Runtime did not confirm. */
  readonly unconfirmed: number | null;
  readonly stopped: 'cancelled' | 'timeout' | null;
  /** The limit in seconds. */
  readonly timeout: number;
  /** Why a prover could do no more. */
  readonly stuckReason: string | null;
  /** What went wrong with methods on the way; sentences without their full stops. */
  readonly failures: readonly string[];
  /** Nothing was to be proved. */
  readonly attackOnly: boolean;
  readonly bestAttack: number | null;
  readonly seconds: number;
  readonly lowerBound: number | null;
  readonly statistics: Statistics;
}

/** The verdict on what was found. */
export function conclude(findings: Findings): Verdict {
  const { counterexample, seconds, lowerBound, statistics, stopped, unconfirmed } = findings;
  const common = { seconds, lowerBound, statistics };
  if (counterexample) return { kind: 'falsified', counterexample, ...common };
  if (findings.verified) return { kind: 'verified', soundness: findings.soundness, proof: findings.proof, ...common };
  const failed = findings.failures
    .filter(failure => failure !== findings.stuckReason)
    .map(failure => ` ${failure}.`)
    .join('');
  const reached = `The certified lower bound reached ${lowerBound === null ? 'nothing' : shownBelow(lowerBound)}; the closest attack came to ${format(findings.bestAttack)}.`;
  if (findings.replayProblem !== null)
    return {
      kind: 'error',
      reason: `The answer could not be checked in ONNX Runtime. ${findings.replayProblem}`,
      advice: 'Check that the model runs in ONNX Runtime.',
      ...common,
    };
  if (unconfirmed !== null)
    return {
      kind: 'unknown',
      reason: `The margin is below rounding: a point violates the property by ${(-unconfirmed).toExponential(2)} in float64, and ONNX Runtime does not confirm it in float32. ${reached}`,
      advice: 'Ask for a slightly smaller region or a slightly weaker property.',
      ...common,
    };
  if (stopped === 'cancelled')
    return { kind: 'unknown', reason: `Stopped on request. ${reached}`, advice: 'Run it again to go on.', ...common };
  if (findings.attackOnly)
    return {
      kind: 'unknown',
      reason: `Only attacks were asked for, and none of them broke it; the closest came to ${format(findings.bestAttack)}.`,
      advice: 'Run it completely to prove it.',
      ...common,
    };
  if (stopped === 'timeout')
    return {
      kind: 'timeout',
      reason: `Not decided within ${findings.timeout} s. ${reached}${undecided(findings.labels)}${failed}`,
      advice: 'Give it more time, or ask about a smaller region.',
      ...common,
    };
  return {
    kind: 'unknown',
    reason: `${findings.stuckReason ?? 'The bounds do not settle it'}, and no attack succeeded. ${reached}${undecided(findings.labels)}${failed}`,
    advice: 'Ask about a smaller region.',
    ...common,
  };
}

/** Labels that are still named one by one. */
const MOST_NAMED = 5;

/** ` Undecided: labels 3 and 5 of 9.`; nothing where there is only one way to fail, or where none of them is a label. */
function undecided(labels: readonly LabelResult[]): string {
  const open = labels.filter(({ outcome }) => outcome !== 'verified' && outcome !== 'discarded');
  const named = open.flatMap(({ label }) => (label === null ? [] : [label])).sort((a, b) => a - b);
  if (labels.length < 2 || named.length < open.length) return '';
  const shown = named.slice(0, MOST_NAMED);
  const more = named.length - shown.length;
  const list = more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
  return ` Undecided: ${named.length === 1 ? 'label' : 'labels'} ${list} (of ${labels.length}).`;
}

function format(value: number | null): string {
  return value === null ? 'nothing' : value.toPrecision(4);
}
