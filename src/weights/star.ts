import { setImmediate as nextTurn } from 'node:timers/promises';
import { ROUNDING } from '../base/rounding';
import { Crown } from '../bounds/graph/crown';
import { intervalBounds, type NodeBounds } from '../bounds/graph/interval';
import { PreparedGraph } from '../bounds/graph/prepared-graph';
import { propagateZonotope } from '../bounds/graph/zonotope';
import type { Network } from '../network/network';
import type { Constraint } from '../spec/question';
import type { Budget } from '../verify/progress';
import { attackBox } from './attack';
import { evaluateSet } from './gradient';
import type { OpenedNetwork } from './opened-network';
import { Predicates } from './predicates';
import { marginForm, negated, Programs } from './programs';
import type { Unsafe } from './question';
import { searchedMargins } from './searched-margins';
import { StarValues } from './star-values';

export interface StarOptions {
  /**
   * Linear programs for what still crosses zero after backward bounds. `near` (unless given): those of inner neurons only where slopes that were searched for leave a
   * margin near zero, which is where they have been seen to matter. `all`: always. `none`: the result is that of backward bounds (CROWN) and is no star.
   */
  readonly programs?: 'near' | 'all' | 'none';
}

export interface StarResult {
  /** Certified lower bound of the distance to each unsafe set (> 0: empty); −∞ where nothing is known. */
  readonly margins: Float64Array;
  readonly verified: boolean;
  /** Linear programs that were solved. */
  readonly programs: number;
  /** Neurons (and pool entries) whose sign the bounds leave open. */
  readonly unstable: number;
  /** Bounds of every node's values over the whole set; whatever the verdict, no output leaves those of the last node. */
  readonly bounds: NodeBounds;
  /** The budget ended first. */
  readonly stopped: boolean;
}

/** Inputs up to which a forward zonotope is cheaper than the backward passes that it saves. */
const MOST_ZONOTOPE_INPUTS = 300;

/** Rows of one backward pass, in doubles at the widest node. */
const ROWS_LIMIT = 2 ** 21;

/**
 * Of the margin at the middle of the box, how far below zero a margin may be for programs of inner neurons to be worth their time: a dozen times the most that they were
 * seen to gain beyond searched slopes (0.0008, on 37 images with fc_2 or fc_3 of the MNIST network perturbed).
 */
const NEAR = 0.01;

/** Linear programs between two looks at the clock. */
const TURN = 8;

/**
 * Reachability by stars, over-approximate: affine layers exactly, every rectifier by its triangle over the tightest bounds there are. Bounds of what an
 * activation reads come from intervals, then backward passes for what still crosses zero, then linear programs for what then still does; unsafe sets
 * likewise. A program's bound counts as its duals evaluated again (docs/rounding.md).
 */
export async function starReach(
  opened: OpenedNetwork,
  unsafe: readonly Unsafe[],
  options: StarOptions,
  budget: Budget,
): Promise<StarResult> {
  const { graph, mark } = prepared(opened.network);
  try {
    return await new Reach(graph, opened, unsafe, options, budget).run();
  } finally {
    graph.core.release(mark);
  }
}

const graphs = new WeakMap<Network, { graph: PreparedGraph; mark: number }>();

/** The network's maps in the core's memory: kept as long as the network is, for all questions about it. */
export function preparedGraph(network: Network): PreparedGraph {
  return prepared(network).graph;
}

function prepared(network: Network): { graph: PreparedGraph; mark: number } {
  let entry = graphs.get(network);
  if (!entry) {
    const graph = new PreparedGraph(network);
    graphs.set(network, (entry = { graph, mark: graph.core.mark() }));
  }
  return entry;
}

class Reach {
  private readonly bounds: NodeBounds;
  private readonly crown: Crown;
  private predicates = new Predicates();
  private values: StarValues;
  private readonly mark: number;
  private readonly constraints: readonly Constraint[];
  private readonly margins: Float64Array;
  private programs = 0;

  constructor(
    private readonly graph: PreparedGraph,
    private readonly opened: OpenedNetwork,
    private readonly unsafe: readonly Unsafe[],
    private readonly options: StarOptions,
    private readonly budget: Budget,
  ) {
    const { lower, upper } = opened.box;
    this.bounds = intervalBounds(graph, lower, upper);
    if (lower.length <= MOST_ZONOTOPE_INPUTS) propagateZonotope(graph, lower, upper, this.bounds);
    this.crown = new Crown(graph, lower, upper, this.bounds);
    this.mark = graph.core.mark();
    this.values = this.freshStars();
    this.constraints = [...new Set(unsafe.flat())];
    this.margins = new Float64Array(unsafe.length).fill(-Infinity);
  }

  /** From cheap to dear: a rung is climbed when those below have left an unsafe set open. Every rung is at least as tight as the one before. */
  async run(): Promise<StarResult> {
    const stopped = this.usable() && !(await this.climb());
    return {
      margins: this.margins,
      verified: this.settled,
      programs: this.programs,
      unstable: this.graph.bounded.reduce((sum, id) => sum + this.open(id).length, 0),
      bounds: this.bounds,
      stopped,
    };
  }

  /** False when the budget ended first. */
  private async climb(): Promise<boolean> {
    for (const id of this.graph.bounded) {
      this.tighten(id);
      await nextTurn();
      if (this.over) return false;
    }
    this.backwardMargins();
    if (this.settled || this.options.programs === 'none') return true;
    if (this.isHopeless()) return true;
    if (!(await this.search())) return false;
    if (this.settled) return true;
    if (!(await this.marginsByPrograms())) return false;
    if (this.settled || ![...this.unsafe.keys()].every(k => this.mayStillHold(k))) return true;
    this.values = this.freshStars();
    let changed = false;
    for (const id of this.graph.bounded) {
      if (changed) this.tighten(id);
      const before = this.programs;
      if (!(await this.tightenByPrograms(id))) return false;
      changed ||= this.programs > before;
    }
    if (!changed) return true;
    this.backwardMargins();
    return this.settled || (await this.marginsByPrograms());
  }

  /** A point of the set in an unsafe one: no set around it proves anything. */
  private isHopeless(): boolean {
    if (this.opened.couplings.length > 0 || this.options.programs === 'all') return false;
    const open = this.unsafe.map((set, k) => (this.margins[k] > 0 ? [] : set));
    return attackBox(this.graph, this.opened.box, open).some(({ margin }) => margin <= 0);
  }

  /** Slopes that were searched for; false when the budget ended first. */
  private async search(): Promise<boolean> {
    const open = [...this.unsafe.keys()].filter(k => !(this.margins[k] > 0) && this.unsafe[k].length > 0);
    const sets = open.map(k => this.unsafe[k]);
    await searchedMargins(this.opened, sets, this.budget, margins => {
      open.forEach((k, i) => (this.margins[k] = Math.max(this.margins[k], margins[i])));
      return !this.settled;
    });
    return !this.over;
  }

  /** Whether programs of inner neurons may still prove a set empty: they move its margin by little beyond what searched slopes do. */
  private mayStillHold(k: number): boolean {
    if (this.options.programs === 'all' || this.margins[k] > 0) return true;
    if (this.unsafe[k].length === 0) return false;
    const { lower, upper } = this.opened.box;
    const centre = lower.map((l, i) => l + (upper[i] - l) / 2);
    return this.margins[k] > -NEAR * Math.abs(evaluateSet(this.graph, this.unsafe[k], centre).margin);
  }

  private get settled(): boolean {
    return this.margins.every(margin => margin > 0);
  }

  private freshStars(): StarValues {
    this.graph.core.release(this.mark);
    this.predicates = new Predicates();
    const { lower, upper } = this.opened.box;
    return new StarValues(this.graph, this.bounds, this.predicates, this.opened.couplings, lower, upper);
  }

  private get over(): boolean {
    return this.budget.cancelled() || performance.now() >= this.budget.deadline;
  }

  private usable(): boolean {
    const limit = ROUNDING.magnitudeLimit;
    return this.bounds.lower.every((low, id) =>
      low.every((l, i) => l >= -limit && this.bounds.upper[id][i] <= limit && l <= this.bounds.upper[id][i]),
    );
  }

  /** Neurons that are worth bounding: of what only rectifiers read, those that cross zero. */
  private open(id: number): number[] {
    const [low, high] = [this.bounds.lower[id], this.bounds.upper[id]];
    const rectifiersOnly = this.graph.nodes.every(
      node => !node.inputs.includes(id) || node.kind === 'relu' || node.kind === 'leakyRelu' || !isBent(node.kind),
    );
    return [...low.keys()].filter(i => (rectifiersOnly ? low[i] < 0 && high[i] > 0 : low[i] < high[i]));
  }

  private tighten(id: number): void {
    const open = this.open(id);
    if (open.length === 0 || this.isBox(id)) return;
    const [low, high] = [this.bounds.lower[id], this.bounds.upper[id]];
    const widest = this.graph.wide.slice(0, id + 1).reduce((most, wide) => Math.max(most, wide), 0);
    const chunk = Math.max(1, Math.floor(ROWS_LIMIT / widest / 2));
    for (let from = 0; from < open.length; from += chunk) {
      const part = open.slice(from, from + chunk);
      const { lower } = this.crown.backward(id, {
        kind: 'units',
        index: part.flatMap(i => [i, i]),
        sign: part.flatMap(() => [1, -1] as const),
      });
      part.forEach((i, k) => {
        low[i] = Math.max(low[i], lower[2 * k]);
        high[i] = Math.min(high[i], -lower[2 * k + 1]);
      });
    }
    this.crown.refresh(id);
  }

  /** The input itself: its bounds are exact. */
  private isBox(id: number): boolean {
    return this.graph.nodes[id].kind === 'input';
  }

  /** Whether something between the inputs and a node is not affine on the box, so that a program could know more than a backward pass. */
  private isBentBefore(id: number): boolean {
    if (this.opened.couplings.some(coupling => coupling.reads < id)) return true;
    return this.graph.nodes.slice(0, id).some(node => isBent(node.kind) && this.open(node.inputs[0]).length > 0);
  }

  /** False when the budget ended. */
  private async tightenByPrograms(id: number): Promise<boolean> {
    const open = this.open(id);
    if (this.options.programs === 'none' || open.length === 0 || !this.isBentBefore(id)) return true;
    const rectifiersOnly = open.every(i => this.bounds.lower[id][i] < 0 && this.bounds.upper[id][i] > 0);
    const programs = await this.programsBefore(id);
    try {
      for (const [k, i] of open.entries()) {
        if (k % TURN === 0) await nextTurn();
        if (this.over) return false;
        const form = this.values.form(id, i);
        this.bounds.upper[id][i] = Math.min(this.bounds.upper[id][i], -programs.least(negated(form)));
        if (rectifiersOnly && this.bounds.upper[id][i] <= 0) continue;
        this.bounds.lower[id][i] = Math.max(this.bounds.lower[id][i], programs.least(form));
      }
    } finally {
      programs.close();
      this.programs += programs.solved;
    }
    this.crown.refresh(id);
    return true;
  }

  /** Everything that the values of node `id` are subject to, in one program. */
  private async programsBefore(id: number): Promise<Programs> {
    this.values.prepare(id);
    this.values.value(id);
    return Programs.open(this.predicates);
  }

  private backwardMargins(): void {
    const last = this.graph.nodes.length - 1;
    const outputs = this.graph.nodes[last].size;
    const coefficients = new Float64Array(this.constraints.length * outputs);
    this.constraints.forEach(({ outputs: y }, r) =>
      y.index.forEach((i, k) => (coefficients[r * outputs + i] += y.value[k])),
    );
    const { lower } = this.crown.backward(last, {
      kind: 'forms',
      coefficients,
      relativeError: Float64Array.from(this.constraints, constraint => constraint.coefficientError),
      constants: Float64Array.from(this.constraints, constraint => -constraint.bound),
      inputCoefficients: null,
    });
    const place = new Map(this.constraints.map((constraint, r) => [constraint, r]));
    this.unsafe.forEach((set, k) => {
      for (const constraint of set) this.margins[k] = Math.max(this.margins[k], lower[place.get(constraint)!]);
    });
  }

  private async marginsByPrograms(): Promise<boolean> {
    const last = this.graph.nodes.length - 1;
    // The one that is farthest from proved first: where it is out of reach, the others need no program.
    const left = this.unsafe
      .flatMap((set, k) => (this.margins[k] > 0 || set.length === 0 ? [] : [{ set, k }]))
      .sort((a, b) => this.margins[a.k] - this.margins[b.k]);
    if (
      this.options.programs === 'none' ||
      left.length === 0 ||
      (!this.isBentBefore(last) && left.every(({ set }) => set.length === 1))
    )
      return true;
    const programs = await this.programsBefore(last);
    try {
      for (const { set, k } of left) {
        await nextTurn();
        if (this.over) return false;
        const forms = set.map(constraint => marginForm(this.values, this.predicates, constraint, last));
        const bound = forms.length === 1 ? programs.least(forms[0]) : await programs.leastOfLargest(forms);
        this.margins[k] = Math.max(this.margins[k], bound);
        if (!this.mayStillHold(k)) break;
      }
    } finally {
      programs.close();
      this.programs += programs.solved;
    }
    return true;
  }
}

function isBent(kind: string): boolean {
  return ['relu', 'leakyRelu', 'sigmoid', 'tanh', 'maxPool'].includes(kind);
}
