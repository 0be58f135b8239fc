import { affineRows } from '../../../src/lp/affine-rows';
import type { AffineNode, Network, NetworkNode } from '../../../src/network/network';
import { Dyadic } from './dyadic';

/** Where the exact weights, biases and coefficients are: this part of, or this far from, the stored ones; by turns above and below. */
export interface Errors {
  readonly weights?: number;
  readonly biases?: number;
  readonly coefficients?: number;
}

/** Moved by its full error, by turns up and down: with a seed's signs random enough. */
export function moved(value: number, relative: number, absolute: number, turn: number): Dyadic {
  const sign = turn % 2 === 0 ? 1 : -1;
  return Dyadic.of(value)
    .times(Dyadic.of(1 + sign * relative))
    .plus(Dyadic.of(sign * absolute));
}

/** A node's values from those of what it reads, at the input x. */
type ExactNode = (x: readonly Dyadic[], inputs: readonly (readonly Dyadic[])[]) => readonly Dyadic[];

export function exactNodes({ nodes }: Network, errors: Errors): { node: NetworkNode; values: ExactNode }[] {
  return nodes.map(node => {
    const sizes = node.inputs.map(id => nodes[id].size);
    return { node, values: exactNode(node, errors, sizes) };
  });
}

function exactNode(node: NetworkNode, errors: Errors, [inputSize]: readonly number[]): ExactNode {
  const larger = (a: Dyadic, b: Dyadic) => (a.atMost(b) ? b : a);
  switch (node.kind) {
    case 'input':
      return x => x;
    case 'constant': {
      const values = Array.from(node.bias, (b, i) => moved(b, 0, errors.biases ?? 0, i));
      return () => values;
    }
    case 'dense':
    case 'conv':
    case 'scale':
    case 'sparse': {
      const rows = exactRows(node, inputSize, errors);
      return (_, [from]) =>
        rows.map(({ columns, values, bias }) =>
          columns.reduce((sum, column, k) => sum.plus(from[column].times(values[k])), bias),
        );
    }
    case 'add': {
      const coefficients = node.coefficients.map(Dyadic.of);
      return (_, inputs) =>
        inputs[0].map((_, i) => inputs.reduce((sum, from, k) => sum.plus(from[i].times(coefficients[k])), Dyadic.zero));
    }
    case 'concat':
      return (_, inputs) => inputs.flat();
    case 'relu':
    case 'leakyRelu': {
      const slope = Dyadic.of(node.slope);
      return (_, [from]) => from.map(y => (y.negative ? y.times(slope) : y));
    }
    case 'maxPool':
      return (_, [from]) =>
        Array.from({ length: node.size }, (_, i) =>
          Array.from(node.column.subarray(node.rowStart[i], node.rowStart[i + 1]), k => from[k]).reduce(larger),
        );
    default:
      throw new Error(`${node.name} has no exact values`);
  }
}

interface ExactRow {
  readonly columns: readonly number[];
  readonly values: readonly Dyadic[];
  readonly bias: Dyadic;
}

function exactRows(node: AffineNode, inputSize: number, { weights = 0, biases = 0 }: Errors): ExactRow[] {
  let turn = 0;
  return Array.from(affineRows(node, inputSize), ({ columns, values, bias }, i) => ({
    columns: [...columns],
    values: Array.from(values, w => moved(w, weights, 0, turn++)),
    bias: moved(bias, 0, biases, i),
  }));
}

export function exactOutputs(
  nodes: readonly { node: NetworkNode; values: ExactNode }[],
  x: readonly Dyadic[],
): readonly Dyadic[] {
  const all: (readonly Dyadic[])[] = [];
  for (const { node, values } of nodes)
    all.push(
      values(
        x,
        node.inputs.map(id => all[id]),
      ),
    );
  return all[all.length - 1];
}
