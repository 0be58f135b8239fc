import type { ResultRecord } from '../../report/record';
import { WORST_FIRST, type VerdictKind } from '../../report/verdict';

/** What a list of results comes to. */
export interface Tally {
  readonly counts: ReadonlyMap<VerdictKind, number>;
  /** Seconds of all results together. */
  readonly seconds: number;
}

interface Growing {
  readonly counts: Map<VerdictKind, number>;
  seconds: number;
  /** How many results are counted. */
  counted: number;
}

const known = new WeakMap<readonly ResultRecord<unknown>[], Growing>();

/** Counts only what was added to the list since it was last asked about: lists of results grow at their end, one by one, and several views ask a few times a second. */
export function tallyOf(results: readonly ResultRecord<unknown>[]): Tally {
  let tally = known.get(results);
  if (!tally) known.set(results, (tally = { counts: new Map<VerdictKind, number>(), seconds: 0, counted: 0 }));
  for (; tally.counted < results.length; tally.counted++) {
    const { kind, seconds } = results[tally.counted]!.verdict;
    tally.counts.set(kind, (tally.counts.get(kind) ?? 0) + 1);
    tally.seconds += seconds;
  }
  return tally;
}

/** The worst verdict among results; null where there are none. */
export function worstOf(results: readonly ResultRecord<unknown>[]): VerdictKind | null {
  const { counts } = tallyOf(results);
  return WORST_FIRST.find(kind => counts.has(kind)) ?? null;
}

/** How many results have each verdict, worst first, kinds that do not occur left out. */
export function countsOf(
  results: readonly ResultRecord<unknown>[],
): readonly { readonly kind: VerdictKind; readonly count: number }[] {
  const { counts } = tallyOf(results);
  return WORST_FIRST.flatMap(kind => {
    const count = counts.get(kind);
    return count === undefined ? [] : [{ kind, count }];
  });
}
