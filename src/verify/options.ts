/** The options of one decision. Everything that can change a verdict is here and is part of the verdict's key. */
export interface SolverOptions {
  /** Wall-clock seconds for one question. */
  readonly timeout: number;
  readonly backend: 'auto';
  /** `real`: the network in exact arithmetic. `runtime`: ONNX Runtime's float32 error is added too (only ever stronger). */
  readonly soundness: 'real' | 'runtime';
  readonly seed: number;
  readonly threads: number;
}

export const DEFAULT_OPTIONS: SolverOptions = {
  timeout: 60,
  backend: 'auto',
  soundness: 'real',
  seed: 1,
  threads: 0,
};
