import { assert, unreachable } from '../../base/assert';
import { gamma, inflate, ROUNDING } from '../../base/rounding';
import type { ActivationNode, MaxPoolNode } from '../../network/network';
import type { NodeBounds } from './interval';
import { type PreparedGraph } from './prepared-graph';
import { chosenSlope, lineWithSlope, newRelaxation, relax, type Line, type Relaxation } from './relaxation';
import { poolWinner } from './zonotope';

/**
 * Relaxations chosen by the search, by activation node and row, [rows × size] each: for rectifiers where between the negative side's slope (0)
 * and 1 the lower line's slope lies, for Sigmoid and Tanh the tangent points of the two lines (NaN: the default line). Whatever the numbers
 * are, the lines made of them are sound.
 */
export type RowChoice =
  { readonly slope: ArrayLike<number> } | { readonly below: ArrayLike<number>; readonly above: ArrayLike<number> };
export type RowChoices = ReadonlyMap<number, RowChoice>;

/** What a backward pass returns, per row: margin ≥ plane·x + constant on the box, everything rounded to the safe side. */
export interface BackwardResult {
  readonly lower: Float64Array;
  /** [rows × inputs] */
  readonly planes: Float64Array;
  readonly constants: Float64Array;
}

/** Rows as they start: sparse or dense coefficients over one node's values. */
export type StartRows =
  | { readonly kind: 'units'; readonly index: readonly number[]; readonly sign: readonly (1 | -1)[] }
  | {
      readonly kind: 'forms';
      /** [rows × size of the node], and what each coefficient may be off by, relatively, per row. */
      readonly coefficients: Float64Array;
      readonly relativeError: Float64Array;
      readonly constants: Float64Array;
      /** Added to the plane at the input, [rows × inputs]; null when there is none. */
      readonly inputCoefficients: Float64Array | null;
    };

/**
 * Backward linear bounds (CROWN) over a general graph, for the box and the node bounds at hand. Soundness: every value is within `bounds`; each
 * step replaces an exact row by a computed one and adds to the row's error at least what this can change on the box. docs/rounding.md has the
 * proof.
 */
export class Crown {
  private readonly relaxations = new Map<number, Relaxation>();
  private readonly errorWeights = new Map<number, Float64Array>();
  private readonly magnitudes = new Map<number, Float64Array>();

  constructor(
    private readonly graph: PreparedGraph,
    private readonly lower: Float64Array,
    private readonly upper: Float64Array,
    private readonly bounds: NodeBounds,
  ) {}

  /** To be called when the bounds of a node have been tightened: what was derived from them is derived again. */
  refresh(id: number): void {
    this.magnitudes.delete(id);
    for (const node of this.graph.nodes)
      if (node.inputs.includes(id)) {
        this.relaxations.delete(node.id);
        this.errorWeights.delete(node.id);
      }
  }

  private magnitude(id: number): Float64Array {
    let values = this.magnitudes.get(id);
    if (!values) {
      const { lower, upper } = this.bounds;
      values = lower[id].map((l, i) => Math.max(Math.abs(l), Math.abs(upper[id][i])));
      this.magnitudes.set(id, values);
    }
    return values;
  }

  /** What |coefficient| is multiplied with in the error of one step back through an affine node. */
  private errorWeight(id: number): Float64Array {
    let weight = this.errorWeights.get(id);
    if (!weight) {
      const { graph } = this;
      const map = graph.maps[id]!;
      const product = gamma(map.backwardTerms + 4) + graph.relativeError(id);
      const bias = graph.bias[id];
      const biasError = graph.biasError[id];
      weight = graph
        .absolute(id, this.magnitude(graph.nodes[id].inputs[0]))
        .map((sum, i) =>
          inflate(product * inflate(sum) + graph.constantsGamma * Math.abs(bias?.[i] ?? 0) + (biasError?.[i] ?? 0)),
        );
      this.errorWeights.set(id, weight);
    }
    return weight;
  }

  private relaxation(node: ActivationNode): Relaxation {
    let lines = this.relaxations.get(node.id);
    if (!lines) {
      lines = newRelaxation(node.size);
      const input = node.inputs[0];
      relax(node, this.bounds.lower[input], this.bounds.upper[input], lines);
      this.relaxations.set(node.id, lines);
    }
    return lines;
  }

  /** Certified lower bounds of rows over the values of node `start`; `choices` are per row of `rows`. */
  backward(start: number, rows: StartRows, choices: RowChoices = new Map()): BackwardResult {
    const count = rows.kind === 'units' ? rows.index.length : rows.constants.length;
    const mark = this.graph.core.mark();
    const pass = new BackwardPass(this.graph, count);
    this.begin(pass, start, rows);
    for (let id = start; id > 0; id--)
      if (pass.pending.has(id)) this.step(pass, id, id === start ? rows : null, choices);
    const result = this.concretise(pass, rows);
    this.graph.core.release(mark);
    return result;
  }

  private begin(pass: BackwardPass, start: number, rows: StartRows): void {
    const { size } = this.graph.nodes[start];
    const wide = this.graph.wide[start];
    const address = pass.block(start);
    const a = this.graph.view(address, pass.rows * wide);
    if (rows.kind === 'units') rows.index.forEach((i, r) => (a[r * wide + i] = rows.sign[r]));
    else {
      assert(rows.coefficients.length === pass.rows * size, () => 'rows of the wrong width');
      const magnitude = this.magnitude(start);
      const inputMagnitude = this.magnitude(0);
      for (let r = 0; r < pass.rows; r++) {
        a.set(rows.coefficients.subarray(r * size, (r + 1) * size), r * wide);
        pass.constants[r] = rows.constants[r];
        const relative = rows.relativeError[r] + 2 * ROUNDING.unit;
        let error = this.graph.constantsGamma * Math.abs(rows.constants[r]);
        for (let i = 0; i < size; i++) error += relative * Math.abs(a[r * wide + i]) * magnitude[i];
        if (rows.inputCoefficients)
          for (let i = 0; i < inputMagnitude.length; i++)
            error += relative * Math.abs(rows.inputCoefficients[r * inputMagnitude.length + i]) * inputMagnitude[i];
        pass.errors[r] = error;
      }
    }
    pass.pending.set(start, address);
  }

  private step(pass: BackwardPass, id: number, started: StartRows | null, choices: RowChoices): void {
    const node = this.graph.nodes[id];
    const address = pass.pending.get(id)!;
    pass.pending.delete(id);
    switch (node.kind) {
      case 'dense':
      case 'conv':
      case 'scale':
      case 'sparse': {
        const map = this.graph.maps[id]!;
        this.constants(pass, id, address, this.errorWeight(id));
        const back = pass.block(node.inputs[0]);
        if (started?.kind === 'units')
          started.index.forEach((i, r) => map.unit(back + r * this.graph.wide[node.inputs[0]] * 8, i, started.sign[r]));
        else map.backward(back, address, pass.rows);
        this.arrive(pass, node.inputs[0], back);
        break;
      }
      case 'constant':
        this.constants(
          pass,
          id,
          address,
          node.bias.map((b, i) => inflate(this.graph.constantsGamma * Math.abs(b) + (node.biasError?.[i] ?? 0))),
        );
        break;
      case 'add':
        node.inputs.forEach((input, k) => {
          const copy = pass.block(input);
          const from = this.graph.view(address, pass.rows * this.graph.wide[id]);
          const to = this.graph.view(copy, from.length);
          const c = node.coefficients[k];
          for (let i = 0; i < from.length; i++) to[i] = c * from[i];
          // ±1 is exact; any other coefficient rounds once.
          if (Math.abs(c) !== 1) this.loseRelative(pass, input, copy);
          this.arrive(pass, input, copy);
        });
        break;
      case 'concat': {
        let at = 0;
        for (const input of node.inputs) {
          const { size } = this.graph.nodes[input];
          const part = pass.block(input);
          const from = this.graph.view(address, pass.rows * this.graph.wide[id]);
          const to = this.graph.view(part, pass.rows * this.graph.wide[input]);
          for (let r = 0; r < pass.rows; r++) {
            const begin = r * this.graph.wide[id] + at;
            to.set(from.subarray(begin, begin + size), r * this.graph.wide[input]);
          }
          at += size;
          this.arrive(pass, input, part);
        }
        break;
      }
      case 'relu':
      case 'leakyRelu':
      case 'sigmoid':
      case 'tanh':
        this.activation(pass, node, address, choices.get(id));
        this.arrive(pass, node.inputs[0], address);
        break;
      case 'maxPool':
        this.maxPool(pass, node, address);
        break;
      case 'input':
        break;
      default:
        unreachable(node);
    }
  }

  /** constant += A·bias, error += |A|·weight. */
  private constants(pass: BackwardPass, id: number, address: number, weight: Float64Array): void {
    const node = this.graph.nodes[id];
    const wide = this.graph.wide[id];
    const a = this.graph.view(address, pass.rows * wide);
    const bias = node.kind === 'constant' ? node.bias : this.graph.bias[id];
    for (let r = 0; r < pass.rows; r++) {
      const at = r * wide;
      let constant = 0;
      let error = 0;
      if (bias)
        for (let i = 0; i < node.size; i++) {
          const c = a[at + i];
          constant += c * bias[i];
          error += Math.abs(c) * weight[i];
        }
      else for (let i = 0; i < node.size; i++) error += Math.abs(a[at + i]) * weight[i];
      pass.constants[r] += constant;
      pass.errors[r] += error;
    }
  }

  /** Adds a block of rows to what has already arrived at a node. */
  private arrive(pass: BackwardPass, id: number, address: number): void {
    const present = pass.pending.get(id);
    if (present === undefined) {
      pass.pending.set(id, address);
      return;
    }
    const length = pass.rows * this.graph.wide[id];
    const sum = this.graph.view(present, length);
    const more = this.graph.view(address, length);
    for (let i = 0; i < length; i++) sum[i] += more[i];
    this.loseRelative(pass, id, present);
  }

  /** Every coefficient over node `id` has been rounded once. */
  private loseRelative(pass: BackwardPass, id: number, address: number): void {
    const wide = this.graph.wide[id];
    const a = this.graph.view(address, pass.rows * wide);
    const magnitude = this.magnitude(id);
    for (let r = 0; r < pass.rows; r++) {
      let size = 0;
      for (let i = 0; i < magnitude.length; i++) size += Math.abs(a[r * wide + i]) * magnitude[i];
      pass.errors[r] += 2 * ROUNDING.unit * size;
    }
  }

  private activation(pass: BackwardPass, node: ActivationNode, address: number, choice: RowChoice | undefined): void {
    const wide = this.graph.wide[node.id];
    const a = this.graph.view(address, pass.rows * wide);
    const lines = this.relaxation(node);
    const magnitude = this.magnitude(node.inputs[0]);
    const low = this.bounds.lower[node.inputs[0]];
    const high = this.bounds.upper[node.inputs[0]];
    for (let r = 0; r < pass.rows; r++) {
      const at = r * wide;
      let constant = 0;
      let intercepts = 0;
      let scaled = 0;
      for (let i = 0; i < node.size; i++) {
        const c = a[at + i];
        if (c === 0) continue;
        let slope = c > 0 ? lines.lowerSlope[i] : lines.upperSlope[i];
        let intercept = c > 0 ? lines.lowerIntercept[i] : lines.upperIntercept[i];
        if (choice && low[i] < high[i]) {
          const line = chosenLine(node, low[i], high[i], choice, r * node.size + i, c > 0);
          if (line) ({ slope, intercept } = line);
        }
        const term = c * intercept;
        constant += term;
        intercepts += Math.abs(term);
        const back = c * slope;
        a[at + i] = back;
        scaled += Math.abs(back) * magnitude[i];
      }
      pass.constants[r] += constant;
      pass.errors[r] += this.graph.constantsGamma * intercepts + 2 * ROUNDING.unit * scaled;
    }
  }

  private maxPool(pass: BackwardPass, node: MaxPoolNode, address: number): void {
    const input = node.inputs[0];
    const low = this.bounds.lower[input];
    const high = this.bounds.upper[input];
    const back = pass.block(input);
    const wide = this.graph.wide[node.id];
    const from = this.graph.view(address, pass.rows * wide);
    const to = this.graph.view(back, pass.rows * this.graph.wide[input]);
    const magnitude = this.magnitude(input);
    const uses = new Int32Array(low.length);
    for (const column of node.column) uses[column]++;
    const sums = gamma(uses.reduce((most, n) => Math.max(most, n), 0) + 2);
    for (let i = 0; i < node.size; i++) {
      const { best, sole, top } = poolWinner(node, i, low, high);
      for (let r = 0; r < pass.rows; r++) {
        const c = from[r * wide + i];
        if (c === 0) continue;
        if (c > 0 || sole) {
          // z ≥ y_best always, and z = y_best when nothing else can exceed it.
          to[r * this.graph.wide[input] + best] += c;
          pass.errors[r] += sums * Math.abs(c) * magnitude[best];
        } else {
          pass.constants[r] += c * top;
          pass.errors[r] += this.graph.constantsGamma * Math.abs(c * top);
        }
      }
    }
    this.arrive(pass, input, back);
  }

  private concretise(pass: BackwardPass, rows: StartRows): BackwardResult {
    const { lower, upper } = this;
    const inputs = lower.length;
    const wide = this.graph.wide[0];
    const address = pass.pending.get(0);
    const a = address === undefined ? new Float64Array(pass.rows * wide) : this.graph.view(address, pass.rows * wide);
    const magnitude = this.magnitude(0);
    const product = gamma(inputs + 4);
    const result = {
      lower: new Float64Array(pass.rows),
      planes: new Float64Array(pass.rows * inputs),
      constants: new Float64Array(pass.rows),
    };
    for (let r = 0; r < pass.rows; r++) {
      let sum = 0;
      let size = 0;
      for (let i = 0; i < inputs; i++) {
        let c = a[r * wide + i];
        if (rows.kind === 'forms' && rows.inputCoefficients) c += rows.inputCoefficients[r * inputs + i];
        result.planes[r * inputs + i] = c;
        sum += c * (c >= 0 ? lower[i] : upper[i]);
        size += Math.abs(c) * magnitude[i];
      }
      const constant = pass.constants[r];
      const certified =
        constant - inflate(pass.errors[r] + 2 * ROUNDING.unit * size + 4 * ROUNDING.unit * Math.abs(constant));
      const total = certified + sum;
      const bound = total - inflate(product * size + 2 * ROUNDING.unit * (Math.abs(total) + Math.abs(certified)));
      result.constants[r] = certified;
      const usable = Math.abs(bound) < ROUNDING.magnitudeLimit && size < ROUNDING.magnitudeLimit;
      result.lower[r] = usable ? bound : -Infinity;
    }
    return result;
  }
}

/** The line that the search chose for one neuron and row, on the side that the coefficient's sign asks for; null for the default. */
function chosenLine(
  node: ActivationNode,
  l: number,
  u: number,
  choice: RowChoice,
  at: number,
  lowerSide: boolean,
): Line | null {
  if ('slope' in choice) {
    // Only the lower line of a rectifier is free; stable neurons have none.
    if (!lowerSide || l >= 0 || u <= 0 || node.slope > 1 || Number.isNaN(choice.slope[at])) return null;
    const part = Math.min(1, Math.max(0, choice.slope[at]));
    return { slope: Math.min(1, node.slope + part * (1 - node.slope)), intercept: 0 };
  }
  const point = lowerSide ? choice.below[at] : choice.above[at];
  return Number.isNaN(point) ? null : lineWithSlope(node, chosenSlope(node, point), l, u, lowerSide);
}

/** The rows of one pass: blocks by node, constants, and the bound on everything lost so far. */
class BackwardPass {
  readonly pending = new Map<number, number>();
  readonly constants: Float64Array;
  readonly errors: Float64Array;

  constructor(
    private readonly graph: PreparedGraph,
    readonly rows: number,
  ) {
    this.constants = new Float64Array(rows);
    this.errors = new Float64Array(rows);
  }

  /** A zeroed block of rows over the values of a node. */
  block(id: number): number {
    return this.graph.core.allocate(this.rows * this.graph.wide[id] * 8);
  }
}
