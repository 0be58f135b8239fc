/** A box of inputs that is not decided yet. */
export interface OpenBox {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /** Sound bounds of the neurons on a box around this one; null at the root. Shared between siblings. */
  readonly bounds: Float64Array | null;
  /** Disjuncts (indices) that may still be satisfiable on this box. */
  readonly open: readonly number[];
  /** Best certified bound of the box around it: min over open disjuncts of the max over their rows. */
  readonly bound: number;
  /** Smallest certified bound among the disjuncts that were closed on the way to this box. */
  readonly excluded: number;
  readonly depth: number;
  /** Where the choices of this box are drawn from: a hash of the path to it, so that they do not depend on the order of work. */
  readonly seed: number;
}

/** A well-mixed 32-bit hash; the source of the choices made per box. */
export function mix(x: number): number {
  let h = x | 0;
  h = Math.imul(h ^ (h >>> 16), 0x45d9f3b);
  h = Math.imul(h ^ (h >>> 16), 0x45d9f3b);
  return (h ^ (h >>> 16)) >>> 0;
}

export function childSeed(seed: number, which: 0 | 1): number {
  return mix(Math.imul(seed, 0x9e3779b1) + which + 1);
}
