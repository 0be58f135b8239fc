import { GraphBounder } from '../bounds/graph/graph-bounder';
import type { Network } from '../network/network';
import type { ProofLeaf } from '../report/verdict';
import type { SearchCounts } from './input-split/queue';
import type { BoxProblem } from './input-split/search';
import type { Budget } from './progress';
import { ProofRecord } from './proof-record';
import type { PreActivationBounds, ProofEnd, Prover, Standing } from './prover';

/**
 * DeepZ (Singh et al., NeurIPS 2018): one zonotope of the whole region is pushed through the network, and a disjunct is proved where its margin, as one more
 * dimension of the last zonotope, is positive. Never splits, so it decides at once or not at all. The zonotope is the same for every
 * disjunct: the first that is asked for pays for it.
 */
export class ZonotopeProver implements Prover {
  private readonly record = new ProofRecord();
  private bounder: GraphBounder | null = null;
  /** Certified lower bound of every row's margin; null before the zonotope, and where it has no finite bounds. */
  private rows: Float64Array | null = null;
  /** Per disjunct; NaN before it was asked for. */
  private readonly bounds: Float64Array;

  constructor(
    private readonly network: Network,
    private readonly problem: BoxProblem,
  ) {
    this.bounds = new Float64Array(problem.disjuncts.length).fill(NaN);
  }

  async run(budget: Budget, disjuncts?: readonly number[]): Promise<ProofEnd> {
    if (budget.cancelled() || performance.now() >= budget.deadline) return { kind: 'stopped' };
    const asked = disjuncts ?? [...this.bounds.keys()];
    const fresh = asked.filter(index => Number.isNaN(this.bounds[index]));
    if (fresh.length > 0) this.bound(fresh);
    const left = asked.filter(index => !(this.bounds[index] > 0));
    if (left.length === 0) return { kind: 'verified' };
    const of = asked.length === 1 ? '' : ` for ${left.length} of ${asked.length} labels`;
    return {
      kind: 'exhausted',
      reason:
        this.rows === null
          ? 'The zonotope of the region has no finite bounds'
          : `The zonotope of the region does not settle it${of}, and this back end never splits`,
    };
  }

  counts(): SearchCounts {
    const known = this.bounds.filter(bound => !Number.isNaN(bound));
    const proved = known.filter(bound => bound > 0);
    const total = this.bounds.length;
    const least = (values: Float64Array) => values.reduce((a, b) => Math.min(a, b), Infinity);
    return {
      subproblems: this.bounder === null ? 0 : 1,
      leaves: proved.length,
      depth: 0,
      closedFraction: proved.length / total,
      leafBound: least(proved),
      stuck: known.length - proved.length,
      stuckBound: least(known.filter(bound => !(bound > 0))),
      open: total - known.length,
      openBound: known.length < total ? -Infinity : Infinity,
      bestAttack: Infinity,
    };
  }

  standings(): readonly Standing[] {
    return Array.from(this.bounds, bound =>
      Number.isNaN(bound)
        ? { bound: -Infinity, proved: false, subproblems: 0 }
        : { bound, proved: bound > 0, subproblems: 1 },
    );
  }

  preActivations(): readonly PreActivationBounds[] | null {
    return this.rows === null ? null : this.bounder!.preActivations();
  }

  proof(): readonly ProofLeaf[] | null {
    return this.record.take();
  }

  async close(): Promise<void> {}

  private bound(disjuncts: readonly number[]): void {
    const { box, constraints, disjuncts: own } = this.problem;
    if (this.bounder === null) {
      this.bounder = new GraphBounder(this.network, constraints);
      this.bounder.setBox(box.lower, box.upper, null);
      // All rows at once: beside the zonotope itself they cost nothing.
      this.rows = this.bounder.zonotope(constraints.map((_, row) => row));
    }
    const { lower, upper } = box;
    for (const index of disjuncts) {
      const bound = own[index].reduce((best, row) => Math.max(best, this.rows?.[row] ?? -Infinity), -Infinity);
      this.bounds[index] = bound;
      if (bound > 0) this.record.add({ kind: 'box', lower, upper, disjuncts: [index], method: 'zonotope', bound });
    }
  }
}
