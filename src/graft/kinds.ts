/** The words of this folder that others speak too: the engine's messages, the command line, the panels. */

/**
 * Where bounds come from: interval arithmetic; backward passes for what intervals leave open (CROWN); the same with slopes searched for every neuron
 * (α-CROWN).
 */
export const BOUND_METHODS = ['intervals', 'crown', 'alpha-crown'] as const;
export type BoundMethod = (typeof BOUND_METHODS)[number];

/**
 * How much neurons matter, from what they read (y) on some samples: SAP, the mean of |y|; VAP, the variance of |y|; GAP, the mean of |∂loss/∂y|, the loss being
 * cross entropy (Brandis 2023, section 3.4). Hydra's learned scores are not among them.
 */
export const IMPORTANCES = ['sap', 'vap', 'gap'] as const;
export type Importance = (typeof IMPORTANCES)[number];

/** What becomes of every sample of a data set (Brandis 2023, section 3.3): misclassified, attacked, verified, or none of these. */
export const OUTCOMES = ['misclassified', 'attacked', 'verified', 'undecided'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** What is done about ties: the lowest rank of the group, ranks without gaps, ranks in order of appearance; `none` keeps the values. */
export const RANKINGS = ['none', 'min', 'dense', 'ordinal'] as const;
export type Ranking = (typeof RANKINGS)[number];
