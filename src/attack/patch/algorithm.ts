import { setImmediate as nextTurn } from 'node:timers/promises';
import { assert } from '../../base/assert';
import { HighsModel } from '../../lp/highs';
import { evaluate } from '../../network/evaluate';
import type { DenseNode, Network } from '../../network/network';
import { marginOf, type Subject } from '../adversarial';
import { fewestValues, type Room } from './fewest-values';
import { linesAt, LocalMap, type AffineForm, type Lines } from './local-map';
import { weightProgram } from './weight-program';

/**
 * Adversarial inputs from network patches (Khan, Madhukar and Sharma, PRDC 2023, Algorithm 1): a patch of the middle layer, what it makes of the layer's outputs
 * as the aim of a patch of the middle of what is before it, and so on to the first layer; then an input change that does what the last patch does.
 *
 * Where the paper counts layers it takes the upper half of l and goes on with l = p + 1, which stands still at two edge-layers; its own example
 * halves the number of edge-layers, and so does this.
 */

export interface PatchAttackOptions {
  /** Lines to use for activations in place of their phases, e.g. of the input's class (`fitLines`). */
  readonly lines?: Lines;
  /** The values that may change; all unless given. A network with a convolutional part needs them to be few. */
  readonly columns?: Int32Array;
  /** Points whose phases are tried, the original first; 12 unless given. */
  readonly rounds?: number;
  /** Classes aimed at, the likeliest first; 9 unless given. */
  readonly classes?: number;
  /** Attempts, each a class at a point, after which the search gives up; any number unless given. */
  readonly attempts?: number;
  readonly cancelled?: () => boolean;
}

/** One patch on the way, for a person to follow: what layer, and what becomes of its outputs (before the activation). */
export interface PatchStep {
  readonly layer: string;
  readonly before: Float64Array;
  readonly after: Float64Array;
}

export interface PatchFound {
  /** Float32, inside the range; adversarial in float64 arithmetic. */
  readonly point: Float32Array;
  /** `patch`: by the phases of the original (or the given lines); `other phases`: by those of another point. */
  readonly stage: 'patch' | 'other phases';
  readonly steps: readonly PatchStep[];
}

const ROUNDS = 12;
const CLASSES = 9;
/** The margin aimed at, as a part of the one to be overcome: rounding takes some of it. */
const AIM = 0.02;
/** Values of the input that a translation chooses from: those that can do most. */
const CHOICE = 200;
/** What changing a value costs that has been changed before, where a fresh one costs 1. */
const CHANGED_PRICE = 0.05;
const PATCH_SECONDS = 2;
/** The largest shift of a layer's output that counts as a patch. */
const LARGEST_SHIFT = 1e4;
/** Changes this close to an end of the range are meant to be it; closer to 0 they are none. */
const SNAP = 1e-6;

/** Forms over the values of a node that must be at least 0. */
interface Demand {
  readonly node: number;
  readonly rows: readonly {
    readonly index: readonly number[];
    readonly value: readonly number[];
    readonly constant: number;
  }[];
}

interface Attempt {
  readonly point: Float32Array;
  readonly margin: number;
  readonly steps: readonly PatchStep[];
}

/** An adversarial point by way of patches, or null where no phases that were tried hold one. The network needs a fully connected layer. */
export async function patchAttack(
  network: Network,
  subject: Subject,
  options: PatchAttackOptions = {},
): Promise<PatchFound | null> {
  const { label, target, logits, original } = subject;
  const search = new PatchSearch(network, subject, options);
  const byLogit = Array.from(logits.keys())
    .filter(k => k !== label)
    .sort((a, b) => logits[b] - logits[a]);
  const aims = target === null ? byLogit.slice(0, options.classes ?? CLASSES) : [target];
  const points = new Map(aims.map(aim => [aim, original]));
  let attempts = options.attempts ?? Infinity;
  for (let round = 0; round < (options.rounds ?? ROUNDS); round++)
    for (const [aim, at] of points) {
      if (options.cancelled?.() || attempts-- <= 0) return null;
      // The solver works without a pause: whoever wants to stop it is heard in between.
      await nextTurn();
      const reached = await search.attempt(at, aim);
      if (!reached) points.delete(aim);
      else if (reached.margin > 0)
        return { point: reached.point, stage: round === 0 ? 'patch' : 'other phases', steps: reached.steps };
      else points.set(aim, reached.point);
    }
  return null;
}

class PatchSearch {
  private readonly layers: readonly DenseNode[];
  private readonly columns: Int32Array;

  constructor(
    private readonly network: Network,
    private readonly subject: Subject,
    private readonly options: PatchAttackOptions,
  ) {
    this.layers = network.nodes.filter((node): node is DenseNode => node.kind === 'dense');
    assert(this.layers.length > 0, () => 'a network without a fully connected layer');
    this.columns = options.columns ?? Int32Array.from({ length: network.inputSize }, (_, i) => i);
  }

  /** Patches from the middle to the front with the phases of one point, and the input change that stands for the last of them. Null: no progress. */
  async attempt(at: Float32Array, aim: number): Promise<Attempt | null> {
    const values = evaluate(this.network, Float64Array.from(at));
    const lines = this.options.lines ?? linesAt(this.network, values);
    const [first] = this.layers;
    const inputs = new LocalMap(this.network, 0, this.columns, values, lines, first.id);
    const behind = new LocalMap(this.network, first.id, null, values, lines);
    const reach = this.reach(inputs, at);
    const steps: PatchStep[] = [];
    let demand = this.outputDemand(aim);
    let count = this.layers.length;
    for (;;) {
      const middle = Math.ceil(count / 2);
      const node = this.layers[middle - 1];
      const map = node === first ? behind : new LocalMap(this.network, node.id, null, values, lines);
      const slope = this.sensitivity(map, aim);
      const shift = await this.patchLayer(map, demand, pricesOf(behind, node, reach));
      if (!shift) return null;
      const before = values[node.id];
      const after = before.map((y, i) => y + shift[i]);
      steps.push({ layer: node.name, before, after });
      if (middle === 1) return this.translate(at, inputs, inSum(slope, after), values, aim, steps);
      demand = relaxed(node, shift, after, slope);
      count = middle;
    }
  }

  /** The class that is aimed at gets above the label, or, where it is the only one wanted, above all others. */
  private outputDemand(aim: number): Demand {
    const { label, logits, target } = this.subject;
    const needed = AIM * Math.max(logits[label] - logits[aim], 0.01);
    const rivals = target === null ? [label] : Array.from(logits.keys()).filter(k => k !== aim);
    const rows = rivals.map(rival => ({ index: [aim, rival], value: [1, -1], constant: -needed }));
    return { node: this.network.nodes.length - 1, rows };
  }

  /** How the margin of the aim changes with each of a layer's outputs; `map` is the one behind the layer. */
  private sensitivity(map: LocalMap, aim: number): Float64Array {
    const slope = new Float64Array(map.width);
    const { column, value } = map.combination(this.network.nodes.length - 1, [aim, this.subject.label], [1, -1]);
    column.forEach((i, k) => (slope[i] = value[k]));
    return slope;
  }

  /** How far a single value of the input can move each output of the first layer. */
  private reach(inputs: LocalMap, at: Float32Array): Float64Array {
    const { down, up } = this.room(at);
    return Float64Array.from({ length: this.layers[0].size }, (_, i) => {
      const { column, value } = inputs.combination(this.layers[0].id, [i], [1]);
      return column.reduce((most, k, j) => Math.max(most, Math.abs(value[j]) * Math.max(up[k], -down[k])), 0);
    });
  }

  private room(at: Float32Array): Room {
    return {
      down: Float64Array.from(this.columns, i => this.subject.lower[i] - at[i]),
      up: Float64Array.from(this.columns, i => this.subject.upper[i] - at[i]),
    };
  }

  /**
   * The cheapest shift of a layer's outputs that meets a demand on a later node. Where none keeps the phases in between, one that does not; null: not even then.
   */
  private async patchLayer(
    map: LocalMap,
    { node: end, rows }: Demand,
    prices: readonly number[],
  ): Promise<Float64Array | null> {
    const demands = rows.map(({ index, value, constant }) => plus(map.combination(end, index, value), constant));
    const walls = this.options.lines ? [] : [...map.phases(end)];
    for (const forms of walls.length > 0 ? [[...demands, ...walls], demands] : [demands]) {
      // With one feature that is 1, changes of weights are shifts.
      const only = { features: Float64Array.of(1), demands: { kind: 'forms', forms } as const };
      const written = weightProgram(map.width, [only], 'one', { limit: LARGEST_SHIFT, prices });
      const model = await HighsModel.open(written.program);
      const outcome = model.solve({ seconds: PATCH_SECONDS });
      model.dispose();
      if (outcome.kind === 'optimal') return written.changes(outcome.primal);
    }
    return null;
  }

  /**
   * The fewest fresh values of the input, inside the range, that meet a demand on the first layer; of them as many, the strongest first, as fool the network or
   * get closest to it: beyond the walls of the phases they need not. Null: they get no closer.
   */
  private async translate(
    at: Float32Array,
    inputs: LocalMap,
    { index, value, constant }: Demand['rows'][number],
    values: readonly Float64Array[],
    aim: number,
    steps: readonly PatchStep[],
  ): Promise<Attempt | null> {
    const form = plus(inputs.combination(this.layers[0].id, index, value), constant);
    const room = this.room(at);
    const prices = Float64Array.from(this.columns, i => (at[i] === this.subject.original[i] ? 1 : CHANGED_PRICE));
    const effect = (k: number, j: number): number => Math.max(form.value[j] * room.up[k], form.value[j] * room.down[k]);
    const candidates = form.column
      .map((k, j) => ({ k, most: effect(k, j) / prices[k] }))
      .sort((a, b) => b.most - a.most)
      .slice(0, CHOICE)
      .map(({ k }) => k);
    const change = await fewestValues(room, [form], { candidates, prices });
    if (!change) return null;
    const strength = new Map(form.column.map((k, j) => [k, form.value[j] * change[k]]));
    const order = candidates
      .filter(k => Math.abs(change[k]) > SNAP)
      .sort((a, b) => strength.get(b)! - strength.get(a)!);
    const point = at.slice();
    let best: Attempt = { point: at, margin: this.margin(values, aim), steps };
    for (const k of order) {
      this.move(point, this.columns[k], change[k]);
      const reached = evaluate(this.network, Float64Array.from(point));
      const fooled = marginOf(this.subject, reached[reached.length - 1]);
      if (fooled > 0) return { point, margin: fooled, steps };
      const margin = this.margin(reached, aim);
      if (margin > best.margin) best = { point: point.slice(), margin, steps };
    }
    return best.point === at ? null : { ...best, margin: Math.min(best.margin, 0) };
  }

  private margin(values: readonly Float64Array[], aim: number): number {
    return marginOf({ label: this.subject.label, target: aim }, values[values.length - 1]);
  }

  private move(point: Float32Array, i: number, change: number): void {
    const { lower, upper } = this.subject;
    const value = Math.fround(point[i] + change);
    point[i] = value > upper[i] - SNAP ? upper[i] : value < lower[i] + SNAP ? lower[i] : value;
  }
}

/** What it costs to shift a neuron: the less, the more a single value of the input can do through the first layer, which `behind` is behind. */
function pricesOf(behind: LocalMap, node: DenseNode, reach: Float64Array): number[] {
  return Array.from({ length: node.size }, (_, i) => {
    const { column, value } = behind.combination(node.id, [i], [1]);
    return (
      1 /
      Math.max(
        1e-3,
        column.reduce((sum, k, j) => sum + Math.abs(value[j]) * reach[k], 0),
      )
    );
  });
}

function plus(form: AffineForm, constant: number): AffineForm {
  return { ...form, constant: form.constant + constant };
}

/** Altogether, the layer's outputs do as much for the margin as the patched ones. */
function inSum(slope: Float64Array, after: Float64Array, neurons = Array.from(slope.keys())): Demand['rows'][number] {
  const value = neurons.map(i => slope[i]);
  return { index: neurons, value, constant: -neurons.reduce((sum, i) => sum + slope[i] * after[i], 0) };
}

/**
 * A patched layer as the demand on what is before it: neurons that the patch raised get at least as high, those that it lowered at least as low,
 * as far as the activation behind them tells; the others lose nothing in sum.
 */
function relaxed(node: DenseNode, shift: Float64Array, after: Float64Array, slope: Float64Array): Demand {
  const moved: Demand['rows'][number][] = [];
  const others: number[] = [];
  shift.forEach((each, i) => {
    if (Math.abs(each) < SNAP) others.push(i);
    else if (each < 0) moved.push({ index: [i], value: [-1], constant: Math.max(after[i], 0) });
    else if (after[i] > 0) moved.push({ index: [i], value: [1], constant: -after[i] });
  });
  return { node: node.id, rows: [...moved, inSum(slope, after, others)] };
}
