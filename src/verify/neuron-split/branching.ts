import type { Multipliers, SearchEffort, Split, SplitBounds } from '../../bounds/split-bounds';

/** Levels that are split at once, at most. */
const MOST_LEVELS = 3;
/** An estimate above this is worth certifying: float32 and the search's own arithmetic are not that exact. */
export const ENOUGH = 1e-5;

/** Steps of a search after a split, where the bounds say nothing else. */
const STEPS = 8;

/** So many levels from the root a split decides about large parts: twice as many candidates are tried there. */
const EARLY = 10;

/** How many candidates a sub-problem with so many splits tries; so many rows hold the trials of one sub-problem at least. */
export function candidatesAt(depth: number, bounds: SplitBounds): number {
  return depth < EARLY ? Math.min(2 * bounds.tried, bounds.rows >> 1) : bounds.tried;
}

/** What splitting needs to know of a sub-problem. */
export interface Splittable {
  /** The form whose bound is worked on. */
  readonly row: number;
  readonly splits: readonly Split[];
  readonly multipliers: Multipliers;
  /** Certified. */
  readonly bound: number;
  /** Unstable neurons worth splitting, best first. */
  readonly candidates: readonly number[];
}

/**
 * The parts of each parent: split is the candidate whose split is worth most, by a pass without search (FSB, De Palma et al. 2021). While parents are few, the
 * best candidates are split all at once, so that the rows of a pass are used. Uses all rows of `bounds`; there are at most as many parts, the easiest first.
 */
export function parts<P extends Splittable>(bounds: SplitBounds, parents: readonly P[]): P[] {
  const levels = Math.min(MOST_LEVELS, Math.max(1, Math.floor(Math.log2(bounds.rows / (2 * parents.length)))));
  const children: { readonly child: P; readonly estimate: number }[] = [];
  const mostTried = parents.reduce((most, { candidates }) => Math.max(most, candidates.length), 1);
  const perPass = Math.floor(bounds.rows / (2 * mostTried));
  for (let from = 0; from < parents.length; from += perPass) {
    const part = parents.slice(from, from + perPass);
    let rows = 0;
    for (const { row, splits, multipliers, candidates } of part)
      if (candidates.length > 1)
        for (const place of candidates)
          for (const sign of [1, -1] as const) bounds.set(rows++, row, [...splits, { place, sign }], multipliers);
    const lower = rows > 0 ? bounds.estimate(rows) : new Float64Array(0);
    let r = 0;
    for (const parent of part) {
      const { candidates } = parent;
      // Both halves should rise; one that is proved is as good as it gets.
      const scores =
        candidates.length > 1
          ? candidates.map(place => {
              const [above, below] = [Math.min(0, lower[r++]), Math.min(0, lower[r++])];
              const gain = worth(rise(above, parent.bound), rise(below, parent.bound));
              bounds.learn?.(parent.row, place, gain);
              return { gain, halves: [above, below] };
            })
          : [{ gain: 0, halves: [-Infinity, -Infinity] }];
      const best = candidates
        .map((place, k) => ({ place, ...scores[k] }))
        .sort((a, b) => b.gain - a.gain)
        .slice(0, levels);
      let own = [{ child: parent, estimate: -Infinity }];
      for (const { place, halves } of best)
        own = own.flatMap(({ child, estimate }) =>
          ([1, -1] as const).map((sign, half) => ({
            child: { ...child, splits: [...child.splits, { place, sign }] },
            estimate: Math.max(estimate, halves[half]),
          })),
        );
      children.push(...own);
    }
  }
  // Rows that are searched together are searched until the last of them is proved: those that a trial has all but proved belong together.
  return children.sort((a, b) => b.estimate - a.estimate).map(({ child }) => child);
}

/** A half that gains nothing counts as if it gained this part of what the other does: its neuron is fixed at least. */
const AT_LEAST = 1e-3;

/**
 * What a split is worth whose halves' bounds rise by so much: their geometric mean, as in mixed-integer programming (Achterberg, Koch and Martin 2005). A tree is as large as both halves
 * are: one that is closed is worth little where the other is as far from it as before.
 */
function worth(above: number, below: number): number {
  const least = AT_LEAST * Math.max(above, below);
  return Math.sqrt(Math.max(above, least) * Math.max(below, least));
}

/** How far a half's bound is above its parent's, where both are numbers. */
function rise(bound: number, before: number): number {
  const risen = bound - before;
  return risen > 0 && risen < Infinity ? risen : 0;
}

/** The effort for the rows of `bounds` after a split. */
export function afterSplit(bounds: SplitBounds): SearchEffort {
  return { iterations: bounds.steps ?? STEPS, alpha: 0.1, beta: 0.5, cut: 0.03, enough: ENOUGH };
}
