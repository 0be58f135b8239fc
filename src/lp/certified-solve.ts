import { setImmediate as nextTurn } from 'node:timers/promises';
import { dualBound, provesInfeasible } from './certified';
import type { SolverModel } from './highs';

/** When to stop, as a `performance.now()` time and a question that is asked between slices of work. */
export interface Limits {
  readonly deadline: number;
  cancelled(): boolean;
}

/** What is certain of a linear program after a solver has worked on it. */
export interface CertifiedOutcome {
  /** `stopped`: the limits ended it. `failed`: the solver gave no usable answer; `reason` is a sentence that says so. */
  readonly kind: 'solved' | 'stopped' | 'failed';
  /** The optimum is certainly not below this; Infinity where the program certainly has no point, −∞ where nothing is known. */
  readonly bound: number;
  /** The row multipliers that prove the bound; null for −∞. */
  readonly multipliers: Float64Array | null;
  /** The solver's point, one number a column, which may violate the program; null when it has none. */
  readonly point: Float64Array | null;
  readonly reason: string | null;
}

/** Seconds the solver works before the limits are looked at: it blocks its thread. */
const SLICE = 0.5;

/**
 * Solves the program in `model` by slices, and believes nothing: a bound is that of re-evaluated duals, infeasibility that of a re-evaluated ray.
 * `offset` is added to the objective.
 */
export async function solveCertified(model: SolverModel, offset: number, limits: Limits): Promise<CertifiedOutcome> {
  let bound = -Infinity;
  let multipliers: Float64Array | null = null;
  const take = (duals: Float64Array | null) => {
    const certified = duals === null ? -Infinity : dualBound({ ...model.program, offset }, duals);
    if (certified > bound) [bound, multipliers] = [certified, duals];
  };
  const failed = (reason: string): CertifiedOutcome => ({ kind: 'failed', bound, multipliers, point: null, reason });
  for (;;) {
    const seconds = Math.min(SLICE, (limits.deadline - performance.now()) / 1000);
    if (seconds <= 0 || limits.cancelled()) return { kind: 'stopped', bound, multipliers, point: null, reason: null };
    const outcome = model.solve({ seconds });
    switch (outcome.kind) {
      case 'optimal':
        take(outcome.rowDuals);
        return {
          kind: 'solved',
          bound,
          multipliers,
          point: outcome.primal,
          reason: isProved(outcome.objective + offset - model.program.offset, bound) ? null : `${UNPROVED}.`,
        };
      case 'infeasible':
        if (outcome.ray !== null && provesInfeasible(model.program, outcome.ray))
          return { kind: 'solved', bound: Infinity, multipliers: outcome.ray, point: null, reason: null };
        return failed('HiGHS calls a linear program infeasible, and what it gives as the reason does not prove it.');
      case 'timeLimit':
      case 'interrupted':
        // The next slice goes on from the basis that this one left.
        take(outcome.rowDuals);
        await nextTurn();
        break;
      case 'unbounded':
        return failed('HiGHS calls a linear program unbounded whose columns all have ends.');
      case 'failed':
        return failed(`A linear program was not solved: ${outcome.reason}.`);
    }
  }
}

/** What is said of a solver whose optimum is not borne out. */
export const UNPROVED = 'HiGHS claims an optimum that its multipliers do not prove';
/** Part of its size by which an optimum may miss what its multipliers prove: solvers have tolerances. */
const MISSED = 1e-3;

/** Whether the certified bound of a program bears out the optimum that the solver claims. */
export function isProved(claimed: number, bound: number): boolean {
  return bound >= claimed - MISSED * (1 + Math.abs(claimed));
}
