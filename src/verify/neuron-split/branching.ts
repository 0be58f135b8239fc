import type { Multipliers, Split, SplitBounds } from '../../bounds/split-bounds';

/** Neurons that are tried before one is split. */
export const CANDIDATES = 3;
/** An estimate above this is worth certifying: float32 and the search's own arithmetic are not that exact. */
export const ENOUGH = 1e-5;

/** What splitting needs to know of a sub-problem. */
export interface Splittable {
  /** The form whose bound is worked on. */
  readonly row: number;
  readonly splits: readonly Split[];
  readonly multipliers: Multipliers;
  /** Unstable neurons worth splitting, best first. */
  readonly candidates: readonly number[];
}

/**
 * Two halves of each parent: split is the candidate whose halves' bounds rise most, by a pass without search (FSB, De Palma et al. 2021). Uses all rows of `bounds`.
 */
export function halves<P extends Splittable>(bounds: SplitBounds, parents: readonly P[]): P[] {
  const children: P[] = [];
  const perPass = Math.floor(bounds.rows / (2 * CANDIDATES));
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
      const { candidates, splits } = parent;
      let place = candidates[0];
      let score = -Infinity;
      if (candidates.length > 1)
        for (const candidate of candidates) {
          // Both halves should rise; one that is proved is as good as it gets.
          const value = Math.min(0, lower[r++]) + Math.min(0, lower[r++]);
          if (value > score) {
            score = value;
            place = candidate;
          }
        }
      for (const sign of [1, -1] as const) children.push({ ...parent, splits: [...splits, { place, sign }] });
    }
  }
  return children;
}
