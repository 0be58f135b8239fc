import { setImmediate as nextTurn } from 'node:timers/promises';
import { Random } from '../base/random';
import { ok, type Result } from '../base/result';
import { instantiateCore, type CoreExports } from '../bounds/core/core';
import { PreparedGraph } from '../bounds/graph/prepared-graph';
import { SEARCH } from '../bounds/tolerances';
import type { Box } from '../spec/question';
import { evaluateSet, gradientAt } from './gradient';
import { leastMoves, type PerturbedLayer } from './perturbed-layer';
import type { Unsafe, WeightQuestion } from './question';
import { replayChange, type WeightFailure } from './replay-change';
import type { LayerChange } from './weight-change';
import type { WeightModel } from './weight-model';

/** How far failing weights are looked for. */
export interface DirectEffort {
  readonly seed: number;
  /** Steps from one start. */
  readonly steps: number;
  /** Starts in random corners, beside those from the file's own weights. */
  readonly starts: number;
  /** Unsafe sets that are tried, nearest first. */
  readonly sets: number;
}

export const QUICK_SEARCH: DirectEffort = { seed: 1, steps: 4, starts: 0, sets: 2 };
export const LONG_SEARCH: DirectEffort = { seed: 1, steps: 8, starts: 4, sets: 9 };

/** All that may vary, somewhere within its bounds. */
interface Place {
  readonly changes: readonly LayerChange[];
  readonly input: Float32Array;
}

/**
 * Looks for failing weights, and inputs where those vary, by the signs of the gradient: for every number of layers. Each step moves everything to the
 * bound that the gradient at the last place asks for. From the file's own weights this is done twice, the second time as if all neurons were on that the weights
 * before them can turn on. A place whose margin in float64 is about 0 or below is replayed from its own file.
 * @param open the unsafe sets that are worth trying
 */
export async function attackWeights(
  model: WeightModel,
  layers: readonly PerturbedLayer[],
  { input, unsafe }: WeightQuestion,
  open: readonly Unsafe[],
  effort: DirectEffort,
  over: () => boolean,
): Promise<Result<WeightFailure | null>> {
  const random = new Random(effort.seed);
  const nominal: Place = {
    changes: layers.map(layer => ({ layer, amount: new Float64Array(layer.lower.length) })),
    input:
      input.kind === 'point'
        ? Float32Array.from(input.values)
        : input.box.lowerPoint.map((l, i) => l + (input.box.upperPoint[i] - l) / 2),
  };
  const core = instantiateCore();
  const first = networkWith(model, nominal.changes, core);
  // One changed network at a time, in the memory of the last.
  const mark = core.mark();
  const moved = (changes: Place['changes']): MovedNetwork => {
    core.release(mark);
    return networkWith(model, changes, core);
  };
  const order = open
    .filter(set => set.length > 0)
    .map(set => ({ set, margin: evaluateSet(first.graph, set, Float64Array.from(nominal.input)).margin }))
    .sort((a, b) => a.margin - b.margin)
    .slice(0, effort.sets);
  const corner = (): Place => ({
    changes: layers.map(layer => cornerOf(layer, () => (random.bits() & 1 ? 1 : -1))),
    input:
      input.kind === 'point'
        ? nominal.input
        : input.box.lowerPoint.map((l, i) => (random.bits() & 1 ? l : input.box.upperPoint[i])),
  });
  for (let start = 0; start < 2 + effort.starts; start++)
    for (const { set } of order) {
      let place = start < 2 ? nominal : corner();
      for (let step = 0; step <= effort.steps; step++) {
        await nextTurn();
        if (over()) return ok(null);
        const { graph, at } = place === nominal ? first : moved(place.changes);
        const { values, worst, margin } = evaluateSet(graph, set, Float64Array.from(place.input));
        if (place !== nominal && margin <= SEARCH.replayMargin) {
          const replayed = await replayChange(model, place.changes, place.input, unsafe, 'gradient signs');
          if (!replayed.ok || replayed.value) return replayed;
        }
        if (step === effort.steps) break;
        const within = start === 0 ? undefined : withinReach(layers, values, at);
        place = {
          changes: layers.map(layer => {
            const gradient = gradientAt(graph, values, worst, at(layer.terms.gives), within);
            return cornerOf(layer, slopesOf(layer, values[at(layer.terms.reads)], gradient));
          }),
          input:
            input.kind === 'point'
              ? nominal.input
              : lowestInput(input.box, nominal.input, gradientAt(graph, values, worst, 0, within)),
        };
      }
    }
  return ok(null);
}

/** The network with changed weights, and where draft nodes are in it. */
interface MovedNetwork {
  readonly graph: PreparedGraph;
  readonly at: (draftId: number) => number;
}

function networkWith(model: WeightModel, changes: readonly LayerChange[], core: CoreExports): MovedNetwork {
  const { network, place } = model.writtenWith(changes.map(({ layer, amount }) => ({ layer: layer.layer, amount })));
  return { graph: new PreparedGraph(network, core), at: place };
}

/** Of what each layer gives: the values that its own weights can bring above 0, with the inputs that it has. */
function withinReach(
  layers: readonly PerturbedLayer[],
  values: readonly Float64Array[],
  at: (draftId: number) => number,
): Map<number, Uint8Array> {
  return new Map(
    layers.map(({ terms, lower, upper, shared }) => {
      const [reads, gives] = [values[at(terms.reads)], values[at(terms.gives)]];
      const most = Float64Array.from(upper);
      const least = Float64Array.from(lower);
      for (const { lower: from, upper: to, index, factor } of shared)
        index.forEach((p, k) => {
          most[p] += Math.max(from * factor[k], to * factor[k]);
          least[p] += Math.min(from * factor[k], to * factor[k]);
        });
      const reached = Uint8Array.from(gives, (value, row) => {
        let rise = 0;
        for (let t = terms.rowStart[row]; t < terms.rowStart[row + 1]; t++) {
          const by = terms.factor[t] * (terms.column[t] < 0 ? 1 : reads[terms.column[t]]);
          rise += Math.max(by * least[terms.parameter[t]], by * most[terms.parameter[t]]);
        }
        return value + rise > 0 ? 1 : 0;
      });
      return [at(terms.gives), reached];
    }),
  );
}

/** How the margin grows with each parameter of a layer, at the gradient over what the layer gives. */
function slopesOf(
  { terms, lower }: PerturbedLayer,
  reads: Float64Array,
  gradient: Float64Array,
): (p: number) => number {
  const slope = new Float64Array(lower.length);
  for (let row = 0; row < terms.outputSize; row++)
    for (let t = terms.rowStart[row]; t < terms.rowStart[row + 1]; t++)
      slope[terms.parameter[t]] += gradient[row] * terms.factor[t] * (terms.column[t] < 0 ? 1 : reads[terms.column[t]]);
  return p => slope[p];
}

/** The corner of a box where what has this gradient is lowest; `middle` where it does not matter. */
function lowestInput({ lowerPoint, upperPoint }: Box, middle: Float32Array, gradient: Float64Array): Float32Array {
  return middle.map((v, i) => (gradient[i] > 0 ? lowerPoint[i] : gradient[i] < 0 ? upperPoint[i] : v));
}

/** Every scalar of a layer at the bound where what grows by `slope` is lowest. */
function cornerOf(layer: PerturbedLayer, slope: (parameter: number) => number): LayerChange {
  const { lower, upper, shared } = layer;
  const least = leastMoves(layer);
  const slopes = lower.map((_, p) => slope(p));
  const amount = slopes.map((s, p) => (s > 0 ? lower[p] : s < 0 ? upper[p] : least[p]));
  for (const { lower: from, upper: to, index, factor } of shared) {
    let total = 0;
    index.forEach((p, k) => (total += slopes[p] * factor[k]));
    const scalar = total > 0 ? from : to;
    index.forEach((p, k) => (amount[p] += scalar * factor[k]));
  }
  return { layer, amount };
}
