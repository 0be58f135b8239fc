import { DotProduct, offsetsFrom, Products } from './coefficient-arithmetic';
import type { ViewNode } from './draft';
import type { ConvNode, DenseNode, MaxPoolNode, SparseNode } from './network';
import { distinctPlaces, factorsOf, offsetsOf } from './view';

/** The affine map or pool that reads a view, made to read what the view reads. Null when it would cost more than the view itself. */

/** W(S·P·x + c) + b = (W·S·P)x + (W·c + b). */
export function denseAfterView(node: DenseNode, view: ViewNode, baseSize: number): DenseNode | null {
  const { map } = view;
  // An input read twice would have columns added up; one that is hardly read would make the matrix wider for nothing.
  if (map && (distinctPlaces(map, baseSize) === null || baseSize > 1.25 * map.length)) return null;
  const products = new Products();
  let weight = node.weight;
  if (map || view.scale) {
    weight = new Float64Array(node.size * baseSize);
    for (let row = 0; row < node.size; row++)
      for (let k = 0; k < view.size; k++) {
        const place = map ? map[k] : k;
        if (place < 0) continue;
        const w = node.weight[row * view.size + k];
        weight[row * baseSize + place] = view.scale ? products.of(w, view.scale[k]) : w;
      }
  }
  const coefficients = view.scale
    ? products.coefficients(weight, node.relativeError, view.relativeError)
    : { values: weight, relativeError: node.relativeError };
  if (!coefficients) return null;
  let bias = offsetsOf(node);
  if (view.bias) {
    bias = offsetsFrom(node.size, row => {
      const dot = new DotProduct(node.relativeError);
      for (let k = 0; k < view.size; k++)
        dot.term(node.weight[row * view.size + k], view.bias![k], view.biasError?.[k] ?? 0);
      return dot.result(node.bias?.[row] ?? 0, node.biasError?.[row] ?? 0);
    });
    if (!bias) return null;
  }
  return {
    ...node,
    inputs: view.inputs,
    weight: coefficients.values,
    relativeError: coefficients.relativeError,
    bias: bias?.values ?? null,
    biasError: bias?.error ?? null,
  };
}

/**
 * A convolution takes in zero padding, one factor per channel and, where it pads nothing itself, one summand per channel (the
 * padding is zero after the summand was added, so at the border the sum differs).
 */
export function convAfterView(node: ConvNode, view: ViewNode, baseSize: number): ConvNode | null {
  const [channels, height, width] = node.inputShape;
  const padding = view.map ? paddingOf(view.map, node.inputShape, baseSize) : { top: 0, left: 0, height, width };
  if (!padding) return null;
  const bottom = height - padding.top - padding.height;
  const right = width - padding.left - padding.width;
  const pads = [
    node.pads[0] + padding.top,
    node.pads[1] + padding.left,
    node.pads[2] + bottom,
    node.pads[3] + right,
  ] as const;
  const isPadding = (place: number): boolean => view.map !== null && view.map[place] < 0;
  const scale = view.scale && perChannel(view.scale, channels, isPadding);
  const bias = view.bias && perChannel(view.bias, channels, () => false);
  const biasError = view.biasError && perChannel(view.biasError, channels, () => false);
  if ((view.scale && !scale) || (view.bias && !bias) || (view.biasError && !biasError)) return null;
  if (bias && pads.some(pad => pad > 0)) return null;

  const [outputs] = node.outputShape;
  const perGroup = channels / node.groups;
  const kernel = node.kernel[0] * node.kernel[1];
  const channelOf = (output: number, own: number): number =>
    Math.floor(output / (outputs / node.groups)) * perGroup + own;
  const products = new Products();
  let coefficients: { values: Float64Array; relativeError: number } | null = {
    values: node.weight,
    relativeError: node.relativeError,
  };
  if (scale) {
    const weight = node.weight.map((w, place) => {
      const own = Math.floor(place / kernel);
      return products.of(w, scale[channelOf(Math.floor(own / perGroup), own % perGroup)]);
    });
    coefficients = products.coefficients(weight, node.relativeError, view.relativeError);
    if (!coefficients) return null;
  }
  let offsets = offsetsOf(node);
  if (bias) {
    offsets = offsetsFrom(outputs, output => {
      const dot = new DotProduct(node.relativeError);
      for (let own = 0; own < perGroup; own++)
        for (let k = 0; k < kernel; k++) {
          const channel = channelOf(output, own);
          dot.term(node.weight[(output * perGroup + own) * kernel + k], bias[channel], biasError?.[channel] ?? 0);
        }
      return dot.result(node.bias?.[output] ?? 0, node.biasError?.[output] ?? 0);
    });
    if (!offsets) return null;
  }
  return {
    ...node,
    inputs: view.inputs,
    inputShape: [channels, padding.height, padding.width],
    pads,
    weight: coefficients.values,
    relativeError: coefficients.relativeError,
    bias: offsets?.values ?? null,
    biasError: offsets?.error ?? null,
  };
}

/** The one value of each channel, or null where a channel has several. Places that do not count are passed over. */
function perChannel(values: Float64Array, channels: number, ignored: (place: number) => boolean): Float64Array | null {
  const area = values.length / channels;
  const result = new Float64Array(channels);
  const known = new Uint8Array(channels);
  for (let place = 0; place < values.length; place++) {
    if (ignored(place)) continue;
    const channel = Math.floor(place / area);
    if (known[channel] && result[channel] !== values[place]) return null;
    result[channel] = values[place];
    known[channel] = 1;
  }
  return result;
}

/** Recognises a map that puts zeros around every channel of an image: where the image lies in the padded one. */
function paddingOf(
  map: Int32Array,
  [channels, height, width]: readonly [number, number, number],
  baseSize: number,
): { top: number; left: number; height: number; width: number } | null {
  const first = map.findIndex(place => place >= 0);
  if (first < 0 || first >= height * width) return null;
  const top = Math.floor(first / width);
  const left = first % width;
  let innerWidth = 0;
  while (left + innerWidth < width && map[first + innerWidth] >= 0) innerWidth++;
  const innerHeight = baseSize / (channels * innerWidth);
  if (!Number.isInteger(innerHeight) || top + innerHeight > height) return null;
  let next = 0;
  for (let place = 0; place < map.length; place++) {
    const row = Math.floor(place / width) % height;
    const column = place % width;
    const inside = row >= top && row < top + innerHeight && column >= left && column < left + innerWidth;
    if (map[place] !== (inside ? next++ : -1)) return null;
  }
  return { top, left, height: innerHeight, width: innerWidth };
}

/** A sparse map reads through any view: its coefficients stay as many or become fewer. */
export function sparseAfterView(node: SparseNode, view: ViewNode): SparseNode | null {
  const { map } = view;
  const factors = factorsOf(view);
  const products = new Products();
  const reads = (k: number): boolean => !map || map[node.column[k]] >= 0;
  const kept = node.column.filter((_, k) => reads(k)).length;
  const column = new Int32Array(kept);
  const value = factors || node.value ? new Float64Array(kept) : null;
  const rowStart = new Int32Array(node.rowStart.length);
  let place = 0;
  for (let row = 0; row < node.size; row++) {
    for (let k = node.rowStart[row]; k < node.rowStart[row + 1]; k++) {
      if (!reads(k)) continue;
      const read = node.column[k];
      column[place] = map ? map[read] : read;
      if (value)
        value[place] = factors ? products.of(node.value ? node.value[k] : 1, factors.values[read]) : node.value![k];
      place++;
    }
    rowStart[row + 1] = place;
  }
  const coefficients = factors && products.coefficients(value!, node.relativeError, factors.relativeError);
  if (factors && !coefficients) return null;
  let bias = offsetsOf(node);
  if (view.bias) {
    bias = offsetsFrom(node.size, row => {
      const dot = new DotProduct(node.relativeError);
      for (let k = node.rowStart[row]; k < node.rowStart[row + 1]; k++)
        dot.term(node.value ? node.value[k] : 1, view.bias![node.column[k]], view.biasError?.[node.column[k]] ?? 0);
      return dot.result(node.bias?.[row] ?? 0, node.biasError?.[row] ?? 0);
    });
    if (!bias) return null;
  }
  return {
    ...node,
    inputs: view.inputs,
    rowStart,
    column,
    value,
    relativeError: coefficients?.relativeError ?? node.relativeError,
    bias: bias?.values ?? null,
    biasError: bias?.error ?? null,
  };
}

/** A pool reads through a view that only rearranges. */
export function maxPoolAfterView(node: MaxPoolNode, view: ViewNode): MaxPoolNode | null {
  const { map } = view;
  if (view.scale || view.bias || !map || map.some(place => place < 0)) return null;
  return { ...node, inputs: view.inputs, column: node.column.map(place => map[place]) };
}
