import type { Coefficients, Offsets } from './coefficients';
import { Products, scaledOffsets } from './coefficient-arithmetic';
import type { ViewNode } from './draft';
import { pick } from './index-maps';

/** The summand of a node, when it has one. */
export function offsetsOf(node: { bias: Float64Array | null; biasError: Float64Array | null }): Offsets | null {
  return node.bias && { values: node.bias, error: node.biasError };
}

/** The factors of a view, when it has any. */
export function factorsOf(view: ViewNode): Coefficients | null {
  return view.scale && { values: view.scale, relativeError: view.relativeError };
}

/** Whether no element is read twice, and how many are read. */
export function distinctPlaces(map: Int32Array, size: number): number | null {
  const seen = new Uint8Array(size);
  let count = 0;
  for (const place of map) {
    if (place < 0) continue;
    if (seen[place]++) return null;
    count++;
  }
  return count;
}

/** Whether `map` moves every one of `map.length` elements to a place of its own. */
export function isPermutation(map: Int32Array): boolean {
  return map.every(place => place >= 0 && place < map.length) && distinctPlaces(map, map.length) === map.length;
}

/** The view that `outer` makes of `inner`. */
export function composeViews(outer: ViewNode, inner: ViewNode): ViewNode | null {
  const { size } = outer;
  const through = (from: Float64Array): Float64Array => pick(from, outer.map);
  const map = !outer.map
    ? inner.map
    : !inner.map
      ? outer.map
      : outer.map.map(place => (place < 0 ? -1 : inner.map![place]));

  const innerScale = inner.scale && { values: through(inner.scale), relativeError: inner.relativeError };
  let scale: Coefficients | null = innerScale ?? factorsOf(outer);
  if (innerScale && outer.scale) {
    const products = new Products();
    const values = new Float64Array(size);
    for (let i = 0; i < size; i++) values[i] = products.of(outer.scale[i], innerScale.values[i]);
    scale = products.coefficients(values, outer.relativeError, inner.relativeError);
    if (!scale) return null;
  }
  const innerBias = inner.bias && { values: through(inner.bias), error: inner.biasError && through(inner.biasError) };
  const bias = scaledOffsets(size, factorsOf(outer), innerBias, offsetsOf(outer));
  if (bias === false) return null;
  return {
    ...outer,
    inputs: inner.inputs,
    map,
    scale: scale?.values ?? null,
    relativeError: scale?.relativeError ?? 0,
    bias: bias?.values ?? null,
    biasError: bias?.error ?? null,
  };
}

/** The view of a value of `baseSize` elements without the parts that do nothing. */
export function withoutIdentities(view: ViewNode, baseSize: number): ViewNode {
  const { map, scale, bias } = view;
  return {
    ...view,
    map: map && map.length === baseSize && map.every((place, i) => place === i) ? null : map,
    scale: scale && view.relativeError === 0 && scale.every(value => value === 1) ? null : scale,
    bias: bias && !view.biasError && bias.every(value => value === 0) ? null : bias,
  };
}
