import { AssertionError } from '../base/assert';
import type { Network } from '../network/network';
import { methodName } from '../report/summary';
import type { ProofLeaf } from '../report/verdict';
import type { MadeProver, Method } from './create-prover';
import { addCounts, type SearchCounts } from './input-split/queue';
import { LabelLedger } from './labels/ledger';
import { mostDangerousFirst, sortLabels, staysBehind } from './labels/sort';
import { boundsOfRegion } from './neurons';
import type { SolverOptions } from './options';
import type { PlacedProblem } from './problems';
import type { Budget } from './progress';
import type { PreActivationBounds, ProofEnd } from './prover';

/**
 * The proof of one box problem, in as many runs as it is given. Guided (Wan et al. 2020, algorithm 1), the labels are taken one by one, the most
 * dangerous first; what one label taught the prover serves the next. The time of a run is shared among the labels that are open, so that a hard
 * one does not keep the others from their turn; what is easy leaves its share to the rest.
 */
export class BoxProof {
  readonly ledger: LabelLedger;
  end: ProofEnd | null = null;
  /** Place in the question of the label in work. */
  working: number | null = null;
  /** What went wrong with a method on the way, as a sentence without its full stop; null while nothing did. */
  failure: string | null = null;
  /** Seconds that sorting took, where it was a step of its own. */
  sortSeconds: number | null = null;
  /** The one at work last; those before it have given up. */
  private readonly made: MadeProver[];
  private readonly discarded: ProofLeaf[] = [];
  private readonly makers: (() => MadeProver)[];
  private sorted = false;

  constructor(
    private readonly network: Network,
    private readonly problem: PlacedProblem,
    private readonly options: Pick<SolverOptions, 'backend' | 'labelOrder' | 'guided' | 'seed'>,
    /** What proves, and what goes on where that gives up. */
    [first, ...rest]: readonly [() => MadeProver, ...(() => MadeProver)[]],
  ) {
    this.ledger = new LabelLedger(problem);
    this.made = [first()];
    this.makers = rest;
  }

  get method(): Method {
    return this.current.method;
  }

  private get current(): MadeProver {
    return this.made[this.made.length - 1];
  }

  get settled(): boolean {
    return this.end?.kind === 'verified';
  }

  /** Nothing more can come of running it. */
  get exhausted(): boolean {
    return this.end?.kind === 'exhausted';
  }

  /** Works until the budget is spent, everything is settled, or the prover can do no more; `end` then says which. */
  async run(budget: Budget): Promise<void> {
    const takesTurns = this.options.guided && this.current.oneByOne && this.problem.disjuncts.length > 1;
    if (takesTurns && !this.sorted) {
      this.sorted = true;
      // The prover's own first bounds are those of the differences: computing them twice would be waste.
      if (this.sortsItself) await this.firstLook(budget);
      else {
        this.sort();
        await this.takeTurns(budget);
      }
    } else if (takesTurns) await this.takeTurns(budget);
    else await this.work(budget, this.ledger.workable);
    if (this.exhausted) this.handOver();
  }

  counts(): SearchCounts {
    const counts = addCounts(this.made.map(({ prover }) => prover.counts()));
    return {
      ...counts,
      leaves: counts.leaves + this.discarded.length,
      closedFraction: Math.max(counts.closedFraction, this.ledger.settledFraction),
    };
  }

  /** Certified lower bound over the whole region. */
  lowerBound(): number {
    this.ledger.update(this.current.prover.standings());
    return this.ledger.bound;
  }

  /** What the verdict rests on; null when it was too much to keep. */
  leaves(): readonly ProofLeaf[] | null {
    const parts = this.made.map(({ prover }) => prover.proof());
    return parts.includes(null) ? null : [...this.discarded, ...parts.flatMap(part => part ?? [])];
  }

  /** Places in the question of the disjuncts that are not settled. */
  openPlaces(): number[] {
    return this.ledger.open.map(disjunct => this.problem.places[disjunct]);
  }

  preActivations(): readonly PreActivationBounds[] | null {
    for (const { prover } of [...this.made].reverse()) {
      const found = prover.preActivations();
      if (found) return found;
    }
    return boundsOfRegion(this.network, this.problem.box);
  }

  async close(): Promise<void> {
    await Promise.all(this.made.map(({ prover }) => prover.close()));
  }

  /** What the prover has given up on goes to the next one, if there is one. */
  private handOver(): void {
    const next = this.makers.shift();
    if (!next) return;
    this.made.push(next());
    this.ledger.reopen();
    this.end = { kind: 'stopped' };
  }

  private get sortsItself(): boolean {
    const { backend, labelOrder } = this.options;
    return labelOrder === 'margin' && (backend === 'auto' || backend === 'crown');
  }

  /** One run on all labels, which bounds the whole region, then the order that its bounds show. */
  private async firstLook(budget: Budget): Promise<void> {
    await this.work(budget, this.ledger.workable);
    const standings = this.current.prover.standings();
    const bounds = Float64Array.from(standings, ({ bound }) => bound);
    const gone = new Set(standings.flatMap(({ proved, subproblems }, k) => (proved && subproblems <= 1 ? [k] : [])));
    this.ledger.sort({
      order: mostDangerousFirst(bounds).filter(disjunct => !gone.has(disjunct)),
      bounds,
      discarded: [...gone].map(disjunct => {
        return { disjunct, reason: staysBehind(this.problem, disjunct, bounds[disjunct]) };
      }),
    });
  }

  private sort(): void {
    const { labelOrder, seed } = this.options;
    const sorted = sortLabels(this.network, this.problem, labelOrder, seed);
    this.sortSeconds = sorted.seconds;
    this.ledger.sort(sorted);
    this.discarded.push(...sorted.discarded.map(({ leaf }) => leaf));
    this.conclude();
  }

  private async takeTurns(budget: Budget): Promise<void> {
    const turns = this.ledger.workable;
    for (const [index, disjunct] of turns.entries()) {
      // An earlier turn may have settled it by the way.
      if (!this.ledger.workable.includes(disjunct)) continue;
      const now = performance.now();
      if (budget.cancelled() || (now >= budget.deadline && index > 0)) return;
      const share = (budget.deadline - now) / (turns.length - index);
      await this.work({ ...budget, deadline: now + Math.max(share, 1), cancelled: () => budget.cancelled() }, [
        disjunct,
      ]);
      if (this.end?.kind === 'falsified') return;
    }
  }

  /** One run of the prover on these labels. */
  private async work(budget: Budget, disjuncts: readonly number[]): Promise<void> {
    const { prover } = this.current;
    const started = performance.now();
    const all = disjuncts.length === this.problem.disjuncts.length;
    this.working = disjuncts.length === 1 && !all ? this.problem.places[disjuncts[0]] : null;
    const end = await this.endOf(prover.run(budget, all ? undefined : disjuncts));
    this.ledger.update(prover.standings());
    this.ledger.note(disjuncts, end, (performance.now() - started) / 1000);
    if (end.kind === 'falsified') this.end = end;
    else this.conclude();
  }

  /** A method that fails (a thread without memory, a solver that traps) has given up: what it had proved stays, and the next one goes on. */
  private async endOf(run: Promise<ProofEnd>): Promise<ProofEnd> {
    try {
      return await run;
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      const message = error instanceof Error ? error.message : String(error);
      this.failure = `The method "${methodName(this.method)}" failed (${message})`;
      return { kind: 'exhausted', reason: this.failure };
    }
  }

  /** What has become of the single labels, put together. */
  private conclude(): void {
    const { open, workable, stuckReason } = this.ledger;
    if (open.length === 0) this.end = { kind: 'verified' };
    else if (workable.length > 0 || stuckReason === null) this.end = { kind: 'stopped' };
    else this.end = { kind: 'exhausted', reason: stuckReason };
  }
}
