import { assert } from '../../base/assert';
import type { Network, NetworkNode } from '../../network/network';

/**
 * What is behind a node, as a network whose input is that node's value; values that come past the node are constants, those of one
 * input of the whole network (`at`, from `evaluate`).
 */
export function tailOf(network: Network, node: number, at: readonly Float64Array[]): Network {
  const { size, shape, name } = network.nodes[node];
  const nodes: NetworkNode[] = [{ id: 0, kind: 'input', inputs: [], size, shape, name }];
  const ids = new Map([[node, 0]]);
  const push = (make: (id: number) => NetworkNode): number => nodes.push(make(nodes.length)) - 1;
  const read = (id: number): number => {
    const known = ids.get(id);
    if (known !== undefined) return known;
    const { size: length, shape: form, name: label } = network.nodes[id];
    const own = push(fresh => {
      return {
        id: fresh,
        kind: 'constant',
        inputs: [],
        size: length,
        shape: form,
        name: label,
        bias: at[id],
        relativeError: 0,
        biasError: null,
      };
    });
    ids.set(id, own);
    return own;
  };
  for (const each of network.nodes) {
    if (!each.inputs.some(id => ids.has(id) && (id === node || nodes[ids.get(id)!].kind !== 'constant'))) continue;
    const inputs = each.inputs.map(read);
    ids.set(
      each.id,
      push(id => ({ ...each, id, inputs })),
    );
  }
  assert(ids.has(network.nodes.length - 1), () => `${name} does not reach the output`);
  const part = { name, shape: [size], type: 'float32', offset: 0, size };
  return {
    nodes,
    inputs: [part],
    outputs: network.outputs,
    inputSize: size,
    outputSize: network.outputSize,
    trailing: network.trailing,
  };
}
