import { SEARCH } from '../../bounds/tolerances';
import { evaluate } from '../../network/evaluate';
import type { Network } from '../../network/network';
import { marginAt, type BoxProblem, type Candidate } from '../input-split/search';

/** Points that ONNX Runtime did not confirm, after which only better ones are replayed. */
const PATIENCE = 25;
const CLEARLY_VIOLATED = -1e-5;

/** What became of a point: the values of every node there, in float64, its margin, and whether ONNX Runtime confirmed that it violates. */
export interface TriedPoint {
  readonly values: readonly Float64Array[];
  /** Largest margin over the constraints of the disjunct that was asked for. */
  readonly margin: number;
  readonly falsifies: boolean;
}

/** Tries points of a region as counterexamples of any of its disjuncts. */
export class PointTrier {
  /** Smallest margin of any point and disjunct so far. */
  best = Infinity;
  private rejected = 0;

  constructor(
    private readonly network: Network,
    private readonly problem: BoxProblem,
    private readonly tryCandidate: (candidate: Candidate) => Promise<boolean>,
  ) {}

  /** The float32 point of the region next to `at`; `disjunct` is the one it was made for. */
  async try(at: ArrayLike<number>, disjunct: number): Promise<TriedPoint> {
    const { lowerPoint, upperPoint } = this.problem.box;
    const input = Float32Array.from(at, (x, i) => Math.min(Math.max(x, lowerPoint[i]), upperPoint[i]));
    const values = evaluate(this.network, Float64Array.from(input));
    const output = values[values.length - 1];
    let worst = { margin: Infinity, size: 0 };
    let own = Infinity;
    this.problem.disjuncts.forEach((rows, index) => {
      const margins = rows.map(row => marginAt(this.problem.constraints[row], input, output));
      // Without constraints every point violates.
      const largest = margins.reduce((a, b) => (b.margin > a.margin ? b : a), { margin: -Infinity, size: 0 });
      if (index === disjunct) own = largest.margin;
      if (largest.margin < worst.margin) worst = largest;
    });
    this.best = Math.min(this.best, worst.margin);
    const tried = { values, margin: own };
    if (worst.margin > SEARCH.replayMargin * worst.size) return { ...tried, falsifies: false };
    if (this.rejected > PATIENCE && worst.margin > CLEARLY_VIOLATED) return { ...tried, falsifies: false };
    const falsifies = await this.tryCandidate({ input, margin: worst.margin, foundBy: 'program' });
    if (!falsifies) this.rejected++;
    return { ...tried, falsifies };
  }
}
