import { assert, unreachable } from '../base/assert';
import { gamma, inflate, ROUNDING } from '../base/rounding';
import type { NodeBounds } from '../bounds/graph/interval';
import type { PreparedGraph } from '../bounds/graph/prepared-graph';
import { newRelaxation, relax } from '../bounds/graph/relaxation';
import type { ActivationNode, MaxPoolNode } from '../network/network';
import { combined, type Form, type Predicates } from './predicates';
import type { Coupling } from './opened-network';

/**
 * The values of one node as a star { c + V η + δ : η a point of the predicates, |δ| ≤ error }: row 0 at `address` is c, row g + 1 generator g. Generators
 * are numbered over the whole network, so that values of different nodes share them; those that were made later count 0.
 */
export interface StarValue {
  readonly address: number;
  readonly generators: number;
  readonly error: Float64Array;
  /** Bound on |c| + Σ|V||η| + error. */
  readonly total: Float64Array;
}

/** An input that varies by less than this part of its size has no generator: its width goes into the error. */
const HARDLY = 1e-9;

/** Stars of the nodes of one network over one box, made when they are asked for; the bounds of what activations read must not change afterwards. */
export class StarValues {
  private readonly known = new Map<number, StarValue>();
  /** Generator of each network input, −1 where it has none, and what it stands for: middle + half·η. */
  private readonly inputGenerator: Int32Array;
  private readonly middle: Float64Array;
  private readonly half: Float64Array;
  private readonly coupled = new Set<Coupling>();

  constructor(
    private readonly graph: PreparedGraph,
    private readonly bounds: NodeBounds,
    private readonly predicates: Predicates,
    private readonly couplings: readonly Coupling[],
    lower: Float64Array,
    upper: Float64Array,
  ) {
    this.middle = lower.map((l, i) => l + (upper[i] - l) / 2);
    this.half = this.middle.map(
      (m, i) => Math.max(upper[i] - m, m - lower[i]) * (1 + 4 * ROUNDING.unit) + ROUNDING.underflow,
    );
    this.inputGenerator = Int32Array.from(this.half, (h, i) =>
      h > HARDLY * Math.max(1, Math.abs(this.middle[i])) || (h > 1e-3 * Math.abs(this.middle[i]) && upper[i] > lower[i])
        ? predicates.generator(-1, 1)
        : -1,
    );
  }

  /** Rows of every relation that the values of nodes before `id` are subject to are in the predicates afterwards. */
  prepare(id: number): void {
    for (const coupling of this.couplings)
      if (coupling.reads < id && !this.coupled.has(coupling)) {
        this.coupled.add(coupling);
        this.couple(coupling);
      }
  }

  value(id: number): StarValue {
    let value = this.known.get(id);
    if (!value) {
      value = this.make(id);
      this.known.set(id, value);
    }
    return value;
  }

  /** Value i of a node as a form. */
  form(id: number, i: number): Form {
    const { address, generators, error } = this.value(id);
    const wide = this.graph.wide[id];
    const rows = this.graph.view(address, (generators + 1) * wide);
    const value = new Float64Array(generators);
    for (let g = 0; g < generators; g++) value[g] = rows[(g + 1) * wide + i];
    return { constant: rows[i], value, error: error[i] };
  }

  private make(id: number): StarValue {
    const node = this.graph.nodes[id];
    switch (node.kind) {
      case 'input':
        return this.input();
      case 'constant': {
        const block = this.block(id, 0);
        block.rows.set(node.bias);
        return this.finish(
          id,
          block,
          0,
          node.bias.map((b, i) => (node.biasError?.[i] ?? 0) + 2 * ROUNDING.unit * Math.abs(b)),
        );
      }
      case 'dense':
      case 'conv':
      case 'scale':
      case 'sparse':
        return this.affine(id);
      case 'add':
        return this.add(id, node.coefficients);
      case 'concat':
        return this.concat(id);
      case 'relu':
      case 'leakyRelu':
      case 'sigmoid':
      case 'tanh':
        return this.activation(node);
      case 'maxPool':
        return this.maxPool(node);
      default:
        return unreachable(node);
    }
  }

  private block(id: number, generators: number): { address: number; rows: Float64Array; wide: number } {
    const wide = this.graph.wide[id];
    const length = (generators + 1) * wide;
    const address = this.graph.core.allocate(length * 8);
    return { address, rows: this.graph.view(address, length), wide };
  }

  private finish(
    id: number,
    { address, rows, wide }: { address: number; rows: Float64Array; wide: number },
    generators: number,
    error: Float64Array,
  ): StarValue {
    const { size } = this.graph.nodes[id];
    const total = new Float64Array(size);
    const { lower, upper, generators: columns } = this.predicates;
    for (let g = 0; g < generators; g++) {
      const reach = Math.max(Math.abs(lower[columns[g]]), Math.abs(upper[columns[g]]));
      const at = (g + 1) * wide;
      for (let i = 0; i < size; i++) total[i] += Math.abs(rows[at + i]) * reach;
    }
    for (let i = 0; i < size; i++)
      total[i] = inflate((total[i] + Math.abs(rows[i])) * (1 + gamma(generators + 2)) + error[i]);
    return { address, generators, error, total };
  }

  private input(): StarValue {
    const count = this.predicates.generators.length;
    const used = this.inputGenerator.reduce((most, g) => Math.max(most, g + 1), 0);
    assert(used <= count, () => 'inputs come first');
    const block = this.block(0, used);
    const error = new Float64Array(this.middle.length);
    this.middle.forEach((m, i) => {
      block.rows[i] = m;
      const g = this.inputGenerator[i];
      if (g >= 0) block.rows[(g + 1) * block.wide + i] = this.half[i];
      else error[i] = this.half[i];
    });
    return this.finish(0, block, used, error);
  }

  private affine(id: number): StarValue {
    const { graph } = this;
    const map = graph.maps[id]!;
    const from = this.value(graph.nodes[id].inputs[0]);
    const product = gamma(map.forwardTerms + 4) + graph.relativeError(id);
    const lost = graph.absolute(
      id,
      from.error.map((e, i) => e + product * from.total[i]),
    );
    const block = this.block(id, from.generators);
    map.forward(block.address, from.address, from.generators + 1);
    const rows = graph.view(block.address, (from.generators + 1) * block.wide);
    const bias = graph.bias[id];
    const biasError = graph.biasError[id];
    const sums = 1 + gamma(map.forwardTerms + 4);
    const error = lost.map((e, i) => {
      const b = bias?.[i] ?? 0;
      rows[i] += b;
      return inflate(e * sums + product * Math.abs(b) + (biasError?.[i] ?? 0) + 4 * ROUNDING.unit * Math.abs(rows[i]));
    });
    return this.finish(id, { ...block, rows }, from.generators, error);
  }

  private add(id: number, coefficients: readonly number[]): StarValue {
    const { inputs, size } = this.graph.nodes[id];
    const parts = inputs.map(input => this.value(input));
    const generators = Math.max(...parts.map(part => part.generators));
    const block = this.block(id, generators);
    const error = new Float64Array(size);
    parts.forEach((part, k) => {
      const c = coefficients[k];
      const rows = this.graph.view(part.address, (part.generators + 1) * block.wide);
      for (let i = 0; i < rows.length; i++) block.rows[i] += c * rows[i];
      for (let i = 0; i < size; i++)
        error[i] += Math.abs(c) * (part.error[i] + gamma(parts.length + 2) * part.total[i]);
    });
    return this.finish(
      id,
      block,
      generators,
      error.map(e => (e === 0 ? 0 : inflate(e))),
    );
  }

  private concat(id: number): StarValue {
    const { inputs, size } = this.graph.nodes[id];
    const parts = inputs.map(input => this.value(input));
    const generators = Math.max(...parts.map(part => part.generators));
    const block = this.block(id, generators);
    const error = new Float64Array(size);
    let at = 0;
    parts.forEach((part, k) => {
      const own = this.graph.nodes[inputs[k]].size;
      const wide = this.graph.wide[inputs[k]];
      const rows = this.graph.view(part.address, (part.generators + 1) * wide);
      for (let g = 0; g <= part.generators; g++)
        block.rows.set(rows.subarray(g * wide, g * wide + own), g * block.wide + at);
      error.set(part.error, at);
      at += own;
    });
    return this.finish(id, block, generators, error);
  }

  /** Stable neurons keep their row; every other gets a predicate of its own. */
  private activation(node: ActivationNode): StarValue {
    const input = node.inputs[0];
    const [low, high] = [this.bounds.lower[input], this.bounds.upper[input]];
    const isRectifier = (node.kind === 'relu' || node.kind === 'leakyRelu') && node.slope >= 0 && node.slope <= 1;
    const fresh = (i: number): [number, number][] => (isRectifier ? this.triangle(node, i, low[i], high[i]) : []);
    const from = this.value(input);
    const lines = isRectifier ? null : newRelaxation(node.size);
    if (lines) relax(node, low, high, lines);
    return this.mapped(
      node.id,
      i => {
        if (lines) return { keep: 0, entries: this.between(node, lines, i), constant: 0 };
        if (low[i] >= 0) return { keep: 1, entries: [], constant: 0 };
        if (high[i] <= 0) return { keep: node.slope, entries: [], constant: 0 };
        return { keep: 0, entries: fresh(i), constant: 0 };
      },
      from,
      input,
      i => i,
    );
  }

  /**
   * y = u·a + l·b with a, b ≥ 0 and a + b ≤ 1 is the triangle around (y, max(y, 0)), whose points have max(y, 0) replaced by u·a: at the exact
   * values a = max(y, 0)/u and b = min(y, 0)/l.
   */
  private triangle(node: ActivationNode, i: number, l: number, u: number): [number, number][] {
    const { predicates } = this;
    const y = this.form(node.inputs[0], i);
    const a = predicates.generator(0, 1);
    const entries: [number, number][] = [[a, u]];
    let b: number;
    if (node.slope === 0) b = predicates.column(0, 1);
    else {
      const own = predicates.generator(0, 1);
      b = predicates.generators[own];
      entries.push([own, node.slope * l]);
    }
    const columns = Int32Array.from([...this.columnsOf(y), predicates.generators[a], b]);
    const values = Float64Array.from([...nonzero(y.value), -u, -l]);
    const slack = inflate(y.error);
    predicates.row(-y.constant - slack, -y.constant + slack, columns, values);
    predicates.row(-Infinity, 1, [predicates.generators[a], b], [1, 1]);
    return entries;
  }

  /** A predicate for the value itself, between its two lines and its two ends. */
  private between(node: ActivationNode, lines: ReturnType<typeof newRelaxation>, i: number): [number, number][] {
    const { predicates } = this;
    const input = node.inputs[0];
    const [l, u] = [this.bounds.lower[node.id][i], this.bounds.upper[node.id][i]];
    const y = this.form(input, i);
    const size = this.value(input).total[i];
    const z = predicates.generator(l, u);
    for (const [slope, intercept, isLower] of [
      [lines.lowerSlope[i], lines.lowerIntercept[i], true],
      [lines.upperSlope[i], lines.upperIntercept[i], false],
    ] as const) {
      const columns = [...this.columnsOf(y), predicates.generators[z]];
      const values = [...nonzero(y.value).map(v => -slope * v), 1];
      const slack = inflate(
        Math.abs(slope) * y.error + 4 * ROUNDING.unit * (Math.abs(slope) * size + Math.abs(intercept)),
      );
      const edge = intercept + slope * y.constant;
      if (isLower) predicates.row(edge - slack, Infinity, columns, values);
      else predicates.row(-Infinity, edge + slack, columns, values);
    }
    return [[z, 1]];
  }

  /** One survivor is copied; of several, a predicate is at least each and at most what they allow. */
  private maxPool(node: MaxPoolNode): StarValue {
    const input = node.inputs[0];
    const [low, high] = [this.bounds.lower[input], this.bounds.upper[input]];
    const windows = Array.from({ length: node.size }, (_, i) => {
      const window = [...new Set(node.column.subarray(node.rowStart[i], node.rowStart[i + 1]))];
      const best = window.reduce((a, b) => (low[b] > low[a] ? b : a));
      return { best, open: window.filter(k => k === best || high[k] > low[best]) };
    });
    const { predicates } = this;
    return this.mapped(
      node.id,
      i => {
        const { best, open } = windows[i];
        if (open.length === 1) return { keep: 1, entries: [], constant: 0 };
        const top = open.reduce((most, k) => Math.max(most, high[k]), -Infinity);
        const z = predicates.generator(low[best], top);
        const column = predicates.generators[z];
        const sizes = this.value(input).total;
        const forms = open.map(k => ({ coefficient: 1, form: this.form(input, k), size: sizes[k] }));
        for (const { form } of forms) {
          const slack = inflate(form.error + 2 * ROUNDING.unit * Math.abs(form.constant));
          predicates.row(
            form.constant - slack,
            Infinity,
            [...this.columnsOf(form), column],
            [...nonzero(form.value).map(v => -v), 1],
          );
        }
        // The sum of all, each less its lower bound but for the best one: y_best alone is at least every other lower bound.
        const others = open.reduce((sum, k) => (k === best ? sum : sum + low[k]), 0);
        const all = combined(forms, 0, predicates.generators.length, 0);
        const slack = inflate(
          all.error + gamma(open.length + 2) * open.reduce((sum, k) => sum + Math.abs(low[k]), Math.abs(all.constant)),
        );
        predicates.row(
          -Infinity,
          all.constant - others + slack,
          [...this.columnsOf(all), column],
          [...nonzero(all.value).map(v => -v), 1],
        );
        return { keep: 0, entries: [[z, 1]], constant: 0 };
      },
      this.value(input),
      input,
      i => windows[i].best,
    );
  }

  /** Value i is `keep` times value source(i) of what is read, plus a constant, plus generators of its own. */
  private mapped(
    id: number,
    choose: (i: number) => { keep: number; entries: readonly [number, number][]; constant: number },
    from: StarValue,
    input: number,
    source: (i: number) => number,
  ): StarValue {
    const { size } = this.graph.nodes[id];
    const choices = Array.from({ length: size }, (_, i) => choose(i));
    const generators = Math.max(from.generators, this.predicates.generators.length);
    const block = this.block(id, generators);
    const sourceWide = this.graph.wide[input];
    const rows = this.graph.view(from.address, (from.generators + 1) * sourceWide);
    const error = new Float64Array(size);
    choices.forEach(({ keep, entries, constant }, i) => {
      const k = source(i);
      if (keep !== 0) {
        for (let g = 0; g <= from.generators; g++) block.rows[g * block.wide + i] = keep * rows[g * sourceWide + k];
        error[i] = keep * from.error[k];
        if (keep !== 1) error[i] = inflate(error[i] + 4 * ROUNDING.unit * keep * from.total[k]);
      }
      block.rows[i] += constant;
      for (const [g, v] of entries) {
        block.rows[(g + 1) * block.wide + i] = v;
        // The slope's product was rounded once; 0 and 1 are exact.
        if (v !== 0) error[i] += 2 * ROUNDING.unit * Math.abs(v);
      }
    });
    return this.finish(id, block, generators, error);
  }

  /** Σ lower·u ≤ e ≤ Σ upper·u as rows. */
  private couple({ reads, columns, rowStart, column, lower, upper, lowerConstant, upperConstant }: Coupling): void {
    const { predicates } = this;
    const { total } = this.value(reads);
    const forms = new Map<number, Form>();
    const formOf = (c: number): Form => {
      let form = forms.get(c);
      if (!form) forms.set(c, (form = this.form(reads, c)));
      return form;
    };
    columns.forEach((input, k) => {
      const g = this.inputGenerator[input];
      if (g < 0) return;
      for (const [coefficients, constant, isLower] of [
        [lower, lowerConstant[k], true],
        [upper, upperConstant[k], false],
      ] as const) {
        const parts = [];
        for (let t = rowStart[k]; t < rowStart[k + 1]; t++)
          if (coefficients[t] !== 0)
            parts.push({ coefficient: coefficients[t], form: formOf(column[t]), size: total[column[t]] });
        const edge = combined(parts, constant, predicates.generators.length, 0);
        const slack = inflate(
          edge.error + 4 * ROUNDING.unit * (Math.abs(this.middle[input]) + Math.abs(edge.constant)),
        );
        const at = [...this.columnsOf(edge), predicates.generators[g]];
        const values = [...nonzero(edge.value).map(v => -v), this.half[input]];
        // A generator may be its own input's where the layer reads the model's input; then the two entries are one.
        if (isLower) predicates.row(edge.constant - this.middle[input] - slack, Infinity, at, values);
        else predicates.row(-Infinity, edge.constant - this.middle[input] + slack, at, values);
      }
    });
  }

  private columnsOf({ value }: Form): number[] {
    const columns: number[] = [];
    for (let g = 0; g < value.length; g++) if (value[g] !== 0) columns.push(this.predicates.generators[g]);
    return columns;
  }
}

function nonzero(value: Float64Array): Float64Array {
  return value.filter(v => v !== 0);
}
