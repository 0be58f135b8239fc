import { gamma, inflate, ROUNDING } from '../base/rounding';
import { intervalBounds } from '../bounds/graph/interval';
import { PreparedGraph } from '../bounds/graph/prepared-graph';
import { propagateZonotope } from '../bounds/graph/zonotope';
import type { Draft, DraftNode } from '../network/draft';
import type { Box } from '../spec/question';
import { ancestors, Graft, networkOf, probe } from './draft-surgery';
import { couplingOf } from './couplings';
import { down, outputMoves, outward, up, type Intervals } from './layer-intervals';
import { boxOf, type Coupling, type Opened, type OpenedNetwork, type Source } from './opened-network';
import type { PerturbedLayer } from './perturbed-layer';
import { outputsOfParameters, scalarMap } from './scalar-map';
import type { WeightModel } from './weight-model';

/**
 * Perturbed layers whose input is a set already: their weights multiply what varies, and the products are over-approximated. The layer stays where it
 * is, and what the perturbation adds to its outputs becomes new inputs of the network:
 *
 * - Parameters of their own bounds: one input e an output for all of them together, related to what the layer reads by a coupling (see `couplingOf`;
 *   exact for a dense layer that reads nothing negative). In the box of the inputs e has the interval of that.
 * - Parameters that count in several outputs of a layer that may read negative numbers, and scalars that move several parameters (Zubair et al., remark
 *   2, m + n + q generators): the scalar times the map at the centre of what the layer reads, one input a scalar; and what scalar and
 *   deviation from the centre make together, one input an output.
 */
export class RelaxedOpening {
  private draft: Draft;
  private output: number;
  private place: ReadonlyMap<number, number>;
  private lower: number[];
  private upper: number[];
  private readonly sources: Source[];
  private readonly couplings: Coupling[] = [];

  constructor(
    private readonly model: WeightModel,
    private readonly layers: readonly PerturbedLayer[],
  ) {
    const { draft, output } = model.lowered;
    this.draft = draft;
    this.output = output;
    this.place = new Map(draft.nodes.map(node => [node.id, node.id]));
    this.lower = [];
    this.upper = [];
    this.sources = [];
  }

  /** All layers perturbed, the model's input in a box. */
  onBox(box: Box): OpenedNetwork {
    this.lower = [...box.lower];
    this.upper = [...box.upper];
    this.sources.push({ kind: 'input', offset: 0, size: box.lower.length });
    return this.opened();
  }

  /** The layers perturbed that follow in a network opened already. */
  behind({ draft, place, lower, upper, sources }: Opened): OpenedNetwork {
    this.draft = draft;
    this.output = place.get(this.output)!;
    this.place = place;
    this.lower = [...lower];
    this.upper = [...upper];
    this.sources.push(...sources);
    return this.opened();
  }

  private opened(): OpenedNetwork {
    this.separateInput();
    for (const layer of this.layers) this.perturb(layer);
    const { draft } = this;
    const network = networkOf(draft, this.output, this.model.lowered.outputs, false);
    return {
      network,
      box: boxOf(Float64Array.from(this.lower), Float64Array.from(this.upper)),
      exact: false,
      sources: this.sources,
      couplings: this.couplings,
    };
  }

  /** Lets everything read the input there is through a view, so that the input can grow. Drops what the output does not depend on. */
  private separateInput(): void {
    const size = this.lower.length;
    this.rebuild(size, graft => {
      graft.place.set(0, this.slice(graft, 0, size));
    });
  }

  /** A copy of the draft; `begin` places its input, `after` may put something else in the place of a node just copied. */
  private rebuild(
    inputSize: number,
    begin: (graft: Graft) => void,
    after?: (graft: Graft, node: DraftNode) => void,
  ): void {
    const { nodes } = this.draft;
    const used = ancestors(nodes, [this.output]);
    const graft = new Graft(inputSize);
    begin(graft);
    for (const node of nodes) {
      if (node.id === 0 || !used[node.id]) continue;
      graft.take(node);
      after?.(graft, node);
    }
    const moved = new Map<number, number>();
    for (const [original, id] of this.place) {
      const now = graft.place.get(id);
      if (now !== undefined) moved.set(original, now);
    }
    this.place = moved;
    this.output = graft.place.get(this.output)!;
    this.draft = graft.draft;
  }

  private slice(graft: Graft, offset: number, size: number): number {
    const map = Int32Array.from({ length: size }, (_, i) => offset + i);
    const view = { kind: 'view', id: 0, inputs: [0], size, shape: [size], name: 'input' } as const;
    return graft.append({ ...view, map, scale: null, bias: null, biasError: null, relativeError: 0 }, [0]);
  }

  private perturb(layer: PerturbedLayer): void {
    const { terms } = layer;
    const reads = this.boundsOf(this.place.get(terms.reads)!);
    const moves = this.addedTo(layer, reads);
    const { size, shape, name } = this.draft.nodes[this.place.get(terms.gives)!];
    const target = this.place.get(terms.gives)!;
    const inputSize = this.lower.length;
    this.rebuild(
      inputSize,
      graft => void graft.place.set(0, 0),
      (graft, node) => {
        if (node.id !== target) return;
        const added = graft.append(
          { kind: 'sparse', id: 0, inputs: [0], size, shape, name, relativeError: 0, ...moves },
          [0],
        );
        const own = graft.place.get(target)!;
        const sum: DraftNode = { kind: 'add', id: 0, inputs: [own, added], size, shape, name, coefficients: [1, 1] };
        graft.place.set(target, graft.append(sum, [own, added]));
      },
    );
  }

  /** What a perturbation adds to the outputs of a layer, as a map of new inputs. */
  private addedTo(layer: PerturbedLayer, reads: Intervals): Moves {
    const uses = outputsOfParameters(layer);
    const isNonnegative = reads.lower.every(u => u >= 0);
    // A parameter that counts in several outputs and multiplies numbers of either sign keeps its own scalar.
    const isCoupled = (p: number): boolean => isNonnegative || uses[p] <= 1;
    const parameter = [...uses.keys()].filter(p => !isCoupled(p) && (layer.lower[p] < 0 || layer.upper[p] > 0));
    const own = this.coupled(layer, reads, isCoupled);
    return parameter.length + layer.shared.length === 0 ? own : joined(own, this.product(layer, reads, parameter));
  }

  /** e between the sums of what the chosen parameters can make of what the layer reads. */
  private coupled(layer: PerturbedLayer, reads: Intervals, chosen: (parameter: number) => boolean): Moves {
    const moves = outputMoves(layer, reads, chosen);
    const rows = [...moves.lower.keys()].filter(i => moves.lower[i] < 0 || moves.upper[i] > 0);
    const offset = this.addInputs(
      rows.map(i => moves.lower[i]),
      rows.map(i => moves.upper[i]),
    );
    this.sources.push({ kind: 'products', offset, size: rows.length });
    // The node keeps its place: nodes are only appended behind it.
    const node = this.place.get(layer.terms.reads)!;
    if (rows.length > 0) this.couplings.push(couplingOf(layer, node, reads, rows, offset, chosen));
    return unitRows(layer.terms.outputSize, rows, offset);
  }

  /** Scalars of these parameters and of shared perturbations at the centre of what the layer reads, and per output what they make of the deviation from it. */
  private product(layer: PerturbedLayer, reads: Intervals, parameter: readonly number[]): Moves {
    const { terms } = layer;
    const centre: Intervals = centreOf(reads);
    const lower = [...parameter.map(p => outward(layer.lower[p], -1)), ...layer.shared.map(s => outward(s.lower, -1))];
    const upper = [...parameter.map(p => outward(layer.upper[p], 1)), ...layer.shared.map(s => outward(s.upper, 1))];
    const map = scalarMap(layer, parameter, centre, lower, upper);
    const deviation: Intervals = {
      lower: reads.lower.map((u, i) => u - centre.upper[i] - Math.abs(u) * 4 * ROUNDING.unit),
      upper: reads.upper.map((u, i) => u - centre.lower[i] + Math.abs(u) * 4 * ROUNDING.unit),
    };
    const rest = productMoves(layer, parameter, deviation, lower, upper);
    const low = rest.lower.map((l, i) => down(l - map.error[i]));
    const high = rest.upper.map((u, i) => up(u + map.error[i]));
    const scalars = this.addInputs(lower, upper);
    this.sources.push({
      kind: 'scalars',
      offset: scalars,
      size: lower.length,
      layer,
      parameter: Int32Array.from(parameter),
    });
    const rows = [...low.keys()].filter(i => low[i] < 0 || high[i] > 0);
    const offset = this.addInputs(
      rows.map(i => low[i]),
      rows.map(i => high[i]),
    );
    this.sources.push({ kind: 'products', offset, size: rows.length });
    return joined(unitRows(terms.outputSize, rows, offset), mapRows(map.rows, scalars));
  }

  private addInputs(lower: readonly number[], upper: readonly number[]): number {
    const offset = this.lower.length;
    this.lower.push(...lower);
    this.upper.push(...upper);
    return offset;
  }

  /** Bounds of a node's values on the box of the inputs so far. */
  private boundsOf(id: number): Intervals {
    const { nodes } = this.draft;
    const graph = new PreparedGraph(probe(nodes, [id]));
    const [lower, upper] = [Float64Array.from(this.lower), Float64Array.from(this.upper)];
    const bounds = intervalBounds(graph, lower, upper);
    propagateZonotope(graph, lower, upper, bounds);
    const last = bounds.lower.length - 1;
    return { lower: bounds.lower[last], upper: bounds.upper[last] };
  }
}

/** What is added to a layer's outputs, as a sparse map of the network's inputs. */
interface Moves {
  readonly rowStart: Int32Array;
  readonly column: Int32Array;
  readonly value: Float64Array;
  readonly bias: null;
  readonly biasError: null;
}

function movesOf(rows: readonly (readonly (readonly [number, number])[])[]): Moves {
  const rowStart = new Int32Array(rows.length + 1);
  rows.forEach((row, i) => (rowStart[i + 1] = rowStart[i] + row.length));
  const all = rows.flat();
  return {
    rowStart,
    column: Int32Array.from(all, ([column]) => column),
    value: Float64Array.from(all, ([, value]) => value),
    bias: null,
    biasError: null,
  };
}

function unitRows(size: number, rows: readonly number[], offset: number): Moves {
  const all: [number, number][][] = Array.from({ length: size }, () => []);
  rows.forEach((row, k) => all[row].push([offset + k, 1]));
  return movesOf(all);
}

function mapRows(rows: readonly ReadonlyMap<number, number>[], offset: number): Moves {
  return movesOf(rows.map(row => [...row].map(([k, v]) => [offset + k, v] as const)));
}

function joined(a: Moves, b: Moves): Moves {
  const rowsOf = ({ rowStart, column, value }: Moves, i: number): [number, number][] =>
    Array.from({ length: rowStart[i + 1] - rowStart[i] }, (_, k) => [column[rowStart[i] + k], value[rowStart[i] + k]]);
  return movesOf(Array.from({ length: a.rowStart.length - 1 }, (_, i) => [...rowsOf(a, i), ...rowsOf(b, i)]));
}

function centreOf({ lower, upper }: Intervals): Intervals {
  const centre = lower.map((l, i) => l + (upper[i] - l) / 2);
  return { lower: centre, upper: centre };
}

/** Per output the interval of Σ scalar × (map at a deviation from the centre). */
function productMoves(
  layer: PerturbedLayer,
  parameter: readonly number[],
  deviation: Intervals,
  lower: readonly number[],
  upper: readonly number[],
): Intervals {
  const { terms } = layer;
  const low = new Float64Array(terms.outputSize);
  const high = new Float64Array(terms.outputSize);
  const unit = new Float64Array(layer.lower.length);
  const only = (scalar: number): [Float64Array, Float64Array] => {
    const [a, b] = [unit.slice(), unit.slice()];
    const set = (p: number, factor: number) => {
      a[p] = Math.min(lower[scalar] * factor, upper[scalar] * factor);
      b[p] = Math.max(lower[scalar] * factor, upper[scalar] * factor);
    };
    const shared = layer.shared[scalar - parameter.length];
    if (shared) shared.index.forEach((p, k) => set(p, shared.factor[k]));
    return [a, b];
  };
  const add = (part: Intervals) => {
    for (let i = 0; i < low.length; i++) {
      low[i] += part.lower[i];
      high[i] += part.upper[i];
    }
  };
  // Biases have no deviation: column −1 counts 1 in `outputMoves`, and belongs to the centre alone.
  const withoutBias = { ...terms, factor: terms.factor.map((f, t) => (terms.column[t] < 0 ? 0 : f)) };
  const several = new Set(parameter);
  add(outputMoves({ ...layer, terms: withoutBias }, deviation, p => several.has(p)));
  layer.shared.forEach((_, k) => {
    const [a, b] = only(parameter.length + k);
    add(outputMoves({ ...layer, terms: withoutBias, lower: a, upper: b }, deviation));
  });
  const lost = gamma(layer.shared.length + 4);
  for (let i = 0; i < low.length; i++) {
    const error = inflate(lost * Math.max(Math.abs(low[i]), Math.abs(high[i])));
    low[i] -= error;
    high[i] += error;
  }
  return { lower: low, upper: high };
}
