import { setImmediate as nextTurn } from 'node:timers/promises';
import { ok, problem as refused, type Result } from '../../base/result';
import type { NodeBounds } from '../../bounds/graph/interval';
import { intersection, SymbolicRegion, type Phase } from '../../bounds/symbolic/symbolic-region';
import { SEARCH } from '../../bounds/tolerances';
import { evaluate } from '../../network/evaluate';
import type { OpenModel } from '../../lp/highs';
import type { Network } from '../../network/network';
import type { ProofLeaf } from '../../report/verdict';
import type { SearchCounts } from '../input-split/queue';
import { marginAt, type BoxProblem, type Candidate } from '../input-split/search';
import type { Budget } from '../progress';
import { ProofRecord } from '../proof-record';
import type { PreActivationBounds, ProofEnd, Prover, Standing } from '../prover';
import { examine, type Closed, type Examined, type Part } from './examine';
import { leastBound, RefinementTree } from './tree';

/**
 * How many times a question is refined at most: one asked about all labels together (an image) as a whole, one asked about a single label by itself. The paper
 * says that Neurify has such a limit and not which. A full tree of eight levels has about as many splits, and on mnist24 an image that is not settled
 * then costs a few seconds, as in the paper.
 */
export const MOST_REFINEMENTS = 256;
/** Seconds for one linear program, as in Neurify. */
const PROGRAM_SECONDS = 30;

/** Why a network is none for symbolic lines, as a sentence about the node; ok where it is one. */
export function symbolicRefusal(network: Network): Result<null> {
  for (const { name, ...node } of network.nodes) {
    const operator = { sigmoid: 'Sigmoid', tanh: 'Tanh', maxPool: 'MaxPool' }[node.kind as string];
    if (operator !== undefined)
      return refused(
        'symbolic-unsupported',
        `${name} is a ${operator}; the back end "symbolic" refines networks whose only nonlinear operators are Relu and LeakyRelu. Use the back end "crown" or "auto".`,
      );
    if (node.kind === 'leakyRelu' && !(node.slope >= 0 && node.slope <= 1))
      return refused(
        'symbolic-unsupported',
        `${name} is a LeakyRelu of slope ${node.slope}; the back end "symbolic" takes slopes between 0 and 1. Use the back end "crown" or "auto".`,
      );
  }
  return ok(null);
}

export interface SymbolicOptions {
  /** Replays a point in ONNX Runtime; true when it is a counterexample. */
  tryCandidate(candidate: Candidate): Promise<boolean>;
  onProgress(): void;
  /** `MOST_REFINEMENTS` unless a test wants another. */
  readonly mostRefinements?: number;
  /** The solver; HiGHS unless a test gives another. */
  readonly open?: OpenModel;
}

/**
 * Neurify (Wang et al., NeurIPS 2018): symbolic lines of the region first; where they do not prove a label, the neuron whose relaxation costs most is split, its relaxed
 * line becomes a constraint of a linear program over the inputs, and the lines are propagated again with the neuron fixed. Where the program
 * has its optimum is tried as a counterexample. Incomplete: see `MOST_REFINEMENTS`.
 *
 * Labels asked for one by one learn from each other: bounds that hold on all parts of one label's tree hold on the region, and the next label
 * starts from them.
 */
export class SymbolicProver implements Prover {
  private readonly mostRefinements: number;
  private region: SymbolicRegion | null = null;
  /** Bounds of the whole region, tightened by what the trees find out. */
  private known: NodeBounds | null = null;
  private readonly trees: RefinementTree[] = [];
  private readonly record = new ProofRecord();
  /** Per disjunct: the smallest bound of what was closed for it, and how many parts were bounded for it. */
  private readonly labels: { closed: number; subproblems: number }[];
  private subproblems = 0;
  private leaves = 0;
  private depth = 0;
  private closedFraction = 0;
  private bestAttack = Infinity;
  private offered: Candidate | null = null;
  private failure: string | null = null;

  /** The network must be one that `symbolicRefusal` does not refuse. */
  constructor(
    private readonly network: Network,
    private readonly problem: BoxProblem,
    private readonly options: SymbolicOptions,
  ) {
    this.mostRefinements = options.mostRefinements ?? MOST_REFINEMENTS;
    this.labels = problem.disjuncts.map(() => ({ closed: Infinity, subproblems: 0 }));
  }

  async run(budget: Budget, disjuncts?: readonly number[]): Promise<ProofEnd> {
    if (over(budget)) return { kind: 'stopped' };
    this.region ??= new SymbolicRegion(this.network, this.problem.constraints, this.problem.box);
    this.known ??= this.region.root;
    if (this.known === null) return { kind: 'exhausted', reason: 'The symbolic bounds of this region are not finite' };
    const asked = disjuncts ?? [...this.labels.keys()];
    const fresh = asked.filter(disjunct => this.treeOf(disjunct) === null);
    if (fresh.length > 0) {
      const open = new Map(fresh.map(disjunct => [disjunct, -Infinity]));
      const tree = new RefinementTree(new Set(fresh));
      this.trees.push(tree);
      await this.bound(this.region, tree, [{ phases: [], bounds: this.known, open }], budget);
      if (await this.tryOffered()) return { kind: 'falsified' };
    }
    const own = this.trees.filter(tree => asked.some(disjunct => this.treeOf(disjunct) === tree));
    for (const tree of own) {
      while (!tree.isDone && tree.refinements < this.mostRefinements) {
        if (over(budget)) return { kind: 'stopped' };
        await this.refine(this.region, tree, budget);
        this.options.onProgress();
        if (await this.tryOffered()) return { kind: 'falsified' };
        await nextTurn();
      }
      this.learn(tree);
    }
    const left = asked.filter(disjunct => !this.isProved(disjunct));
    return left.length === 0 ? { kind: 'verified' } : { kind: 'exhausted', reason: this.reason(own) };
  }

  counts(): SearchCounts {
    const open = this.trees.flatMap(tree => tree.openParts);
    const stuck = this.trees.flatMap(tree => tree.stuckParts);
    const least = (parts: readonly Part[]) =>
      parts.reduce((bound, part) => Math.min(bound, leastBound(part)), Infinity);
    const isWhole = this.labels.every((_, disjunct) => this.treeOf(disjunct)?.isBegun === true);
    return {
      subproblems: this.subproblems,
      leaves: this.leaves,
      depth: this.depth,
      closedFraction: this.closedFraction,
      leafBound: this.labels.reduce((bound, { closed }) => Math.min(bound, closed), Infinity),
      stuck: stuck.length,
      stuckBound: least(stuck),
      open: open.length,
      openBound: isWhole ? least(open) : -Infinity,
      bestAttack: this.bestAttack,
    };
  }

  standings(): readonly Standing[] {
    return this.labels.map(({ closed, subproblems }, disjunct) => {
      const tree = this.treeOf(disjunct);
      if (!tree?.isBegun) return { bound: -Infinity, proved: false, subproblems };
      const bound = tree.open.reduce((least, { open }) => Math.min(least, open.get(disjunct) ?? Infinity), closed);
      return { bound, proved: this.isProved(disjunct), subproblems };
    });
  }

  preActivations(): readonly PreActivationBounds[] | null {
    return this.region && this.known && this.region.preActivations(this.known);
  }

  proof(): readonly ProofLeaf[] | null {
    return this.record.take();
  }

  async close(): Promise<void> {}

  private treeOf(disjunct: number): RefinementTree | null {
    return this.trees.find(tree => tree.disjuncts.has(disjunct)) ?? null;
  }

  private isProved(disjunct: number): boolean {
    const tree = this.treeOf(disjunct);
    return tree !== null && tree.isBegun && tree.open.every(({ open }) => !open.has(disjunct));
  }

  /** Splits the neuron that costs the next part most. */
  private async refine(region: SymbolicRegion, tree: RefinementTree, budget: Budget): Promise<void> {
    const { next, phases, bounds, open } = tree.next()!;
    tree.refinements++;
    const halves = ([1, -1] as const).map(sign => {
      const phase: Phase = { ...next!, sign };
      return { phases: [...phases, phase], bounds: region.withPhase(bounds, phase), open };
    });
    await this.bound(region, tree, halves, budget);
  }

  /** Bounds parts that together make up one of the tree's, and gives them to it. */
  private async bound(
    region: SymbolicRegion,
    tree: RefinementTree,
    parts: readonly Part[],
    budget: Budget,
  ): Promise<void> {
    const examined: { part: Part; outcome: Examined }[] = [];
    for (const part of parts) {
      const seconds = Math.min(PROGRAM_SECONDS, (budget.deadline - performance.now()) / 1000);
      const limits = { seconds, interrupted: () => over(budget) };
      const outcome = await examine(region, this.problem, part, limits, this.options.open);
      examined.push({ part, outcome });
      this.failure = outcome.failure ?? this.failure;
      this.subproblems++;
      this.depth = Math.max(this.depth, part.phases.length);
      for (const disjunct of part.open.keys()) this.labels[disjunct].subproblems++;
      for (const closed of outcome.closed) this.note(region, part, closed);
      for (const point of outcome.points) this.tryPoint(point);
    }
    tree.add(examined);
  }

  /** A disjunct is proved on a part. */
  private note(region: SymbolicRegion, { phases }: Part, { disjunct, bound, multipliers }: Closed): void {
    const label = this.labels[disjunct];
    label.closed = Math.min(label.closed, bound);
    this.leaves++;
    this.closedFraction += 2 ** -phases.length / this.labels.length;
    const { lower, upper } = this.problem.box;
    this.record.add({
      kind: 'lines',
      lower,
      upper,
      disjunct,
      phases: phases.map(phase => region.named(phase)),
      multipliers,
      bound,
    });
  }

  /** What holds on all parts of a tree holds on the region: the next label starts from it. */
  private learn(tree: RefinementTree): void {
    const found = tree.refinements > 0 ? tree.wholeBounds() : null;
    if (found) this.known = intersection(this.known!, found);
  }

  private reason(trees: readonly RefinementTree[]): string {
    const capped = trees.filter(tree => !tree.isDone);
    const stuck = trees.reduce((sum, tree) => sum + tree.stuckParts.length, 0);
    const parts = capped.reduce((sum, tree) => sum + tree.open.length, 0);
    const what =
      capped.length > 0
        ? `The back end "symbolic" refines a question at most ${this.mostRefinements} times, and ${parts} ${parts === 1 ? 'part is' : 'parts are'} not proved`
        : `${stuck} ${stuck === 1 ? 'part has' : 'parts have'} no neuron left to refine and ${stuck === 1 ? 'is' : 'are'} not proved`;
    return this.failure === null ? what : `${what}; a linear program failed on the way (${this.failure})`;
  }

  private tryPoint(point: Float64Array): void {
    const { box, disjuncts, constraints } = this.problem;
    // A solver's point may lie outside by its tolerances, or not be a number.
    const input = box.lowerPoint.map((low, i) => (point[i] > low ? Math.min(point[i], box.upperPoint[i]) : low));
    const values = evaluate(this.network, Float64Array.from(input));
    for (const rows of disjuncts) {
      let worst = { margin: -Infinity, size: 0 };
      for (const row of rows) {
        const value = marginAt(constraints[row], input, values[values.length - 1]);
        if (value.margin > worst.margin) worst = value;
      }
      const { margin, size } = worst;
      this.bestAttack = Math.min(this.bestAttack, margin);
      if (margin <= SEARCH.replayMargin * size && (this.offered === null || margin < this.offered.margin))
        this.offered = { input, margin, foundBy: 'corner' };
    }
  }

  private async tryOffered(): Promise<boolean> {
    const candidate = this.offered;
    this.offered = null;
    return candidate !== null && this.options.tryCandidate(candidate);
  }
}

function over(budget: Budget): boolean {
  return budget.cancelled() || performance.now() >= budget.deadline;
}
