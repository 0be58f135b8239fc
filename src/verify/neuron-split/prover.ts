import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { assert } from '../../base/assert';
import { createRegion } from '../../bounds/create-region';
import type { NeuronRegion, SplitBounds } from '../../bounds/split-bounds';
import type { Network } from '../../network/network';
import type { ProofLeaf } from '../../report/verdict';
import type { SearchCounts } from '../input-split/queue';
import type { BoxProblem, Candidate } from '../input-split/search';
import type { Budget } from '../progress';
import { ProofRecord } from '../proof-record';
import type { PreActivationBounds, ProofEnd, Prover, Standing } from '../prover';
import { Corners } from './corners';
import { Frontier } from './frontier';
import { startHelpers, type Helper } from './helpers';
import { ROWS } from './messages';
import { RefinementPlan } from './plan';
import { RefinementPass } from './refinement';
import { SplitSearch } from './split-search';
import { better, type Settled, type SubProblem } from './sub-problem';
import { Tally } from './tally';

export interface NeuronSplitOptions {
  readonly threads: number;
  tryCandidate(candidate: Candidate): Promise<boolean>;
  onProgress(): void;
}

/** Starting a thread costs about 50 ms of a core; easy questions are done before. */
const HELPERS_AFTER = 100;
/** Milliseconds a thread works before it answers. */
const SLICE = 200;
/** Sub-problems a thread is given at once. */
const SHARE = 128;
/** One step in so many takes the sub-problems with the lowest bounds. */
const LOWEST_EVERY = 4;

/**
 * Branch and bound over ReLU phases (β-CROWN): bounds of the whole region first, slopes searched for the constraints, then for the inner neurons, then, disjunct by
 * disjunct, the neuron whose split helps most, with slopes and split multipliers searched per sub-problem.
 */
export class NeuronSplitProver implements Prover {
  private readonly region: NeuronRegion;
  private readonly tallies: readonly Tally[];
  private readonly frontier: Frontier;
  /** What helpers are working on. */
  private readonly lent = new Map<Helper, readonly SubProblem[]>();
  /** Sub-problems with no neuron left to split, which a linear program has yet to decide; and why one last could not. */
  private waiting: SubProblem[] = [];
  private corners: Corners | null = null;
  private cornerReason: string | null = null;
  private helpers: readonly Helper[] | null = null;
  /** How the region gets its first bounds: null before, a generator meanwhile. */
  private opening: Generator<void, boolean> | null = null;
  private state: 'new' | 'open' | 'useless' = 'new';
  private plan: RefinementPlan | null = null;
  private pass: RefinementPass | null = null;
  private passTime = 0;
  private bounds: SplitBounds | null = null;
  private search: SplitSearch | null = null;
  private rounds = 0;
  /** Milliseconds of work so far. */
  private worked = 0;
  private bestAttack = Infinity;
  private offered: Candidate | null = null;
  private failure: Error | null = null;

  constructor(
    private readonly network: Network,
    private readonly problem: BoxProblem,
    private readonly options: NeuronSplitOptions,
  ) {
    const region = createRegion(network, problem.constraints, ROWS);
    assert(region !== null, () => 'a network whose neurons cannot be split');
    this.region = region;
    this.tallies = problem.disjuncts.map(() => new Tally());
    this.frontier = new Frontier(problem.disjuncts.length);
  }

  async run(budget: Budget, disjuncts: readonly number[] = this.allDisjuncts()): Promise<ProofEnd> {
    const begin = performance.now() - this.worked;
    const over = () => {
      this.worked = performance.now() - begin;
      return budget.cancelled() || performance.now() >= budget.deadline;
    };
    this.opening ??= this.open();
    while (this.state === 'new') {
      if (over()) return { kind: 'stopped' };
      const step = this.opening.next();
      if (step.done) this.state = step.value ? 'open' : 'useless';
      else await nextTurn();
    }
    if (this.state === 'useless') return { kind: 'exhausted', reason: 'The bounds of this region are of no use' };
    while (this.openCount(disjuncts) > 0) {
      const end = (await this.branch(budget, disjuncts, over)) ?? (await this.refine(disjuncts, over));
      if (end) return end;
      // What a last pass leaves to the linear program still waits for it.
      if (this.openCount(disjuncts) === this.stuckCount(disjuncts) && this.plan!.splits === null) break;
    }
    if (this.failure) throw this.failure;
    const stuck = this.openCount(disjuncts);
    if (stuck === 0) return { kind: 'verified' };
    const reason = `${stuck} sub-problems have no neuron left to split and are not proved`;
    return { kind: 'exhausted', reason: this.cornerReason === null ? reason : `${reason} (${this.cornerReason})` };
  }

  counts(): SearchCounts {
    const { tallies } = this;
    const sum = (of: (tally: Tally) => number) => tallies.reduce((total, tally) => total + of(tally), 0);
    const min = (of: (tally: Tally) => number) =>
      tallies.reduce((least, tally) => Math.min(least, of(tally)), Infinity);
    const disjuncts = this.allDisjuncts();
    return {
      subproblems: sum(tally => tally.subproblems),
      leaves: sum(tally => tally.leaves),
      depth: tallies.reduce((most, { depth }) => Math.max(most, depth), 0),
      closedFraction: sum(tally => tally.closedFraction) / tallies.length,
      // Where a tree is not finished, what is open is not covered by its leaves.
      leafBound: min(tally => Math.max(tally.leafBound, tally.whole)),
      stuck: sum(tally => tally.unsplittable),
      stuckBound: min(tally => Math.max(tally.unsplittableBound, tally.unsplittable > 0 ? tally.whole : Infinity)),
      open: this.frontier.count(disjuncts) + this.elsewhere().length,
      openBound: disjuncts.reduce((least, disjunct) => Math.min(least, this.openBound(disjunct)), Infinity),
      bestAttack: this.bestAttack,
    };
  }

  standings(): readonly Standing[] {
    return this.tallies.map((tally, disjunct) => {
      const openBound = this.openBound(disjunct);
      const bound = Math.max(tally.whole, Math.min(tally.leafBound, tally.unsplittableBound, openBound));
      const known = this.state === 'open';
      return {
        bound: known ? bound : -Infinity,
        proved: known && openBound === Infinity && tally.unsplittable === 0,
        subproblems: tally.subproblems,
      };
    });
  }

  preActivations(): readonly PreActivationBounds[] | null {
    return this.state === 'open' ? this.region.preActivations() : null;
  }

  proof(): readonly ProofLeaf[] | null {
    const all = new ProofRecord();
    for (const { record } of this.tallies) all.addAll(record.take());
    return all.take();
  }

  async close(): Promise<void> {
    await Promise.all((this.helpers ?? []).map(helper => helper.end()));
  }

  private allDisjuncts(): number[] {
    return [...this.problem.disjuncts.keys()];
  }

  /** Open, but not in the frontier. */
  private elsewhere(): SubProblem[] {
    return [...this.waiting, ...[...this.lent.values()].flat()];
  }

  private openBound(disjunct: number): number {
    return this.elsewhere().reduce(
      (least, sub) => (sub.disjunct === disjunct ? Math.min(least, sub.bound) : least),
      this.frontier.bound(disjunct),
    );
  }

  /** Sub-problems of these disjuncts that are not proved. */
  private openCount(disjuncts: readonly number[]): number {
    const elsewhere = this.elsewhere().filter(sub => disjuncts.includes(sub.disjunct)).length;
    return elsewhere + this.frontier.count(disjuncts) + this.stuckCount(disjuncts);
  }

  /** Of them, those that nothing more can be done about. */
  private stuckCount(disjuncts: readonly number[]): number {
    return disjuncts.reduce((sum, disjunct) => sum + this.tallies[disjunct].unsplittable, 0);
  }

  /** The whole region: what its bounds settle is done; the rest becomes one sub-problem a disjunct. False when they are of no use. */
  private *open(): Generator<void, boolean> {
    const { problem, region } = this;
    const { lower, upper } = problem.box;
    const begin = performance.now();
    const rows = problem.constraints.map((_, row) => row);
    if (problem.disjuncts.some(own => own.length === 0)) return false;
    region.setBox(lower, upper, null);
    let method: 'zonotope' | 'backward' | 'crown' = region.firstMethod;
    let bounds = region.zonotope(rows);
    if (bounds === null) return false;
    let paused = 0;
    const first = bounds;
    if (!problem.disjuncts.every(own => own.some(row => first[row] > 0))) {
      for (const tightening = region.tightening(); !tightening.next().done;) {
        const pause = performance.now();
        yield;
        paused += performance.now() - pause;
      }
      method = 'crown';
      bounds = region.backward(rows);
      // Bounds that are no numbers fail this comparison too.
      if (!bounds.every(bound => bound > -Infinity)) return false;
    }
    this.settleWhole(bounds, method);
    const open = this.allDisjuncts().filter(disjunct => !(this.tallies[disjunct].whole > 0));
    if (open.length > 0) this.boundWhole(open);
    this.plan = new RefinementPlan(performance.now() - begin - paused, region.neuronSplits !== undefined);
    return true;
  }

  /** Books what bounds of the whole region say of each disjunct. */
  private settleWhole(bounds: Float64Array, method: 'zonotope' | 'backward' | 'crown'): void {
    const { lower, upper } = this.problem.box;
    this.problem.disjuncts.forEach((own, disjunct) => {
      const tally = this.tallies[disjunct];
      tally.row = own.reduce((a, b) => (bounds[b] > bounds[a] ? b : a));
      const bound = bounds[tally.row];
      tally.whole = bound;
      tally.subproblems++;
      if (bound > 0) tally.close(bound, 0, () => ({ kind: 'box', lower, upper, disjuncts: [disjunct], method, bound }));
    });
  }

  /** New trees for these disjuncts, over the neuron bounds there are. */
  private boundWhole(disjuncts: readonly number[]): void {
    const { region, tallies } = this;
    this.bounds = region.splits(ROWS);
    this.search = new SplitSearch(this.problem, this.bounds, input => region.evaluate(input));
    const rows = disjuncts.map(disjunct => ({ disjunct, row: tallies[disjunct].row, bound: tallies[disjunct].whole }));
    for (const settled of this.search.whole(rows)) {
      for (const { disjunct, bound } of [...settled.open, ...settled.proved]) tallies[disjunct].whole = bound;
      this.take(settled);
    }
  }

  /** One pass over the inner neurons, and new trees for what is open; null when it is done. */
  private async refine(disjuncts: readonly number[], over: () => boolean): Promise<ProofEnd | null> {
    const { region, plan } = this;
    const splits = plan?.splits ?? null;
    if (plan === null || splits === null || this.openCount(disjuncts) === 0) return null;
    if (this.pass === null) {
      this.tellRegion();
      this.pass = new RefinementPass(region, { splits });
      this.passTime = 0;
    }
    const begin = performance.now();
    const done = await this.pass.run(
      () => this.threads(),
      () => {
        this.options.onProgress();
        return over();
      },
    );
    this.passTime += performance.now() - begin;
    if (!done) return { kind: 'stopped' };
    this.pass = null;
    // Sub-problems name neurons by their places, which follow from the bounds: all threads get the same to the bit.
    this.tellRegion();
    const open = this.allDisjuncts().filter(disjunct => this.openCount([disjunct]) > 0);
    const worst = () => open.reduce((least, disjunct) => Math.min(least, this.tallies[disjunct].whole), 0);
    const before = worst();
    this.frontier.clear();
    this.waiting = [];
    this.corners = null;
    for (const disjunct of open) this.tallies[disjunct].restart();
    this.boundWhole(open);
    plan.passed(this.passTime, before, worst());
    this.options.onProgress();
    return this.tryOffered();
  }

  /** Splits until nothing is open, or until the plan prefers another pass over the inner neurons: then null. */
  private async branch(budget: Budget, disjuncts: readonly number[], over: () => boolean): Promise<ProofEnd | null> {
    const { frontier, plan } = this;
    // Between the parts of a pass there are no sub-problems to work on: their places are about to change.
    if (this.pass !== null) return null;
    let looked = performance.now();
    try {
      while (frontier.count(disjuncts) > 0 || this.lent.size > 0) {
        if (over()) return { kind: 'stopped' };
        const now = performance.now();
        const closed = this.closedFraction(disjuncts);
        plan!.spent(now - looked, closed);
        looked = now;
        if (!plan!.goOn(closed)) return null;
        this.lend(disjuncts, budget.deadline);
        const parents = this.nextParents(disjuncts);
        if (parents.length > 0) {
          this.take(this.search!.expand(parents));
          await nextTurn();
        } else await delay(1);
        if (this.failure) throw this.failure;
        this.options.onProgress();
        const end = (await this.tryOffered()) ?? (await this.solveCorners(disjuncts, budget));
        if (end) return end;
      }
      return await this.solveCorners(disjuncts, budget);
    } finally {
      await this.settleLent();
    }
  }

  /** What no split can settle goes to a linear program. */
  private async solveCorners(disjuncts: readonly number[], budget: Budget): Promise<ProofEnd | null> {
    for (;;) {
      const index = this.waiting.findIndex(sub => disjuncts.includes(sub.disjunct));
      if (index < 0) return null;
      if (budget.cancelled() || performance.now() >= budget.deadline) return { kind: 'stopped' };
      const sub = this.waiting[index];
      const tally = this.tallies[sub.disjunct];
      this.corners ??= new Corners(this.network, this.problem, this.region.preActivations() ?? []);
      const outcome = await this.corners.solve(sub.disjunct, this.fixed(sub), budget);
      // Out of time is no answer: it waits on.
      if (outcome.kind === 'failed' && (budget.cancelled() || performance.now() >= budget.deadline))
        return { kind: 'stopped' };
      this.waiting.splice(index, 1);
      if (outcome.kind === 'proved') tally.close(outcome.bound, sub.splits.length, null);
      else {
        tally.stuck({ ...sub, bound: Math.max(sub.bound, outcome.bound) });
        if (outcome.kind === 'failed') this.cornerReason = outcome.reason;
        else {
          const { margin, candidate } = this.search!.tryPoint(outcome.input, sub.disjunct);
          this.bestAttack = Math.min(this.bestAttack, margin);
          this.offered = better(this.offered, candidate);
        }
        const end = await this.tryOffered();
        if (end) return end;
      }
      await nextTurn();
    }
  }

  private fixed({ splits }: SubProblem): { layer: number; neuron: number; sign: 1 | -1 }[] {
    return splits.map(({ place, sign }) => ({ ...this.bounds!.neuron(place), sign }));
  }

  /** Depth first keeps the stacks small; now and then those with the lowest bounds, where a counterexample is most likely. */
  private nextParents(disjuncts: readonly number[]): SubProblem[] {
    const count = this.search!.parents;
    return this.rounds++ % LOWEST_EVERY === 0
      ? this.frontier.takeLowest(count, disjuncts)
      : this.frontier.takeNewest(count, disjuncts);
  }

  private closedFraction(disjuncts: readonly number[]): number {
    const sum = disjuncts.reduce((total, disjunct) => total + this.tallies[disjunct].closedFraction, 0);
    return sum / disjuncts.length;
  }

  /** Gives idle threads a part of the sub-problems. */
  private lend(disjuncts: readonly number[], deadline: number): void {
    for (const helper of this.threads()) {
      const open = this.frontier.count(disjuncts);
      if (helper.busy || open < 2) continue;
      const subs = this.frontier.takeOldest(Math.min(SHARE, open >> 1), disjuncts);
      this.lent.set(helper, subs);
      const milliseconds = Math.min(SLICE, deadline - performance.now());
      helper.expand(subs, milliseconds).then(
        settled => {
          this.lent.delete(helper);
          this.take(settled);
        },
        (error: Error) => (this.failure = error),
      );
    }
  }

  /** Waits for what is lent: nobody outside may miss it. */
  private async settleLent(): Promise<void> {
    while (this.lent.size > 0 && this.failure === null) await delay(1);
  }

  /** The other threads, which know the region as it is; started once the work has taken a while. */
  private threads(): readonly Helper[] {
    if (this.helpers === null && this.worked > HELPERS_AFTER) {
      const { network, problem } = this;
      this.helpers = startHelpers({ network, problem }, this.options.threads - 1);
      this.tellRegion();
    }
    return this.helpers ?? [];
  }

  private tellRegion(): void {
    const bounds = this.region.bounds();
    this.helpers?.forEach(helper => helper.post({ kind: 'region', bounds }));
  }

  /** Books what came of some work. */
  private take(settled: Settled): void {
    for (const disjunct of settled.bounded) this.tallies[disjunct].subproblems++;
    for (const sub of settled.proved)
      this.tallies[sub.disjunct].close(sub.bound, sub.splits.length, () => this.leaf(sub));
    for (const sub of settled.open) {
      const tally = this.tallies[sub.disjunct];
      tally.depth = Math.max(tally.depth, sub.splits.length);
      if (sub.candidates.length === 0) this.waiting.push(sub);
      else this.frontier.push([sub]);
    }
    this.bestAttack = Math.min(this.bestAttack, settled.bestAttack);
    this.offered = better(this.offered, settled.candidate);
  }

  private async tryOffered(): Promise<ProofEnd | null> {
    const { offered } = this;
    this.offered = null;
    return offered !== null && (await this.options.tryCandidate(offered)) ? { kind: 'falsified' } : null;
  }

  private leaf(sub: SubProblem): ProofLeaf {
    const { disjunct, row, splits, multipliers, bound } = sub;
    const { lower, upper } = this.problem.box;
    const beta = new Float64Array(multipliers.alpha.length);
    splits.forEach(({ place }, k) => (beta[place] = multipliers.beta[k]));
    return {
      kind: 'phases',
      lower,
      upper,
      disjunct,
      constraint: row,
      phases: this.fixed(sub),
      alpha: Float64Array.from(multipliers.alpha),
      beta,
      bound,
    };
  }
}
