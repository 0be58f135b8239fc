import { Products, scaledOffsets } from './coefficient-arithmetic';
import { type Coefficients, type Offsets, pickOffsets } from './coefficients';
import type { ViewNode } from './draft';
import { pick, places } from './index-maps';
import type { ConvNode, DenseNode, SparseNode } from './network';
import { distinctPlaces, factorsOf, offsetsOf } from './view';

/** The affine map that a view reads, made to give what the view gives. Null when it would cost more than the view itself. */

/** S·P(W·x + b) + c: rows are picked and scaled. */
export function denseBeforeView(node: DenseNode, view: ViewNode): DenseNode | null {
  const { map } = view;
  if (map && distinctPlaces(map, node.size) !== map.length) return null;
  const width = node.weight.length / node.size;
  const factors = factorsOf(view);
  const products = new Products();
  let weight = node.weight;
  if (map || factors) {
    weight = new Float64Array(view.size * width);
    for (let row = 0; row < view.size; row++) {
      const from = (map ? map[row] : row) * width;
      for (let k = 0; k < width; k++) {
        const w = node.weight[from + k];
        weight[row * width + k] = factors ? products.of(factors.values[row], w) : w;
      }
    }
  }
  const coefficients = factors
    ? products.coefficients(weight, factors.relativeError, node.relativeError)
    : { values: weight, relativeError: node.relativeError };
  const bias = scaledOffsets(view.size, factors, pickedOf(node, map), offsetsOf(view));
  if (!coefficients || bias === false) return null;
  return { ...node, ...result(view, coefficients, bias), weight: coefficients.values };
}

/** A convolution takes in one factor and one summand per output channel. */
export function convBeforeView(node: ConvNode, view: ViewNode): ConvNode | null {
  if (view.map) return null;
  const [outputs] = node.outputShape;
  const factors = view.scale && channelValues(view.scale, outputs);
  const bias = view.bias && channelValues(view.bias, outputs);
  const biasError = view.biasError && channelValues(view.biasError, outputs);
  if ((view.scale && !factors) || (view.bias && !bias) || (view.biasError && !biasError)) return null;
  const products = new Products();
  const each = node.weight.length / outputs;
  const coefficients = factors
    ? products.coefficients(
        node.weight.map((w, place) => products.of(factors[Math.floor(place / each)], w)),
        view.relativeError,
        node.relativeError,
      )
    : { values: node.weight, relativeError: node.relativeError };
  const offsets = scaledOffsets(
    outputs,
    factors && { values: factors, relativeError: view.relativeError },
    offsetsOf(node),
    bias && { values: bias, error: biasError },
  );
  if (!coefficients || offsets === false) return null;
  return { ...node, ...result(view, coefficients, offsets), weight: coefficients.values };
}

/** The one value that all places of a channel share, or null where they differ. */
function channelValues(values: Float64Array, channels: number): Float64Array | null {
  const area = values.length / channels;
  for (let place = 0; place < values.length; place++)
    if (values[place] !== values[Math.floor(place / area) * area]) return null;
  return pick(
    values,
    places(channels, channel => channel * area),
  );
}

/** Rows of a sparse map are picked and scaled; rows that are read twice are written twice, where that stays small. */
export function sparseBeforeView(node: SparseNode, view: ViewNode): SparseNode | null {
  const rowOf = (row: number): number => (view.map ? view.map[row] : row);
  const rowStart = new Int32Array(view.size + 1);
  for (let row = 0; row < view.size; row++) {
    const from = rowOf(row);
    rowStart[row + 1] = rowStart[row] + (from < 0 ? 0 : node.rowStart[from + 1] - node.rowStart[from]);
  }
  const count = rowStart[view.size];
  if (count > node.column.length + view.size) return null;
  const factors = factorsOf(view);
  const products = new Products();
  const column = new Int32Array(count);
  const value = node.value || factors ? new Float64Array(count) : null;
  for (let row = 0; row < view.size; row++) {
    const from = node.rowStart[rowOf(row)];
    for (let place = rowStart[row], k = from; place < rowStart[row + 1]; place++, k++) {
      column[place] = node.column[k];
      if (value)
        value[place] = factors ? products.of(factors.values[row], node.value ? node.value[k] : 1) : node.value![k];
    }
  }
  const coefficients = factors
    ? products.coefficients(value!, factors.relativeError, node.relativeError)
    : { values: column, relativeError: node.relativeError };
  const bias = scaledOffsets(view.size, factors, pickedOf(node, view.map), offsetsOf(view));
  if (!coefficients || bias === false) return null;
  return { ...node, ...result(view, coefficients, bias), rowStart, column, value };
}

function pickedOf(node: DenseNode | SparseNode, map: Int32Array | null): Offsets | null {
  const offsets = offsetsOf(node);
  return offsets && pickOffsets(offsets, map);
}

/** What every folded node takes over from the view; the name stays that of the affine map. */
function result(
  view: ViewNode,
  coefficients: Pick<Coefficients, 'relativeError'>,
  bias: Offsets | null,
): Pick<ViewNode, 'id' | 'size' | 'shape' | 'relativeError' | 'bias' | 'biasError'> {
  return {
    id: view.id,
    size: view.size,
    shape: view.shape,
    relativeError: coefficients.relativeError,
    bias: bias?.values ?? null,
    biasError: bias?.error ?? null,
  };
}
