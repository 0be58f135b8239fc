import { assert } from '../base/assert';
import { inflate, ROUNDING } from '../base/rounding';
import { intervalBounds } from '../bounds/graph/interval';
import { PreparedGraph } from '../bounds/graph/prepared-graph';
import type { DraftNode } from '../network/draft';
import type { Box } from '../spec/question';
import { ancestors, dependents, Graft, networkOf, probe } from './draft-surgery';
import { down, outputMoves, outward, up, type Intervals } from './layer-intervals';
import { boxOf, type Opened, type OpenedNetwork, type Source, type Tail } from './opened-network';
import type { PerturbedLayer } from './perturbed-layer';
import { RelaxedOpening } from './relaxed-opening';
import { countsOnce, outputsOfParameters, scalarMap } from './scalar-map';
import type { WeightModel } from './weight-model';

/** What the network is given: one input, or a box of inputs. */
export type WeightInput =
  { readonly kind: 'point'; readonly values: ArrayLike<number> } | { readonly kind: 'box'; readonly box: Box };

export interface OpenOptions {
  /** Go on behind the activation that follows the layer, where the outputs are a box again; true unless given. */
  readonly absorb?: boolean;
}

/**
 * Opens a network at its perturbed layers. What does not depend on the input (probes, the part behind the layer) is built once; `at` is called for
 * every input. A layer in which every parameter counts in one output only gives one interval an output (exact); any other one scalar a parameter
 * (exact too); several layers, or a box of inputs, give an over-approximation.
 */
export class Opening {
  private readonly nodes: readonly DraftNode[];
  private readonly first: PerturbedLayer;
  private readonly frontier: readonly number[];
  private readonly probeGraph: PreparedGraph;
  private readonly start: number;
  private readonly slope: number | null;
  private tail: Tail | null = null;

  /** `layers` in any order, at least one. */
  constructor(
    private readonly model: WeightModel,
    layers: readonly PerturbedLayer[],
    { absorb = true }: OpenOptions = {},
  ) {
    assert(layers.length > 0, () => 'no layer is perturbed');
    const { draft, output } = model.lowered;
    this.nodes = draft.nodes;
    this.layers = [...layers].sort((a, b) => a.terms.gives - b.terms.gives);
    this.first = this.layers[0];
    const { gives } = this.first.terms;
    const live = ancestors(this.nodes, [output]);
    const readers = this.nodes.filter(node => live[node.id] && node.inputs.includes(gives));
    const [reader] = readers;
    const isRectifier =
      gives !== output &&
      readers.length === 1 &&
      (reader.kind === 'relu' || (reader.kind === 'leakyRelu' && reader.slope >= 0 && reader.slope <= 1));
    const isAbsorbed = absorb && isRectifier && countsOnce(this.first);
    this.start = isAbsorbed ? reader.id : gives;
    this.slope = isAbsorbed ? (reader as Extract<DraftNode, { slope: number }>).slope : null;
    this.frontier = this.constantsBehind(live);
    this.probeGraph = new PreparedGraph(probe(this.nodes, [this.first.terms.reads, gives, ...this.frontier]));
  }

  readonly layers: readonly PerturbedLayer[];

  /** The perturbed network at an input. */
  at(input: WeightInput): OpenedNetwork {
    if (input.kind === 'box') return new RelaxedOpening(this.model, this.layers).onBox(input.box);
    const values = this.probeAt(Float64Array.from(input.values));
    const opened = countsOnce(this.first) ? this.outputs(values) : this.scalars(values);
    if (this.layers.length === 1) return this.finished(opened);
    return new RelaxedOpening(this.model, this.layers.slice(1)).behind(opened);
  }

  /** Live nodes that do not depend on a perturbation and are read by those that do. */
  private constantsBehind(live: readonly boolean[]): number[] {
    const depends = dependents(this.nodes, [this.start, ...this.layers.slice(1).map(layer => layer.terms.first)]);
    const read = new Set<number>();
    for (const node of this.nodes)
      if (live[node.id] && depends[node.id] && node.id !== this.start)
        for (const input of node.inputs) if (!depends[input]) read.add(input);
    return [...read];
  }

  /** Sound, hardly wider than a point: what the first layer reads and gives, and the constants behind it. */
  private probeAt(x: Float64Array): { reads: Intervals; gives: Intervals; constants: Intervals[] } {
    const { lower, upper } = intervalBounds(this.probeGraph, x, x);
    const last = lower.length - 1;
    let at = 0;
    const part = (id: number): Intervals => {
      const { size } = this.nodes[id];
      at += size;
      return { lower: lower[last].subarray(at - size, at), upper: upper[last].subarray(at - size, at) };
    };
    return {
      reads: part(this.first.terms.reads),
      gives: part(this.first.terms.gives),
      constants: this.frontier.map(part),
    };
  }

  /** One input an output of the layer. */
  private outputs({ reads, gives, constants }: ReturnType<Opening['probeAt']>): Opened {
    const moves = outputMoves(this.first, reads);
    const { outputSize } = this.first.terms;
    const lower = gives.lower.map((y, i) => down(y + moves.lower[i]));
    const upper = gives.upper.map((y, i) => up(y + moves.upper[i]));
    const source: Source = {
      kind: 'outputs',
      offset: 0,
      size: outputSize,
      layer: this.first,
      slope: this.slope,
      nominal: middleOf(gives),
      lower,
      upper,
      reads: middleOf(reads),
    };
    const { slope } = this;
    const activated = (y: number, round: (v: number) => number) =>
      slope === null || y >= 0 ? y : slope === 0 ? 0 : round(slope * y);
    const tail = this.tailOn(outputSize, constants, graft => void graft.place.set(this.start, 0));
    return {
      ...tail,
      lower: lower.map(y => activated(y, down)),
      upper: upper.map(y => activated(y, up)),
      sources: [source],
    };
  }

  /** One input a parameter that moves and counts in several outputs, one a shared perturbation, and one an output for all others together. */
  private scalars({ reads, gives, constants }: ReturnType<Opening['probeAt']>): Opened {
    const { first } = this;
    const { terms } = first;
    const uses = outputsOfParameters(first);
    const moves = outputMoves(first, reads, p => uses[p] === 1);
    const rows = [...moves.lower.keys()].filter(i => moves.lower[i] < 0 || moves.upper[i] > 0);
    const parameter = [...first.lower.keys()].filter(p => uses[p] > 1 && (first.lower[p] < 0 || first.upper[p] > 0));
    const scalars = parameter.length + first.shared.length;
    const lower = [
      ...parameter.map(p => outward(first.lower[p], -1)),
      ...first.shared.map(shared => outward(shared.lower, -1)),
      ...rows.map(i => moves.lower[i]),
    ];
    const upper = [
      ...parameter.map(p => outward(first.upper[p], 1)),
      ...first.shared.map(shared => outward(shared.upper, 1)),
      ...rows.map(i => moves.upper[i]),
    ];
    const map = scalarMap(first, parameter, reads, lower, upper);
    const moved = new Map(rows.map((row, k) => [row, scalars + k]));
    const rowStart = new Int32Array(terms.outputSize + 1);
    const column: number[] = [];
    const value: number[] = [];
    const bias = new Float64Array(terms.outputSize);
    const biasError = new Float64Array(terms.outputSize);
    for (let i = 0; i < terms.outputSize; i++) {
      const entries = map.rows[i];
      for (const [at, v] of entries) {
        column.push(at);
        value.push(v);
      }
      const own = moved.get(i);
      if (own !== undefined) {
        column.push(own);
        value.push(1);
      }
      rowStart[i + 1] = column.length;
      bias[i] = (gives.lower[i] + gives.upper[i]) / 2;
      biasError[i] = inflate(
        map.error[i] + (gives.upper[i] - gives.lower[i]) / 2 + 2 * ROUNDING.unit * Math.abs(bias[i]),
      );
    }
    const tail = this.tailOn(lower.length, constants, graft => {
      const { size, shape, name } = this.nodes[terms.gives];
      const node: DraftNode = {
        kind: 'sparse',
        id: 0,
        inputs: [0],
        size,
        shape,
        name,
        rowStart,
        column: Int32Array.from(column),
        value: Float64Array.from(value),
        relativeError: 0,
        bias,
        biasError,
      };
      graft.place.set(this.start, graft.append(node, [0]));
    });
    const sources: Source[] = [
      { kind: 'scalars', offset: 0, size: scalars, layer: first, parameter: Int32Array.from(parameter) },
    ];
    if (rows.length > 0)
      sources.push({
        kind: 'moves',
        offset: scalars,
        size: rows.length,
        layer: first,
        rows: Int32Array.from(rows),
        lower: Float64Array.from(rows, i => moves.lower[i]),
        upper: Float64Array.from(rows, i => moves.upper[i]),
        reads: middleOf(reads),
      });
    return { ...tail, lower: Float64Array.from(lower), upper: Float64Array.from(upper), sources };
  }

  /** What follows the layer, reading a new input. Kept for the next input where no constant in it depends on the model's input. */
  private tailOn(inputSize: number, constants: readonly Intervals[], begin: (graft: Graft) => void): Tail {
    const isFixed = this.frontier.length === 0 && countsOnce(this.first);
    if (isFixed && this.tail) return this.tail;
    const { output, outputs } = this.model.lowered;
    const graft = new Graft(inputSize);
    begin(graft);
    this.frontier.forEach((id, k) => {
      const { lower, upper } = constants[k];
      const bias = lower.map((l, i) => (l + upper[i]) / 2);
      const biasError = bias.map((b, i) => inflate(Math.max(upper[i] - b, b - lower[i])));
      const { size, shape, name } = this.nodes[id];
      const node: DraftNode = {
        kind: 'constant',
        id: 0,
        inputs: [],
        size,
        shape,
        name,
        bias,
        biasError,
        relativeError: 0,
      };
      graft.place.set(id, graft.append(node, []));
    });
    const known = new Set([this.start, ...this.frontier]);
    const used = ancestors(this.nodes, [output], known);
    for (const node of this.nodes) if (node.id > 0 && used[node.id] && !known.has(node.id)) graft.take(node);
    if (graft.place.get(output) === 0) this.identity(graft, output);
    const network = networkOf(graft.draft, graft.place.get(output)!, outputs, true);
    const tail = { draft: graft.draft, network, place: graft.place };
    if (isFixed) this.tail = tail;
    return tail;
  }

  /** The layer is the last one: a network has at least one node behind its input. */
  private identity(graft: Graft, output: number): void {
    const { size, shape, name } = this.nodes[output];
    const node: DraftNode = { kind: 'add', id: 0, inputs: [0], size, shape, name, coefficients: [1] };
    graft.place.set(output, graft.append(node, [0]));
  }

  private finished({ network, lower, upper, sources }: Opened): OpenedNetwork {
    return { network, box: boxOf(lower, upper), exact: true, sources, couplings: [] };
  }
}

function middleOf({ lower, upper }: Intervals): Float64Array {
  return lower.map((l, i) => (l + upper[i]) / 2);
}
