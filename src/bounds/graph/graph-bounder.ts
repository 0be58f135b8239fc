import { assert } from '../../base/assert';
import { gamma, inflate, ROUNDING } from '../../base/rounding';
import { evaluate } from '../../network/evaluate';
import type { Network } from '../../network/network';
import type { Constraint, LinearForm } from '../../spec/question';
import type { BoxBounder, Plane } from '../bounder';
import { Crown, type BackwardResult, type RowChoices, type StartRows } from './crown';
import { intervalBounds, type NodeBounds } from './interval';
import { isNonlinear, PreparedGraph } from './prepared-graph';
import { propagateSymbolic } from './symbolic';
import { propagateZonotope, type ZonotopeLimits, type ZonotopeValue } from './zonotope';

/** Doubles that the rows of one backward pass may take at the widest node. */
const ROWS_LIMIT = 2 ** 21;

/** Forward symbolic bounds cost a product an input; with few inputs they are worth it. */
const MOST_SYMBOLIC_INPUTS = 24;

interface NodeInterval {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/** The ladder of bounds for one box of any network: intervals, forward zonotope, backward CROWN for the neurons still unstable. */
export class GraphBounder implements BoxBounder {
  private readonly mark: number;
  private lower: Float64Array = new Float64Array(0);
  private upper: Float64Array = new Float64Array(0);
  private inherited: Float64Array | null = null;
  private nodes: NodeBounds = { lower: [], upper: [] };
  private result: BackwardResult | null = null;

  constructor(
    private readonly network: Network,
    private readonly constraints: readonly Constraint[],
    private readonly limits?: ZonotopeLimits,
    readonly graph: PreparedGraph = new PreparedGraph(network),
  ) {
    this.mark = this.graph.core.mark();
  }

  setBox(lower: Float64Array, upper: Float64Array, bounds: Float64Array | null): void {
    this.lower = lower;
    this.upper = upper;
    this.inherited = bounds;
  }

  zonotope(rows: readonly number[]): Float64Array | null {
    const { graph } = this;
    graph.core.release(this.mark);
    this.interval();
    if (this.lower.length <= MOST_SYMBOLIC_INPUTS) propagateSymbolic(graph, this.lower, this.upper, this.nodes);
    const values = propagateZonotope(graph, this.lower, this.upper, this.nodes, this.limits);
    if (!this.usable()) return null;
    const last = values[values.length - 1];
    return Float64Array.from(rows, row => this.zonotopeRow(this.constraints[row], last, values[0]));
  }

  /** Bounds of all nodes by intervals and what was inherited; false when nothing can be concluded on this box. */
  interval(): boolean {
    this.nodes = intervalBounds(this.graph, this.lower, this.upper, this.inheritedBounds());
    return this.usable();
  }

  /** Takes the bounds given to `setBox` for exactly what they are, even where intervals are tighter by a rounding: threads must agree to the bit. */
  adopt(): void {
    for (const [id, known] of this.inheritedBounds()) {
      this.nodes.lower[id].set(known.lower);
      this.nodes.upper[id].set(known.upper);
    }
  }

  backward(rows: readonly number[]): Float64Array {
    return this.finalRows(new Crown(this.graph, this.lower, this.upper, this.nodes), rows);
  }

  /** Certified lower bounds of the given rows with given relaxations. */
  chosen(rows: readonly number[], choices: RowChoices): Float64Array {
    return this.finalRows(new Crown(this.graph, this.lower, this.upper, this.nodes), rows, choices);
  }

  crown(rows: readonly number[]): { unstable: number; lower: Float64Array } {
    const tightening = this.tightening();
    let step = tightening.next();
    while (!step.done) step = tightening.next();
    if (!this.usable()) return { unstable: -1, lower: new Float64Array(rows.length).fill(-Infinity) };
    return { unstable: step.value, lower: this.backward(rows) };
  }

  /**
   * Backward passes for every unstable neuron, layer by layer, a part at a time: on large networks this takes long, and whoever runs it wants to look at the
   * clock in between. After `zonotope`. Returns how many unstable neurons there were.
   */
  *tightening(): Generator<void, number> {
    const crown = new Crown(this.graph, this.lower, this.upper, this.nodes);
    let unstable = 0;
    for (const id of this.graph.bounded) unstable += yield* this.tighten(crown, id);
    return unstable;
  }

  plane(k: number): Plane {
    assert(this.result, () => 'no backward pass has been run');
    const inputs = this.lower.length;
    return {
      coefficients: this.result.planes.slice(k * inputs, (k + 1) * inputs),
      constant: this.result.constants[k],
    };
  }

  bounds(): Float64Array {
    const size = this.graph.bounded.reduce((sum, id) => sum + this.graph.nodes[id].size, 0);
    const all = new Float64Array(2 * size);
    let at = 0;
    for (const id of this.graph.bounded) {
      all.set(this.nodes.lower[id], at);
      all.set(this.nodes.upper[id], size + at);
      at += this.graph.nodes[id].size;
    }
    return all;
  }

  evaluate(input: ArrayLike<number>): Float64Array {
    const values = evaluate(this.network, Float64Array.from(input), ({ kind, id }, [x]) =>
      kind === 'conv' || kind === 'dense' ? this.graph.apply(id, x) : null,
    );
    return values[values.length - 1];
  }

  /** The bounds of every node on the current box. */
  nodeBounds(): NodeBounds {
    return this.nodes;
  }

  /** What every activation reads, by its name; null before a box was bounded. */
  preActivations(): { node: string; lower: Float64Array; upper: Float64Array }[] | null {
    const { lower, upper } = this.nodes;
    if (lower.length === 0) return null;
    return this.graph.nodes
      .filter(node => isNonlinear(node) && node.kind !== 'maxPool')
      .map(node => ({ node: node.name, lower: lower[node.inputs[0]].slice(), upper: upper[node.inputs[0]].slice() }));
  }

  private inheritedBounds(): Map<number, NodeInterval> {
    const known = new Map<number, NodeInterval>();
    if (!this.inherited) return known;
    const half = this.inherited.length / 2;
    let at = 0;
    for (const id of this.graph.bounded) {
      const end = at + this.graph.nodes[id].size;
      known.set(id, {
        lower: this.inherited.subarray(at, end),
        upper: this.inherited.subarray(half + at, half + end),
      });
      at = end;
    }
    return known;
  }

  /** False when some bound is not a usable number: then nothing may be concluded on this box. */
  usable(): boolean {
    const limit = ROUNDING.magnitudeLimit;
    return this.nodes.lower.every((low, id) => {
      const high = this.nodes.upper[id];
      for (let i = 0; i < low.length; i++)
        if (!(low[i] >= -limit && high[i] <= limit && low[i] <= high[i])) return false;
      return true;
    });
  }

  private zonotopeRow(constraint: Constraint, outputs: ZonotopeValue, inputs: ZonotopeValue): number {
    let centre = -constraint.bound;
    let magnitude = Math.abs(constraint.bound);
    let own = 0;
    // An output that is a constant has fewer generators than the inputs, which a constraint may speak of too.
    const generators = Math.max(outputs.generators, inputs.generators);
    const spread = new Float64Array(generators + 1);
    const accumulate = (form: LinearForm, value: ZonotopeValue, id: number) => {
      const wide = this.graph.wide[id];
      const rows = this.graph.view(value.address, (value.generators + 1) * wide);
      for (let k = 0; k < form.index.length; k++) {
        const a = form.value[k];
        const i = form.index[k];
        centre += a * rows[i];
        for (let g = 1; g <= value.generators; g++) spread[g] += a * rows[g * wide + i];
        own += Math.abs(a) * value.error[i];
        magnitude += Math.abs(a) * value.total[i];
      }
    };
    accumulate(constraint.outputs, outputs, this.graph.nodes.length - 1);
    accumulate(constraint.inputs, inputs, 0);
    let reach = 0;
    for (let g = 1; g <= generators; g++) reach += Math.abs(spread[g]);
    const terms = constraint.outputs.index.length + constraint.inputs.index.length + generators + 8;
    const lost = own + (gamma(terms) + constraint.coefficientError * 1.000001) * magnitude + gamma(terms) * reach;
    const bound = centre - reach - inflate(lost);
    return Math.abs(bound) < ROUNDING.magnitudeLimit ? bound : -Infinity;
  }

  /** The same for one node; its bounds are tightened in place. */
  private *tighten(crown: Crown, id: number): Generator<void, number> {
    const low = this.nodes.lower[id];
    const high = this.nodes.upper[id];
    const unstable: number[] = [];
    const crossingOnly = this.feedsOnlyRelus(id);
    for (let i = 0; i < low.length; i++)
      if (crossingOnly ? low[i] < 0 && high[i] > 0 : low[i] < high[i]) unstable.push(i);
    const widest = this.graph.wide.slice(0, id + 1).reduce((most, wide) => Math.max(most, wide), 0);
    const chunk = Math.max(1, Math.floor(ROWS_LIMIT / widest / 2));
    for (let from = 0; from < unstable.length; from += chunk) {
      const part = unstable.slice(from, from + chunk);
      const rows: StartRows = {
        kind: 'units',
        index: part.flatMap(i => [i, i]),
        sign: part.flatMap(() => [1, -1] as const),
      };
      const { lower } = crown.backward(id, rows);
      part.forEach((i, k) => {
        low[i] = Math.max(low[i], lower[2 * k]);
        high[i] = Math.min(high[i], -lower[2 * k + 1]);
      });
      yield;
    }
    if (unstable.length > 0) crown.refresh(id);
    return unstable.length;
  }

  /** Then only neurons whose sign is open are unstable; for other activations every neuron that varies is. */
  private feedsOnlyRelus(id: number): boolean {
    return this.graph.nodes.every(
      node => !node.inputs.includes(id) || !isNonlinear(node) || node.kind === 'relu' || node.kind === 'leakyRelu',
    );
  }

  private finalRows(crown: Crown, rows: readonly number[], choices?: RowChoices): Float64Array {
    this.result = crown.backward(this.graph.nodes.length - 1, this.startForms(rows), choices);
    return this.result.lower;
  }

  /** The given constraints as rows over the outputs (and inputs). */
  private startForms(rows: readonly number[]): Extract<StartRows, { kind: 'forms' }> {
    const outputs = this.network.outputSize;
    const inputs = this.network.inputSize;
    const coefficients = new Float64Array(rows.length * outputs);
    const hasInputs = rows.some(row => this.constraints[row].inputs.index.length > 0);
    const inputCoefficients = hasInputs ? new Float64Array(rows.length * inputs) : null;
    rows.forEach((row, r) => {
      const { outputs: y, inputs: x } = this.constraints[row];
      y.index.forEach((i, k) => (coefficients[r * outputs + i] += y.value[k]));
      if (inputCoefficients) x.index.forEach((i, k) => (inputCoefficients[r * inputs + i] += x.value[k]));
    });
    return {
      kind: 'forms',
      coefficients,
      relativeError: Float64Array.from(rows, row => this.constraints[row].coefficientError),
      constants: Float64Array.from(rows, row => -this.constraints[row].bound),
      inputCoefficients,
    };
  }
}
