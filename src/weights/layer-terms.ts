import { assert } from '../base/assert';
import { ROUNDING } from '../base/rounding';
import { affineRows } from '../lp/affine-rows';
import type { Draft, DraftNode } from '../network/draft';
import { refuse } from '../network/refusal';

/**
 * How a layer's outputs depend on its parameters θ and on what it reads, u: output i is Σ factor·θ[parameter]·u[column] over the terms
 * rowStart[i] .. rowStart[i+1], and something that depends on no parameter. A column of −1 stands for the number 1 (biases).
 */
export interface LayerTerms {
  /** Draft nodes: what the layer reads, the first of those that hold its parameters, and its result. */
  readonly reads: number;
  readonly first: number;
  readonly gives: number;
  readonly inputSize: number;
  readonly outputSize: number;
  readonly rowStart: Int32Array;
  readonly column: Int32Array;
  readonly parameter: Int32Array;
  readonly factor: Float64Array;
  /** |exact factor − stored| ≤ factorError·|stored|. */
  readonly factorError: number;
}

/** One coefficient of a lowered node: of what it reads at `column` (−1: of the number 1) in its output `row`. */
interface Coefficient {
  readonly row: number;
  readonly column: number;
  readonly value: number;
}

/**
 * Finds the terms of a layer from two drafts of the network: one with every parameter at 1, so that coefficients are factors, and one with
 * parameter k at k + 2, so that the quotient of the two says which parameter a coefficient belongs to. This knows no operator: it asks the
 * lowering of each what it does with its constants. Refuses layers that are not linear in their parameters.
 */
export function readTerms(name: string, parameters: number, ones: Draft, marked: Draft): LayerTerms {
  assert(ones.nodes.length === marked.nodes.length, () => `lowering "${name}" depends on its weights`);
  const changed = ones.nodes.filter((node, id) => differs(node, marked.nodes[id]));
  const first = changed[0];
  const isPlain = (node: DraftNode, k: number): boolean =>
    k === 0 || (node.kind === 'view' && !node.map && !node.scale && node.inputs[0] === changed[k - 1].id);
  if (!first || first.inputs.length !== 1 || !changed.every(isPlain))
    refuse(
      'weights/operator',
      `layer "${name}" does not become one linear map of its weights (it has a batch of several inputs, or weights that the file computes); its weights cannot be perturbed.`,
    );
  const last = changed[changed.length - 1];
  const inputSize = ones.nodes[first.inputs[0]].size;
  const terms: { row: number; column: number; parameter: number; factor: number }[] = [];
  let factorError = 0;
  for (const node of changed) {
    factorError = Math.max(factorError, errorOf(node));
    const other = coefficients(marked.nodes[node.id], inputSize);
    for (const one of coefficients(node, inputSize)) {
      const { value } = other.next().value as Coefficient;
      if (one.value === 0) continue;
      const quotient = value / one.value;
      const marker = Math.round(quotient);
      if (marker === 1 && Math.abs(quotient - 1) < 1e-9) continue;
      if (!(Math.abs(quotient - marker) < 1e-9 * marker && marker >= 2 && marker < parameters + 2))
        refuse(
          'weights/not-linear',
          `layer "${name}" is not linear in its weights (it divides by them, or multiplies several of them), so a bounded change of them is no linear perturbation.`,
        );
      terms.push({ row: one.row, column: one.column, parameter: marker - 2, factor: one.value });
    }
  }
  const rowStart = new Int32Array(last.size + 1);
  for (const { row } of terms) rowStart[row + 1]++;
  for (let row = 0; row < last.size; row++) rowStart[row + 1] += rowStart[row];
  const next = rowStart.slice();
  const result = {
    reads: first.inputs[0],
    first: first.id,
    gives: last.id,
    inputSize,
    outputSize: last.size,
    rowStart,
    column: new Int32Array(terms.length),
    parameter: new Int32Array(terms.length),
    factor: new Float64Array(terms.length),
    factorError: factorError + 4 * ROUNDING.unit,
  };
  for (const { row, column, parameter, factor } of terms) {
    const at = next[row]++;
    result.column[at] = column;
    result.parameter[at] = parameter;
    result.factor[at] = factor;
  }
  return result;
}

function differs(a: DraftNode, b: DraftNode): boolean {
  const arrays = (node: DraftNode): (Float64Array | null)[] =>
    node.kind === 'dense' || node.kind === 'conv'
      ? [node.weight, node.bias]
      : node.kind === 'view'
        ? [node.scale, node.bias]
        : node.kind === 'sparse'
          ? [node.value, node.bias]
          : node.kind === 'constant'
            ? [node.bias]
            : [];
  const others = arrays(b);
  return arrays(a).some((values, k) => values !== null && values.some((value, i) => value !== others[k]![i]));
}

/** The coefficients of a lowered node, in an order that does not depend on their values. */
function* coefficients(node: DraftNode, inputSize: number): Generator<Coefficient> {
  if (node.kind === 'view') {
    for (let row = 0; row < node.size; row++) {
      const column = node.map ? node.map[row] : row;
      if (column >= 0) yield { row, column, value: node.scale?.[row] ?? 1 };
      if (node.bias) yield { row, column: -1, value: node.bias[row] };
    }
    return;
  }
  assert(
    node.kind === 'dense' || node.kind === 'conv' || node.kind === 'sparse',
    () => `no coefficients in a node of kind ${node.kind}`,
  );
  let row = 0;
  for (const { columns, values, bias } of affineRows(node, inputSize)) {
    for (let k = 0; k < columns.length; k++) yield { row, column: columns[k], value: values[k] };
    yield { row, column: -1, value: bias };
    row++;
  }
}

/** What a node's factors may be off by, relatively. */
function errorOf(node: DraftNode): number {
  let error = 'relativeError' in node ? node.relativeError : 0;
  if ('biasError' in node && node.biasError)
    node.biasError.forEach((e, i) => {
      const size = Math.abs(node.bias?.[i] ?? 0);
      if (size > 0) error = Math.max(error, e / size);
    });
  return error;
}
