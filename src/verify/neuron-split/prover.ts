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
import { Frontier } from './frontier';
import { startHelpers, type Helper } from './helpers';
import { ROWS } from './messages';
import { RefinementPass } from './refinement';
import { SplitSearch } from './split-search';
import { better, type Settled, type SubProblem } from './sub-problem';
import { Tally } from './tally';

export interface NeuronSplitOptions {
  readonly threads: number;
  tryCandidate(candidate: Candidate): Promise<boolean>;
  onProgress(): void;
}

type Stage = 'new' | 'tightening' | 'refining' | 'branching' | 'useless';

/** Starting a thread costs about 50 ms of a core; easy questions are done before. */
const HELPERS_AFTER = 100;
/** Milliseconds a thread works before it answers. */
const SLICE = 200;
/** Sub-problems a thread is given at once. */
const SHARE = 128;
/** One step in so many takes the sub-problems with the lowest bounds. */
const LOWEST_EVERY = 4;
const REFINE_EFFORT = { iterations: 20, alpha: 0.25 } as const;
/** Passes over the inner neurons go on while the worst open bound gets closer to 0 by this part, up to so many. */
const WORTHWHILE = 0.1;
const MOST_PASSES = 4;

/**
 * Branch and bound over ReLU phases (β-CROWN): bounds of the whole region first, slopes searched for the constraints, then for the inner neurons, then, disjunct by
 * disjunct, the neuron whose split helps most, with slopes and split multipliers searched per sub-problem.
 */
export class NeuronSplitProver implements Prover {
  private readonly region: NeuronRegion;
  private readonly tallies: readonly Tally[];
  private readonly record = new ProofRecord();
  private readonly frontier: Frontier;
  /** What helpers are working on. */
  private readonly lent = new Map<Helper, readonly SubProblem[]>();
  private helpers: readonly Helper[] | null = null;
  private stage: Stage = 'new';
  private tightening: Generator<void, number> | null = null;
  private pass: RefinementPass | null = null;
  private passes = 0;
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
    if (this.stage === 'new') this.stage = this.first();
    if (this.stage === 'tightening' && !(await this.root(over))) return { kind: 'stopped' };
    if (this.useless()) return { kind: 'exhausted', reason: 'The bounds of this region are of no use' };
    const end = (await this.refine(disjuncts, over)) ?? (await this.branch(budget, disjuncts, over));
    if (end) return end;
    const stuck = disjuncts.reduce((sum, disjunct) => sum + this.tallies[disjunct].unsplittable, 0);
    if (stuck === 0) return { kind: 'verified' };
    return { kind: 'exhausted', reason: `${stuck} sub-problems have no neuron left to split and are not proved` };
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
      leafBound: min(tally => tally.leafBound),
      stuck: sum(tally => tally.unsplittable),
      stuckBound: min(tally => tally.unsplittableBound),
      open: this.frontier.count(disjuncts) + this.lentSubs().length,
      openBound: disjuncts.reduce((least, disjunct) => Math.min(least, this.openBound(disjunct)), Infinity),
      bestAttack: this.bestAttack,
    };
  }

  standings(): readonly Standing[] {
    return this.tallies.map((tally, disjunct) => {
      const openBound = this.openBound(disjunct);
      const bound = Math.min(tally.leafBound, tally.unsplittableBound, openBound);
      const known = this.stage === 'refining' || this.stage === 'branching';
      return {
        bound: known ? bound : -Infinity,
        proved: known && openBound === Infinity && tally.unsplittable === 0,
        subproblems: tally.subproblems,
      };
    });
  }

  preActivations(): readonly PreActivationBounds[] | null {
    return this.stage === 'new' || this.stage === 'useless' ? null : this.region.preActivations();
  }

  proof(): readonly ProofLeaf[] | null {
    return this.record.take();
  }

  async close(): Promise<void> {
    await Promise.all((this.helpers ?? []).map(helper => helper.end()));
  }

  private allDisjuncts(): number[] {
    return [...this.problem.disjuncts.keys()];
  }

  private lentSubs(): SubProblem[] {
    return [...this.lent.values()].flat();
  }

  private openBound(disjunct: number): number {
    return this.lentSubs().reduce(
      (least, sub) => (sub.disjunct === disjunct ? Math.min(least, sub.bound) : least),
      this.frontier.bound(disjunct),
    );
  }

  /** The cheapest bounds of the whole region; on easy questions they settle it. */
  private first(): Stage {
    const { problem, region } = this;
    const { lower, upper } = problem.box;
    if (problem.disjuncts.some(own => own.length === 0)) return 'useless';
    region.setBox(lower, upper, null);
    const bounds = region.zonotope(this.allRows());
    if (bounds === null) return 'useless';
    if (!problem.disjuncts.every(own => own.some(row => bounds[row] > 0))) return 'tightening';
    this.settleWhole(bounds, 'zonotope');
    return 'refining';
  }

  /** Bounds of all neurons, then of the whole region: what they settle is done; the rest becomes one sub-problem a disjunct. False when `over` came first. */
  private async root(over: () => boolean): Promise<boolean> {
    const { region } = this;
    this.tightening ??= region.tightening();
    while (!this.tightening.next().done) {
      await nextTurn();
      if (over()) return false;
    }
    this.tightening = null;
    const bounds = region.backward(this.allRows());
    // Bounds that are no numbers fail this comparison too.
    if (!bounds.every(bound => bound > -Infinity)) {
      this.stage = 'useless';
      return true;
    }
    this.stage = 'refining';
    const open = this.settleWhole(bounds, 'crown');
    if (open.length > 0) this.boundWhole(open);
    return true;
  }

  private useless(): boolean {
    return this.stage === 'useless';
  }

  private allRows(): number[] {
    return this.problem.constraints.map((_, row) => row);
  }

  /** Books what bounds of the whole region say of each disjunct. Returns those that they leave open. */
  private settleWhole(
    bounds: Float64Array,
    method: 'zonotope' | 'crown',
  ): { disjunct: number; row: number; bound: number }[] {
    const { lower, upper } = this.problem.box;
    const open: { disjunct: number; row: number; bound: number }[] = [];
    this.problem.disjuncts.forEach((own, disjunct) => {
      const row = own.reduce((a, b) => (bounds[b] > bounds[a] ? b : a));
      const bound = bounds[row];
      const tally = this.tallies[disjunct];
      tally.subproblems++;
      if (!(bound > 0)) open.push({ disjunct, row, bound });
      else {
        tally.closed(bound, 0);
        this.record.add({ kind: 'box', lower, upper, disjuncts: [disjunct], method, bound });
      }
    });
    return open;
  }

  /** Bounds the whole region for these over the neuron bounds there are. */
  private boundWhole(rows: readonly { disjunct: number; row: number; bound: number }[]): void {
    this.frontier.clear();
    this.bounds = this.region.splits(ROWS);
    this.search = new SplitSearch(this.problem, this.bounds, input => this.region.evaluate(input));
    for (const settled of this.search.whole(rows)) this.take(settled);
  }

  /** Tightens the inner neurons while that helps the disjuncts that are open. Null when it is done with that. */
  private async refine(disjuncts: readonly number[], over: () => boolean): Promise<ProofEnd | null> {
    while (this.stage === 'refining' && this.frontier.count(disjuncts) > 0) {
      if (this.pass === null) {
        const bounds = this.region.bounds();
        this.helpers?.forEach(helper => helper.post({ kind: 'region', bounds }));
        this.pass = new RefinementPass(this.region, REFINE_EFFORT);
      }
      if (!(await this.pass.run(() => this.threads(), over))) return { kind: 'stopped' };
      this.pass = null;
      this.passes++;
      const open = this.frontier.open();
      const subs = this.frontier.takeNewest(open.length, open);
      const before = Math.min(...subs.map(({ bound }) => bound));
      this.boundWhole(subs);
      const after = this.frontier.open().reduce((least, disjunct) => Math.min(least, this.frontier.bound(disjunct)), 0);
      if (this.passes >= MOST_PASSES || after < before * (1 - WORTHWHILE)) this.stage = 'branching';
      this.options.onProgress();
      const end = await this.tryOffered();
      if (end) return end;
    }
    return null;
  }

  private async branch(budget: Budget, disjuncts: readonly number[], over: () => boolean): Promise<ProofEnd | null> {
    const { frontier } = this;
    try {
      while (frontier.count(disjuncts) > 0 || this.lent.size > 0) {
        if (over()) return { kind: 'stopped' };
        this.lend(disjuncts, budget.deadline);
        const { search } = this;
        assert(search !== null, () => 'branching before the region was bounded');
        const lowest = this.rounds++ % LOWEST_EVERY === 0;
        const parents = lowest
          ? frontier.takeLowest(search.parents, disjuncts)
          : frontier.takeNewest(search.parents, disjuncts);
        if (parents.length > 0) {
          this.take(search.expand(parents));
          await nextTurn();
        } else await delay(1);
        if (this.failure) throw this.failure;
        this.options.onProgress();
        const end = await this.tryOffered();
        if (end) return end;
      }
      return null;
    } finally {
      // Nobody else may see sub-problems that are lent: what helpers answer later is not waited for.
      await this.settleLent();
    }
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

  /** Waits for what is lent. */
  private async settleLent(): Promise<void> {
    while (this.lent.size > 0 && this.failure === null) await delay(1);
  }

  /** The other threads, which know the region as it is; started once the work has taken a while. */
  private threads(): readonly Helper[] {
    if (this.helpers === null && this.worked > HELPERS_AFTER) {
      const { network, problem } = this;
      this.helpers = startHelpers({ network, problem }, this.options.threads - 1);
      const bounds = this.region.bounds();
      for (const helper of this.helpers) helper.post({ kind: 'region', bounds });
    }
    return this.helpers ?? [];
  }

  /** Books what came of some work. */
  private take(settled: Settled): void {
    for (const disjunct of settled.bounded) this.tallies[disjunct].subproblems++;
    for (const sub of settled.proved) {
      this.tallies[sub.disjunct].closed(sub.bound, sub.splits.length);
      this.keep(sub);
    }
    for (const sub of settled.open) {
      const tally = this.tallies[sub.disjunct];
      if (sub.candidates.length === 0) tally.stuck(sub);
      else {
        tally.depth = Math.max(tally.depth, sub.splits.length);
        this.frontier.push([sub]);
      }
    }
    this.bestAttack = Math.min(this.bestAttack, settled.bestAttack);
    this.offered = better(this.offered, settled.candidate);
  }

  private async tryOffered(): Promise<ProofEnd | null> {
    const { offered } = this;
    this.offered = null;
    return offered !== null && (await this.options.tryCandidate(offered)) ? { kind: 'falsified' } : null;
  }

  private keep({ disjunct, row, splits, multipliers, bound }: SubProblem): void {
    if (!this.record.complete) return;
    const { lower, upper } = this.problem.box;
    const beta = new Float64Array(multipliers.alpha.length);
    splits.forEach(({ place }, k) => (beta[place] = multipliers.beta[k]));
    this.record.add({
      kind: 'phases',
      lower,
      upper,
      disjunct,
      constraint: row,
      phases: splits.map(({ place, sign }) => ({ ...this.bounds!.neuron(place), sign })),
      alpha: Float64Array.from(multipliers.alpha),
      beta,
      bound,
    });
  }
}
