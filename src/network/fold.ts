import { type Coefficients, pickOffsets } from './coefficients';
import { scaledOffsets } from './coefficient-arithmetic';
import type { DraftNode, ViewNode } from './draft';
import { convAfterView, denseAfterView, maxPoolAfterView, sparseAfterView } from './fold-forward';
import { convBeforeView, denseBeforeView, sparseBeforeView } from './fold-back';
import { composeViews, isPermutation, offsetsOf } from './view';
import type { ConstantNode, NetworkNode } from './network';

/**
 * Joins `node` with its only input, where that makes engines faster at no cost in truth. Gives the nodes that replace them under the same
 * ids, or null when nothing is to be gained. `sole` says that nobody else reads the input; `baseSize` is the size of what the input reads.
 */
export function fold(node: DraftNode, input: DraftNode, sole: boolean, baseSize: number): DraftNode[] | null {
  const one =
    input.kind === 'view'
      ? intoReader(node, input, baseSize)
      : node.kind === 'view'
        ? intoInput(node, input, sole)
        : null;
  if (one) return [one];
  return sole && input.kind === 'view' ? pastActivation(node, input) : null;
}

/** A view is absorbed by what reads it: that costs nothing even when others read it too. */
function intoReader(node: DraftNode, view: ViewNode, baseSize: number): DraftNode | null {
  switch (node.kind) {
    case 'view':
      return composeViews(node, view);
    case 'dense':
      return denseAfterView(node, view, baseSize);
    case 'conv':
      return convAfterView(node, view, baseSize);
    case 'sparse':
      return sparseAfterView(node, view);
    case 'maxPool':
      return maxPoolAfterView(node, view);
    default:
      return null;
  }
}

/** A view is absorbed by what it reads, which must be of no use to others. */
function intoInput(view: ViewNode, input: NetworkNode, sole: boolean): DraftNode | null {
  if (input.kind === 'constant') return constantBeforeView(input, view);
  if (!sole) return null;
  switch (input.kind) {
    case 'dense':
      return denseBeforeView(input, view);
    case 'conv':
      return convBeforeView(input, view);
    case 'sparse':
      return sparseBeforeView(input, view);
    default:
      return null;
  }
}

function constantBeforeView(constant: ConstantNode, view: ViewNode): DraftNode | null {
  const { map, scale, relativeError } = view;
  const picked = pickOffsets({ values: constant.bias, error: constant.biasError }, map);
  const factors: Coefficients | null = scale && { values: scale, relativeError };
  const bias = scaledOffsets(view.size, factors, picked, offsetsOf(view));
  return bias
    ? { ...constant, id: view.id, size: view.size, shape: view.shape, bias: bias.values, biasError: bias.error }
    : null;
}

/** f(Px) = P f(x) for elementwise f: a permutation moves on to where something may absorb it. */
function pastActivation(node: DraftNode, view: ViewNode): DraftNode[] | null {
  if (node.kind !== 'relu' && node.kind !== 'leakyRelu' && node.kind !== 'sigmoid' && node.kind !== 'tanh') return null;
  if (!view.map || view.scale || view.bias || !isPermutation(view.map)) return null;
  return [
    { ...node, id: view.id, inputs: view.inputs },
    { ...view, id: node.id, inputs: [view.id], shape: node.shape },
  ];
}
