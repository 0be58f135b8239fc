import { assert } from '../../base/assert';
import { gamma, inflate, ROUNDING } from '../../base/rounding';
import type { ActivationNode, Network, NetworkNode } from '../../network/network';
import { affinePlan, TILE_ROWS, type AffinePlan } from './affine-plan';
import { CurveTable } from './curve-table';
import { MOST_CUTS } from './cut-limits';
import type { NodeBounds } from './interval';
import { isNonlinear, type PreparedGraph } from './prepared-graph';

/** Bytes of one neuron in a tile. */
const NEURON_BYTES = TILE_ROWS * 8;

/** What an activation does with a neuron on the region; the numbers are those of the kernels. */
const KIND = { zero: 0, identity: 1, scaled: 2, unstable: 3 } as const;

type Rectifier = ActivationNode & { readonly kind: 'relu' | 'leakyRelu' };

/** Whether tiles know every activation of a network: rectifiers, curves, and pools, which can be written as rectifiers. */
export function fitsTiles(network: Network): boolean {
  return network.nodes.every(
    node => !isNonlinear(node) || node.kind === 'maxPool' || isRectifier(node) || isCurve(node),
  );
}

function isCurve(node: NetworkNode): node is ActivationNode {
  return node.kind === 'sigmoid' || node.kind === 'tanh';
}

function isRectifier(node: NetworkNode): node is Rectifier {
  return (node.kind === 'relu' || node.kind === 'leakyRelu') && node.slope >= 0 && node.slope <= 1;
}

/**
 * What all tiles of one network share in the core's memory: plans and biases, one block of coefficients and flags a node, and what follows from the region's
 * bounds (error weights, lines of unstable neurons). Unstable neurons of all activations are numbered through: their places.
 */
export class TileTables {
  /** By node and input. */
  readonly plans: readonly (readonly AffinePlan[])[];
  /** By node: the block, and flags for a backward pass, a forward pass, and for what may be non-zero on the region at all. */
  readonly block: readonly number[];
  readonly active: readonly number[];
  readonly present: readonly number[];
  readonly needed: readonly number[];
  /** By node, one double a neuron. */
  readonly bias: readonly number[];
  readonly errorWeight: readonly number[];
  readonly magnitude: readonly number[];
  /** By rectifier, its description for the kernels; 0 elsewhere. */
  readonly rectifier: readonly number[];
  /** By Sigmoid or Tanh node. */
  readonly curves: readonly (CurveTable | null)[];
  readonly inputLower: number;
  readonly inputUpper: number;
  /** By place. */
  readonly leastSlope: number;
  private readonly upSlope: number;
  private readonly intercept: number;
  private readonly defaultLow: number;
  /** Where the places of each activation node begin; the last entry is their number. */
  readonly firstPlace: number[];
  /** By place: the activation node and the neuron. */
  readonly placeNode: Int32Array;
  readonly placeNeuron: Int32Array;
  private readonly kinds: readonly number[];
  private readonly flags: { readonly address: number; readonly bytes: number };
  /** Most products in one coefficient that arrives at a node. */
  private readonly terms: readonly number[];
  /** What must be derived anew, by node. */
  private readonly staleMagnitude: boolean[];
  private readonly staleWeight: boolean[];
  private stalePlaces = true;
  private biases = new Float64Array(0);

  constructor(readonly graph: PreparedGraph) {
    const { core, nodes } = graph;
    assert(
      nodes.every(node => !isNonlinear(node) || isRectifier(node) || isCurve(node)),
      () => 'tiles know rectifiers of slope 0 to 1, Sigmoid and Tanh',
    );
    this.plans = nodes.map(node => {
      let offset = 0;
      return node.inputs.flatMap((input, k) => {
        const plan = affinePlan(core, node, k, nodes[input].size, offset);
        offset += nodes[input].size;
        return plan ? [plan] : [];
      });
    });
    // One more for what cuts add.
    const terms = nodes.map(() => 2);
    for (const node of nodes)
      node.inputs.forEach((input, k) => (terms[input] += isNonlinear(node) ? 1 : this.plans[node.id][k].backTerms));
    this.terms = terms;
    const total = nodes.reduce((sum, node) => sum + node.size, 0);
    const flags = core.allocate(2 * total);
    this.flags = { address: flags, bytes: 2 * total };
    let at = 0;
    const flagOf = (node: NetworkNode) => (at += node.size) - node.size + flags;
    this.active = nodes.map(flagOf);
    this.present = nodes.map(flagOf);
    const each = (bytes: number) => nodes.map(node => core.allocate(node.size * bytes));
    this.needed = each(1);
    this.kinds = each(1);
    this.block = each(NEURON_BYTES);
    this.bias = each(8);
    this.errorWeight = each(8);
    this.magnitude = each(8);
    nodes.forEach(node => {
      const bias = node.kind === 'constant' ? node.bias : graph.bias[node.id];
      if (bias) graph.view(this.bias[node.id], node.size).set(bias);
      this.bytes(this.needed[node.id], node.size).fill(1);
    });
    // What cuts need of it, so that nothing of it lies where memory is released.
    core.reserveGroups(MOST_CUTS, 1);
    this.inputLower = core.allocate(nodes[0].size * 8);
    this.inputUpper = core.allocate(nodes[0].size * 8);
    const most = nodes.reduce((sum, node) => sum + (isNonlinear(node) ? node.size : 0), 0);
    this.leastSlope = core.allocate(most * 8);
    this.upSlope = core.allocate(most * 8);
    this.intercept = core.allocate(most * 8);
    this.defaultLow = core.allocate(most * 8);
    this.placeNode = new Int32Array(most);
    this.placeNeuron = new Int32Array(most);
    this.firstPlace = nodes.map(() => 0).concat(0);
    this.rectifier = nodes.map(node =>
      isRectifier(node)
        ? core.newRectifier(
            node.size,
            node.slope,
            this.kinds[node.id],
            this.magnitude[node.inputs[0]],
            this.upSlope,
            this.intercept,
            gamma(terms[node.inputs[0]] + 4),
            graph.constantsGamma,
          )
        : 0,
    );
    this.curves = nodes.map(node =>
      isCurve(node)
        ? new CurveTable(graph, node, this.magnitude[node.inputs[0]], gamma(terms[node.inputs[0]] + 4))
        : null,
    );
    this.staleMagnitude = nodes.map(() => true);
    this.staleWeight = nodes.map(() => true);
  }

  get hasCurves(): boolean {
    return this.curves.some(curve => curve !== null);
  }

  /** Number of unstable neurons. */
  get places(): number {
    return this.firstPlace[this.graph.nodes.length];
  }

  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.graph.core.memory.buffer, address, length);
  }

  /** All coefficients and values are zero again. */
  clearFlags(): void {
    this.bytes(this.flags.address, this.flags.bytes).fill(0);
  }

  /** The region. Everything is derived anew at the next `update`. */
  setBox(lower: Float64Array, upper: Float64Array): void {
    this.graph.view(this.inputLower, lower.length).set(lower);
    this.graph.view(this.inputUpper, upper.length).set(upper);
    this.staleMagnitude.fill(true);
    this.staleWeight.fill(true);
    this.stalePlaces = true;
  }

  /** Bounds of node `id` have changed: what follows from them is derived anew at the next `update`. */
  refresh(id: number): void {
    this.staleMagnitude[id] = true;
    for (const node of this.graph.nodes) if (node.inputs.includes(id)) this.staleWeight[node.id] = true;
    this.stalePlaces = true;
  }

  /** Derives from the bounds what passes that start at node `last` or before need. */
  update(bounds: NodeBounds, last: number): void {
    const { nodes } = this.graph;
    for (const node of nodes) {
      const { id, size } = node;
      if (id > last) continue;
      if (this.staleMagnitude[id]) {
        const magnitude = this.graph.view(this.magnitude[id], size);
        for (let i = 0; i < size; i++)
          magnitude[i] = Math.max(Math.abs(bounds.lower[id][i]), Math.abs(bounds.upper[id][i]));
        this.staleMagnitude[id] = false;
      }
      if (this.staleWeight[id]) {
        const curve = this.curves[id];
        if (curve) curve.update(bounds.lower[node.inputs[0]], bounds.upper[node.inputs[0]]);
        else if (!isRectifier(node)) this.weigh(node, bounds);
      }
      this.staleWeight[id] = false;
    }
    if (this.stalePlaces) this.numberPlaces(bounds, last);
    this.stalePlaces = last < nodes.length - 1;
  }

  /** What |coefficient| of each value is multiplied with in the error of one step back through a node that is linear. */
  private weigh(node: NetworkNode, bounds: NodeBounds): void {
    const { graph } = this;
    const arrival = (k: number) => gamma(this.terms[node.inputs[k]] + 4);
    const magnitude = (id: number) =>
      bounds.lower[id].map((l, i) => Math.max(Math.abs(l), Math.abs(bounds.upper[id][i])));
    const weight = new Float64Array(node.size);
    if (node.kind === 'add')
      node.coefficients.forEach((c, k) =>
        magnitude(node.inputs[k]).forEach((h, i) => (weight[i] += Math.abs(c) * arrival(k) * h)),
      );
    else if (node.kind === 'concat') {
      let at = 0;
      node.inputs.forEach((input, k) => magnitude(input).forEach(h => (weight[at++] = arrival(k) * h)));
    } else if (graph.maps[node.id]) {
      const product = arrival(0) + graph.relativeError(node.id);
      graph.absolute(node.id, magnitude(node.inputs[0])).forEach((sum, i) => (weight[i] = product * inflate(sum)));
    }
    const bias = node.kind === 'constant' ? node.bias : graph.bias[node.id];
    const biasError = graph.biasError[node.id];
    // Only now: products need room, and a view of memory that has grown takes nothing.
    const into = graph.view(this.errorWeight[node.id], node.size);
    weight.forEach(
      (w, i) => (into[i] = inflate(w + graph.constantsGamma * Math.abs(bias?.[i] ?? 0) + (biasError?.[i] ?? 0))),
    );
  }

  private numberPlaces(bounds: NodeBounds, last: number): void {
    const { graph } = this;
    const view = (address: number) => graph.view(address, this.placeNode.length);
    const [upSlope, intercept, leastSlope, defaultLow] = [
      view(this.upSlope),
      view(this.intercept),
      view(this.leastSlope),
      view(this.defaultLow),
    ];
    this.biases = new Float64Array(0);
    let place = 0;
    for (const node of graph.nodes) {
      this.firstPlace[node.id] = place;
      const curve = this.curves[node.id];
      if (curve && node.id <= last) {
        graph.core.setFirstCurvePlace(curve.address, place);
        for (let i = 0; i < node.size; i++, place++) {
          this.placeNode[place] = node.id;
          this.placeNeuron[place] = i;
          defaultLow[place] = curve.whole.low[i];
        }
      }
      if (node.id > last || !isRectifier(node)) continue;
      graph.core.setFirstPlace(this.rectifier[node.id], place);
      const [low, high] = [bounds.lower[node.inputs[0]], bounds.upper[node.inputs[0]]];
      const kinds = this.bytes(this.kinds[node.id], node.size);
      const needed = this.bytes(this.needed[node.id], node.size);
      for (let i = 0; i < node.size; i++) {
        const [l, u] = [low[i], high[i]];
        needed[i] = u <= 0 && node.slope === 0 ? 0 : 1;
        kinds[i] = l >= 0 ? KIND.identity : u <= 0 ? (node.slope === 0 ? KIND.zero : KIND.scaled) : KIND.unstable;
        if (kinds[i] !== KIND.unstable) continue;
        // Any slope in [slope, 1] is sound with the intercept that fits it; the chord's is the tightest.
        const chord = Math.min(1, Math.max(node.slope, (u - node.slope * l) / (u - l)));
        upSlope[place] = chord;
        intercept[place] =
          Math.max((node.slope - chord) * l, (1 - chord) * u) * (1 + 8 * ROUNDING.unit) + ROUNDING.underflow;
        leastSlope[place] = node.slope;
        defaultLow[place] = u > -l ? 1 : node.slope;
        this.placeNode[place] = node.id;
        this.placeNeuron[place] = i;
        place++;
      }
    }
    this.firstPlace[graph.nodes.length] = place;
  }

  /** The lower slopes (for curves, the points of the lower lines) that rows start with, by place. */
  defaultSlopes(): Float64Array {
    return this.graph.view(this.defaultLow, this.places);
  }

  /** Slope and intercept of the upper lines, and the least lower slope, by place. */
  lines(): { readonly upSlope: Float64Array; readonly intercept: Float64Array; readonly leastSlope: Float64Array } {
    const view = (address: number) => this.graph.view(address, this.places);
    return { upSlope: view(this.upSlope), intercept: view(this.intercept), leastSlope: view(this.leastSlope) };
  }

  /** The curve that a place belongs to, and its neuron there; null for rectifiers. */
  curveAt(place: number): { readonly curve: CurveTable; readonly neuron: number } | null {
    const curve = this.curves[this.placeNode[place]];
    return curve && { curve, neuron: this.placeNeuron[place] };
  }

  /** The place of a neuron of an activation; −1 where it is not unstable. */
  placeOf(id: number, neuron: number): number {
    let [from, to] = [this.firstPlace[id], this.firstPlace[id + 1]];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.placeNeuron[middle] < neuron) from = middle + 1;
      else to = middle;
    }
    return from < this.firstPlace[id + 1] && this.placeNeuron[from] === neuron ? from : -1;
  }

  /** Most products in one coefficient that arrives at a node. */
  termsOf(id: number): number {
    return this.terms[id];
  }

  /** By place, the constant part of what the neuron reads. */
  placeBias(): Float64Array {
    if (this.biases.length !== this.places)
      this.biases = Float64Array.from({ length: this.places }, (_, place) =>
        this.constantPart(this.graph.nodes[this.placeNode[place]].inputs[0], this.placeNeuron[place]),
      );
    return this.biases;
  }

  private constantPart(id: number, i: number): number {
    const node = this.graph.nodes[id];
    if (node.kind !== 'add') return this.graph.bias[id]?.[i] ?? 0;
    return node.inputs.reduce((sum, input, k) => sum + node.coefficients[k] * this.constantPart(input, i), 0);
  }

  /** Which neuron of which activation, counted from 0, a place stands for. */
  neuron(place: number): { layer: number; neuron: number } {
    const id = this.placeNode[place];
    let layer = 0;
    for (let before = 0; before < id; before++) if (isNonlinear(this.graph.nodes[before])) layer++;
    return { layer, neuron: this.placeNeuron[place] };
  }
}
