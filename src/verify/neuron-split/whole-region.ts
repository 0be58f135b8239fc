import type { NeuronRegion } from '../../bounds/split-bounds';
import type { BoxProblem } from '../input-split/search';

/** Certified bounds of a problem's constraints over its whole region, and how they were found. */
export interface WholeBounds {
  readonly lower: Float64Array;
  readonly method: 'zonotope' | 'backward' | 'crown';
  /** Milliseconds of work. */
  readonly time: number;
}

/**
 * Bounds a region from nothing: by what is cheapest and, where that leaves something open, with all its neurons tightened. Null when the bounds are of no use.
 * In parts, so that the caller can look at the clock.
 */
export function* boundWholeRegion(region: NeuronRegion, problem: BoxProblem): Generator<void, WholeBounds | null> {
  const { lower, upper } = problem.box;
  const begin = performance.now();
  const rows = problem.constraints.map((_, row) => row);
  if (problem.disjuncts.some(own => own.length === 0)) return null;
  region.setBox(lower, upper, null);
  const first = region.zonotope(rows);
  if (first === null) return null;
  if (problem.disjuncts.every(own => own.some(row => first[row] > 0)))
    return { lower: first, method: region.firstMethod, time: performance.now() - begin };
  let paused = 0;
  for (const tightening = region.tightening(); !tightening.next().done;) {
    const pause = performance.now();
    yield;
    paused += performance.now() - pause;
  }
  const bounds = region.backward(rows);
  // Bounds that are no numbers fail this comparison too.
  if (!bounds.every(bound => bound > -Infinity)) return null;
  return { lower: bounds, method: 'crown', time: performance.now() - begin - paused };
}
