import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { assert, AssertionError } from '../../base/assert';
import { createRegion } from '../../bounds/create-region';
import type { Cut } from '../../bounds/cut';
import type { Multipliers, NeuronRegion, SplitBounds } from '../../bounds/split-bounds';
import type { OpenModel } from '../../lp/highs';
import type { Network } from '../../network/network';
import type { ProofLeaf } from '../../report/verdict';
import type { SearchCounts } from '../input-split/queue';
import type { BoxProblem, Candidate } from '../input-split/search';
import type { Budget } from '../progress';
import { ProofRecord } from '../proof-record';
import type { PreActivationBounds, ProofEnd, Prover, Standing } from '../prover';
import { CornerQueue } from './corner-queue';
import type { FixedNeuron } from './corners';
import { Frontier } from './frontier';
import { ROWS } from './messages';
import { RefinementPlan } from './plan';
import { RefinementPass } from './refinement';
import { SplitSearch } from './split-search';
import { better, type Settled, type SubProblem } from './sub-problem';
import { Tally } from './tally';
import { Threads } from './threads';
import { boundWholeRegion, type WholeBounds } from './whole-region';

export interface NeuronSplitOptions {
  readonly threads: number;
  tryCandidate(candidate: Candidate): Promise<boolean>;
  onProgress(): void;
  /** Sub-problems of a tree before cuts are looked for, which takes about as long as so many. */
  readonly cutsAfter?: number;
  /** The solver of the programs of corners; HiGHS unless a test gives another. */
  readonly open?: OpenModel;
}

/** One step in so many takes the sub-problems with the lowest bounds. */
const LOWEST_EVERY = 4;

const CUTS_AFTER = 256;

/**
 * Branch and bound over ReLU phases (β-CROWN): bounds of the whole region first, slopes searched for the constraints, then for the inner neurons, then, disjunct by
 * disjunct, the neuron whose split helps most, with slopes and split multipliers searched per sub-problem.
 */
export class NeuronSplitProver implements Prover {
  private readonly region: NeuronRegion;
  private readonly tallies: readonly Tally[];
  private readonly frontier: Frontier;
  private readonly threads: Threads;
  private readonly corners: CornerQueue;
  /** Why a linear program last could not decide a corner. */
  private cornerReason: string | null = null;
  /** How the region gets its first bounds: null before, a generator meanwhile. */
  private opening: Generator<void, WholeBounds | null> | null = null;
  private state: 'new' | 'open' | 'useless' = 'new';
  private plan: RefinementPlan | null = null;
  private pass: RefinementPass | null = null;
  private passTime = 0;
  /** Sub-problems of inner neurons' trees in the passes that are done. */
  private passed = 0;
  /** Cuts of the disjuncts whose trees have been worked on since the last pass; null before the first, whose bounds they are made of. */
  private cuts: Map<number, readonly Cut[]> | null = null;
  /** Whose cuts `bounds`, `search` and the threads have; null while they have none. */
  private focus: number | null = null;
  /** What the bounds of the whole region were reached with, by open disjunct. */
  private readonly roots = new Map<number, Multipliers>();
  private bounds: SplitBounds | null = null;
  private search: SplitSearch | null = null;
  private rounds = 0;
  /** Milliseconds of work so far. */
  private worked = 0;
  private bestAttack = Infinity;
  private offered: Candidate | null = null;
  /** A run has thrown: sub-problems that it had taken up may be lost, so that nothing follows from there being none. */
  private broken = false;

  constructor(
    network: Network,
    private readonly problem: BoxProblem,
    private readonly options: NeuronSplitOptions,
  ) {
    const region = createRegion(network, problem.constraints, ROWS);
    assert(region !== null, () => 'a network whose neurons cannot be split');
    this.region = region;
    this.tallies = problem.disjuncts.map(() => new Tally());
    this.frontier = new Frontier(problem.disjuncts.length);
    this.threads = new Threads({ network, problem }, options.threads - 1, region);
    this.corners = new CornerQueue(network, problem, region, options.open);
  }

  async run(budget: Budget, disjuncts: readonly number[] = this.allDisjuncts()): Promise<ProofEnd> {
    if (this.broken) return { kind: 'exhausted', reason: 'An earlier run on this region has failed' };
    try {
      return await this.work(budget, disjuncts);
    } catch (error) {
      this.broken = true;
      throw error;
    }
  }

  private async work(budget: Budget, disjuncts: readonly number[]): Promise<ProofEnd> {
    const begin = performance.now() - this.worked;
    const over = () => {
      this.worked = performance.now() - begin;
      return budget.cancelled() || performance.now() >= budget.deadline;
    };
    this.opening ??= boundWholeRegion(this.region, this.problem);
    while (this.state === 'new') {
      if (over()) return { kind: 'stopped' };
      const step = this.opening.next();
      if (!step.done) await nextTurn();
      else if (step.value === null) this.state = 'useless';
      else this.open(step.value);
    }
    if (this.state === 'useless') return { kind: 'exhausted', reason: 'The bounds of this region are of no use' };
    while (this.openCount(disjuncts) > 0) {
      const end = (await this.branch(budget, disjuncts, over)) ?? (await this.refine(disjuncts, over, budget.deadline));
      if (end) return end;
      // What a last pass leaves to the linear program still waits for it.
      if (this.openCount(disjuncts) === this.stuckCount(disjuncts) && this.plan!.splits === null) break;
    }
    this.threads.check();
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

  /** Sub-problems of the trees of inner neurons, which `counts` leaves out: they are no part of the question's tree. */
  get innerSubproblems(): number {
    return this.passed + (this.pass?.subproblems ?? 0);
  }

  standings(): readonly Standing[] {
    return this.tallies.map((tally, disjunct) => {
      const { whole, subproblems } = tally;
      if (this.broken) return { bound: whole, proved: whole > 0, subproblems };
      const openBound = this.openBound(disjunct);
      const bound = Math.max(whole, Math.min(tally.leafBound, tally.unsplittableBound, openBound));
      const known = this.state === 'open';
      return {
        bound: known ? bound : -Infinity,
        proved: known && openBound === Infinity && tally.unsplittable === 0,
        subproblems,
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
    await this.threads.close();
  }

  private allDisjuncts(): number[] {
    return [...this.problem.disjuncts.keys()];
  }

  /** Open, but not in the frontier. */
  private elsewhere(): SubProblem[] {
    return [...this.corners.subProblems, ...this.threads.subProblems];
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

  /** What the bounds of the whole region settle is done; the rest becomes one sub-problem a disjunct. */
  private open(found: WholeBounds): void {
    const begin = performance.now();
    this.state = 'open';
    this.settleWhole(found);
    const open = this.allDisjuncts().filter(disjunct => !(this.tallies[disjunct].whole > 0));
    if (open.length > 0) this.boundWhole(open);
    const { neuronSplits, treeCost } = this.region;
    this.plan = new RefinementPlan(found.time + performance.now() - begin, neuronSplits ? treeCost : null);
  }

  /** Books what bounds of the whole region say of each disjunct. */
  private settleWhole({ lower: bounds, method }: WholeBounds): void {
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
    const { tallies } = this;
    this.cuts = null;
    this.focus = null;
    this.newSearch([]);
    this.roots.clear();
    const rows = disjuncts.map(disjunct => ({ disjunct, row: tallies[disjunct].row, bound: tallies[disjunct].whole }));
    this.bookWhole(rows);
  }

  private newSearch(cuts: readonly Cut[]): void {
    const { region } = this;
    this.bounds = region.splits(ROWS, cuts);
    this.search = new SplitSearch(this.problem, this.bounds, input => region.evaluate(input));
  }

  private bookWhole(rows: Parameters<SplitSearch['whole']>[0]): void {
    for (const settled of this.search!.whole(rows)) {
      for (const { disjunct, bound } of [...settled.open, ...settled.proved]) this.tallies[disjunct].whole = bound;
      for (const { disjunct, multipliers } of settled.open) this.roots.set(disjunct, multipliers);
      this.take(settled);
    }
  }

  /** The disjunct to work on now: one at a time where there are cuts, which are made for one, and only when its tree has become large. */
  private async focusOn(disjuncts: readonly number[], over: () => boolean): Promise<readonly number[]> {
    const { cuts, focus, frontier, tallies, threads } = this;
    if (cuts === null || !this.region.findCuts) return disjuncts;
    const isOpen = (disjunct: number) => frontier.count([disjunct]) > 0;
    const stays = focus !== null && disjuncts.includes(focus) && (isOpen(focus) || threads.busy);
    const next = stays ? focus : disjuncts.find(isOpen);
    if (next === undefined) return disjuncts;
    const due = !cuts.has(next) && tallies[next].grown >= (this.options.cutsAfter ?? CUTS_AFTER);
    if (next === focus && !due) return [next];
    await threads.settle();
    if (!isOpen(next)) return disjuncts;
    this.focus = next;
    const found = this.searchWithCuts(next, due, over);
    threads.tellRegion(found);
    if (!due) return [next];
    cuts.set(next, found);
    if (found.length > 0) this.regrow(next);
    return [next];
  }

  /** A search with the cuts of a disjunct, which are found first where they are due; without, where there is no memory for them. */
  private searchWithCuts(disjunct: number, due: boolean, over: () => boolean): readonly Cut[] {
    const known = this.cuts?.get(disjunct) ?? [];
    try {
      const { row } = this.tallies[disjunct];
      const found = due ? this.region.findCuts!(row, this.roots.get(disjunct)!, over) : known;
      this.newSearch(found);
      return found;
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      this.newSearch([]);
      return [];
    }
  }

  /** A new tree for a disjunct whose cuts have been found. */
  private regrow(disjunct: number): void {
    const tally = this.tallies[disjunct];
    this.frontier.takeNewest(Infinity, [disjunct]);
    this.corners.drop(disjunct);
    this.plan!.regrown();
    tally.restart();
    this.bookWhole([{ disjunct, row: tally.row, bound: tally.whole }]);
  }

  /** One pass over the inner neurons, and new trees for what is open; null when it is done. */
  private async refine(disjuncts: readonly number[], over: () => boolean, deadline: number): Promise<ProofEnd | null> {
    const { region, plan } = this;
    const splits = plan?.splits ?? null;
    if (plan === null || splits === null || this.openCount(disjuncts) === 0) return null;
    if (this.pass === null) {
      this.threads.tellRegion([]);
      this.pass = new RefinementPass(region, { splits });
      this.passTime = 0;
    }
    const begin = performance.now();
    const done = await this.pass.run(
      () => this.threads.ready(this.worked),
      () => {
        this.options.onProgress();
        return over();
      },
      deadline,
    );
    this.passTime += performance.now() - begin;
    if (!done) return { kind: 'stopped' };
    this.passed += this.pass.subproblems;
    this.pass = null;
    const open = this.allDisjuncts().filter(disjunct => this.openCount([disjunct]) > 0);
    const worst = () => open.reduce((least, disjunct) => Math.min(least, this.tallies[disjunct].whole), 0);
    const before = worst();
    this.frontier.clear();
    this.corners.clear();
    for (const disjunct of open) this.tallies[disjunct].restart();
    this.threads.tellRegion([]);
    this.boundWhole(open);
    this.cuts = new Map();
    plan.passed(this.passTime, before, worst());
    this.options.onProgress();
    return this.tryOffered();
  }

  /** Splits until nothing is open, or until the plan prefers another pass over the inner neurons: then null. */
  private async branch(budget: Budget, disjuncts: readonly number[], over: () => boolean): Promise<ProofEnd | null> {
    const { frontier, plan, threads } = this;
    // Between the parts of a pass there are no sub-problems to work on: their places are about to change.
    if (this.pass !== null) return null;
    let looked = performance.now();
    try {
      while (frontier.count(disjuncts) > 0 || threads.busy) {
        if (over()) return { kind: 'stopped' };
        const now = performance.now();
        const closed = this.closedFraction(disjuncts);
        plan!.spent(now - looked, closed);
        looked = now;
        if (!plan!.goOn(closed)) return null;
        const focus = await this.focusOn(disjuncts, over);
        threads.lend(frontier, focus, this.worked, budget.deadline, settled => this.take(settled));
        const parents = this.nextParents(focus);
        if (parents.length > 0) {
          this.take(this.search!.expand(parents));
          await nextTurn();
        } else await delay(1);
        threads.check();
        this.options.onProgress();
        const end = (await this.tryOffered()) ?? (await this.solveCorners(disjuncts, budget));
        if (end) return end;
      }
      return await this.solveCorners(disjuncts, budget);
    } finally {
      await threads.settle();
    }
  }

  /** What no split can settle goes to a linear program. */
  private async solveCorners(disjuncts: readonly number[], budget: Budget): Promise<ProofEnd | null> {
    for (;;) {
      const decided = await this.corners.decideOne(disjuncts, sub => this.fixed(sub), budget);
      if (decided === null) return null;
      if (decided === 'stopped') return { kind: 'stopped' };
      const { sub, outcome } = decided;
      const tally = this.tallies[sub.disjunct];
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

  private fixed({ splits }: SubProblem): FixedNeuron[] {
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

  /** Books what came of some work. */
  private take(settled: Settled): void {
    for (const disjunct of settled.bounded) this.tallies[disjunct].count();
    for (const sub of settled.proved)
      this.tallies[sub.disjunct].close(
        sub.bound,
        sub.splits.length,
        (this.cuts?.get(sub.disjunct)?.length ?? 0) > 0 ? null : () => this.leaf(sub),
      );
    for (const sub of settled.open) {
      const tally = this.tallies[sub.disjunct];
      tally.depth = Math.max(tally.depth, sub.splits.length);
      if (sub.candidates.length === 0) this.corners.push(sub);
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
