/** Two runs side by side: which verdicts changed, in the order in which a person should look at them. */
import type { VerdictKind } from '../../report/verdict';
import { WORST_FIRST } from '../../report/verdict';
import { questionKey, type KeptResult } from './kept-run';

/**
 * What became of a question. `broken`: a counterexample that the earlier run did not have. `fixed`: verified where the earlier run was not. `same`: the same verdict.
 */
export const CHANGES = ['broken', 'worse', 'better', 'fixed', 'added', 'removed', 'same'] as const;
export type Change = (typeof CHANGES)[number];

/** One question of two runs; null on the side of the run that did not ask it. */
export interface ComparedQuestion {
  readonly key: string;
  readonly check: string;
  readonly sample: number | null;
  readonly before: KeptResult | null;
  readonly after: KeptResult | null;
  readonly change: Change;
}

export interface Comparison {
  /** New counterexamples first, then what changed otherwise, then the same; within those in the order of the later run. */
  readonly questions: readonly ComparedQuestion[];
  readonly counts: Readonly<Record<Change, number>>;
}

export function compareRuns(before: readonly KeptResult[], after: readonly KeptResult[]): Comparison {
  const earlier = new Map(before.map(result => [questionKey(result), result]));
  const later = new Set(after.map(questionKey));
  const questions = [
    ...after.map(result => compared(earlier.get(questionKey(result)) ?? null, result)),
    ...before.filter(result => !later.has(questionKey(result))).map(result => compared(result, null)),
  ];
  const places: Readonly<Record<Change, number>> = Object.fromEntries(
    CHANGES.map((change, place) => [change, place]),
  ) as Record<Change, number>;
  const counts = Object.fromEntries(CHANGES.map(change => [change, 0])) as Record<Change, number>;
  for (const { change } of questions) counts[change]++;
  // Sorting keeps the order of equals.
  return { questions: questions.sort((a, b) => places[a.change] - places[b.change]), counts };
}

function compared(before: KeptResult | null, after: KeptResult | null): ComparedQuestion {
  const { check, sample } = (after ?? before)!;
  return {
    key: questionKey({ check, sample }),
    check,
    sample,
    before,
    after,
    change: changeOf(before?.verdict.kind, after?.verdict.kind),
  };
}

function changeOf(before: VerdictKind | undefined, after: VerdictKind | undefined): Change {
  if (before === after) return 'same';
  if (after === undefined) return 'removed';
  if (after === 'falsified') return 'broken';
  if (before === undefined) return 'added';
  if (after === 'verified') return 'fixed';
  return WORST_FIRST.indexOf(after) < WORST_FIRST.indexOf(before) ? 'worse' : 'better';
}
