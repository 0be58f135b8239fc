import { setImmediate as nextTurn } from 'node:timers/promises';
import { GraphBounder } from '../bounds/graph/graph-bounder';
import type { Network } from '../network/network';
import type { ProofLeaf } from '../report/verdict';
import type { SearchCounts } from './input-split/queue';
import type { BoxProblem } from './input-split/search';
import type { Budget } from './progress';
import { ProofRecord } from './proof-record';
import type { PreActivationBounds, ProofEnd, Prover, Standing } from './prover';

const METHODS = ['zonotope', 'backward', 'crown'] as const;
type Rung = (rows: number[], budget: Budget) => Float64Array | null | Promise<Float64Array | null>;

/**
 * Bounds of the whole region, each rung only for the disjuncts that the cheaper ones left: zonotope, one backward pass, CROWN. For
 * networks whose neurons cannot be split, and regions with too many free inputs to split these.
 */
export class RootProver implements Prover {
  private readonly bounder: GraphBounder;
  private readonly record = new ProofRecord();
  private rung = 0;
  private tightening: Generator<void, number> | null = null;
  private open: readonly number[];
  private bound = -Infinity;
  /** Per disjunct the best certified bound so far. */
  private readonly best: Float64Array;

  constructor(
    network: Network,
    private readonly problem: BoxProblem,
  ) {
    this.bounder = new GraphBounder(network, problem.constraints);
    this.open = problem.disjuncts.map((_, index) => index);
    this.best = new Float64Array(problem.disjuncts.length).fill(-Infinity);
  }

  async run(budget: Budget): Promise<ProofEnd> {
    const rungs: readonly Rung[] = [
      rows => this.zonotope(rows),
      rows => this.backward(rows),
      (rows, within) => this.crown(rows, within),
    ];
    while (this.rung < rungs.length) {
      if (over(budget)) return { kind: 'stopped' };
      const rows = [...new Set(this.open.flatMap(index => this.problem.disjuncts[index]))];
      const method = METHODS[this.rung];
      const lower = await rungs[this.rung](rows, budget);
      if (lower === null && over(budget)) continue;
      this.rung++;
      if (lower === null) continue;
      this.note(rows, lower, method);
      if (this.open.length === 0) return { kind: 'verified' };
    }
    return { kind: 'exhausted', reason: 'The bounds of the whole region do not settle it' };
  }

  counts(): SearchCounts {
    const verified = this.open.length === 0;
    return {
      subproblems: 1,
      leaves: verified ? 1 : 0,
      depth: 0,
      closedFraction: verified ? 1 : 0,
      leafBound: verified ? this.bound : Infinity,
      stuck: 0,
      stuckBound: Infinity,
      open: verified ? 0 : 1,
      openBound: verified ? Infinity : this.bound,
      bestAttack: Infinity,
    };
  }

  standings(): readonly Standing[] {
    return Array.from(this.best, bound => ({ bound, proved: bound > 0, subproblems: 1 }));
  }

  preActivations(): readonly PreActivationBounds[] | null {
    return this.bounder.preActivations();
  }

  proof(): readonly ProofLeaf[] | null {
    return this.record.take();
  }

  async close(): Promise<void> {}

  private zonotope(rows: number[]): Float64Array | null {
    const { lower, upper } = this.problem.box;
    this.bounder.setBox(lower, upper, null);
    const bounds = this.bounder.zonotope(rows);
    // Without usable bounds nothing that follows can conclude either.
    if (bounds === null) this.rung = METHODS.length;
    return bounds;
  }

  private backward(rows: number[]): Float64Array {
    return this.bounder.backward(rows);
  }

  /** Null when the budget ends in between; the next run goes on where this one stopped. */
  private async crown(rows: number[], budget: Budget): Promise<Float64Array | null> {
    this.tightening ??= this.bounder.tightening();
    while (!this.tightening.next().done) {
      await nextTurn();
      if (over(budget)) return null;
    }
    return this.bounder.backward(rows);
  }

  private note(rows: readonly number[], lower: Float64Array, method: (typeof METHODS)[number]): void {
    for (const index of this.open)
      for (const row of this.problem.disjuncts[index])
        this.best[index] = Math.max(this.best[index], lower[rows.indexOf(row)]);
    const { lower: from, upper: to } = this.problem.box;
    this.open = this.open.filter(index => {
      const bound = this.best[index];
      if (!(bound > 0)) return true;
      this.record.add({ kind: 'box', lower: from, upper: to, disjuncts: [index], method, bound });
      return false;
    });
    this.bound = this.best.reduce((least, value) => Math.min(least, value), Infinity);
  }
}

function over(budget: Budget): boolean {
  return budget.cancelled() || performance.now() >= budget.deadline;
}
