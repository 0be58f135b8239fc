import { setImmediate as nextTurn } from 'node:timers/promises';
import { assert } from '../base/assert';
import { ok, problem, type Result } from '../base/result';
import { GraphBounder } from '../bounds/graph/graph-bounder';
import { GraphRegion } from '../bounds/graph/graph-region';
import { loadModelBytes } from '../network/load';
import type { Network } from '../network/network';
import type { Box } from '../spec/question';
import type { GraftedNetwork } from '../train/grafted-network';
import type { BoundMethod } from './kinds';
import {
  layerOffsets,
  neuronCount,
  neuronLayers,
  rectifiers,
  type Mask,
  type NeuronLayer,
  type NeuronValues,
} from './neurons';
import { writeGraftedModel } from './write-model';

/** How often each neuron is unstable: its certified bounds l, u of what it reads obey l ≤ 0 ≤ u over a region (Brandis 2023, section 2.5). */

export interface Instability {
  readonly layers: readonly NeuronLayer[];
  /** By which bounds; `verifier` for those of a decision's prover. */
  readonly method: BoundMethod | 'verifier';
  /** For every region, 1 for each unstable neuron; linear neurons too, as if they were rectified. */
  readonly unstable: readonly Uint8Array[];
  /** For the first regions the bounds of every neuron in float32, for showing only: as many as were to be kept. */
  readonly bounds: readonly NeuronBounds[];
}

export interface NeuronBounds {
  readonly lower: Float32Array;
  readonly upper: Float32Array;
}

export interface InstabilityOptions {
  readonly method: BoundMethod;
  /** Keep the bounds of so many regions, the first ones: 8 bytes a neuron and region. None unless given. */
  readonly keepBounds?: number;
  readonly onProgress?: (done: number, total: number) => void;
  readonly cancelled?: () => boolean;
}

/** Steps of the slope search for inner neurons, and their size. */
const ALPHA_EFFORT = { iterations: 8, alpha: 0.2 } as const;

/**
 * Bounds every neuron over every region. Errors: `graft/no-neurons`, `graft/cancelled`, `graft/bounds` (a region on which bounds overflow), and those of writing
 * a grafted network.
 */
export async function measureInstability(
  model: GraftedNetwork,
  regions: readonly Pick<Box, 'lower' | 'upper'>[],
  options: InstabilityOptions,
): Promise<Result<Instability>> {
  const layers = neuronLayers(model.network);
  if (layers.length === 0)
    return problem('graft/no-neurons', 'The network has no rectified neurons (no Relu), so none can be unstable.');
  const bounded = boundedNetwork(model);
  if (!bounded.ok) return bounded;
  const source =
    options.method === 'alpha-crown' ? new AlphaBounds(bounded.value) : new PlainBounds(bounded.value, options.method);
  const unstable: Uint8Array[] = [];
  const kept: NeuronBounds[] = [];
  for (const [k, region] of regions.entries()) {
    const steps = source.bound(region.lower, region.upper);
    let step = steps.next();
    while (!step.done) {
      await nextTurn();
      if (options.cancelled?.())
        return problem('graft/cancelled', `Cancelled after ${k} of ${regions.length} regions.`);
      step = steps.next();
    }
    if (step.value === null)
      return problem(
        'graft/bounds',
        `Nothing can be concluded about region ${k}: its bounds leave the range of float64. Choose a smaller ε.`,
      );
    const flat = flattened(layers, step.value);
    unstable.push(Uint8Array.from(flat.lower, (low, i) => (low <= 0 && flat.upper[i] >= 0 ? 1 : 0)));
    if (k < (options.keepBounds ?? 0))
      kept.push({ lower: Float32Array.from(flat.lower), upper: Float32Array.from(flat.upper) });
    options.onProgress?.(k + 1, regions.length);
  }
  return ok({ layers, method: options.method, unstable, bounds: kept });
}

/** The same from bounds that a decision had: per region, what its rectifiers read (`Statistics.neurons` of a verdict on a network without linear neurons). */
export function instabilityOf(
  network: Network,
  regions: readonly (readonly {
    readonly node: string;
    readonly lower: ArrayLike<number>;
    readonly upper: ArrayLike<number>;
  }[])[],
): Instability {
  const layers = neuronLayers(network);
  const names = new Set(layers.map(({ name }) => name));
  const unstable = regions.map(all => {
    const flat = flattened(
      layers,
      all.filter(({ node }) => names.has(node)),
    );
    return Uint8Array.from(flat.lower, (low, i) => (low <= 0 && flat.upper[i] >= 0 ? 1 : 0));
  });
  return { layers, method: 'verifier', unstable, bounds: [] };
}

type LayerBounds = readonly { readonly lower: ArrayLike<number>; readonly upper: ArrayLike<number> }[];

/** Linear neurons get a Relu that nobody uses, so that they are bounded like the others. */
function boundedNetwork(model: GraftedNetwork): Result<Network> {
  if (model.grafts.size === 0) return ok(model.network);
  const written = writeGraftedModel(model, { rectifyAll: true });
  const loaded = written.ok ? loadModelBytes(written.value, 'the grafted network') : written;
  return loaded.ok ? ok(loaded.value.network) : loaded;
}

function flattened(layers: readonly NeuronLayer[], bounds: LayerBounds): { lower: Float64Array; upper: Float64Array } {
  assert(bounds.length === layers.length, () => `bounds of ${bounds.length} layers for ${layers.length}`);
  const offsets = layerOffsets(layers);
  const flat = { lower: new Float64Array(offsets[layers.length]), upper: new Float64Array(offsets[layers.length]) };
  bounds.forEach(({ lower, upper }, k) => {
    flat.lower.set(lower, offsets[k]);
    flat.upper.set(upper, offsets[k]);
  });
  return flat;
}

class PlainBounds {
  private readonly bounder: GraphBounder;
  private readonly inputs: readonly number[];

  constructor(
    network: Network,
    private readonly method: 'intervals' | 'crown',
  ) {
    this.bounder = new GraphBounder(network, []);
    this.inputs = rectifiers(network).map(({ inputs }) => inputs[0]);
  }

  *bound(lower: Float64Array, upper: Float64Array): Generator<void, LayerBounds | null> {
    this.bounder.setBox(lower, upper, null);
    if (!this.bounder.interval()) return null;
    if (this.method === 'crown') yield* this.bounder.tightening();
    const bounds = this.bounder.nodeBounds();
    return this.inputs.map(id => ({ lower: bounds.lower[id], upper: bounds.upper[id] }));
  }
}

class AlphaBounds {
  private readonly region: GraphRegion;
  private readonly names: ReadonlySet<string>;

  constructor(network: Network) {
    this.region = new GraphRegion(network, []);
    this.names = new Set(rectifiers(network).map(({ name }) => name));
  }

  *bound(lower: Float64Array, upper: Float64Array): Generator<void, LayerBounds | null> {
    const { region } = this;
    region.setBox(lower, upper, null);
    if (region.zonotope([]) === null) return null;
    yield* region.tightening();
    yield* region.refining(ALPHA_EFFORT);
    return region.preActivations()?.filter(({ node }) => this.names.has(node)) ?? null;
  }
}

/** On how many regions (all, or those given) each neuron is unstable: the indicator of a mask. */
export function instabilityCounts({ layers, unstable }: Instability, regions?: readonly number[]): NeuronValues {
  const values = new Float64Array(neuronCount(layers));
  for (const flags of regions ? regions.map(k => unstable[k]) : unstable)
    for (let i = 0; i < values.length; i++) values[i] += flags[i];
  return { layers, values };
}

/** The mean part of unstable neurons, and of what it is the part. */
export interface UnstableRatio {
  /** NaN without regions. */
  readonly ratio: number;
  /** Regions over which the mean is taken. */
  readonly regions: number;
  /** Neurons in the denominator. */
  readonly neurons: number;
  /** The same as a sentence. */
  readonly statement: string;
}

/**
 * UNR. Which regions are meant is the caller's choice (`among` says it in words: `all samples`, or `the samples that reach branch and bound`, as the thesis has it); the linear
 * neurons of a mask count like all others, or never as unstable. The denominator is all neurons of the network.
 */
export function unstableRatio(
  { layers, unstable, method }: Instability,
  options: {
    readonly regions?: readonly number[];
    readonly among?: string;
    readonly mask?: Mask;
    readonly graftedCount?: boolean;
  } = {},
): UnstableRatio {
  const chosen = options.regions ? options.regions.map(k => unstable[k]) : unstable;
  const neurons = neuronCount(layers);
  const leftOut = options.mask && options.graftedCount === false ? options.mask.grafted : null;
  let sum = 0;
  for (const flags of chosen) for (let i = 0; i < neurons; i++) sum += leftOut?.[i] ? 0 : flags[i];
  const ratio = sum / (chosen.length * neurons);
  const grafted = !options.mask
    ? ''
    : leftOut
      ? ', grafted neurons counted as stable'
      : ', grafted neurons counted like the others';
  const statement = `${(100 * ratio).toFixed(2)} % of ${neurons} neurons, mean over ${chosen.length} regions (${options.among ?? 'all samples'}), bounds by ${method}${grafted}`;
  return { ratio, regions: chosen.length, neurons, statement };
}

/** Values of one layer summed over the positions of each channel; a layer of units has one position. */
export function perChannel({ shape }: NeuronLayer, values: ArrayLike<number>): Float64Array {
  const channels = shape[0];
  const area = values.length / channels;
  return Float64Array.from({ length: channels }, (_, c) => {
    let sum = 0;
    for (let i = 0; i < area; i++) sum += values[c * area + i];
    return sum;
  });
}

/** Values of one layer summed over the channels of each pixel, row by row; a layer of units is one pixel. */
export function perPixel({ shape }: NeuronLayer, values: ArrayLike<number>): Float64Array {
  const area = values.length / shape[0];
  const sums = new Float64Array(area);
  for (let i = 0; i < values.length; i++) sums[i % area] += values[i];
  return sums;
}
