import type { MaxPoolNode, Network, NetworkNode } from '../../network/network';

const EXACT = { relativeError: 0, biasError: null, bias: null } as const;

/** A node that is not yet in its place. */
type Draft<N> = N extends NetworkNode ? Omit<N, 'id'> : never;

/**
 * The same function with every max pool written as ReLUs, max(a, b) = a + relu(b − a), window by window in a balanced tree: then what bounds, searches and splits
 * ReLUs does the same for pools. Exact, in exact arithmetic. The network itself where it has no pool.
 */
export function withoutPools(network: Network): Network {
  if (network.nodes.every(node => node.kind !== 'maxPool')) return network;
  const nodes: NetworkNode[] = [];
  /** Where each node's values are now. */
  const places: number[] = [];
  const push = (draft: Draft<NetworkNode>): number => {
    const id = nodes.length;
    nodes.push({ ...draft, id } as NetworkNode);
    return id;
  };
  for (const node of network.nodes) {
    const inputs = node.inputs.map(input => places[input]);
    places.push(node.kind === 'maxPool' ? writePool(node, inputs[0], push) : push({ ...node, inputs }));
  }
  return { ...network, nodes };
}

function writePool(node: MaxPoolNode, input: number, push: (draft: Draft<NetworkNode>) => number): number {
  /** Per window, the values still in it: indices into the values of `from`. */
  let from = input;
  let windows = Array.from({ length: node.size }, (_, i) => [
    ...new Set(node.column.subarray(node.rowStart[i], node.rowStart[i + 1])),
  ]);
  while (windows.some(window => window.length > 1)) {
    const first: number[] = [];
    const pairs: [number, number][] = [];
    /** Which entry of `first` each pair belongs to. */
    const owner: number[] = [];
    const next = windows.map(window => {
      const kept: number[] = [];
      for (let k = 0; k < window.length; k += 2) {
        if (k + 1 < window.length) {
          pairs.push([window[k], window[k + 1]]);
          owner.push(first.length);
        }
        kept.push(first.length);
        first.push(window[k]);
      }
      return kept;
    });
    const difference = push(
      sparse(
        `${node.name}:difference`,
        from,
        pairs,
        pairs.flatMap(() => [-1, 1]),
      ),
    );
    const gain = push({
      kind: 'relu',
      name: `${node.name}:gain`,
      inputs: [difference],
      size: pairs.length,
      shape: [pairs.length],
      slope: 0,
    });
    const of = new Map(owner.map((entry, pair) => [entry, pair]));
    const spread =
      owner.length === first.length
        ? gain
        : push(
            sparse(
              `${node.name}:gain`,
              gain,
              first.map((_, entry) => (of.has(entry) ? [of.get(entry)!] : [])),
              null,
            ),
          );
    const kept = push(
      sparse(
        `${node.name}:first`,
        from,
        first.map(i => [i]),
        null,
      ),
    );
    const inputs = [kept, spread];
    from = push({
      kind: 'add',
      name: node.name,
      inputs,
      size: first.length,
      shape: [first.length],
      coefficients: [1, 1],
    });
    windows = next;
  }
  return push({
    ...sparse(
      node.name,
      from,
      windows.map(([only]) => [only]),
      null,
    ),
    shape: node.shape,
  });
}

/** y_i = the sum of the values listed for i, each times its value where there are any. */
function sparse(
  name: string,
  input: number,
  rows: readonly (readonly number[])[],
  value: number[] | null,
): Draft<NetworkNode> {
  const rowStart = new Int32Array(rows.length + 1);
  rows.forEach((row, i) => (rowStart[i + 1] = rowStart[i] + row.length));
  return {
    kind: 'sparse',
    name,
    inputs: [input],
    size: rows.length,
    shape: [rows.length],
    rowStart,
    column: Int32Array.from(rows.flat()),
    value: value && Float64Array.from(value),
    ...EXACT,
  };
}
