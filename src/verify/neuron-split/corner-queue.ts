import type { NeuronRegion } from '../../bounds/split-bounds';
import type { OpenModel } from '../../lp/highs';
import type { LeafOutcome } from '../../lp/leaf';
import type { Network } from '../../network/network';
import type { BoxProblem } from '../input-split/search';
import type { Budget } from '../progress';
import { Corners, type FixedNeuron } from './corners';
import type { SubProblem } from './sub-problem';

/** Sub-problems with no neuron left to split, which a linear program has yet to decide. */
export class CornerQueue {
  private waiting: SubProblem[] = [];
  private corners: Corners | null = null;

  constructor(
    private readonly network: Network,
    private readonly problem: BoxProblem,
    private readonly region: NeuronRegion,
    private readonly solver?: OpenModel,
  ) {}

  push(sub: SubProblem): void {
    this.waiting.push(sub);
  }

  get subProblems(): readonly SubProblem[] {
    return this.waiting;
  }

  /** Forgets all: the region's bounds have changed. */
  clear(): void {
    this.waiting = [];
    this.corners = null;
  }

  /** Forgets those of a disjunct. */
  drop(disjunct: number): void {
    this.waiting = this.waiting.filter(sub => sub.disjunct !== disjunct);
  }

  /** Decides one sub-problem of these disjuncts and takes it off; null when there is none, 'stopped' when the budget is spent: it then waits on. */
  async decideOne(
    disjuncts: readonly number[],
    fixed: (sub: SubProblem) => readonly FixedNeuron[],
    budget: Budget,
  ): Promise<{ readonly sub: SubProblem; readonly outcome: LeafOutcome } | 'stopped' | null> {
    const sub = this.waiting.find(({ disjunct }) => disjuncts.includes(disjunct));
    if (sub === undefined) return null;
    const over = () => budget.cancelled() || performance.now() >= budget.deadline;
    if (over()) return 'stopped';
    this.corners ??= new Corners(this.network, this.problem, this.region.preActivations() ?? [], this.solver);
    const outcome = await this.corners.solve(sub.disjunct, fixed(sub), budget);
    // Out of time is no answer.
    if (outcome.kind === 'failed' && over()) return 'stopped';
    this.waiting = this.waiting.filter(each => each !== sub);
    return { sub, outcome };
  }
}
