import type { Coefficients, Offsets } from '../coefficients';
import type { Draft } from '../draft';
import { places } from '../index-maps';
import { checkedShape, type Operation, type Operator } from '../operation';
import { sizeOf } from '../tensor';
import { asTwo, singleWindow, type Window, windowsOf } from './windows';

interface Geometry {
  readonly batch: number;
  readonly channels: number;
  readonly outputs: number;
  readonly groups: number;
  readonly windows: readonly Window[];
}

function geometryOf(operation: Operation): Geometry {
  const [input, weight] = [operation.input(0).shape, operation.input(1).shape];
  if (weight.length < 3 || weight.length !== input.length)
    operation.invalid(`has weights of shape [${weight.join(', ')}] for an input of shape [${input.join(', ')}]`);
  const groups = operation.int('group', 1);
  const [batch, channels] = input;
  const [outputs, perGroup] = weight;
  if (!(groups >= 1) || perGroup * groups !== channels || outputs % groups !== 0)
    operation.invalid(`has weights of shape [${weight.join(', ')}] and ${groups} groups for ${channels} channels`);
  const kernel = weight.slice(2);
  const stated = operation.ints('kernel_shape');
  if (stated && stated.join() !== kernel.join())
    operation.invalid(`states kernel [${stated.join(', ')}] and has weights of shape [${weight.join(', ')}]`);
  return { batch, channels, outputs, groups, windows: windowsOf(operation, input, kernel) };
}

const conv: Operator = {
  infer(operation) {
    const { batch, outputs, windows } = geometryOf(operation);
    operation.constant(1, 'kernel');
    if (operation.has(2)) {
      operation.constant(2, 'bias');
      if (operation.input(2).shape.join() !== String(outputs))
        operation.invalid(`has a bias of shape [${operation.input(2).shape.join(', ')}] for ${outputs} channels`);
    }
    return [{ shape: checkedShape(operation, [batch, outputs, ...windows.map(window => window.count)]) }];
  },
  lower(operation, draft) {
    const weight = operation.coefficients(1, 'kernel');
    const bias = operation.has(2) ? operation.offsets(2, 'bias') : null;
    const input = operation.draftId(0, draft);
    return [perImage(operation, draft, input, image => convolve(operation, draft, image, weight, bias))];
  },
};

/** A batch of more than one is taken apart: each image has a node of its own. */
export function perImage(operation: Operation, draft: Draft, input: number, one: (image: number) => number): number {
  const [batch, ...rest] = operation.input(0).shape;
  if (batch === 1) return one(input);
  if (batch > 256) operation.unsupported(`it has a fixed batch of ${batch}; export the model with a batch of 1`);
  const size = sizeOf(rest);
  const images = Array.from({ length: batch }, (_, image) =>
    one(
      draft.view(input, [1, ...rest], operation.node.name, {
        map: places(size, k => image * size + k),
      }),
    ),
  );
  return draft.concat(images, operation.outputs[0].shape, operation.node.name);
}

function convolve(
  operation: Operation,
  draft: Draft,
  input: number,
  weight: Coefficients,
  bias: Offsets | null,
): number {
  const { channels, outputs, groups, windows } = geometryOf(operation);
  const [vertical, horizontal] = asTwo(windows, singleWindow);
  return draft.conv(
    input,
    [1, outputs, ...windows.map(window => window.count)],
    operation.node.name,
    {
      inputShape: [channels, vertical.size, horizontal.size],
      outputShape: [outputs, vertical.count, horizontal.count],
      kernel: [vertical.kernel, horizontal.kernel],
      strides: [vertical.stride, horizontal.stride],
      dilations: [vertical.dilation, horizontal.dilation],
      pads: [vertical.before, horizontal.before, vertical.after, horizontal.after],
      groups,
    },
    weight,
    bias,
  );
}

export const convolutions: Record<string, Operator> = { Conv: conv };
