import type { LoadedModel } from '../network/load';
import type { Decide } from './plan';

/** The solver for one model; its code is loaded when it is first asked. */
export function solverFor(_model: LoadedModel): Decide {
  return async (_question, options) => ({
    kind: 'unknown',
    reason: 'This build has no solver yet.',
    advice: 'Use a later build.',
    seconds: 0,
    lowerBound: options.timeout < 0 ? 0 : null,
  });
}
