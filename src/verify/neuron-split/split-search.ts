import { SEARCH } from '../../bounds/tolerances';
import type { SearchEffort, SplitBounds } from '../../bounds/split-bounds';
import { afterSplit, candidatesAt, ENOUGH, parts } from './branching';
import { marginAt, type BoxProblem, type Candidate } from '../input-split/search';
import type { Settled, SubProblem } from './sub-problem';

const ROOT_EFFORT: SearchEffort = { iterations: 60, alpha: 0.25, beta: 0, cut: 0.1, enough: ENOUGH };

type Row = Pick<SubProblem, 'disjunct' | 'row' | 'splits'> & { readonly bound: number };

/** Splits sub-problems of one region and bounds what comes of it: one thread's part of the branch and bound. */
export class SplitSearch {
  private readonly inputs: number;

  constructor(
    private readonly problem: BoxProblem,
    private readonly bounds: SplitBounds,
    private readonly evaluate: (input: ArrayLike<number>) => Float64Array,
  ) {
    this.inputs = problem.box.lower.length;
  }

  /** Parents that `expand` takes at once. */
  get parents(): number {
    return this.bounds.rows >> 1;
  }

  /** The whole region for each of the given constraints, one a disjunct; any number of them. `bound` is what is certain already. */
  whole(rows: readonly { readonly disjunct: number; readonly row: number; readonly bound: number }[]): Settled[] {
    const all: Settled[] = [];
    for (let from = 0; from < rows.length; from += this.bounds.rows) {
      const part = rows.slice(from, from + this.bounds.rows).map(row => ({ ...row, splits: [] }));
      part.forEach(({ row }, r) => this.bounds.set(r, row, [], null));
      all.push(this.settle(part, ROOT_EFFORT));
    }
    return all;
  }

  /** Splits each of at most `parents` sub-problems, in more than two where they are few. */
  expand(parents: readonly SubProblem[]): Settled {
    const children = parts(this.bounds, parents);
    children.forEach((child, r) => this.bounds.set(r, child.row, child.splits, child.multipliers));
    return this.settle(children, afterSplit(this.bounds));
  }

  /** Searches the multipliers of rows 0.., which were set for these sub-problems, and certifies what they reach. */
  private settle(rows: readonly Row[], effort: SearchEffort): Settled {
    const { bounds } = this;
    const count = rows.length;
    const settled = { open: [] as SubProblem[], proved: [] as SubProblem[], bounded: rows.map(row => row.disjunct) };
    bounds.optimise(count, effort);
    const certified = bounds.certify(Array.from({ length: count }, (_, r) => r));
    let worst = -1;
    rows.forEach((row, r) => {
      const bound = certified[r] > row.bound ? certified[r] : row.bound;
      const sub = {
        disjunct: row.disjunct,
        row: row.row,
        splits: row.splits,
        multipliers: bounds.multipliers(r),
        bound,
      };
      if (certified[r] > 0) {
        settled.proved.push({ ...sub, candidates: [] });
        return;
      }
      settled.open.push({ ...sub, candidates: bounds.candidates(r, candidatesAt(row.splits.length, bounds)) });
      if (worst < 0 || bound < certified[worst]) worst = r;
    });
    settled.open.sort((a, b) => b.bound - a.bound);
    if (worst < 0) return { ...settled, bestAttack: Infinity, candidate: null };
    const { margin, candidate } = this.tryPoint(bounds.points([worst]), rows[worst].disjunct);
    return { ...settled, bestAttack: margin, candidate };
  }

  /** The margin of the region's point nearest to this one, and the point if it is worth replaying. */
  tryPoint(point: Float64Array, disjunct: number): { margin: number; candidate: Candidate | null } {
    const { lowerPoint, upperPoint } = this.problem.box;
    const input = Float32Array.from(point.subarray(0, this.inputs), (x, i) =>
      Math.min(Math.max(x, lowerPoint[i]), upperPoint[i]),
    );
    const output = this.evaluate(input);
    let margin = -Infinity;
    let size = 0;
    for (const row of this.problem.disjuncts[disjunct]) {
      const value = marginAt(this.problem.constraints[row], input, output);
      if (value.margin > margin) ({ margin, size } = value);
    }
    const worth = margin <= SEARCH.replayMargin * size;
    return { margin, candidate: worth ? { input, margin, foundBy: 'corner' } : null };
  }
}
