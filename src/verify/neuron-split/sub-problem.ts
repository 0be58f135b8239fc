import type { Multipliers, Split } from '../../bounds/split-bounds';
import type { Candidate } from '../input-split/search';

/** A sub-problem: one disjunct with some neurons fixed, and what its bound was reached with. */
export interface SubProblem {
  readonly disjunct: number;
  /** The constraint whose bound is worked on. */
  readonly row: number;
  readonly splits: readonly Split[];
  readonly multipliers: Multipliers;
  /** Certified, for this sub-problem. */
  readonly bound: number;
  /** Unstable neurons worth splitting, best first; none when all are fixed. */
  readonly candidates: readonly number[];
}

/** What some work on sub-problems led to. */
export interface Settled {
  /** Sub-problems that are open, in the order in which a stack takes them: the most dangerous last. */
  readonly open: SubProblem[];
  readonly proved: SubProblem[];
  /** Sub-problems bounded, one entry each: their disjuncts. */
  readonly bounded: number[];
  /** The lowest margin of any point tried, and the point when it is worth replaying. */
  readonly bestAttack: number;
  readonly candidate: Candidate | null;
}

export function mergeSettled(parts: readonly Settled[]): Settled {
  return {
    open: parts.flatMap(part => part.open),
    proved: parts.flatMap(part => part.proved),
    bounded: parts.flatMap(part => part.bounded),
    bestAttack: Math.min(...parts.map(part => part.bestAttack)),
    candidate: parts.reduce<Candidate | null>((best, { candidate }) => better(best, candidate), null),
  };
}

export function better(a: Candidate | null, b: Candidate | null): Candidate | null {
  if (a === null || b === null) return a ?? b;
  return b.margin < a.margin ? b : a;
}
