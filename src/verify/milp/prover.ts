import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Result } from '../../base/result';
import { GraphBounder } from '../../bounds/graph/graph-bounder';
import { BranchTree, type ClosedLeaf, type TreeEnd } from '../../lp/branch-tree';
import { HighsModel, type OpenModel } from '../../lp/highs';
import { inputOf, messageOf } from '../../lp/leaf';
import { PseudoCosts } from '../../lp/pseudo-costs';
import { RegionModel, type Side } from '../../lp/region-model';
import { linearProgramRefusal, regionProgram, unionProgram, type NodeRanges } from '../../lp/relu-program';
import { tighten, type TighteningEffort } from '../../lp/tightening';
import type { Network } from '../../network/network';
import type { ProofLeaf } from '../../report/verdict';
import type { SearchCounts } from '../input-split/queue';
import type { BoxProblem, Candidate } from '../input-split/search';
import type { Budget } from '../progress';
import { ProofRecord } from '../proof-record';
import type { PreActivationBounds, ProofEnd, Prover, Standing } from '../prover';
import { PointTrier } from './points';

/** Why the back end "milp" cannot take a network, as a sentence about the node; ok where it can. */
export function milpRefusal(network: Network): Result<null> {
  return linearProgramRefusal(network);
}

export interface MilpOptions {
  /** Replays a point in ONNX Runtime; true when it is a counterexample. */
  tryCandidate(candidate: Candidate): Promise<boolean>;
  onProgress(): void;
  /** The solver; HiGHS unless a test gives another. */
  readonly open?: OpenModel;
}

/** Linear programs of a tree between two descents, which cost about as much as a few of them. */
const DESCENT_EVERY = 24;
/** Steps of a descent from one region where the network is linear to the next. */
const DESCENT_STEPS = 4;

/** Linear programs of all trees, after which branching on without better bounds does not pay. */
const HARD = 300;
/** Part of the remaining time that tightening may take: by linear programs before the trees, by branch and bound where these are hard. */
const FIRST_SHARE = 0.1;
const DEEP_SHARE = 0.2;
const FIRST_EFFORT: TighteningEffort = { branching: 0, perNeuron: 1000 };
const DEEP_EFFORT: TighteningEffort = { branching: 30, perNeuron: 500 };
/** Seconds that HiGHS's own mixed-integer search may take: it blocks this thread. */
const PROPOSAL = 0.5;

/**
 * The MIPVerify formulation (Tjeng, Xiao and Tedrake, ICLR 2019) decided by a tree of our own: bounds of the whole region first, then branch and bound over the
 * neurons, every leaf a linear program with certified duals. Asked for one disjunct it minimises its margin; asked for all, one tree serves them
 * together. Neuron bounds, the program and what was learned about its branchings are shared by all of them.
 */
export class MilpProver implements Prover {
  private readonly bounder: GraphBounder;
  private readonly points: PointTrier;
  private readonly open: OpenModel;
  private readonly record = new ProofRecord();
  private costs = new PseudoCosts();
  /** The disjuncts that the program has an objective for: those with constraints. */
  private readonly objectives: readonly number[];
  /** Certified lower bound of every disjunct's margin by the bounds of the region alone. */
  private readonly rootBounds: Float64Array;
  private preparing: AsyncGenerator<void, string | null> | null = null;
  private prepared = false;
  /** Why nothing can be done, once that is known. */
  private failure: string | null = null;
  private ranges: NodeRanges | null = null;
  private region: RegionModel | null = null;
  /** Linear programs solved for tightening, and in trees that were given up for tighter ones. */
  private solvedBefore = 0;
  private deepening: AsyncGenerator<boolean, void> | null = null;
  private deepened = false;
  /** By the disjuncts that were asked for. */
  private readonly trees = new Map<string, BranchTree>();
  private budget: Budget = { deadline: 0, cancelled: () => false };
  /** Points until the next descent. */
  private untilDescent = 0;

  constructor(
    private readonly network: Network,
    private readonly problem: BoxProblem,
    private readonly options: MilpOptions,
  ) {
    this.bounder = new GraphBounder(network, problem.constraints);
    this.points = new PointTrier(network, problem, options.tryCandidate);
    this.objectives = [...problem.disjuncts.keys()].filter(index => problem.disjuncts[index].length > 0);
    this.open = options.open ?? HighsModel.open;
    this.rootBounds = new Float64Array(problem.disjuncts.length).fill(-Infinity);
  }

  async run(budget: Budget, disjuncts?: readonly number[]): Promise<ProofEnd> {
    this.budget = budget;
    const asked = disjuncts ?? this.problem.disjuncts.map((_, index) => index);
    if (!this.prepared) {
      this.preparing ??= this.prepare();
      for (;;) {
        if (this.over) return { kind: 'stopped' };
        const step = await this.preparing.next();
        this.options.onProgress();
        if (!step.done) continue;
        this.prepared = true;
        this.failure = step.value;
        break;
      }
    }
    const left = asked.filter(index => !this.proved(index));
    if (left.length === 0) return { kind: 'verified' };
    for (const index of left)
      if (this.problem.disjuncts[index].length === 0) {
        const { lowerPoint, upperPoint } = this.problem.box;
        const centre = lowerPoint.map((low, i) => low + (upperPoint[i] - low) / 2);
        if ((await this.points.try(centre, index)).falsifies) return { kind: 'falsified' };
        return { kind: 'exhausted', reason: 'Every point of the region violates a disjunct without constraints' };
      }
    if (this.failure !== null) return { kind: 'exhausted', reason: this.failure };
    return this.endOf(await this.branch(asked, left));
  }

  counts(): SearchCounts {
    const trees = [...this.trees.values()];
    const sum = (of: (tree: BranchTree) => number) => trees.reduce((total, tree) => total + of(tree), 0);
    const total = this.problem.disjuncts.length;
    const standing = this.problem.disjuncts.map((_, index) => this.bound(index));
    const least = (bounds: readonly number[]) => bounds.reduce((a, b) => Math.min(a, b), Infinity);
    const open = standing.filter(bound => !(bound > 0));
    const stuck = sum(tree => tree.stuck);
    return {
      subproblems: (this.ranges === null ? 0 : 1) + this.solvedBefore + sum(tree => tree.solved),
      leaves: this.rootBounds.filter(bound => bound > 0).length + sum(tree => tree.leaves),
      depth: trees.reduce((most, tree) => Math.max(most, tree.depth), 0),
      closedFraction: this.problem.disjuncts.reduce((part, _, index) => part + this.fraction(index) / total, 0),
      leafBound: least(standing.filter(bound => bound > 0)),
      stuck,
      stuckBound: stuck > 0 ? least(open) : Infinity,
      open: sum(tree => tree.open),
      openBound: least(open),
      bestAttack: this.points.best,
    };
  }

  standings(): readonly Standing[] {
    return this.problem.disjuncts.map((_, index) => {
      const subproblems = this.treesOf(index).reduce((sum, tree) => sum + tree.solved, this.ranges === null ? 0 : 1);
      return { bound: this.bound(index), proved: this.proved(index), subproblems };
    });
  }

  preActivations(): readonly PreActivationBounds[] | null {
    const { ranges } = this;
    if (ranges === null) return null;
    return this.network.nodes.flatMap(node => {
      if (node.kind !== 'relu' && node.kind !== 'leakyRelu') return [];
      const [read] = node.inputs;
      return [{ node: node.name, lower: ranges.lower[read].slice(), upper: ranges.upper[read].slice() }];
    });
  }

  proof(): readonly ProofLeaf[] | null {
    return this.record.take();
  }

  async close(): Promise<void> {
    this.region?.dispose();
    this.region = null;
    this.trees.clear();
  }

  private get secondsLeft(): number {
    return (this.budget.deadline - performance.now()) / 1000;
  }

  private get over(): boolean {
    return this.budget.cancelled() || performance.now() >= this.budget.deadline;
  }

  /** The best certified bound of a disjunct. */
  private bound(index: number): number {
    return this.treesOf(index).reduce(
      (best, tree) => Math.max(best, tree.bound(this.objectives.indexOf(index))),
      this.rootBounds[index],
    );
  }

  private proved(index: number): boolean {
    return this.bound(index) > 0;
  }

  private treesOf(index: number): BranchTree[] {
    const objective = this.objectives.indexOf(index);
    return [...this.trees.values()].filter(tree => tree.objectives.includes(objective));
  }

  /** Part of a disjunct's tree that is closed. */
  private fraction(index: number): number {
    if (this.proved(index)) return 1;
    return this.treesOf(index).reduce((most, tree) => Math.max(most, tree.closedFraction), 0);
  }

  /** The tree of these disjuncts, for those of them that are left; one that was begun goes on. */
  private tree(asked: readonly number[], left: readonly number[]): BranchTree {
    const key = asked.join();
    let tree = this.trees.get(key);
    if (!tree) {
      const objectives = left.map(index => this.objectives.indexOf(index));
      tree = new BranchTree(this.region!, objectives, {
        threshold: 0,
        order: 'depth',
        costs: this.costs,
        closed: leaf => this.keep(leaf, objectives),
        point: (point, objective) => this.tryPoint(point, objective),
      });
      this.untilDescent = 0;
      this.trees.set(key, tree);
    }
    return tree;
  }

  /**
   * Branches until that turns out to be hard; then a mixed-integer search proposes a point, the neurons' bounds are tightened by branch and bound, and
   * new trees go on from these.
   */
  private async branch(asked: readonly number[], left: readonly number[]): Promise<TreeEnd> {
    const tree = this.tree(asked, left);
    const spent = [...this.trees.values()].reduce((total, { solved }) => total + solved, 0);
    const end = await tree.run(this.budget, this.deepened ? Infinity : tree.solved + Math.max(0, HARD - spent));
    if (end.kind !== 'stopped' || this.over || this.deepened) return end;
    this.deepening ??= this.deepen(left);
    for (;;) {
      const step = await this.deepening.next();
      this.options.onProgress();
      if (step.done) break;
      if (step.value) return { kind: 'found' };
      if (this.over) return { kind: 'stopped' };
    }
    this.deepened = true;
    return this.failure === null
      ? this.tree(
          asked,
          left.filter(index => !this.proved(index)),
        ).run(this.budget)
      : end;
  }

  /** Yields true when the proposed point is a counterexample. */
  private async *deepen(left: readonly number[]): AsyncGenerator<boolean, void> {
    yield await this.propose(left);
    const begin = performance.now();
    yield* this.tighten(DEEP_EFFORT, DEEP_SHARE * (this.budget.deadline - begin));
    await this.writeProgram();
  }

  /** What HiGHS makes of the mixed-integer program in a moment: a point to try. That it finds none says nothing. */
  private async propose(left: readonly number[]): Promise<boolean> {
    const { problem } = this;
    const disjuncts = left.map(index => problem.disjuncts[index].map(row => problem.constraints[row]));
    const { program, columns } = unionProgram(this.network, this.ranges!, disjuncts);
    try {
      const model = await this.open(program);
      const outcome = model.solve({ seconds: Math.min(PROPOSAL, this.secondsLeft) });
      model.dispose();
      if (!('primal' in outcome) || outcome.primal === null) return false;
      return (await this.points.try(inputOf(this.ranges!, columns[0], outcome.primal), left[0])).falsifies;
    } catch {
      // A solver that refuses has nothing to propose; the tree goes on without.
      return false;
    }
  }

  private endOf(end: TreeEnd): ProofEnd {
    switch (end.kind) {
      case 'closed':
        return { kind: 'verified' };
      case 'found':
        return { kind: 'falsified' };
      case 'stopped':
        return { kind: 'stopped' };
      case 'exhausted':
        return { kind: 'exhausted', reason: end.reason };
    }
  }

  private keep({ objective, sides, multipliers, bound }: ClosedLeaf, objectives: readonly number[]): void {
    const { lower, upper } = this.problem.box;
    const { branchings } = this.region!.written;
    // Where no point is left, every label of the tree is closed.
    for (const closed of bound === Infinity ? objectives : [objective])
      this.record.add({
        kind: 'program',
        lower,
        upper,
        disjunct: this.objectives[closed],
        ranges: this.ranges!,
        sides: sides.map(({ branching, side }) => {
          const { node, neuron, entry } = branchings[branching];
          return { node, neuron, entry, side };
        }),
        multipliers,
        bound,
      });
  }

  /** Where a relaxation is least, and now and then, from there, downhill. True for a counterexample. */
  private async tryPoint(point: Float64Array, objective: number): Promise<boolean> {
    this.options.onProgress();
    const disjunct = this.objectives[objective];
    const tried = await this.points.try(this.inputOf(point), disjunct);
    if (tried.falsifies) return true;
    if (this.untilDescent-- > 0) return false;
    this.untilDescent = DESCENT_EVERY;
    let { values, margin } = tried;
    // In the part of the region where no neuron changes its phase the network is linear: a linear program finds the least margin there.
    for (let step = 0; step < DESCENT_STEPS; step++) {
      const sides: Side[] = this.region!.written.branchings.map(({ sideAt }, branching) => ({
        branching,
        side: sideAt(values),
      }));
      const part = await this.region!.solve(objective, sides, null, this.budget);
      if (part.point === null) return false;
      const next = await this.points.try(this.inputOf(part.point), disjunct);
      if (next.falsifies) return true;
      if (!(next.margin < margin)) return false;
      ({ values, margin } = next);
    }
    return false;
  }

  private inputOf(point: Float64Array): Float64Array {
    return inputOf(this.ranges!, this.region!.written.columns[0], point);
  }

  /** Bounds of the whole region, and the program they give; between its steps the clock is looked at. Returns why it failed. */
  private async *prepare(): AsyncGenerator<void, string | null> {
    const { bounder, network, problem } = this;
    const { lower, upper } = problem.box;
    const rows = problem.constraints.map((_, row) => row);
    bounder.setBox(lower, upper, null);
    const zonotope = bounder.zonotope(rows);
    if (zonotope === null) return 'The bounds of this region are of no use';
    this.noteRoot(zonotope, 'zonotope');
    await nextTurn();
    yield;
    const tightening = bounder.tightening();
    while (!tightening.next().done) {
      await nextTurn();
      yield;
    }
    this.noteRoot(bounder.backward(rows), 'crown');
    const { lower: low, upper: high } = bounder.nodeBounds();
    this.ranges = { lower: low.map(values => values.slice()), upper: high.map(values => values.slice()) };
    if (problem.disjuncts.every((own, index) => own.length === 0 || this.proved(index))) return null;
    const refusal = milpRefusal(network);
    if (!refusal.ok) return refusal.error.message;
    for await (const _ of this.tighten(FIRST_EFFORT, FIRST_SHARE * (this.budget.deadline - performance.now()))) yield;
    await this.writeProgram();
    return this.failure;
  }

  /** Progressive tightening for at most so many milliseconds; yields between its programs. A solver that fails leaves the bounds there are. */
  private async *tighten(effort: TighteningEffort, milliseconds: number): AsyncGenerator<false, void> {
    const deadline = performance.now() + milliseconds;
    const limits = { deadline, cancelled: () => this.budget.cancelled() };
    const before = this.solvedBefore;
    try {
      for await (const { ranges, solved } of tighten(this.network, this.ranges!, effort, limits, this.open)) {
        this.ranges = ranges;
        this.solvedBefore = before + solved;
        yield false;
      }
    } catch {
      // Refused or crashed: what was certified until then stays.
    }
  }

  /** The region's program with the ranges there are; trees of an older one are given up, what they proved stays. */
  private async writeProgram(): Promise<void> {
    const { network, problem } = this;
    problem.disjuncts.forEach((_, index) => (this.rootBounds[index] = this.bound(index)));
    for (const tree of this.trees.values()) this.solvedBefore += tree.solved;
    this.trees.clear();
    this.region?.dispose();
    const disjuncts = this.objectives.map(index => problem.disjuncts[index].map(row => problem.constraints[row]));
    this.costs = new PseudoCosts();
    try {
      this.region = await RegionModel.open(regionProgram(network, this.ranges!, disjuncts, 'triangle'), this.open);
    } catch (error) {
      this.failure = `HiGHS refused the program of the region: ${messageOf(error)}`;
    }
  }

  /** Takes in bounds of all rows. */
  private noteRoot(lower: Float64Array, method: 'zonotope' | 'crown'): void {
    this.problem.disjuncts.forEach((own, index) => {
      if (this.rootBounds[index] > 0) return;
      for (const row of own) this.rootBounds[index] = Math.max(this.rootBounds[index], lower[row]);
      const bound = this.rootBounds[index];
      const { lower: from, upper: to } = this.problem.box;
      if (bound > 0) this.record.add({ kind: 'box', lower: from, upper: to, disjuncts: [index], method, bound });
    });
  }
}
