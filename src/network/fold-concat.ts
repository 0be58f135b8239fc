import type { DraftNode, ViewNode } from './draft';
import type { ConcatNode } from './network';

/** Views of one value, one after the other, are one view of it (the slices of a Split joined again, x beside −x). */
export function concatOfViews(node: ConcatNode, nodes: readonly DraftNode[]): ViewNode | null {
  const parts = node.inputs.map(id => nodes[id]);
  const base = baseOf(parts[0]);
  if (!parts.some(part => part.kind === 'view') || parts.some(part => baseOf(part) !== base)) return null;
  const map = new Int32Array(node.size);
  const scale = new Float64Array(node.size).fill(1);
  const bias = new Float64Array(node.size);
  const biasError = new Float64Array(node.size);
  let relativeError = 0;
  let start = 0;
  for (const part of parts) {
    const view = part.kind === 'view' ? part : null;
    for (let k = 0; k < part.size; k++) map[start + k] = view?.map ? view.map[k] : k;
    if (view?.scale) scale.set(view.scale, start);
    if (view?.bias) bias.set(view.bias, start);
    if (view?.biasError) biasError.set(view.biasError, start);
    relativeError = Math.max(relativeError, view?.relativeError ?? 0);
    start += part.size;
  }
  const views = parts.filter(part => part.kind === 'view');
  return {
    kind: 'view',
    id: node.id,
    name: node.name,
    size: node.size,
    shape: node.shape,
    inputs: [base],
    map,
    scale: views.some(view => view.scale) ? scale : null,
    relativeError,
    bias: views.some(view => view.bias) ? bias : null,
    biasError: views.some(view => view.biasError) ? biasError : null,
  };
}

function baseOf(node: DraftNode): number {
  return node.kind === 'view' ? node.inputs[0] : node.id;
}

/** A view that reads one part of a concatenation alone reads that part itself. */
export function viewOfConcat(view: ViewNode, node: ConcatNode, nodes: readonly DraftNode[]): ViewNode | null {
  const { map } = view;
  if (!map) return null;
  let start = 0;
  for (const input of node.inputs) {
    const end = start + nodes[input].size;
    if (map.every(place => place < 0 || (place >= start && place < end)))
      return { ...view, inputs: [input], map: map.map(place => (place < 0 ? -1 : place - start)) };
    start = end;
  }
  return null;
}
