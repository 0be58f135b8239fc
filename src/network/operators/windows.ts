import { checkedExtent, type Operation } from '../operation';

/** How windows lie over one spatial dimension. */
export interface Window {
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly after: number;
  /** Number of windows. */
  readonly count: number;
}

/**
 * The windows of a Conv or pool over an input [batch, channels, ...spatial], one entry per spatial dimension, with padding resolved.
 */
export function windowsOf(operation: Operation, shape: readonly number[], kernel: readonly number[]): Window[] {
  const spatial = shape.slice(2);
  const rank = spatial.length;
  if (rank !== kernel.length)
    operation.invalid(`has a kernel of ${kernel.length} dimensions for an input of shape [${shape.join(', ')}]`);
  if (rank < 1 || rank > 2) operation.unsupported(`it has ${rank} spatial dimensions; 1 and 2 are supported`);
  const attribute = (name: string, length: number, otherwise: number, least: number): readonly number[] => {
    const values = operation.ints(name) ?? new Array<number>(length).fill(otherwise);
    if (values.length !== length)
      operation.invalid(`has ${name} [${values.join(', ')}] for ${rank} spatial dimensions`);
    return checkedExtent(operation, name, values, least);
  };
  const strides = attribute('strides', rank, 1, 1);
  const dilations = attribute('dilations', rank, 1, 1);
  const pads = attribute('pads', 2 * rank, 0, 0);
  checkedExtent(operation, 'kernel', kernel, 1);
  const mode = operation.text('auto_pad', 'NOTSET');
  const ceil = operation.int('ceil_mode', 0) !== 0;
  return spatial.map((size, axis): Window => {
    const extent = dilations[axis] * (kernel[axis] - 1) + 1;
    const stride = strides[axis];
    let [before, after] = mode === 'VALID' ? [0, 0] : [pads[axis], pads[axis + rank]];
    if (mode === 'SAME_UPPER' || mode === 'SAME_LOWER') {
      if (dilations[axis] > 1) operation.unsupported('it is dilated and has SAME padding');
      const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + extent - size);
      before = mode === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2);
      after = total - before;
    } else if (mode !== 'NOTSET' && mode !== 'VALID' && mode !== '') operation.invalid(`has auto_pad "${mode}"`);
    const room = size + before + after - extent;
    let count = (ceil ? Math.ceil(room / stride) : Math.floor(room / stride)) + 1;
    // A window that would begin in the padding after the input is left out.
    if (ceil && (count - 1) * stride >= size + before) count--;
    if (count < 1) operation.invalid(`has a kernel larger than its padded input of shape [${shape.join(', ')}]`);
    return { size, kernel: kernel[axis], stride, dilation: dilations[axis], before, after, count };
  });
}

/** Two spatial dimensions always: one is given a height of 1 before it. */
export function asTwo<T>(values: readonly T[], first: T): [T, T] {
  return values.length === 1 ? [first, values[0]] : [values[0], values[1]];
}

export const singleWindow: Window = { size: 1, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0, count: 1 };
