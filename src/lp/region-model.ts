import { setImmediate as nextTurn } from 'node:timers/promises';
import { solveCertified, type CertifiedOutcome, type Limits } from './certified-solve';
import { HighsModel, type Basis, type OpenModel, type SolverModel } from './highs';
import { costOf } from './linear-program';
import type { BoundChange, ReluProgram } from './relu-program';

/** A branching of the program, and the side of it that holds. */
export interface Side {
  readonly branching: number;
  readonly side: 0 | 1;
}

/** What is certain of a sub-problem, and what a branch and bound goes on with. */
export interface RegionOutcome extends CertifiedOutcome {
  readonly basis: Basis | null;
}

/** Milliseconds of solving between two turns of the event loop. */
const TURN = 20;

/**
 * The triangle program of one region in the solver, for all its disjuncts and sub-problems: between solves only the cost and the bounds of some columns and rows
 * change, so that each starts from a basis that is nearly right.
 */
export class RegionModel {
  /** What is changed now, by `column:index` or `row:index`. */
  private changes = new Map<string, BoundChange>();
  private objective = -1;
  private turned = performance.now();

  private constructor(
    readonly written: ReluProgram,
    private readonly model: SolverModel,
  ) {}

  /** Rejects when the solver refuses the program. */
  static async open(written: ReluProgram, open: OpenModel = HighsModel.open): Promise<RegionModel> {
    return new RegionModel(written, await open(written.program));
  }

  /** Minimises an objective over the sub-problem of the given sides. */
  async solve(objective: number, sides: readonly Side[], from: Basis | null, limits: Limits): Promise<RegionOutcome> {
    // Programs are often solved within a millisecond; whoever wants to cancel needs a turn now and then.
    if (performance.now() - this.turned > TURN) {
      await nextTurn();
      this.turned = performance.now();
    }
    this.takeSides(sides);
    if (objective !== this.objective) {
      this.objective = objective;
      this.model.changeCost(costOf(this.written.objectives[objective], this.written.program.cost.length));
    }
    if (from !== null) this.model.startFrom(from);
    const outcome = await solveCertified(this.model, this.written.objectives[objective].offset, limits);
    return { ...outcome, basis: outcome.kind === 'solved' ? this.model.basis() : null };
  }

  dispose(): void {
    this.model.dispose();
  }

  private takeSides(sides: readonly Side[]): void {
    const { branchings, program } = this.written;
    const wanted = new Map<string, BoundChange>();
    for (const { branching, side } of sides)
      for (const change of branchings[branching].sides[side]) {
        const key = `${change.of}:${change.index}`;
        const other = wanted.get(key);
        wanted.set(key, other ? both(change, other) : change);
      }
    for (const [key, { of, index }] of this.changes) {
      if (wanted.has(key)) continue;
      if (of === 'column')
        this.change({ of, index, lower: program.columnLower[index], upper: program.columnUpper[index] });
      else this.change({ of, index, lower: program.rowLower[index], upper: program.rowUpper[index] });
    }
    for (const [key, change] of wanted) {
      const now = this.changes.get(key);
      if (now?.lower !== change.lower || now.upper !== change.upper) this.change(change);
    }
    this.changes = wanted;
  }

  private change({ of, index, lower, upper }: BoundChange): void {
    if (of === 'column') this.model.changeColumnBounds(index, lower, upper);
    else this.model.changeRowBounds(index, lower, upper);
  }
}

/** Two sides may bound the same column: what one value is above and another node's below, is 0. */
function both(a: BoundChange, b: BoundChange): BoundChange {
  return { ...a, lower: Math.max(a.lower, b.lower), upper: Math.min(a.upper, b.upper) };
}
