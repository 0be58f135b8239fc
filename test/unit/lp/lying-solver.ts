import { HighsModel, type OpenModel, type SolveOutcome, type SolverModel } from '../../../src/lp/highs';
import type { LinearProgram } from '../../../src/lp/linear-program';

/** A solver that answers what `lie` makes of HiGHS's answers. */
export function lying(lie: (outcome: SolveOutcome, program: LinearProgram) => SolveOutcome): OpenModel {
  return async program => {
    const model = await HighsModel.open(program);
    const liar: SolverModel = {
      program: model.program,
      changeCost: cost => model.changeCost(cost),
      changeColumnBounds: (column, lower, upper) => model.changeColumnBounds(column, lower, upper),
      changeRowBounds: (row, lower, upper) => model.changeRowBounds(row, lower, upper),
      basis: () => model.basis(),
      startFrom: basis => model.startFrom(basis),
      solve: limits => lie(model.solve(limits), program),
      dispose: () => model.dispose(),
    };
    return liar;
  };
}

const wrongDuals = (outcome: SolveOutcome, change: (dual: number, row: number) => number): SolveOutcome =>
  outcome.kind === 'optimal' && outcome.rowDuals
    ? { ...outcome, objective: 1e3, bound: 1e3, rowDuals: outcome.rowDuals.map(change) }
    : outcome;

/** What a solver may do wrong, by name. */
export const LIES: Readonly<Record<string, OpenModel>> = {
  'calls everything infeasible, without a reason': lying(() => ({ kind: 'infeasible', ray: null })),
  'calls everything infeasible, with a ray that proves nothing': lying((_, program) => ({
    kind: 'infeasible',
    ray: new Float64Array(program.rowLower.length).fill(1),
  })),
  'claims an optimum with wrong duals': lying(outcome => wrongDuals(outcome, dual => -3 * dual)),
  'claims an optimum with duals that are no numbers': lying(outcome => wrongDuals(outcome, () => NaN)),
  'claims an optimum without duals': lying(outcome =>
    outcome.kind === 'optimal' ? { ...outcome, objective: 1e3, bound: 1e3, rowDuals: null } : outcome,
  ),
  'claims an optimum at a point that violates the program': lying(outcome =>
    outcome.kind === 'optimal'
      ? { ...outcome, objective: 1e3, primal: outcome.primal.map((_, k) => (k % 2 === 0 ? 1e9 : NaN)), rowDuals: null }
      : outcome,
  ),
  'calls everything unbounded': lying(() => ({ kind: 'unbounded' })),
  'runs out of memory': lying(() => ({ kind: 'failed', reason: 'out of memory' })),
  'cannot be opened': () => Promise.reject(new Error('memory access out of bounds')),
};
