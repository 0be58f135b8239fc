import { unreachable } from '../../base/assert';
import { gamma, inflate, ROUNDING } from '../../base/rounding';
import type { ActivationNode, AddNode, ConcatNode } from '../../network/network';
import { sizes, type PairBounds } from './intervals';
import { weightDoubt, type NetworkPair } from './pair';
import { relaxPair, type PairRelaxation } from './relaxation';
import { Pass, RowSum, STREAMS, type Stream } from './rows';

/** One row as it starts: coefficients over f's values and over the differences of one node. */
export interface PairRows {
  readonly count: number;
  /** [count × size of the node], null for none. */
  readonly base: Float64Array | null;
  readonly difference: Float64Array | null;
}

/**
 * Backward linear bounds over f's values v and the differences d together (CROWN on a pair). The inputs are shared, so d is 0 there and what f and g have in
 * common cancels. Soundness is that of the single network (docs/rounding.md, sections 2 and 3): every activation is replaced by lines that hold on its bounds, and
 * every rounding is added to the row's error times the largest value it can meet.
 */
export class PairBackward {
  private readonly relaxations = new Map<number, PairRelaxation>();
  private readonly sizes = new Map<string, Float64Array>();
  private readonly weights = new Map<string, Float64Array>();
  /** γ for a row's constant: at most six terms a neuron. */
  private readonly constantsGamma: number;

  constructor(
    private readonly pair: NetworkPair,
    private readonly bounds: PairBounds,
    private readonly lower: Float64Array,
    private readonly upper: Float64Array,
  ) {
    this.constantsGamma = gamma(32 * pair.base.nodes.reduce((sum, node) => sum + node.size, 0) + 1024);
  }

  /** To be called when the bounds of a node have been tightened. */
  refresh(id: number): void {
    for (const stream of STREAMS) {
      this.sizes.delete(`${stream}${id}`);
      for (const node of this.pair.base.nodes) if (node.inputs.includes(id)) this.weights.delete(`${stream}${node.id}`);
    }
    for (const node of this.pair.base.nodes) if (node.inputs.includes(id)) this.relaxations.delete(node.id);
  }

  /** Certified lower bounds of rows over node `start`. */
  lowerBounds(start: number, rows: PairRows): Float64Array {
    const { core } = this.pair.base;
    const mark = core.mark();
    const pass = new Pass(this.pair, rows.count);
    for (const stream of STREAMS) {
      const given = rows[stream];
      if (!given) continue;
      const { size } = this.pair.base.nodes[start];
      const block = pass.view(pass.claimAddress(stream, start), start);
      for (let r = 0; r < rows.count; r++) block.set(given.subarray(r * size, (r + 1) * size), r * pass.wide(start));
    }
    for (let id = start; id > 0; id--) this.step(pass, id);
    const result = this.concretise(pass);
    core.release(mark);
    return result;
  }

  private size(stream: Stream, id: number): Float64Array {
    const key = `${stream}${id}`;
    let values = this.sizes.get(key);
    if (!values) this.sizes.set(key, (values = sizes(this.bounds[stream], id)));
    return values;
  }

  /** What |coefficient| is multiplied with in the error of one step back through an affine node. */
  private errorWeight(stream: Stream, id: number): Float64Array {
    const key = `${stream}${id}`;
    let weight = this.weights.get(key);
    if (!weight) this.weights.set(key, (weight = this.computeErrorWeight(stream, id)));
    return weight;
  }

  private computeErrorWeight(stream: Stream, id: number): Float64Array {
    const { base, linear, change, changed } = this.pair;
    const [input] = base.nodes[id].inputs;
    const terms = (base.maps[id]?.backwardTerms ?? 0) + 4;
    const ofBias = (bias: Float64Array | null, error: Float64Array | null, i: number): number =>
      this.constantsGamma * Math.abs(bias?.[i] ?? 0) + (error?.[i] ?? 0);
    if (stream === 'base') {
      const product = gamma(terms) + base.relativeError(id);
      return base
        .absolute(id, this.size('base', input))
        .map((sum, i) => inflate(product * inflate(sum) + ofBias(base.bias[id], base.biasError[id], i)));
    }
    const product = gamma(terms) + linear.relativeError(id);
    const own = linear.absolute(id, this.size('difference', input)).map(sum => inflate(product * inflate(sum)));
    if (!changed[id]) return own;
    const others = change.absolute(id, this.size('base', input));
    const doubt = weightDoubt(this.pair, id, this.size('base', input));
    const rounding = gamma(terms) + change.relativeError(id);
    return own.map((error, i) =>
      inflate(
        error + rounding * inflate(others[i]) + (doubt?.[i] ?? 0) + ofBias(change.bias[id], change.biasError[id], i),
      ),
    );
  }

  private step(pass: Pass, id: number): void {
    const node = this.pair.base.nodes[id];
    if (!STREAMS.some(stream => pass.has(stream, id))) return;
    switch (node.kind) {
      case 'dense':
      case 'conv':
      case 'scale':
      case 'sparse':
        this.affine(pass, id);
        return;
      case 'constant': {
        const error = node.bias.map((b, i) => inflate(this.constantsGamma * Math.abs(b) + (node.biasError?.[i] ?? 0)));
        const address = pass.take('base', id);
        if (address !== null) this.constants(pass, id, address, node.bias, error);
        pass.take('difference', id);
        return;
      }
      case 'add':
        this.add(pass, node);
        return;
      case 'concat':
        this.concat(pass, node);
        return;
      case 'relu':
      case 'leakyRelu':
      case 'sigmoid':
      case 'tanh':
        this.activation(pass, node);
        return;
      case 'input':
      case 'maxPool':
        return;
      default:
        unreachable(node);
    }
  }

  private affine(pass: Pass, id: number): void {
    const { base, linear, change, changed } = this.pair;
    const [input] = base.nodes[id].inputs;
    const v = pass.take('base', id);
    const d = pass.take('difference', id);
    if (v !== null) {
      this.constants(pass, id, v, base.bias[id], this.errorWeight('base', id));
      this.arrive(pass, 'base', input, address => base.maps[id]!.backward(address, v, pass.rows));
    }
    if (d === null) return;
    this.constants(pass, id, d, changed[id] ? change.bias[id] : null, this.errorWeight('difference', id));
    if (changed[id]) this.arrive(pass, 'base', input, address => change.maps[id]!.backward(address, d, pass.rows));
    // The inputs are shared: what reads them alone differs by its weights only.
    if (input !== 0)
      this.arrive(pass, 'difference', input, address => linear.maps[id]!.backward(address, d, pass.rows));
  }

  /** constant += A·bias, error += |A|·weight. */
  private constants(pass: Pass, id: number, address: number, bias: Float64Array | null, weight: Float64Array): void {
    const block = pass.view(address, id);
    const wide = pass.wide(id);
    for (let r = 0; r < pass.rows; r++) {
      let constant = 0;
      let error = 0;
      for (let i = 0; i < weight.length; i++) {
        const c = block[r * wide + i];
        if (c === 0) continue;
        if (bias) constant += c * bias[i];
        error += Math.abs(c) * weight[i];
      }
      pass.constants[r] += constant;
      pass.errors[r] += error;
    }
  }

  /** Adds what `write` makes of a zeroed block to what has arrived at a node; adding rounds each coefficient once. */
  private arrive(pass: Pass, stream: Stream, id: number, write: (address: number) => void): void {
    const present = pass.has(stream, id);
    const address = present ? pass.fresh(id) : pass.claimAddress(stream, id);
    write(address);
    if (!present) return;
    const sum = pass.view(pass.claimAddress(stream, id), id);
    const more = pass.view(address, id);
    for (let i = 0; i < sum.length; i++) sum[i] += more[i];
    this.loseRelative(pass, stream, id, sum);
  }

  private loseRelative(pass: Pass, stream: Stream, id: number, block: Float64Array): void {
    const wide = pass.wide(id);
    const magnitude = this.size(stream, id);
    for (let r = 0; r < pass.rows; r++) {
      let size = 0;
      for (let i = 0; i < magnitude.length; i++) size += Math.abs(block[r * wide + i]) * magnitude[i];
      pass.errors[r] += 2 * ROUNDING.unit * size;
    }
  }

  private add(pass: Pass, node: AddNode): void {
    for (const stream of STREAMS) {
      const from = pass.take(stream, node.id);
      if (from === null) continue;
      node.inputs.forEach((input, k) => {
        const c = node.coefficients[k];
        this.arrive(pass, stream, input, address => {
          const block = pass.view(from, node.id);
          const to = pass.view(address, input);
          for (let i = 0; i < to.length; i++) to[i] = c * block[i];
          if (Math.abs(c) !== 1) this.loseRelative(pass, stream, input, to);
        });
      });
    }
  }

  private concat(pass: Pass, node: ConcatNode): void {
    for (const stream of STREAMS) {
      const whole = pass.take(stream, node.id);
      if (whole === null) continue;
      let at = 0;
      for (const input of node.inputs) {
        const { size } = this.pair.base.nodes[input];
        const from = at;
        this.arrive(pass, stream, input, address => {
          const block = pass.view(whole, node.id);
          const to = pass.view(address, input);
          for (let r = 0; r < pass.rows; r++) {
            const begin = r * pass.wide(node.id) + from;
            to.set(block.subarray(begin, begin + size), r * pass.wide(input));
          }
        });
        at += size;
      }
    }
  }

  /**
   * e·σ(y) + c·(g's answer − σ(y)). A linear neuron of g: c·(slope·(y + d) + intercept) + (e − c)·σ(y), with lines for σ(y) alone. Else lines for the two parts, or
   * c·σ(z) + (e − c)·σ(y) with lines for either neuron, whichever leaves less open.
   */
  private activation(pass: Pass, node: ActivationNode): void {
    const [input] = node.inputs;
    const lines = this.relaxationOf(node);
    const atV = pass.take('base', node.id);
    const atD = pass.take('difference', node.id);
    const [sizeV, sizeD] = [this.size('base', input), this.size('difference', input)];
    const wide = pass.wide(node.id);
    this.arrive(pass, 'base', input, toV => {
      this.arrive(pass, 'difference', input, toD => {
        const v = atV === null ? null : pass.view(atV, node.id);
        const d = atD === null ? null : pass.view(atD, node.id);
        const [intoV, intoD] = [pass.view(toV, input), pass.view(toD, input)];
        for (let r = 0; r < pass.rows; r++) {
          const row = new RowSum();
          for (let i = 0; i < node.size; i++) {
            const at = r * wide + i;
            const e = v ? v[at] : 0;
            const c = d ? d[at] : 0;
            if (e === 0 && c === 0) continue;
            row.neuron(lines, i, e, c, sizeV[i], sizeD[i]);
            intoV[at] = row.ofV;
            intoD[at] = row.ofD;
          }
          pass.constants[r] += row.constant;
          pass.errors[r] += inflate(this.constantsGamma * row.terms + gamma(8) * row.scaled);
        }
      });
    });
  }

  private relaxationOf(node: ActivationNode): PairRelaxation {
    let lines = this.relaxations.get(node.id);
    if (!lines) this.relaxations.set(node.id, (lines = relaxPair(node, this.pair.grafts.get(node.id), this.bounds)));
    return lines;
  }

  private concretise(pass: Pass): Float64Array {
    const { lower, upper } = this;
    const address = pass.take('base', 0);
    const block = address === null ? null : pass.view(address, 0);
    const wide = pass.wide(0);
    const magnitude = this.size('base', 0);
    const product = gamma(lower.length + 4);
    return Float64Array.from({ length: pass.rows }, (_, r) => {
      let sum = 0;
      let size = 0;
      if (block)
        for (let i = 0; i < lower.length; i++) {
          const c = block[r * wide + i];
          sum += c * (c >= 0 ? lower[i] : upper[i]);
          size += Math.abs(c) * magnitude[i];
        }
      const constant = pass.constants[r];
      const certified = constant - inflate(pass.errors[r] + 4 * ROUNDING.unit * Math.abs(constant));
      const total = certified + sum;
      const bound = total - inflate(product * size + 2 * ROUNDING.unit * (Math.abs(total) + Math.abs(certified)));
      return Math.abs(bound) < ROUNDING.magnitudeLimit && size < ROUNDING.magnitudeLimit ? bound : -Infinity;
    });
  }
}
