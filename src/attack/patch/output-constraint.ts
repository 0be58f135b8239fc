import type { Constraint } from '../../spec/question';

/** outputs·y ≤ bound. */
export type OutputConstraint = Pick<Constraint, 'outputs' | 'bound'>;
