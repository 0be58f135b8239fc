/** Which method proves: see `createProver`. */
export const BACKENDS = ['auto', 'crown', 'milp', 'zonotope', 'symbolic'] as const;
export type Backend = (typeof BACKENDS)[number];

/** By what labels are sorted, most dangerous first (Wan et al. 2020, section 3.1, and ours). */
export const LABEL_ORDERS = ['margin', 'paper', 'naive', 'random'] as const;
export type LabelOrder = (typeof LABEL_ORDERS)[number];

/** The options of one decision. Everything that can change a verdict is here and is part of the verdict's key. */
export interface SolverOptions {
  /** Wall-clock seconds for one question. */
  readonly timeout: number;
  readonly backend: Backend;
  /** The order in which labels (the disjuncts of a question) are taken. */
  readonly labelOrder: LabelOrder;
  /** One label after the other, those that cannot win discarded; else all at once. */
  readonly guided: boolean;
  /** `real`: the network in exact arithmetic. `runtime`: ONNX Runtime's float32 error is added too (only ever stronger). */
  readonly soundness: 'real' | 'runtime';
  readonly seed: number;
  readonly threads: number;
  /** Look for a counterexample and prove nothing. It changes no verdict that is true, so that it is no part of the key. */
  readonly attackOnly: boolean;
}

export const DEFAULT_OPTIONS: SolverOptions = {
  timeout: 60,
  backend: 'auto',
  labelOrder: 'margin',
  guided: true,
  soundness: 'real',
  seed: 1,
  threads: 0,
  attackOnly: false,
};
