import type { ConvNode } from './network';

/** Every tap that output `index` (channel, row and column flattened) of a convolution reads: the input it reads there, and the weight. */
export function forEachTap(node: ConvNode, index: number, visit: (input: number, weight: number) => void): void {
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
        if (y >= 0 && y < height && x >= 0 && x < width) visit((c * height + y) * width + x, node.weight[tap]);
      }
}
