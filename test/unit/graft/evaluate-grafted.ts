import type { GraftedNetwork } from '../../../src/train/grafted-network';
import { evaluateNode } from '../tensor/random-network';

/** Values of every node of a grafted network on one input, in plain float64. */
export function evaluateGrafted({ network, grafts }: GraftedNetwork, x: ArrayLike<number>): Float64Array[] {
  const values: Float64Array[] = [];
  for (const node of network.nodes) {
    const plain = evaluateNode(
      node,
      node.inputs.map(id => values[id]),
      x,
    );
    const graft = grafts.get(node.id);
    const a = values[node.inputs[0]];
    values.push(
      graft ? plain.map((value, i) => (graft.mask[i] ? graft.slope[i] * a[i] + graft.intercept[i] : value)) : plain,
    );
  }
  return values;
}
