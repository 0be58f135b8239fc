import type { MarginLine, SymbolicLine } from '../../bounds/symbolic/symbolic-region';
import { dualBound, provesInfeasible } from '../../lp/certified';
import { isProved, UNPROVED } from '../../lp/certified-solve';
import { HighsModel, type OpenModel, type SolveLimits, type SolverModel } from '../../lp/highs';
import type { LinearProgram } from '../../lp/linear-program';

/** What the program of a part says of one disjunct. */
export type LineOutcome =
  | {
      readonly kind: 'bound';
      /** Certified; −∞ where the solver's multipliers prove nothing. */
      readonly bound: number;
      /** Of the phase lines, then of the margin lines where there are several. */
      readonly multipliers: Float64Array;
      /** Where the solver found the optimum, if it did. */
      readonly symbols: Float64Array | null;
      /** What the solver claims and its multipliers do not prove, as a sentence without its full stop; null where they do. */
      readonly doubt: string | null;
    }
  /** Nowhere are all phase lines at least 0, certified: the part has no point. */
  | { readonly kind: 'empty'; readonly multipliers: Float64Array }
  | { readonly kind: 'failed'; readonly reason: string };

/**
 * The linear programs of one part: symbols in [−1, 1] on which every phase line is at least 0. HiGHS proposes; what counts is its multipliers, re-evaluated in
 * float64 with all rounding subtracted. Call `dispose` when done.
 */
export class LineProgram {
  /** For disjuncts of one constraint, which differ in their cost alone. */
  private model: SolverModel | null = null;

  constructor(
    private readonly phases: readonly SymbolicLine[],
    private readonly limits: SolveLimits,
    private readonly open: OpenModel = HighsModel.open,
  ) {}

  /** The least value of the largest of the margin lines: no margin of the disjunct is below it on the whole part. */
  async least(margins: readonly MarginLine[]): Promise<LineOutcome> {
    const [{ coefficients, constant, bound }] = margins;
    // Over all symbols the corner is at hand.
    if (this.phases.length === 0 && margins.length === 1)
      return {
        kind: 'bound',
        bound,
        multipliers: new Float64Array(0),
        symbols: coefficients.map(a => (a > 0 ? -1 : 1)),
        doubt: null,
      };
    try {
      if (margins.length > 1) {
        const model = await this.open(lineProgram(this.phases, margins));
        const outcome = this.solve(model, 0);
        model.dispose();
        return outcome;
      }
      if (this.model) this.model.changeCost(coefficients);
      else this.model = await this.open(lineProgram(this.phases, margins));
      return this.solve(this.model, constant);
    } catch (error) {
      return { kind: 'failed', reason: error instanceof Error ? error.message : String(error) };
    }
  }

  dispose(): void {
    this.model?.dispose();
  }

  private solve(model: SolverModel, offset: number): LineOutcome {
    const outcome = model.solve(this.limits);
    const program = { ...model.program, offset };
    switch (outcome.kind) {
      case 'optimal':
      case 'timeLimit':
      case 'interrupted': {
        const multipliers = outcome.rowDuals ?? new Float64Array(program.rowLower.length);
        const bound = dualBound(program, multipliers);
        const doubted = outcome.kind === 'optimal' && !isProved(outcome.objective + offset, bound);
        return { kind: 'bound', bound, multipliers, symbols: outcome.primal, doubt: doubted ? UNPROVED : null };
      }
      case 'infeasible':
        if (outcome.ray !== null && provesInfeasible(program, outcome.ray))
          return { kind: 'empty', multipliers: outcome.ray };
        return { kind: 'failed', reason: 'HiGHS found no point, but could not show that there is none' };
      case 'unbounded':
        return { kind: 'failed', reason: 'HiGHS calls a program over a box unbounded' };
      case 'failed':
        return outcome;
    }
  }
}

/** One margin is the objective; of several, the largest is, as one more column. Rows: the phases', then those of several margins. */
function lineProgram(phases: readonly SymbolicLine[], margins: readonly SymbolicLine[]): LinearProgram {
  const symbols = margins[0].coefficients.length;
  const several = margins.length > 1;
  const columns = symbols + (several ? 1 : 0);
  const lines = [
    ...phases.map(line => ({ line, sign: 1 })),
    ...(several ? margins : []).map(line => ({ line, sign: -1 })),
  ];
  const columnUpper = new Float64Array(columns).fill(1);
  // No line leaves these bounds, so the largest of them does not either.
  if (several) columnUpper[symbols] = 2 * Math.max(...margins.map(reach));
  const rowStart = new Int32Array(lines.length + 1);
  const column: number[] = [];
  const value: number[] = [];
  lines.forEach(({ line: { coefficients }, sign }, row) => {
    for (let k = 0; k < symbols; k++) {
      if (coefficients[k] === 0) continue;
      column.push(k);
      value.push(sign * coefficients[k]);
    }
    if (sign < 0) {
      column.push(symbols);
      value.push(1);
    }
    rowStart[row + 1] = column.length;
  });
  return {
    cost: several ? new Float64Array(columns).fill(1, symbols) : margins[0].coefficients.slice(),
    offset: 0,
    columnLower: columnUpper.map(upper => -upper),
    columnUpper,
    integer: null,
    rowLower: Float64Array.from(lines, ({ line, sign }) => -sign * line.constant),
    rowUpper: new Float64Array(lines.length).fill(Infinity),
    rowStart,
    column: Int32Array.from(column),
    value: Float64Array.from(value),
  };
}

function reach({ coefficients, constant }: SymbolicLine): number {
  return coefficients.reduce((sum, a) => sum + Math.abs(a), Math.abs(constant));
}
