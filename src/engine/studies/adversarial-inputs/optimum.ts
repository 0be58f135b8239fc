import { ok, type Result } from '../../../base/result';
import { shownAbove, shownBelow } from '../../../base/shown-number';
import { confirm, type AdversarialInput, type Subject } from '../../../attack/adversarial';
import type { AttackedModel } from '../../../attack/attacked-model';
import { distanceOf } from '../../../attack/patch/closest';
import { differenceConstraint, outputRef } from '../../../spec/linear-term';
import { nextDown, nextUp } from '../../../spec/numbers/float';
import type { Box, Constraint, Question } from '../../../spec/question';
import type { Solver } from '../../../verify/decide';
import { DEFAULT_OPTIONS } from '../../../verify/options';
import { searchBracket, type Decided } from '../../../verify/tuning/bracket';
import type { GlobalDistance } from '../../study-protocols/adversarial-inputs';

/** The known distance is divided into so many places, at which the verifier is asked. */
const PLACES = 256;
/** Most adversarial inputs are far from the closest one: the search begins near the original. */
const START = 8;
/** Part of all seconds that one place may take. */
const PART = 0.25;

export interface Optimum {
  readonly global: GlobalDistance;
  /** A closer adversarial input than the one known before, by the largest change, which the verifier came across. */
  readonly closer: AdversarialInput | null;
}

/**
 * How close an adversarial input can be: the largest ε up to which the verifier proves that the class stays (or the target does not win), over the whole valid
 * range and all linear regions. Radii are largest changes of a value, in the model's units.
 */
export async function closestPossible(
  solver: Solver,
  model: AttackedModel,
  subject: Subject,
  known: AdversarialInput,
  { seconds, cancelled }: { readonly seconds: number; readonly cancelled: () => boolean },
): Promise<Result<Optimum>> {
  const farthest = distanceOf(known, 'inf');
  const end = performance.now() + 1000 * seconds;
  const over = (): boolean => cancelled() || performance.now() >= end;
  let nearest = known;
  const decide = async (place: number): Promise<Decided> => {
    if (over()) return 'stopped';
    const question = questionAround(subject, (farthest * place) / PLACES);
    const deadline = Math.min(end, performance.now() + 1000 * PART * seconds);
    const verdict = await solver.decide(question, DEFAULT_OPTIONS, { deadline, cancelled });
    if (verdict.kind === 'verified') return 'verified';
    if (verdict.kind !== 'falsified') return over() ? 'stopped' : 'open';
    const confirmed = await confirm(model, subject, Float32Array.from(verdict.counterexample.input), 'verifier');
    if (confirmed.ok && confirmed.value && distanceOf(confirmed.value, 'inf') < distanceOf(nearest, 'inf'))
      nearest = confirmed.value;
    return 'falsified';
  };
  const limits = { start: START, most: PLACES, mostOpen: 1 };
  const { bracket } = await searchBracket(limits, { certified: 0, attacked: PLACES }, decide);
  const certified = (farthest * bracket.certified) / PLACES;
  const closest = distanceOf(nearest, 'inf');
  return ok({
    global: { certified, known: closest, statement: statementOf(certified, closest, subject.target) },
    closer: nearest === known ? null : nearest,
  });
}

/** Whether another class (or the target) can win within a radius, inside the valid range. */
function questionAround({ original, lower, upper, label, target, logits }: Subject, radius: number): Question {
  const size = original.length;
  const box: Box = {
    lower: new Float64Array(size),
    upper: new Float64Array(size),
    lowerPoint: new Float32Array(size),
    upperPoint: new Float32Array(size),
  };
  for (let i = 0; i < size; i++) {
    const [low, high] = [Math.max(lower[i], original[i] - radius), Math.min(upper[i], original[i] + radius)];
    box.lowerPoint[i] = low;
    box.upperPoint[i] = high;
    // The edge itself was rounded.
    box.lower[i] = Math.min(nextDown(low), box.lowerPoint[i]);
    box.upper[i] = Math.max(nextUp(high), box.upperPoint[i]);
  }
  const others = (one: number): number[] => Array.from({ length: logits.length }, (_, k) => k).filter(k => k !== one);
  const above = (winner: number, loser: number): Constraint =>
    differenceConstraint(outputRef(loser), outputRef(winner), false);
  const disjuncts =
    target === null
      ? others(label).map(k => ({ box, constraints: [above(k, label)] }))
      : [{ box, constraints: others(target).map(k => above(target, k)) }];
  return { disjuncts, inputSize: size, outputSize: logits.length };
}

function statementOf(certified: number, known: number, target: number | null): string {
  const what = target === null ? 'an adversarial input' : `an input of class ${target}`;
  const nearest = `the nearest one known changes none by more than ${shownAbove(known)}`;
  if (certified === 0) return `The verifier did not settle in time how close ${what} can be; ${nearest}.`;
  const proved = shownBelow(certified);
  return `Certified over the whole valid range: ${what} has to change some value by more than ${proved} (the model’s units); ${nearest}. Its Euclidean distance is above ${proved} too.`;
}
