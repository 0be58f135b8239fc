import type { Ranking } from './kinds';

/** From indicator values to scores in [0, 1] (Brandis 2023, table 3.1 and eq. 3.2). */

/** Ranks from 1, the smallest value first; for `none` the values themselves. */
export function ranks(values: Float64Array, ranking: Ranking): Float64Array {
  if (ranking === 'none') return values.slice();
  if (ranking === 'ordinal') {
    // Stable: equal values keep their order.
    const order = Array.from(values.keys()).sort((a, b) => values[a] - values[b]);
    const result = new Float64Array(values.length);
    order.forEach((index, k) => (result[index] = k + 1));
    return result;
  }
  const sorted = values.slice().sort();
  const rankOf = new Map<number, number>();
  sorted.forEach((value, k) => {
    if (!rankOf.has(value)) rankOf.set(value, ranking === 'dense' ? rankOf.size + 1 : k + 1);
  });
  return values.map(value => rankOf.get(value) as number);
}

/** Rescaled so that the smallest is 0 and the largest 1; all 0 where all are equal. */
export function normalised(values: Float64Array): Float64Array {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return high > low ? values.map(value => (value - low) / (high - low)) : new Float64Array(values.length);
}

/** The score of every value: its rank, rescaled to [0, 1]. */
export function scores(values: Float64Array, ranking: Ranking): Float64Array {
  return normalised(ranks(values, ranking));
}
