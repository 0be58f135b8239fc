import { unreachable } from '../base/assert';
import type { PreparedGraph } from '../bounds/graph/prepared-graph';
import { evaluate } from '../network/evaluate';
import type { Constraint } from '../spec/question';

/** A point of a network, its values, and how far an unsafe set is: the largest margin of its constraints (≤ 0 is inside). */
export interface Evaluation {
  readonly values: readonly Float64Array[];
  readonly margin: number;
  /** The constraint that decides. */
  readonly worst: Constraint;
}

export function evaluateSet(graph: PreparedGraph, set: readonly Constraint[], input: Float64Array): Evaluation {
  const values = evaluate(graph.network, input);
  const outputs = values[values.length - 1];
  let margin = -Infinity;
  let worst = set[0];
  for (const constraint of set) {
    let own = -constraint.bound;
    constraint.outputs.index.forEach((i, k) => (own += constraint.outputs.value[k] * outputs[i]));
    if (own > margin) {
      margin = own;
      worst = constraint;
    }
  }
  return { values, margin, worst };
}

/**
 * Gradient of a constraint's left side with respect to the values of node `target` (0: the network's input), at a point.
 * @param within for nodes that rectifiers read, by id: values that count as above 0, wherever they are (not 0), for a step that is meant to bring them there
 */
export function gradientAt(
  graph: PreparedGraph,
  values: readonly Float64Array[],
  { outputs }: Constraint,
  target = 0,
  within: ReadonlyMap<number, Uint8Array> = new Map(),
): Float64Array {
  const { nodes } = graph;
  const last = nodes.length - 1;
  const gradients: (Float64Array | null)[] = nodes.map(() => null);
  const at = (id: number): Float64Array => (gradients[id] ??= new Float64Array(nodes[id].size));
  outputs.index.forEach((i, k) => (at(last)[i] += outputs.value[k]));
  for (let id = last; id > target; id--) {
    const own = gradients[id];
    if (!own) continue;
    const node = nodes[id];
    switch (node.kind) {
      case 'input':
      case 'constant':
        break;
      case 'dense':
      case 'conv':
      case 'scale':
      case 'sparse': {
        const back = graph.transposed(id, own);
        const into = at(node.inputs[0]);
        for (let i = 0; i < back.length; i++) into[i] += back[i];
        break;
      }
      case 'add':
        node.inputs.forEach((input, k) => {
          const into = at(input);
          for (let i = 0; i < own.length; i++) into[i] += node.coefficients[k] * own[i];
        });
        break;
      case 'concat': {
        let offset = 0;
        for (const input of node.inputs) {
          const into = at(input);
          for (let i = 0; i < into.length; i++) into[i] += own[offset + i];
          offset += into.length;
        }
        break;
      }
      case 'relu':
      case 'leakyRelu':
      case 'sigmoid':
      case 'tanh': {
        const into = at(node.inputs[0]);
        const y = values[node.inputs[0]];
        const z = values[id];
        const near = within.get(node.inputs[0]);
        for (let i = 0; i < own.length; i++)
          into[i] += own[i] * (near?.[i] ? 1 : derivative(node.kind, node.slope, y[i], z[i]));
        break;
      }
      case 'maxPool': {
        const into = at(node.inputs[0]);
        const y = values[node.inputs[0]];
        for (let i = 0; i < node.size; i++) {
          let best = node.column[node.rowStart[i]];
          for (let k = node.rowStart[i]; k < node.rowStart[i + 1]; k++)
            if (y[node.column[k]] > y[best]) best = node.column[k];
          into[best] += own[i];
        }
        break;
      }
      default:
        unreachable(node);
    }
  }
  return at(target);
}

function derivative(kind: 'relu' | 'leakyRelu' | 'sigmoid' | 'tanh', slope: number, y: number, z: number): number {
  switch (kind) {
    case 'relu':
    case 'leakyRelu':
      return y > 0 ? 1 : slope;
    case 'sigmoid':
      return z * (1 - z);
    case 'tanh':
      return 1 - z * z;
  }
}
