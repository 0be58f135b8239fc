import { ok, type Result } from '../base/result';
import { PreparedGraph } from '../bounds/graph/prepared-graph';
import { evaluateSet, gradientAt } from './gradient';
import { leastMoves, type PerturbedLayer } from './perturbed-layer';
import type { WeightQuestion } from './question';
import { replayChange, type WeightFailure } from './replay-change';
import type { LayerChange } from './weight-change';
import type { WeightModel } from './weight-model';

/** Steps from the file's own weights. */
const STEPS = 4;
/** Unsafe sets that are tried, nearest first. */
const SETS = 2;

/**
 * Looks for failing weights, and inputs where those vary, by the signs of the gradient: for every number of layers. Each step moves everything to the
 * bound that the gradient at the last point asks for, and runs the patched file.
 */
export async function attackWeights(
  model: WeightModel,
  layers: readonly PerturbedLayer[],
  { input, unsafe }: WeightQuestion,
): Promise<Result<WeightFailure | null>> {
  const nominal = layers.map((layer): LayerChange => ({ layer, amount: new Float64Array(layer.lower.length) }));
  const start =
    input.kind === 'point'
      ? Float32Array.from(input.values)
      : input.box.lowerPoint.map((l, i) => l + (input.box.upperPoint[i] - l) / 2);
  const first = networkWith(model, nominal);
  const order = unsafe
    .filter(set => set.length > 0)
    .map(set => ({ set, margin: evaluateSet(first.graph, set, Float64Array.from(start)).margin }))
    .sort((a, b) => a.margin - b.margin)
    .slice(0, SETS);
  for (const { set } of order) {
    let changes = nominal;
    let x = start;
    for (let step = 0; step < STEPS; step++) {
      const { graph, place } = changes === nominal ? first : networkWith(model, changes);
      const { values, worst } = evaluateSet(graph, set, Float64Array.from(x));
      changes = layers.map(layer => {
        const gradient = gradientAt(graph, values, worst, place(layer.terms.gives));
        return cornerOf(layer, values[place(layer.terms.reads)], gradient);
      });
      if (input.kind === 'box') {
        const gradient = gradientAt(graph, values, worst, 0);
        const { lowerPoint, upperPoint } = input.box;
        x = x.map((v, i) => (gradient[i] > 0 ? lowerPoint[i] : gradient[i] < 0 ? upperPoint[i] : v));
      }
      const replayed = await replayChange(model, changes, x, unsafe, 'gradient signs');
      if (!replayed.ok || replayed.value) return replayed;
    }
  }
  return ok(null);
}

/** The network with changed weights, and where draft nodes are in it. */
function networkWith(
  model: WeightModel,
  changes: readonly LayerChange[],
): { graph: PreparedGraph; place: (draftId: number) => number } {
  const { network, place } = model.writtenWith(changes.map(({ layer, amount }) => ({ layer: layer.layer, amount })));
  return { graph: new PreparedGraph(network), place };
}

/** Every scalar of a layer at the bound where the linear piece at hand is lowest. */
function cornerOf(layer: PerturbedLayer, reads: Float64Array, gradient: Float64Array): LayerChange {
  const { terms, lower, upper, shared } = layer;
  const slope = new Float64Array(lower.length);
  for (let row = 0; row < terms.outputSize; row++)
    for (let t = terms.rowStart[row]; t < terms.rowStart[row + 1]; t++)
      slope[terms.parameter[t]] += gradient[row] * terms.factor[t] * (terms.column[t] < 0 ? 1 : reads[terms.column[t]]);
  const least = leastMoves(layer);
  const amount = slope.map((s, p) => (s > 0 ? lower[p] : s < 0 ? upper[p] : least[p]));
  for (const { lower: from, upper: to, index, factor } of shared) {
    let total = 0;
    index.forEach((p, k) => (total += slope[p] * factor[k]));
    const scalar = total > 0 ? from : to;
    index.forEach((p, k) => (amount[p] += scalar * factor[k]));
  }
  return { layer, amount };
}
