import { setImmediate as nextTurn } from 'node:timers/promises';
import { ChainLadder, type DenseChain } from '../../bounds/chain';
import type { Multipliers, Split, SplitBounds } from '../../bounds/split-bounds';
import type { SearchCounts } from '../input-split/queue';
import { marginAt, type BoxProblem, type Candidate } from '../input-split/search';
import type { ProofLeaf } from '../../report/verdict';
import type { Budget } from '../progress';
import { ProofRecord } from '../proof-record';
import type { PreActivationBounds, ProofEnd, Prover, Standing } from '../prover';
import { SEARCH } from '../../bounds/tolerances';

/** Rows that go through the products together. */
const BATCH = 64;
/** Neurons that are tried before one is split. */
const CANDIDATES = 3;
const ROOT_ITERATIONS = 40;
const ITERATIONS = 8;
const RATES = { alpha: 0.1, beta: 0.1 } as const;

/** A sub-problem: one disjunct with some neurons fixed, and what its bound was reached with. */
interface SubProblem {
  readonly disjunct: number;
  /** The constraint whose bound is worked on. */
  readonly row: number;
  readonly splits: readonly Split[];
  readonly multipliers: Multipliers;
  readonly bound: number;
  /** Unstable neurons worth splitting, best first. */
  readonly candidates: readonly number[];
}

/**
 * Branch and bound over ReLU phases for dense chains (β-CROWN): bounds of the whole region first, then, disjunct by disjunct, the neuron whose split helps most, with
 * slopes and split multipliers optimised per sub-problem. The neuron bounds stay those of the region.
 */
export class NeuronSplitProver implements Prover {
  private readonly ladder: ChainLadder;
  private splits: SplitBounds | null = null;
  private stack: SubProblem[] = [];
  private readonly record = new ProofRecord();
  private started = false;
  /** False until the whole region has been bounded: without that nothing may be concluded. */
  private usable = false;
  private subproblems = 0;
  private leaves = 0;
  private depth = 0;
  private leafBound = Infinity;
  private closedFraction = 0;
  private unsplittable = 0;
  /** Smallest bound among them. */
  private unsplittableBound = Infinity;
  private bestAttack = Infinity;
  private offered: Candidate | null = null;

  constructor(
    chain: DenseChain,
    private readonly problem: BoxProblem,
    private readonly options: {
      tryCandidate(candidate: Candidate): Promise<boolean>;
      onProgress(): void;
    },
  ) {
    this.ladder = new ChainLadder(chain, problem.constraints);
  }

  async run(budget: Budget): Promise<ProofEnd> {
    if (!this.started) {
      this.started = true;
      this.usable = this.root();
    }
    if (!this.usable) return { kind: 'exhausted', reason: 'The bounds of this region are of no use' };
    while (this.stack.length > 0) {
      if (budget.cancelled() || performance.now() >= budget.deadline) return { kind: 'stopped' };
      this.round();
      await nextTurn();
      this.options.onProgress();
      if (this.offered) {
        const candidate = this.offered;
        this.offered = null;
        if (await this.options.tryCandidate(candidate)) return { kind: 'falsified' };
      }
    }
    if (this.unsplittable === 0) return { kind: 'verified' };
    return {
      kind: 'exhausted',
      reason: `${this.unsplittable} sub-problems have no neuron left to split and are not proved`,
    };
  }

  counts(): SearchCounts {
    let openBound = Infinity;
    for (const sub of this.stack) openBound = Math.min(openBound, sub.bound);
    return {
      subproblems: this.subproblems,
      leaves: this.leaves,
      depth: this.depth,
      closedFraction: this.closedFraction,
      leafBound: this.leafBound,
      stuck: this.unsplittable,
      stuckBound: this.unsplittableBound,
      open: this.stack.length,
      openBound,
      bestAttack: this.bestAttack,
    };
  }

  standings(): readonly Standing[] {
    const { subproblems } = this;
    return this.problem.disjuncts.map((_, disjunct) => {
      const open = this.stack.filter(sub => sub.disjunct === disjunct);
      const bound = open.reduce((least, sub) => Math.min(least, sub.bound), this.leafBound);
      return { bound, proved: this.started && open.length === 0 && this.unsplittable === 0, subproblems };
    });
  }

  preActivations(): readonly PreActivationBounds[] | null {
    return null;
  }

  proof(): readonly ProofLeaf[] | null {
    return this.record.take();
  }

  async close(): Promise<void> {}

  /** The whole region: what its bounds settle is done; the rest becomes one sub-problem a disjunct. */
  private root(): boolean {
    const { problem, ladder } = this;
    const { lower, upper } = problem.box;
    const rows = problem.constraints.map((_, row) => row);
    ladder.setBox(lower, upper, null);
    if (ladder.zonotope(rows) === null) return false;
    const bounds = ladder.crown(rows);
    if (bounds.unstable < 0) return false;
    if (problem.disjuncts.some(own => own.length === 0)) return false;
    const best = problem.disjuncts.map(own => own.reduce((a, b) => (bounds.lower[b] > bounds.lower[a] ? b : a)));
    const total = problem.disjuncts.length;
    const left = best.flatMap((row, disjunct) => (bounds.lower[row] > 0 ? [] : [{ row, disjunct }]));
    best.forEach((row, disjunct) => {
      const bound = bounds.lower[row];
      if (!(bound > 0)) return;
      this.closed(bound, 0, 1 / total);
      this.record.add({ kind: 'box', lower, upper, disjuncts: [disjunct], method: 'crown', bound });
    });
    if (left.length === 0) return true;
    this.splits = ladder.splits(BATCH);
    for (let from = 0; from < left.length; from += BATCH) {
      const part = left.slice(from, from + BATCH);
      part.forEach(({ row }, r) => this.splits!.set(r, row, [], null));
      this.settle(
        part.map(entry => ({ ...entry, splits: [] })),
        ROOT_ITERATIONS,
      );
    }
    // The most dangerous last, since the stack is worked from its end.
    this.stack.sort((a, b) => b.bound - a.bound);
    return true;
  }

  /** Takes sub-problems off the stack, splits each, and bounds the children. */
  private round(): void {
    const splits = this.splits!;
    const parents = this.stack.splice(Math.max(0, this.stack.length - BATCH / 2));
    const children: { disjunct: number; row: number; splits: Split[]; multipliers: Multipliers }[] = [];
    const perPass = Math.floor(BATCH / (2 * CANDIDATES));
    for (let from = 0; from < parents.length; from += perPass) {
      const part = parents.slice(from, from + perPass);
      let r = 0;
      for (const parent of part)
        for (const place of parent.candidates)
          for (const sign of [1, -1] as const)
            splits.set(r++, parent.row, [...parent.splits, { place, sign }], parent.multipliers);
      const lower = splits.bound(r);
      r = 0;
      for (const parent of part) {
        let chosen = 0;
        let score = -Infinity;
        parent.candidates.forEach((_, k) => {
          // Both halves should rise; one that is proved is as good as it gets.
          const value = Math.min(0, lower[r + 2 * k]) + Math.min(0, lower[r + 2 * k + 1]);
          if (value > score) {
            score = value;
            chosen = k;
          }
        });
        r += 2 * parent.candidates.length;
        const place = parent.candidates[chosen];
        for (const sign of [1, -1] as const)
          children.push({ ...parent, splits: [...parent.splits, { place, sign }], multipliers: parent.multipliers });
      }
    }
    children.forEach((child, k) => splits.set(k, child.row, child.splits, child.multipliers));
    this.settle(children, ITERATIONS);
  }

  /** Bounds the sub-problems in rows 0.., improves those that are not proved, and puts what is left on the stack. */
  private settle(
    subs: readonly { disjunct: number; row: number; splits: readonly Split[] }[],
    iterations: number,
  ): void {
    const splits = this.splits!;
    const count = subs.length;
    this.subproblems += count;
    const best = splits.bound(count);
    const kept: Multipliers[] = subs.map((_, r) => splits.multipliers(r));
    const candidates = subs.map((_, r) => splits.candidates(r, CANDIDATES));
    if (best.some(bound => !(bound > 0)))
      splits.improve(count, iterations, RATES, (lower, step) => {
        let open = false;
        lower.forEach((bound, r) => {
          if (bound > best[r]) {
            // A leaf is kept with the multipliers that prove it.
            if (bound > 0 && !(best[r] > 0)) kept[r] = splits.multipliers(r);
            best[r] = bound;
          }
          if (!(best[r] > 0)) open = true;
        });
        if (open && step === iterations)
          subs.forEach((_, r) => {
            if (best[r] > 0) return;
            kept[r] = splits.multipliers(r);
            candidates[r] = splits.candidates(r, CANDIDATES);
          });
        return !open;
      });
    let points: Float64Array | null = null;
    subs.forEach((sub, r) => {
      const part = 2 ** -sub.splits.length / this.problem.disjuncts.length;
      this.depth = Math.max(this.depth, sub.splits.length);
      if (best[r] > 0) {
        this.closed(best[r], sub.splits.length, part);
        this.keep(sub, kept[r], best[r]);
        return;
      }
      points ??= splits.points(count);
      this.tryPoint(
        points.subarray(r * this.problem.box.lower.length, (r + 1) * this.problem.box.lower.length),
        sub.disjunct,
      );
      if (candidates[r].length === 0) {
        this.unsplittable++;
        this.unsplittableBound = Math.min(this.unsplittableBound, best[r]);
      } else this.stack.push({ ...sub, multipliers: kept[r], bound: best[r], candidates: candidates[r] });
    });
  }

  private keep(
    sub: { disjunct: number; row: number; splits: readonly Split[] },
    multipliers: Multipliers,
    bound: number,
  ): void {
    const { lower, upper } = this.problem.box;
    this.record.add({
      kind: 'phases',
      lower,
      upper,
      disjunct: sub.disjunct,
      constraint: sub.row,
      phases: sub.splits.map(({ place, sign }) => ({ ...this.splits!.neuron(place), sign })),
      ...multipliers,
      bound,
    });
  }

  private closed(bound: number, depth: number, part: number): void {
    this.leaves++;
    this.depth = Math.max(this.depth, depth);
    this.leafBound = Math.min(this.leafBound, bound);
    this.closedFraction += part;
  }

  private tryPoint(point: Float64Array, disjunct: number): void {
    const { lowerPoint, upperPoint } = this.problem.box;
    const input = Float32Array.from(point, (x, i) => Math.min(Math.max(x, lowerPoint[i]), upperPoint[i]));
    const output = this.ladder.evaluate(input);
    let margin = -Infinity;
    let size = 0;
    for (const row of this.problem.disjuncts[disjunct]) {
      const value = marginAt(this.problem.constraints[row], input, output);
      if (value.margin > margin) ({ margin, size } = value);
    }
    this.bestAttack = Math.min(this.bestAttack, margin);
    if (margin <= SEARCH.replayMargin * size && (this.offered === null || margin < this.offered.margin))
      this.offered = { input, margin, foundBy: 'corner' };
  }
}
