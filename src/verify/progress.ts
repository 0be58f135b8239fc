/** What a running decision tells the outside, at most four times a second (design, section 4). */
export interface Progress {
  readonly phase: 'loading' | 'attack' | 'bounds' | 'branching' | 'replay';
  /** Best certified lower bound so far; null before the first. */
  readonly lowerBound: number | null;
  /** Smallest margin any attack has reached (≤ 0 would be a counterexample); null before the first. */
  readonly bestAttack: number | null;
  readonly openSubproblems: number;
  readonly subproblems: number;
  /** Depth of the tree so far. */
  readonly depth: number;
  /** The disjunct (target label) in work, when they are taken one by one; else null. */
  readonly disjunct: number | null;
  /** The output that would win there; absent where it is no label. */
  readonly label?: number;
  /** Part of the region already decided, 0..1: finished leaves count 2^-depth. */
  readonly workFraction: number;
  readonly elapsedSeconds: number;
}

/** How a caller stops a decision. `cancelled` is polled; `deadline` is a `performance.now()` time. */
export interface Budget {
  readonly deadline: number;
  cancelled(): boolean;
}
