import type { WrongInput } from '../../engine/study-protocols/patch-model';
import type { Answered, VerdictStore } from '../core/verdict-store';

/** The inputs that falsified checks of a specification and what the model should answer there; of some samples only, where they are named. */
export function counterexamplesOf(
  store: VerdictStore,
  specification: string,
  samples?: readonly number[],
): readonly WrongInput[] {
  return store
    .questions(specification)
    .flatMap(question => (question.evidence?.results ?? []).flatMap(result => wrongInput(result, samples)));
}

function wrongInput(
  { verdict, sample, check, label, predicted }: Answered,
  samples: readonly number[] | undefined,
): WrongInput[] {
  const wanted = label ?? predicted;
  // Where the weights were changed as well, the model itself may be right about the input.
  if (verdict.kind !== 'falsified' || verdict.weights || wanted === undefined) return [];
  if (samples && (sample === null || !samples.includes(sample))) return [];
  const title = `counterexample of ${check}${sample === null ? '' : `, sample ${sample}`}`;
  return [{ title, input: verdict.counterexample.input, wanted }];
}
