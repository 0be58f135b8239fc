import { forEachTap } from '../network/convolution-taps';
import type { AffineNode } from '../network/network';

/** One output of an affine node: Σ value·(input column) + bias, off from the exact one by at most biasError beside the relative error of the values. */
export interface AffineRow {
  readonly columns: readonly number[];
  readonly values: readonly number[];
  readonly bias: number;
  readonly biasError: number;
}

/** The outputs of an affine node as sparse rows, in order; coefficients that are exactly 0 are left out. `inputSize`: values the node reads. */
export function* affineRows(node: AffineNode, inputSize: number): Generator<AffineRow> {
  const { bias, biasError } = node;
  const plane = node.kind === 'conv' ? node.outputShape[1] * node.outputShape[2] : 1;
  for (let i = 0; i < node.size; i++) {
    const channel = Math.floor(i / plane);
    const columns: number[] = [];
    const values: number[] = [];
    const add = (column: number, value: number) => {
      if (value === 0) return;
      columns.push(column);
      values.push(value);
    };
    switch (node.kind) {
      case 'dense':
        for (let j = 0; j < inputSize; j++) add(j, node.weight[i * inputSize + j]);
        break;
      case 'scale':
        add(i, node.scale?.[i] ?? 1);
        break;
      case 'sparse':
        for (let k = node.rowStart[i]; k < node.rowStart[i + 1]; k++) add(node.column[k], node.value?.[k] ?? 1);
        break;
      case 'conv':
        forEachTap(node, i, add);
        break;
    }
    yield { columns, values, bias: bias?.[channel] ?? 0, biasError: biasError?.[channel] ?? 0 };
  }
}
