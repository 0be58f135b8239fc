import type { Problem } from '../../../base/result';
import { refused } from '../study';

/** A study that someone stopped answers so in the engine's own words: nobody is told of a problem. */
export function refusedOf(problem: Problem): ReturnType<typeof refused> {
  return refused(problem.code === 'graft/cancelled' ? { ...problem, code: 'engine/cancelled' } : problem);
}
