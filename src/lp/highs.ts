import type { BasisInput, Highs, HighsCallbackMap, InterruptCallbackEvent, Model } from 'highs';
import type { LinearProgram } from './linear-program';

/**
 * HiGHS, compiled to WebAssembly: it proposes and proves nothing. What it says of an optimum holds to its tolerances only; whoever concludes
 * something re-evaluates the duals or the ray (`certified.ts`). `solve` blocks its thread.
 */

/** Where the simplex method stood; a later solve that starts there is much shorter. */
export type Basis = BasisInput;

export interface SolveLimits {
  /** Seconds of wall-clock time. */
  readonly seconds?: number;
  /** Polled between iterations; true stops the solver. */
  readonly interrupted?: () => boolean;
}

export type SolveOutcome =
  | {
      readonly kind: 'optimal';
      /** Value of `primal`, to the solver's tolerances. */
      readonly objective: number;
      /** What the solver believes the optimum cannot be below; `objective` itself for linear programs. */
      readonly bound: number;
      readonly primal: Float64Array;
      /** Change of the objective per change of a row's active bound; null for mixed-integer programs. */
      readonly rowDuals: Float64Array | null;
    }
  | {
      readonly kind: 'infeasible';
      /** Row multipliers that show it, where the solver has them. */
      readonly ray: Float64Array | null;
    }
  | { readonly kind: 'unbounded' }
  | {
      readonly kind: 'timeLimit' | 'interrupted';
      /** What the solver believes the optimum cannot be below; −∞ when it knows nothing. */
      readonly bound: number;
      /** The best point so far, if there is one. */
      readonly primal: Float64Array | null;
      readonly rowDuals: Float64Array | null;
    }
  /** The solver gave up, ran out of memory or refused the program. */
  | { readonly kind: 'failed'; readonly reason: string };

/** A program in a solver, which is changed and solved again from where it stood. Call `dispose` when done. */
export interface SolverModel {
  /** The program as it now is, changes included: what duals and rays of the last solve belong to. */
  readonly program: LinearProgram;
  /** Another objective over the same columns. */
  changeCost(cost: Float64Array): void;
  changeColumnBounds(column: number, lower: number, upper: number): void;
  changeRowBounds(row: number, lower: number, upper: number): void;
  /** The basis of the last solve; null when it left none (mixed-integer programs do not). */
  basis(): Basis | null;
  /** Starts the next solve from a basis of a program with the same columns and rows. */
  startFrom(basis: Basis): void;
  solve(limits?: SolveLimits): SolveOutcome;
  dispose(): void;
}

/** Puts a program into a solver: `HighsModel.open`, or in tests one that lies. */
export type OpenModel = (program: LinearProgram) => Promise<SolverModel>;

/**
 * Tolerances are left as HiGHS has them: with tighter ones (1e-9 for feasibility, or coefficients below 1e-9 kept) version 1.15.3 called feasible
 * mixed-integer programs infeasible. Only the gap is closed.
 */
const OPTIONS = { output_flag: false, mip_rel_gap: 0, mip_abs_gap: 1e-9 } as const;

/** Thirty years of seconds: no limit. The options take finite numbers only. */
const FOREVER = 1e9;

let loading: Promise<Highs> | undefined;

/** Instances that a trap has left unusable, each with the reason. */
const crashes = new WeakMap<Highs, string>();

/** One WebAssembly instance serves all models of a thread; a crashed one is replaced by a fresh one at the next call. */
function runtime(): Promise<Highs> {
  loading ??= import('highs').then(module => module.default());
  return loading;
}

/** Version of the solver; rejects when it cannot be loaded. */
export async function highsVersion(): Promise<string> {
  return (await runtime()).version.string;
}

/** One program in HiGHS. Nothing but `dispose` frees its memory. */
export class HighsModel implements SolverModel {
  private constructor(
    private readonly highs: Highs,
    private readonly model: Model,
    readonly program: LinearProgram,
  ) {}

  /** Throws when HiGHS refuses the program: a programmer's error (NaN, a column twice), never the fault of a user's file. */
  static async open(program: LinearProgram): Promise<HighsModel> {
    const highs = await runtime();
    const { cost, columnLower, columnUpper, rowLower, rowUpper } = program;
    const model = highs.createModel({
      numCols: cost.length,
      numRows: rowLower.length,
      offset: program.offset,
      colCost: cost,
      colLower: columnLower,
      colUpper: columnUpper,
      rowLower,
      rowUpper,
      matrix: {
        format: 'csr',
        numCols: cost.length,
        numRows: rowLower.length,
        starts: program.rowStart,
        indices: program.column,
        values: program.value,
      },
      ...(program.integer ? { integrality: Int32Array.from(program.integer) } : {}),
    });
    model.options.set(OPTIONS);
    return new HighsModel(highs, model, {
      ...program,
      cost: cost.slice(),
      columnLower: columnLower.slice(),
      columnUpper: columnUpper.slice(),
      rowLower: rowLower.slice(),
      rowUpper: rowUpper.slice(),
    });
  }

  changeCost(cost: Float64Array): void {
    this.program.cost.set(cost);
    if (this.alive) this.model.changeColsCost({ kind: 'range', from: 0, to: cost.length - 1 }, cost);
  }

  changeColumnBounds(column: number, lower: number, upper: number): void {
    this.program.columnLower[column] = lower;
    this.program.columnUpper[column] = upper;
    if (this.alive) this.model.changeColBounds(column, lower, upper);
  }

  changeRowBounds(row: number, lower: number, upper: number): void {
    this.program.rowLower[row] = lower;
    this.program.rowUpper[row] = upper;
    if (this.alive) this.model.changeRowBounds(row, lower, upper);
  }

  basis(): Basis | null {
    const { valid } = this.highs.constants.basisValidity;
    if (!this.alive) return null;
    return this.model.info.get('basis_validity') === valid ? this.model.getBasis() : null;
  }

  startFrom(basis: Basis): void {
    if (this.alive) this.model.setBasis(basis);
  }

  solve({ seconds = FOREVER, interrupted }: SolveLimits = {}): SolveOutcome {
    const crash = crashes.get(this.highs);
    if (crash !== undefined) return { kind: 'failed', reason: crash };
    try {
      const outcome = this.run(seconds, interrupted);
      if (outcome !== 'undecided' && !this.lacksRay(outcome)) return outcome;
      // Presolve does not always tell infeasible from unbounded, and has no ray: for that HiGHS solves once more, in what is left of the time. The simplex method knows both.
      this.model.options.set('presolve', 'off');
      const again = this.run(seconds, interrupted);
      this.model.options.set('presolve', 'choose');
      if (again !== 'undecided') return again;
      return { kind: 'failed', reason: 'HiGHS could not tell infeasible from unbounded' };
    } catch (error) {
      return { kind: 'failed', reason: this.crashed(error) };
    }
  }

  dispose(): void {
    if (this.alive) this.model.dispose();
  }

  /** Whether there is an instance left to talk to. */
  private get alive(): boolean {
    return !crashes.has(this.highs);
  }

  private run(seconds: number, interrupted?: () => boolean): SolveOutcome | 'undecided' {
    // HiGHS counts the seconds of all runs of a model together.
    this.model.zeroAllClocks();
    this.model.options.set('time_limit', Math.max(0, seconds));
    const { modelStatus } = this.model.run(interrupted && stopWhen(interrupted));
    const status = this.highs.constants.modelStatus;
    switch (modelStatus) {
      case status.optimal:
      case status.empty: {
        const objective = this.model.getObjectiveValue();
        return { kind: 'optimal', objective, bound: this.bound(), ...this.solution(), primal: this.point() };
      }
      case status.infeasible:
        return { kind: 'infeasible', ray: this.program.integer ? null : (this.model.getDualRay()?.values ?? null) };
      case status.unbounded:
        return { kind: 'unbounded' };
      case status.unboundedOrInfeasible:
        return 'undecided';
      case status.timeLimit:
      case status.interrupted:
        return {
          kind: modelStatus === status.timeLimit ? 'timeLimit' : 'interrupted',
          bound: this.bound(),
          ...this.solution(),
        };
      default:
        return { kind: 'failed', reason: `HiGHS ended with status ${statusName(status, modelStatus)}` };
    }
  }

  /** Whether a linear program is said to be infeasible and nothing shows it. */
  private lacksRay(outcome: SolveOutcome): boolean {
    return this.program.integer === null && outcome.kind === 'infeasible' && outcome.ray === null;
  }

  private bound(): number {
    if (this.program.integer) return Number(this.model.info.get('mip_dual_bound'));
    return this.model.getModelStatus() === this.highs.constants.modelStatus.optimal
      ? this.model.getObjectiveValue()
      : -Infinity;
  }

  private point(): Float64Array {
    return this.model.getSolution().colValue;
  }

  private solution(): { primal: Float64Array | null; rowDuals: Float64Array | null } {
    const { feasible, none } = this.highs.constants.solutionStatus;
    const { colValue, rowDual } = this.model.getSolution();
    return {
      primal: this.model.info.get('primal_solution_status') === feasible ? colValue : null,
      // Multipliers need not be feasible: any give a bound.
      rowDuals:
        this.program.integer || this.model.info.get('dual_solution_status') === none || rowDual.length === 0
          ? null
          : rowDual,
    };
  }

  /** A trap (out of memory) leaves the whole instance unusable: all its models are over, and the next one gets a fresh instance. */
  private crashed(error: unknown): string {
    const reason = error instanceof Error ? error.message : String(error);
    if (error instanceof Error && error.name === 'RuntimeError') {
      const crash = `HiGHS crashed (${reason})`;
      crashes.set(this.highs, crash);
      loading = undefined;
      return crash;
    }
    return `HiGHS failed: ${reason}`;
  }
}

function stopWhen(interrupted: () => boolean): HighsCallbackMap {
  const check = (event: InterruptCallbackEvent): undefined => {
    if (interrupted()) event.interrupt();
  };
  // Simplex, interior point, mixed-integer.
  return { 1: check, 2: check, 6: check };
}

function statusName(statuses: Readonly<Record<string, number>>, status: number): string {
  return Object.keys(statuses).find(name => statuses[name] === status) ?? String(status);
}
