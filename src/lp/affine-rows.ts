import type { AffineNode, ConvNode } from '../network/network';

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
        convolutionRow(node, i, add);
        break;
    }
    yield { columns, values, bias: bias?.[channel] ?? 0, biasError: biasError?.[channel] ?? 0 };
  }
}

/** The taps that output `index` of a convolution reads. */
function convolutionRow(node: ConvNode, index: number, add: (column: number, value: number) => void): void {
  const [channels, height, width] = node.inputShape;
  const [outputs, outHeight, outWidth] = node.outputShape;
  const [kernelHeight, kernelWidth] = node.kernel;
  const perGroup = channels / node.groups;
  const output = Math.floor(index / (outHeight * outWidth));
  const top = Math.floor((index % (outHeight * outWidth)) / outWidth) * node.strides[0] - node.pads[0];
  const left = (index % outWidth) * node.strides[1] - node.pads[1];
  const first = Math.floor(output / (outputs / node.groups)) * perGroup;
  let tap = output * perGroup * kernelHeight * kernelWidth;
  for (let c = first; c < first + perGroup; c++)
    for (let ky = 0; ky < kernelHeight; ky++)
      for (let kx = 0; kx < kernelWidth; kx++, tap++) {
        const y = top + ky * node.dilations[0];
        const x = left + kx * node.dilations[1];
        if (y >= 0 && y < height && x >= 0 && x < width) add((c * height + y) * width + x, node.weight[tap]);
      }
}
