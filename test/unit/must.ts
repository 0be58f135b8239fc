import type { Problem, Result } from '../../src/base/result';

/** The value of a result that has to be there; its problem as an exception otherwise. */
export function must<T>(result: Result<T, Problem> | Result<T, Problem[]>): T {
  if (result.ok) return result.value;
  throw new Error([result.error].flat()[0].message);
}
