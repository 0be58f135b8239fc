import { gamma, inflate, ROUNDING } from '../../base/rounding';
import type { ActivationNode, Network, NetworkNode } from '../../network/network';
import type { Box, Constraint, LinearForm } from '../../spec/question';
import { intervalBounds, type NodeBounds } from '../graph/interval';
import { PreparedGraph } from '../graph/prepared-graph';
import { propagateZonotope, type ZonotopeValue } from '../graph/zonotope';

/** Something linear in the region's symbols, each in [−1, 1]: Σ coefficients·symbols + constant. */
export interface SymbolicLine {
  readonly coefficients: Float64Array;
  readonly constant: number;
  /** Per error term of the relaxation, by how much it moved the line: how much is lost there. */
  readonly losses: Float64Array;
}

/** A line below the margin of a constraint, on the whole part. */
export interface MarginLine extends SymbolicLine {
  /** Certified least value of the line over all symbols. */
  readonly bound: number;
}

/** A neuron before its activation, with the sign that its value is known or assumed to have. */
export interface Phase {
  /** Id of the activation node that reads the neuron. */
  readonly node: number;
  readonly neuron: number;
  readonly sign: 1 | -1;
}

/** One neuron. */
export type Neuron = Pick<Phase, 'node' | 'neuron'>;

/**
 * Symbolic lines over the inputs of one box with an error term for every relaxed neuron (Neurify, Wang et al., NeurIPS 2018), for the box or a part of it where
 * some neurons have a known sign. The symbols are the inputs that vary, scaled to [−1, 1]. A symbolic line with error terms is what a zonotope
 * (DeepZ) becomes when its generators of the inputs are kept apart from those of the relaxation, so the zonotope's certified arithmetic
 * serves: docs/rounding.md, section 4.
 */
export class SymbolicRegion {
  /** How many symbols there are. */
  readonly symbols: number;
  /** Bounds of all nodes on the whole box; null when they are of no use. */
  readonly root: NodeBounds | null;
  private readonly graph: PreparedGraph;
  private readonly activations: readonly ActivationNode[];
  /** Values of the nodes before the first activation: the same on every part. */
  private readonly prefix: readonly ZonotopeValue[];
  private readonly mark: number;
  /** Per symbol, its input. */
  private readonly inputs: Int32Array;
  private values: readonly ZonotopeValue[];
  /** Per error term, the neuron it belongs to. */
  private sources: readonly Neuron[];
  /** The bounds that the lines belong to. */
  private current: NodeBounds;

  constructor(
    network: Network,
    private readonly constraints: readonly Constraint[],
    private readonly box: Pick<Box, 'lower' | 'upper'>,
  ) {
    const graph = new PreparedGraph(network);
    this.graph = graph;
    this.activations = graph.nodes.filter(isRectifier);
    const bounds = intervalBounds(graph, box.lower, box.upper);
    const before = graph.nodes.findIndex(isRectifier);
    this.values = propagateZonotope(graph, box.lower, box.upper, bounds);
    this.prefix = this.values.slice(0, before < 0 ? this.values.length : before);
    this.symbols = this.values[0].generators;
    const wide = graph.wide[0];
    const rows = graph.view(this.values[0].address, (this.symbols + 1) * wide);
    this.inputs = Int32Array.from({ length: this.symbols }, (_, k) =>
      rows.subarray((k + 1) * wide, (k + 2) * wide).findIndex(value => value !== 0),
    );
    this.mark = graph.core.mark();
    this.sources = this.findSources();
    this.current = bounds;
    this.root = isUsable(bounds) ? bounds : null;
  }

  /**
   * Propagates the lines on a part of the box. `bounds` are sound on it, and have its phases in them (see `withPhase`); they are tightened in place.
   * `empty`: no point of the box has these phases, by the bounds alone. `useless`: nothing can be concluded. The lines asked for afterwards
   * are those of the part last propagated, at first of the whole box.
   */
  propagate(bounds: NodeBounds): 'lines' | 'empty' | 'useless' {
    const { graph } = this;
    if (bounds !== this.current) {
      graph.core.release(this.mark);
      this.values = propagateZonotope(graph, this.box.lower, this.box.upper, bounds, undefined, this.prefix);
      this.sources = this.findSources();
      this.current = bounds;
    }
    if (!isUsable(bounds)) return 'useless';
    return isEmpty(bounds) ? 'empty' : 'lines';
  }

  /** A copy of bounds with one more phase in them. */
  withPhase(bounds: NodeBounds, { node, neuron, sign }: Phase): NodeBounds {
    const result = copyOf(bounds);
    const [input] = this.graph.nodes[node].inputs;
    if (sign > 0) result.lower[input][neuron] = Math.max(0, result.lower[input][neuron]);
    else result.upper[input][neuron] = Math.min(0, result.upper[input][neuron]);
    return result;
  }

  /** A line that the margin outputs·y + inputs·x − bound of a constraint is nowhere below. */
  marginLine(row: number): MarginLine {
    const { outputs, inputs, bound, coefficientError } = this.constraints[row];
    const last = this.values.length - 1;
    const generators = Math.max(this.values[last].generators, this.symbols);
    const spread = new Float64Array(generators + 1);
    let own = 0;
    let magnitude = Math.abs(bound);
    const accumulate = (form: LinearForm, id: number) => {
      const value = this.values[id];
      const wide = this.graph.wide[id];
      const rows = this.graph.view(value.address, (value.generators + 1) * wide);
      for (let k = 0; k < form.index.length; k++) {
        const a = form.value[k];
        const i = form.index[k];
        for (let g = 0; g <= value.generators; g++) spread[g] += a * rows[g * wide + i];
        own += Math.abs(a) * value.error[i];
        magnitude += Math.abs(a) * value.total[i];
      }
    };
    accumulate(outputs, last);
    accumulate(inputs, 0);
    const centre = spread[0] - bound;
    const coefficients = spread.slice(1, this.symbols + 1);
    const losses = spread.slice(this.symbols + 1).map(Math.abs);
    const lost = sumOf(losses);
    const terms = outputs.index.length + inputs.index.length + generators + 8;
    const error = own + (gamma(terms) + coefficientError * 1.000001) * magnitude + gamma(terms) * lost;
    const constant = centre - lost - inflate(error + 4 * ROUNDING.unit * (Math.abs(centre) + lost));
    const reach = coefficients.reduce((sum, a) => sum + Math.abs(a), 0);
    const least = constant - reach - inflate(gamma(terms) * reach + 2 * ROUNDING.unit * Math.abs(constant));
    return { coefficients, constant, losses, bound: Math.abs(least) < ROUNDING.magnitudeLimit ? least : -Infinity };
  }

  /**
   * A line that is nowhere negative where the neuron has the phase's sign: its upper line for y ≥ 0, the lower one turned around for
   * y ≤ 0.
   */
  phaseLine({ node, neuron, sign }: Phase): SymbolicLine {
    const [input] = this.graph.nodes[node].inputs;
    const { address, generators, error } = this.values[input];
    const wide = this.graph.wide[input];
    const rows = this.graph.view(address, (generators + 1) * wide);
    const entry = (g: number) => rows[g * wide + neuron];
    const coefficients = Float64Array.from({ length: this.symbols }, (_, k) => sign * entry(k + 1));
    const losses = Float64Array.from({ length: generators - this.symbols }, (_, k) =>
      Math.abs(entry(this.symbols + k + 1)),
    );
    const constant = sign * entry(0) + inflate(error[neuron] + sumOf(losses));
    return { coefficients, constant: constant + Math.abs(constant) * 2 * ROUNDING.unit, losses };
  }

  /** The neuron that an error term of a line's losses belongs to. */
  source(term: number): Neuron {
    return this.sources[term];
  }

  /** How many error terms there are. */
  get terms(): number {
    return this.sources.length;
  }

  /** How many activations there are from an error term's own to the last. */
  layersFrom(term: number): number {
    return this.activations.length - this.activations.findIndex(({ id }) => id === this.sources[term].node);
  }

  /** A phase with its activation by name. */
  named({ node, neuron, sign }: Phase): { node: string; neuron: number; sign: 1 | -1 } {
    return { node: this.graph.nodes[node].name, neuron, sign };
  }

  /** The input at given symbols. */
  point(symbols: ArrayLike<number>): Float64Array {
    const { lower, upper } = this.box;
    const point = lower.map((l, i) => l + (upper[i] - l) * 0.5);
    this.inputs.forEach((input, k) => {
      point[input] += (upper[input] - lower[input]) * 0.5 * symbols[k];
    });
    return point;
  }

  /** Every activation with bounds of what it reads. */
  preActivations(bounds: NodeBounds): { node: string; lower: Float64Array; upper: Float64Array }[] {
    return this.activations.map(({ name, inputs: [input] }) => ({
      node: name,
      lower: bounds.lower[input].slice(),
      upper: bounds.upper[input].slice(),
    }));
  }

  /** An activation's new generators have one entry, its neuron's. */
  private findSources(): Neuron[] {
    const sources: Neuron[] = [];
    for (const { id, size } of this.activations) {
      const { address, generators } = this.values[id];
      const wide = this.graph.wide[id];
      const rows = this.graph.view(address, (generators + 1) * wide);
      for (let g = this.symbols + sources.length + 1; g <= generators; g++)
        sources.push({ node: id, neuron: rows.subarray(g * wide, g * wide + size).findIndex(value => value !== 0) });
    }
    return sources;
  }
}

function isRectifier(node: NetworkNode): node is ActivationNode {
  return node.kind === 'relu' || node.kind === 'leakyRelu';
}

function sumOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** Whether all bounds are numbers that conclusions may rest on. */
function isUsable({ lower, upper }: NodeBounds): boolean {
  const usable = (ends: Float64Array) => ends.every(end => Math.abs(end) <= ROUNDING.magnitudeLimit);
  return lower.every(usable) && upper.every(usable);
}

/** Both ends are certified: where they have passed each other there is no point. */
function isEmpty({ lower, upper }: NodeBounds): boolean {
  return lower.some((low, id) => low.some((l, i) => l > upper[id][i]));
}

/** Bounds that may be changed without changing these. The inputs' are the box's own and never change. */
export function copyOf({ lower, upper }: NodeBounds): NodeBounds {
  const copy = (arrays: readonly Float64Array[]) => arrays.map((array, id) => (id === 0 ? array : array.slice()));
  return { lower: copy(lower), upper: copy(upper) };
}

/** Widens `into` so that it holds wherever it or `other` held. */
export function widen(into: NodeBounds, other: NodeBounds): void {
  into.lower.forEach((low, id) => low.forEach((l, i) => (low[i] = Math.min(l, other.lower[id][i]))));
  into.upper.forEach((high, id) => high.forEach((u, i) => (high[i] = Math.max(u, other.upper[id][i]))));
}

/** Bounds that hold wherever both hold. */
export function intersection(one: NodeBounds, other: NodeBounds): NodeBounds {
  return {
    lower: one.lower.map((low, id) => low.map((l, i) => Math.max(l, other.lower[id][i]))),
    upper: one.upper.map((high, id) => high.map((u, i) => Math.min(u, other.upper[id][i]))),
  };
}
