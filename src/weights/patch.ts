import { ok, problem, type Result } from '../base/result';
import { tensor } from '../network/authoring';
import { decodeModel, encodeModel } from '../network/codec';
import type { ModelProto } from '../network/proto/onnx';
import type { LayerChange } from './weight-change';
import type { PerturbedLayer } from './perturbed-layer';
import type { ParameterTensor, WeightModel } from './weight-model';

/** One entry of a tensor that was changed. */
export interface ChangedEntry {
  readonly layer: string;
  readonly tensor: string;
  /** Its place in the tensor as the file stores it, one number a dimension. */
  readonly index: readonly number[];
  readonly before: number;
  readonly after: number;
}

export interface PatchedModel {
  /** The whole ONNX file with the changed weights in it. */
  readonly bytes: Uint8Array;
  readonly changes: readonly ChangedEntry[];
}

/**
 * The model with some weights moved. Every moved weight is a number of its tensor's own type (float32) within the bounds: the nearest that is. Where bits flip it is the
 * weight after one of the flips.
 */
export function patchModel(model: WeightModel, changes: readonly LayerChange[]): Result<PatchedModel> {
  const decoded = decodeModel(model.loaded.bytes, model.loaded.path);
  if (!decoded.ok) return decoded;
  const entries: ChangedEntry[] = [];
  for (const { layer, amount } of changes)
    for (const own of [layer.layer.weight, layer.layer.bias]) {
      if (!own) continue;
      if (own.type !== 'float32' && own.type !== 'float64')
        return problem(
          'weights/type',
          `Layer "${layer.layer.name}" keeps its weights as ${own.type}; changed weights can be written as float32 and float64 only.`,
        );
      const before = own.values;
      const after = before.map((w, k) => moved(w, own.offset + k, amount, layer, own.type === 'float32'));
      const none = after.findIndex(Number.isNaN);
      if (none >= 0)
        return problem(
          'weights/no-number',
          `Layer "${layer.layer.name}": no ${own.type} number lies within the bounds of entry [${placeIn(own.shape, none).join(', ')}] of "${own.name}", so there is no file with such a weight; give it wider bounds.`,
        );
      const places = [...after.keys()].filter(k => after[k] !== before[k]);
      if (places.length === 0) continue;
      for (const k of places)
        entries.push({
          layer: layer.layer.name,
          tensor: own.name,
          index: placeIn(own.shape, k),
          before: before[k],
          after: after[k],
        });
      replace(decoded.value, model, layer, own, after);
    }
  return ok({ bytes: encodeModel(decoded.value), changes: entries });
}

/** The weight moved by `amount`, as a number its tensor can hold, between its own bounds; NaN where there is none. */
function moved(w: number, p: number, amount: Float64Array, layer: PerturbedLayer, isFloat32: boolean): number {
  let [least, most] = [layer.lower[p], layer.upper[p]];
  for (const { lower, upper, index, factor } of layer.shared) {
    const at = index.indexOf(p);
    if (at < 0) continue;
    least += Math.min(lower * factor[at], upper * factor[at]);
    most += Math.max(lower * factor[at], upper * factor[at]);
  }
  if (amount[p] === 0 && least <= 0 && most >= 0) return w;
  const flips = layer.flips.get(p);
  const amountOf = flips ? nearest(flips, amount[p]) : amount[p];
  const isOut = (value: number): boolean => value - w > most || value - w < least;
  let value = isFloat32 ? Math.fround(w + amountOf) : w + amountOf;
  // Numbers of one type: their difference is exact or far from a tie, so a step or two are enough.
  for (let step = 0; step < 4 && isOut(value); step++) {
    const direction = value - w > most ? -1 : 1;
    value = isFloat32
      ? nextFloat32(value, direction)
      : value + direction * (Math.abs(value) * 2 ** -52 + Number.MIN_VALUE);
  }
  if (!isOut(value)) return value;
  return isOut(w) ? NaN : w;
}

function nearest(moves: Float64Array, wanted: number): number {
  return moves.reduce((best, move) => (Math.abs(move - wanted) < Math.abs(best - wanted) ? move : best));
}

const single = new Float32Array(1);
const bits = new Int32Array(single.buffer);

/** The neighbour of a float32 in a direction. */
export function nextFloat32(value: number, direction: 1 | -1): number {
  single[0] = value;
  if (single[0] === 0) return direction * 2 ** -149;
  bits[0] += single[0] > 0 === direction > 0 ? 1 : -1;
  return single[0];
}

function placeIn(shape: readonly number[], k: number): number[] {
  const index: number[] = [];
  let rest = k;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index.unshift(rest % shape[axis]);
    rest = Math.floor(rest / shape[axis]);
  }
  return index;
}

/** Puts new values into the file: under the tensor's own name where it is stored, else as a tensor of its own that the layer then reads. */
function replace(
  file: ModelProto,
  model: WeightModel,
  { layer }: PerturbedLayer,
  { name, input, shape, type }: ParameterTensor,
  values: Float64Array,
): void {
  const graph = file.graph!;
  const data = type === 'float32' ? Float32Array.from(values) : values;
  const stored = graph.initializer.findIndex(each => each.name === name);
  if (stored >= 0) {
    graph.initializer[stored] = tensor(name, shape, data);
    return;
  }
  const taken = new Set([...graph.initializer.map(each => each.name), ...graph.node.flatMap(node => node.output)]);
  let own = `${name}_changed`;
  while (taken.has(own)) own += '_';
  graph.initializer.push(tensor(own, shape, data));
  const [output] = model.nodeOf(layer).outputs;
  const node = graph.node.find(each => each.output[0] === output)!;
  node.input[input] = own;
}
