import { ok, problem, type Result } from '../base/result';
import { sizeOf } from '../network/tensor';
import { flipMoves, gridStep } from './grids';
import type { LayerTerms } from './layer-terms';
import type { Amount, LayerPerturbation, PerturbationMap, Selection } from './perturbation';
import type { Layer, ParameterTensor, WeightModel } from './weight-model';

/** One scalar that moves several parameters: parameter index[k] moves by α·factor[k], α between lower and upper. */
export interface SharedPerturbation {
  readonly lower: number;
  readonly upper: number;
  readonly index: Int32Array;
  readonly factor: Float64Array;
}

/** A layer with everything that may happen to its parameters (weights first, then biases). */
export interface PerturbedLayer {
  readonly layer: Layer;
  readonly terms: LayerTerms;
  /** Parameter k moves by an amount of its own between lower[k] and upper[k]. */
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  readonly shared: readonly SharedPerturbation[];
  /** Parameters that flips alone may move: the moves there are, sorted. For bounds all between the ends counts; weights that are shown have one of these. */
  readonly flips: ReadonlyMap<number, Float64Array>;
}

/** The move of each parameter that is nearest to none: 0 wherever its bounds admit that. */
export function leastMoves({ lower, upper }: PerturbedLayer): Float64Array {
  return lower.map((low, k) => Math.min(upper[k], Math.max(low, 0)));
}

/** Makes numbers of what was asked, or says in one sentence what is wrong with it. */
export function perturbedLayer(
  model: WeightModel,
  { layer: reference, maps }: LayerPerturbation,
): Result<PerturbedLayer> {
  const found = model.find(reference);
  if (!found.ok) return found;
  const layer = found.value;
  const terms = model.terms(layer);
  if (!terms.ok) return terms;
  const into: Collected = {
    lower: new Float64Array(layer.parameters),
    upper: new Float64Array(layer.parameters),
    shared: [],
    flips: new Map(),
    moved: new Set(),
  };
  for (const map of maps) {
    const added = addMap(layer, terms.value, map, into);
    if (!added.ok) return added;
  }
  const { lower, upper, shared, flips } = into;
  return ok({ layer, terms: terms.value, lower, upper, shared, flips });
}

/** What the maps of a layer come to so far. */
interface Collected {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  readonly shared: SharedPerturbation[];
  readonly flips: Map<number, Float64Array>;
  /** Parameters that a map moves. */
  readonly moved: Set<number>;
}

function addMap(
  layer: Layer,
  terms: LayerTerms,
  map: PerturbationMap,
  { lower, upper, shared, flips, moved }: Collected,
): Result<null> {
  const tensor = map.tensor === 'weights' ? layer.weight : layer.bias;
  if (!tensor)
    return problem(
      'weights/no-weights',
      map.tensor === 'weights'
        ? `Layer "${layer.name}" (${layer.opType}) has no weights, it only adds; perturb its bias, or another layer.`
        : `Layer "${layer.name}" (${layer.opType}) has no bias of its own; perturb its weights, or another layer.`,
    );
  const selected = selection(layer, terms, tensor, map.select);
  if (!selected.ok) return selected;
  const { index, factor } = selected.value;
  // A map of the weights that moves none of them may still stand beside one of the bias.
  const bounds = intervals(layer, tensor, map.amount, index.length > 0 ? index : Int32Array.of(0));
  if (!bounds.ok) return bounds;
  if (map.together) {
    if (map.amount.kind === 'bit-flips')
      return problem(
        'weights/together',
        `Layer "${layer.name}": bits flip in each weight by itself; leave out "together".`,
      );
    const parts = [{ index: index.map(k => tensor.offset + k), factor }];
    if (map.bias) {
      const { bias } = layer;
      if (!bias)
        return problem(
          'weights/no-weights',
          `Layer "${layer.name}" (${layer.opType}) has no bias of its own; leave the map of the bias out.`,
        );
      const more = selection(layer, terms, bias, map.bias);
      if (!more.ok) return more;
      parts.push({ index: more.value.index.map(k => bias.offset + k), factor: more.value.factor });
    }
    if (parts.every(part => part.index.length === 0)) return ok(null);
    const all = Int32Array.from(parts.flatMap(part => [...part.index]));
    shared.push({
      lower: bounds.value.lower[0],
      upper: bounds.value.upper[0],
      index: all,
      factor: Float64Array.from(parts.flatMap(part => [...part.factor])),
    });
    for (const parameter of all) {
      moved.add(parameter);
      flips.delete(parameter);
    }
    return ok(null);
  }
  index.forEach((k, at) => {
    const [a, b] = [bounds.value.lower[at] * factor[at], bounds.value.upper[at] * factor[at]];
    const parameter = tensor.offset + k;
    lower[parameter] += Math.min(a, b);
    upper[parameter] += Math.max(a, b);
    const own = bounds.value.moves?.[at];
    // Where something else moves a weight as well, its move is none of a flip any more.
    if (own && !moved.has(parameter)) flips.set(parameter, own.map(move => move * factor[at]).sort());
    else flips.delete(parameter);
    moved.add(parameter);
  });
  return ok(null);
}

/** The entries a map chooses, by their places in the tensor, and what each multiplies the scalar with. */
function selection(
  layer: Layer,
  terms: LayerTerms,
  tensor: ParameterTensor,
  select: Selection,
): Result<{ index: Int32Array; factor: Float64Array }> {
  const count = sizeOf(tensor.shape);
  const shape = `[${tensor.shape.join(', ')}]`;
  const chosen = (index: Int32Array) => ok({ index, factor: new Float64Array(index.length).fill(1) });
  switch (select.kind) {
    case 'all':
      return chosen(Int32Array.from({ length: count }, (_, k) => k));
    case 'entries': {
      const wrong = select.index.find(k => !(Number.isInteger(k) && k >= 0 && k < count));
      if (wrong !== undefined)
        return problem(
          'weights/index',
          `Layer "${layer.name}" has no entry ${wrong} in "${tensor.name}": its entries are 0 to ${count - 1} (shape ${shape}).`,
        );
      return chosen(Int32Array.from(new Set(select.index)));
    }
    case 'pattern': {
      for (const pattern of select.patterns) {
        const fits =
          pattern.length === tensor.shape.length &&
          pattern.every((at, axis) => at === null || (Number.isInteger(at) && at >= 0 && at < tensor.shape[axis]));
        if (!fits)
          return problem(
            'weights/index',
            `Layer "${layer.name}": [${pattern.map(at => at ?? '*').join(', ')}] names no entries of "${tensor.name}", whose shape is ${shape}.`,
          );
      }
      const matches = (k: number): boolean =>
        select.patterns.some(pattern => {
          let rest = k;
          for (let axis = pattern.length - 1; axis >= 0; axis--) {
            const place = rest % tensor.shape[axis];
            if (pattern[axis] !== null && pattern[axis] !== place) return false;
            rest = (rest - place) / tensor.shape[axis];
          }
          return true;
        });
      return chosen(Int32Array.from({ length: count }, (_, k) => k).filter(matches));
    }
    case 'outputs':
      return ofOutputs(layer, terms, tensor, select.outputs);
    case 'map': {
      if (select.shape.join() !== tensor.shape.join())
        return problem(
          'weights/map-shape',
          `The map for layer "${layer.name}" has shape [${select.shape.join(', ')}], and "${tensor.name}" has ${shape}; they must be the same.`,
        );
      const values = Float64Array.from(select.values);
      if (values.length !== count || !values.every(Number.isFinite))
        return problem('weights/map-values', `The map for layer "${layer.name}" needs ${count} finite numbers.`);
      const index = Int32Array.from({ length: count }, (_, k) => k).filter(k => values[k] !== 0);
      return ok({ index, factor: Float64Array.from(index, k => values[k]) });
    }
  }
}

function ofOutputs(
  layer: Layer,
  terms: LayerTerms,
  tensor: ParameterTensor,
  outputs: readonly number[],
): Result<{ index: Int32Array; factor: Float64Array }> {
  const channels = outputChannels(layer, terms);
  const wrong = outputs.find(o => !(Number.isInteger(o) && o >= 0 && o < channels));
  if (wrong !== undefined)
    return problem(
      'weights/index',
      `Layer "${layer.name}" has no output ${wrong}: its outputs are 0 to ${channels - 1}.`,
    );
  const plane = terms.outputSize / channels;
  const count = sizeOf(tensor.shape);
  const taken = new Set<number>();
  for (const output of outputs)
    for (let t = terms.rowStart[output * plane]; t < terms.rowStart[(output + 1) * plane]; t++) {
      const k = terms.parameter[t] - tensor.offset;
      if (k >= 0 && k < count) taken.add(k);
    }
  const index = Int32Array.from(taken).sort();
  return ok({ index, factor: new Float64Array(index.length).fill(1) });
}

/** Channels of a convolution or normalisation, neurons of everything else. */
export function outputChannels({ opType, weight, bias }: Layer, { outputSize }: LayerTerms): number {
  if (opType === 'Conv') return weight!.shape[0];
  if (opType === 'BatchNormalization') return weight!.shape[0];
  if (opType === 'ConvTranspose' && bias) return bias.shape[0];
  return outputSize;
}

/** Largest minus smallest weight of a layer. */
export function weightRange(layer: Layer): Result<number> {
  if (!layer.weight)
    return problem(
      'weights/no-weights',
      `Layer "${layer.name}" (${layer.opType}) has no weights, so their range means nothing; give an absolute magnitude.`,
    );
  let [least, most] = [Infinity, -Infinity];
  for (const w of layer.weight.values) {
    if (w < least) least = w;
    if (w > most) most = w;
  }
  if (!(most > least))
    return problem(
      'weights/range-zero',
      `All weights of layer "${layer.name}" are ${least}, so their range is zero; give an absolute magnitude.`,
    );
  return ok(most - least);
}

/** Bounds of the scalar of every chosen entry; where only some values between them are meant, these. */
function intervals(
  layer: Layer,
  tensor: ParameterTensor,
  amount: Amount,
  index: Int32Array,
): Result<{ lower: Float64Array; upper: Float64Array; moves?: readonly Float64Array[] }> {
  const all = (lower: number, upper: number) =>
    ok({
      lower: new Float64Array(index.length).fill(lower),
      upper: new Float64Array(index.length).fill(upper),
    });
  switch (amount.kind) {
    case 'interval': {
      const { lower, upper, of } = amount;
      if (!(Number.isFinite(lower) && Number.isFinite(upper)))
        return problem('weights/bounds', `Layer "${layer.name}": the bounds of a perturbation must be finite numbers.`);
      if (lower > upper)
        return problem(
          'weights/bounds',
          `Layer "${layer.name}": the lower bound ${lower} of the perturbation is above its upper bound ${upper}; exchange them.`,
        );
      if (of === 'absolute') return all(lower, upper);
      const range = weightRange(layer);
      return range.ok ? all(lower * range.value, upper * range.value) : range;
    }
    case 'quantisation': {
      const range = weightRange(layer);
      if (!range.ok) return range;
      const step = gridStep(range.value, amount.bits);
      return step.ok ? all(-step.value / 2, step.value / 2) : step;
    }
    case 'bit-flips': {
      const flips = flipMoves(tensor.values, amount);
      if (!flips.ok) return problem(flips.error.code, `Layer "${layer.name}": ${flips.error.message}`);
      const moves = Array.from(index, k => flips.value(tensor.values[k]));
      return ok({
        lower: Float64Array.from(moves, own => own[0]),
        upper: Float64Array.from(moves, own => own[own.length - 1]),
        moves,
      });
    }
  }
}
