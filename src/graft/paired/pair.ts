import { inflate, ROUNDING } from '../../base/rounding';
import { ok, problem, type Result } from '../../base/result';
import { PreparedGraph } from '../../bounds/graph/prepared-graph';
import type { ConvNode, DenseNode, Network, NetworkNode } from '../../network/network';
import type { Graft, GraftedNetwork } from '../../train/grafted-network';

/**
 * A base network f and a grafted one g, node for node. With v the values of f and d those of g minus those of f, an affine node has
 * v' = W_f·v + b_f and d' = W_g·d + (W_g − W_f)·v + (b_g − b_f): where the weights are shared, only what the linear neurons do makes a difference.
 */
export interface NetworkPair {
  /** f. */
  readonly base: PreparedGraph;
  /** g's weights without its biases: what takes d. */
  readonly linear: PreparedGraph;
  /** W_g − W_f and b_g − b_f of the affine nodes that differ; a constant 0 in place of every other node. */
  readonly change: PreparedGraph;
  /** By the id of the activation node. */
  readonly grafts: ReadonlyMap<number, Graft>;
  /** Whether each node is affine with weights that differ. */
  readonly changed: readonly boolean[];
}

/**
 * What (W_g − W_f)·v may be off by for |v| ≤ size because either network's weights are only known up to a relative error; null where both are exact.
 */
export function weightDoubt({ base, linear }: NetworkPair, id: number, size: Float64Array): Float64Array | null {
  const [f, g] = [base.relativeError(id), linear.relativeError(id)];
  if (f === 0 && g === 0) return null;
  const [inF, inG] = [base.absolute(id, size), linear.absolute(id, size)];
  return inF.map((sum, i) => inflate(f * inflate(sum) + g * inflate(inG[i])));
}

/** Errors `graft/pair` (networks of different shape) and `graft/pair-unsupported` (max pooling, or layers that training does not change differ). */
export function pairNetworks(base: Network, { network: grafted, grafts }: GraftedNetwork): Result<NetworkPair> {
  const same = (a: NetworkNode, b: NetworkNode | undefined): boolean =>
    b !== undefined && a.kind === b.kind && a.size === b.size && a.inputs.join() === b.inputs.join();
  const odd = base.nodes.find((node, k) => !same(node, grafted.nodes[k]));
  if (odd || base.nodes.length !== grafted.nodes.length)
    return problem(
      'graft/pair',
      `The two networks are not one network and its graft: they differ from layer "${(odd ?? base.nodes[base.nodes.length - 1]).name}" on. Choose the base network that was grafted.`,
    );
  const pool = base.nodes.find(node => node.kind === 'maxPool');
  if (pool)
    return problem(
      'graft/pair-unsupported',
      `Layer "${pool.name}" is a max pooling; the difference of two networks with max pooling cannot be bounded yet.`,
    );
  const changed = base.nodes.map((node, k) => {
    const other = grafted.nodes[k];
    return node.kind === 'dense' || node.kind === 'conv' ? !sameNumbers(node, other as DenseNode | ConvNode) : false;
  });
  const fixed = base.nodes.find((node, k) => !changed[k] && !sameFixed(node, grafted.nodes[k]));
  if (fixed)
    return problem(
      'graft/pair-unsupported',
      `Layer "${fixed.name}" differs between the two networks, and is of a kind that training does not change. Choose the base network that was grafted.`,
    );
  const change: NetworkNode[] = base.nodes.map((node, k) => {
    if (changed[k]) return difference(grafted.nodes[k] as DenseNode | ConvNode, node as DenseNode | ConvNode);
    const { id, size, shape, name } = node;
    return {
      kind: 'constant',
      id,
      inputs: [],
      size,
      shape,
      name,
      bias: new Float64Array(size),
      relativeError: 0,
      biasError: null,
    };
  });
  const withoutBias = grafted.nodes.map(node =>
    'bias' in node && node.kind !== 'constant' ? { ...node, bias: null, biasError: null } : node,
  );
  const prepared = new PreparedGraph(base);
  return ok({
    base: prepared,
    linear: new PreparedGraph({ ...grafted, nodes: withoutBias }, prepared.core),
    change: new PreparedGraph({ ...grafted, nodes: change }, prepared.core),
    grafts,
    changed,
  });
}

function sameArray(a: Float64Array | null, b: Float64Array | null): boolean {
  if (a === null || b === null) return a === b;
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

/** Numbers that are equal but known to different precision may stand for different networks. */
function sameNumbers(a: DenseNode | ConvNode, b: DenseNode | ConvNode): boolean {
  const exact = a.relativeError === 0 && b.relativeError === 0 && a.biasError === null && b.biasError === null;
  return exact && sameArray(a.weight, b.weight) && sameArray(a.bias, b.bias);
}

function sameFixed(a: NetworkNode, b: NetworkNode): boolean {
  switch (a.kind) {
    case 'scale':
      return b.kind === a.kind && exact(a) && exact(b) && sameArray(a.scale, b.scale) && sameArray(a.bias, b.bias);
    case 'sparse':
      return (
        b.kind === a.kind &&
        exact(a) &&
        exact(b) &&
        sameArray(a.value, b.value) &&
        sameArray(a.bias, b.bias) &&
        a.column.join() === b.column.join() &&
        a.rowStart.join() === b.rowStart.join()
      );
    case 'constant':
      return b.kind === a.kind && exact(a) && exact(b) && sameArray(a.bias, b.bias);
    case 'add':
      return b.kind === a.kind && a.coefficients.join() === b.coefficients.join();
    case 'leakyRelu':
      return b.kind === a.kind && a.slope === b.slope;
    default:
      return true;
  }
}

function exact({ relativeError, biasError }: { relativeError: number; biasError: Float64Array | null }): boolean {
  return relativeError === 0 && biasError === null;
}

/** g − f as a node of g's kind. Stored numbers are off by rounding and by what either network's are off by. */
function difference(g: DenseNode | ConvNode, f: DenseNode | ConvNode): DenseNode | ConvNode {
  const minus = (a: Float64Array | null, b: Float64Array | null): Float64Array | null =>
    a === null && b === null ? null : (a ?? b!).map((_, i) => (a?.[i] ?? 0) - (b?.[i] ?? 0));
  const bias = minus(g.bias, f.bias);
  const biasError =
    bias?.map((value, i) => Math.abs(value) * 2 * ROUNDING.unit + (g.biasError?.[i] ?? 0) + (f.biasError?.[i] ?? 0)) ??
    null;
  return { ...g, weight: minus(g.weight, f.weight)!, bias, biasError, relativeError: 2 * ROUNDING.unit } as
    DenseNode | ConvNode;
}
