import { affineRows } from '../../lp/affine-rows';
import type { Network, NetworkNode } from '../../network/network';
import type { OutputConstraint } from './output-constraint';
import type { Direction } from './weight-program';

/** Which way a value may have to go for the property: bits, so that a value can need both. */
const UP = 1;
const DOWN = 2;

/**
 * For each value of a node, whether raising it (1) or lowering it (−1) is all that can help the constraints, whatever the phases of the
 * activations: the marks of increment and decrement neurons (Elboher, Gottschlich and Katz, CAV 2020), from the outputs back through the signs of the
 * weights. 0 where a value may have to go both ways, or has no influence.
 */
export function marksOf(network: Network, node: number, constraints: readonly OutputConstraint[]): Direction[] {
  const needs = network.nodes.map(each => new Uint8Array(each.size));
  const output = needs[needs.length - 1];
  for (const { outputs } of constraints)
    outputs.index.forEach((index, k) => (output[index] |= passed(DOWN, outputs.value[k])));
  for (let id = needs.length - 1; id > node; id--) pullBack(network.nodes[id], needs);
  return Array.from(needs[node], each => (each === UP ? 1 : each === DOWN ? -1 : 0));
}

/** What the argument of a product needs, for the product to need this. */
function passed(need: number, factor: number): number {
  if (factor === 0 || need === 0 || need === (UP | DOWN)) return factor === 0 ? 0 : need;
  return factor > 0 ? need : need ^ (UP | DOWN);
}

/** Every operator beside the affine ones is monotone. */
function pullBack(node: NetworkNode, needs: readonly Uint8Array[]): void {
  const own = needs[node.id];
  switch (node.kind) {
    case 'input':
    case 'constant':
      return;
    case 'add':
      node.inputs.forEach((id, k) => own.forEach((need, i) => (needs[id][i] |= passed(need, node.coefficients[k]))));
      return;
    case 'concat': {
      let at = 0;
      for (const id of node.inputs) for (let i = 0; i < needs[id].length; i++) needs[id][i] |= own[at++];
      return;
    }
    case 'maxPool':
      for (let i = 0; i < node.size; i++)
        for (let k = node.rowStart[i]; k < node.rowStart[i + 1]; k++) needs[node.inputs[0]][node.column[k]] |= own[i];
      return;
    case 'leakyRelu':
      own.forEach((need, i) => (needs[node.inputs[0]][i] |= node.slope >= 0 ? need : need === 0 ? 0 : UP | DOWN));
      return;
    case 'relu':
    case 'sigmoid':
    case 'tanh':
      own.forEach((need, i) => (needs[node.inputs[0]][i] |= need));
      return;
    default: {
      const read = needs[node.inputs[0]];
      let i = 0;
      for (const { columns, values } of affineRows(node, read.length)) {
        const need = own[i++];
        if (need !== 0) columns.forEach((column, k) => (read[column] |= passed(need, values[k])));
      }
    }
  }
}
