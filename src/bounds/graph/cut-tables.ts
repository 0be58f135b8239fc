import { gamma, inflate } from '../../base/rounding';
import type { SparseNode } from '../../network/network';
import type { Cut } from '../cut';
import { affinePlan, TILE_ROWS, type AffinePlan } from './affine-plan';
import { MOST_CUTS } from './cut-limits';
import type { NodeBounds } from './interval';
import { isNonlinear } from './prepared-graph';
import type { TileTables } from './tile-tables';

/** Narrower sides of 0 than this have nothing to cut off, and their reciprocals get large. */
const NARROWEST = 1e-9;

/** The cuts of one activation node in the core's memory. */
export interface CutGroup {
  readonly address: number;
  readonly cuts: readonly Cut[];
  /** The node that the affine map before the activation reads. */
  readonly source: number;
  /** The cuts' sums over x, as a map from the source's values. */
  readonly plan: AffinePlan;
  /** One block and one flag a cut. */
  readonly block: number;
  readonly active: number;
  readonly present: number;
  /** Per cut: what stands for a bias, and what |μ| is multiplied with in the error. */
  readonly bias: number;
  readonly errorWeight: number;
  /** Places that have cuts, and those of all cuts. */
  readonly places: readonly number[];
  readonly placeOfCut: readonly number[];
  /** How many cuts of other nodes come before. */
  readonly first: number;
}

/** A neuron whose hull tiles know facets of: which affine map feeds it from which node, and the map's row. */
export interface HullRow {
  readonly affine: number;
  readonly source: number;
  readonly bias: number;
  /** Positions that matter on the region, and the weights there. */
  readonly inputs: Int32Array;
  readonly weights: Float64Array;
  /** Ends of what each input contributes: the lesser and the greater of w·x, by the side of the input that attains it. */
  readonly least: Float64Array;
  readonly most: Float64Array;
  readonly magnitudes: Float64Array;
}

/** Reads rows of affine maps, with the bounds of what they read. */
export class HullRows {
  /** By source, what a row is written into: all zeros between two of them. */
  private readonly scratch = new Map<number, { readonly block: Float64Array; readonly active: Uint8Array }>();

  constructor(
    private readonly tables: TileTables,
    private readonly bounds: NodeBounds,
  ) {}

  /** The row of a neuron of an activation; null where it has none: no ReLU, or not after a dense or convolutional map. */
  of(activation: number, neuron: number): HullRow | null {
    const { tables } = this;
    const { nodes, bias } = tables.graph;
    const node = nodes[activation];
    if (node.kind !== 'relu') return null;
    const affine = nodes[node.inputs[0]];
    if (affine.kind !== 'dense' && affine.kind !== 'conv') return null;
    const source = affine.inputs[0];
    const { size } = nodes[source];
    let scratch = this.scratch.get(source);
    if (!scratch) this.scratch.set(source, (scratch = { block: new Float64Array(size), active: new Uint8Array(size) }));
    const { block, active } = scratch;
    tables.plans[affine.id][0].unit(block, active, neuron, { row: 0, rows: 1 }, 1);
    const [lower, upper] = [this.bounds.lower[source], this.bounds.upper[source]];
    const found: number[] = [];
    const values: number[] = [];
    for (let i = active.indexOf(1); i >= 0; i = active.indexOf(1, i + 1)) {
      if (block[i] !== 0 && !(lower[i] === 0 && upper[i] === 0)) {
        found.push(i);
        values.push(block[i]);
      }
      active[i] = 0;
      block[i] = 0;
    }
    const inputs = Int32Array.from(found);
    const weights = Float64Array.from(values);
    const side = (greater: boolean) => weights.map((w, k) => w * (w > 0 === greater ? upper : lower)[inputs[k]]);
    return {
      affine: affine.id,
      source,
      bias: bias[affine.id]?.[neuron] ?? 0,
      inputs,
      weights,
      least: side(false),
      most: side(true),
      magnitudes: Float64Array.from(inputs, i => Math.max(Math.abs(lower[i]), Math.abs(upper[i]))),
    };
  }
}

/**
 * Cuts of a region's unstable ReLUs, node by node, for the kernels. Constants are rounded so that every cut holds for the exact values: a cut with a smaller ρ or a larger κ is a weaker one.
 */
export class CutTables {
  /** In the order of their multipliers: those of one neuron are neighbours. */
  readonly cuts: readonly Cut[];
  /** By activation node. */
  readonly groups: ReadonlyMap<number, CutGroup>;
  /** By place: its first cut and how many it has. */
  private readonly ranges = new Map<number, { readonly first: number; readonly count: number }>();

  /** Of more cuts than there is room for, the first. */
  constructor(tables: TileTables, bounds: NodeBounds, cuts: readonly Cut[]) {
    const rows = new HullRows(tables, bounds);
    const groups = new Map<number, CutGroup>();
    const activations = tables.graph.nodes.filter(isNonlinear).map(node => node.id);
    const sources = new Set<number>();
    const taken: Cut[] = [];
    const known = cuts.slice(0, MOST_CUTS);
    activations.forEach((id, layer) => {
      const own = known.filter(cut => cut.layer === layer);
      const group = makeGroup(tables, bounds, rows, id, own, taken.length);
      // Coefficients of a source are charged for one more arrival, not for several.
      if (group === null || sources.has(group.source)) return;
      sources.add(group.source);
      groups.set(id, group);
      taken.push(...group.cuts);
    });
    this.cuts = taken;
    for (const group of groups.values())
      group.placeOfCut.forEach((place, c) => {
        const first = this.ranges.get(place)?.first ?? group.first + c;
        this.ranges.set(place, { first, count: group.first + c + 1 - first });
      });
    this.groups = groups;
  }

  /** The cuts of a place's neuron. */
  at(place: number): { readonly first: number; readonly count: number } {
    return this.ranges.get(place) ?? { first: 0, count: 0 };
  }
}

function makeGroup(
  tables: TileTables,
  bounds: NodeBounds,
  rows: HullRows,
  id: number,
  cuts: readonly Cut[],
  first: number,
): CutGroup | null {
  const { graph } = tables;
  const { core } = graph;
  const read = graph.nodes[id].inputs[0];
  const known = cuts
    .flatMap(cut => {
      const [l, u] = [bounds.lower[read][cut.neuron], bounds.upper[read][cut.neuron]];
      const place = l < -NARROWEST && u > NARROWEST ? tables.placeOf(id, cut.neuron) : -1;
      const row = place < 0 ? null : rows.of(id, cut.neuron);
      return row === null ? [] : [{ cut, place, row, l, u }];
    })
    .sort((a, b) => a.place - b.place);
  if (known.length === 0) return null;
  const { source, affine } = known[0].row;
  const rowStart = [0];
  const column: number[] = [];
  const value: number[] = [];
  const constants = known.map(({ cut, row }) => {
    const chosen = new Set(cut.inputs);
    const biasError = graph.biasError[affine]?.[cut.neuron] ?? 0;
    const n = row.inputs.length;
    let [rho, rhoSize, most, mostSize, moves, weighed] = [0, 0, 0, 0, 0, 0];
    row.inputs.forEach((i, k) => {
      const size = Math.abs(row.weights[k]) * row.magnitudes[k];
      moves += size;
      if (!chosen.has(i)) {
        most += row.most[k];
        mostSize += Math.abs(row.most[k]);
        return;
      }
      rho += row.least[k];
      rhoSize += Math.abs(row.least[k]);
      weighed += size;
      column.push(i);
      value.push(row.weights[k]);
    });
    rowStart.push(column.length);
    const rhoError = inflate(gamma(n + 4) * rhoSize);
    const kappaError =
      inflate(gamma(n + 8) * (rhoSize + mostSize + Math.abs(row.bias))) +
      inflate(graph.relativeError(affine) * inflate(moves)) +
      biasError;
    return { rho: rho - 2 * rhoError, kappa: row.bias + rho + most + 2 * kappaError, weighed };
  });
  const size = graph.nodes[source].size;
  const map: SparseNode = {
    kind: 'sparse',
    id: graph.nodes.length,
    name: 'cuts',
    inputs: [source],
    size: known.length,
    shape: [known.length],
    rowStart: Int32Array.from(rowStart),
    column: Int32Array.from(column),
    value: Float64Array.from(value),
    bias: null,
    biasError: null,
    relativeError: 0,
  };
  const plan = affinePlan(core, map, 0, size, 0)!;
  const arrival = gamma(tables.termsOf(source) + plan.backTerms + 4);
  // What the sums of multipliers over z and d, of constants, and of coefficients over x may each be off by.
  const weights = known.map(({ l, u }, c) => {
    const { rho, kappa, weighed } = constants[c];
    const sums = graph.constantsGamma * (Math.max(-l, u) + Math.abs(kappa) + Math.abs(rho));
    return inflate(sums + arrival * inflate(weighed));
  });
  const doubles = (values: readonly number[]) => {
    const address = core.allocate(values.length * 8);
    graph.view(address, values.length).set(values);
    return address;
  };
  const integers = (values: readonly number[]) => {
    const address = core.allocate(values.length * 4);
    new Uint32Array(core.memory.buffer, address, values.length).set(values);
    return address;
  };
  const neurons = known.filter(({ place }, k) => k === 0 || known[k - 1].place !== place);
  const places = integers(known.map(({ place }) => place));
  const kappa = doubles(constants.map(constant => constant.kappa));
  const rho = doubles(constants.map(constant => constant.rho));
  const pairs = integers(neurons.flatMap(({ place, cut }) => [place, cut.neuron]));
  const lower = doubles(neurons.map(({ l }) => l));
  const upper = doubles(neurons.map(({ u }) => u));
  const bias = doubles(constants.map(constant => -constant.rho));
  const errorWeight = doubles(weights);
  return {
    address: core.newCuts(known.length, first, places, kappa, rho, neurons.length, pairs, lower, upper),
    cuts: known.map(({ cut }) => cut),
    source,
    plan,
    block: core.allocate(known.length * TILE_ROWS * 8),
    active: core.allocate(known.length),
    present: core.allocate(known.length),
    bias,
    errorWeight,
    places: neurons.map(({ place }) => place),
    placeOfCut: known.map(({ place }) => place),
    first,
  };
}
