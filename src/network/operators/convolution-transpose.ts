import { pickOffsets } from '../coefficients';
import type { Draft } from '../draft';
import { places } from '../index-maps';
import { checkedExtent, checkedShape, checkedWork, type Operation, type Operator } from '../operation';
import { RowBuilder } from '../row-builder';
import { sizeOf } from '../tensor';
import { asTwo } from './windows';

/** One spatial dimension of a transposed convolution. */
interface Spread {
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  /** Size of the result. */
  readonly result: number;
}

const singleSpread: Spread = { size: 1, kernel: 1, stride: 1, dilation: 1, before: 0, result: 1 };

interface Geometry {
  readonly batch: number;
  readonly channels: number;
  readonly outputs: number;
  readonly groups: number;
  readonly spreads: readonly Spread[];
}

function geometryOf(operation: Operation): Geometry {
  const [input, weight] = [operation.input(0).shape, operation.input(1).shape];
  const rank = input.length - 2;
  if (rank < 1 || rank > 2) operation.unsupported(`it has ${rank} spatial dimensions; 1 and 2 are supported`);
  const groups = operation.int('group', 1);
  if (weight.length !== input.length || weight[0] !== input[1] || weight[0] % groups !== 0 || !(groups >= 1))
    operation.invalid(`has weights of shape [${weight.join(', ')}] for an input of shape [${input.join(', ')}]`);
  const attribute = (name: string, length: number, otherwise: number, least: number): readonly number[] => {
    const values = operation.ints(name) ?? new Array<number>(length).fill(otherwise);
    if (values.length !== length)
      operation.invalid(`has ${name} [${values.join(', ')}] for ${rank} spatial dimensions`);
    return checkedExtent(operation, name, values, least);
  };
  const strides = attribute('strides', rank, 1, 1);
  const dilations = attribute('dilations', rank, 1, 1);
  const extra = attribute('output_padding', rank, 0, 0);
  const pads = attribute('pads', 2 * rank, 0, 0);
  const wanted = operation.ints('output_shape')?.slice(-rank);
  const mode = operation.text('auto_pad', 'NOTSET');
  const isSame = mode === 'SAME_UPPER' || mode === 'SAME_LOWER';
  const spreads = input.slice(2).map((size, axis): Spread => {
    const full = strides[axis] * (size - 1) + extra[axis] + (weight[axis + 2] - 1) * dilations[axis] + 1;
    let before = mode === 'VALID' ? 0 : pads[axis];
    let result = full - (mode === 'VALID' ? 0 : pads[axis] + pads[axis + rank]);
    if (wanted || isSame) {
      result = wanted ? wanted[axis] : size * strides[axis];
      // ONNX would then pad the result with zeros; ONNX Runtime makes it smaller instead.
      if (full < result) operation.unsupported(`it fills ${result} places where its kernel reaches only ${full}`);
      const total = full - result;
      before = mode === 'SAME_UPPER' ? Math.floor(total / 2) : total - Math.floor(total / 2);
    }
    if (result < 1) operation.invalid('has a result of no size');
    return { size, kernel: weight[axis + 2], stride: strides[axis], dilation: dilations[axis], before, result };
  });
  return { batch: input[0], channels: input[1], outputs: weight[1] * groups, groups, spreads };
}

/** The pairs (place of the input, place of the kernel) whose product lands on `place` of the result. */
function sources(spread: Spread, place: number): [number, number][] {
  const pairs: [number, number][] = [];
  for (let k = 0; k < spread.kernel; k++) {
    const from = place + spread.before - k * spread.dilation;
    if (from >= 0 && from % spread.stride === 0 && from / spread.stride < spread.size)
      pairs.push([from / spread.stride, k]);
  }
  return pairs;
}

/** ConvTranspose: a sparse map, since engines have no such node. */
const convTranspose: Operator = {
  infer(operation) {
    const { batch, outputs, spreads } = geometryOf(operation);
    operation.constant(1, 'kernel');
    if (operation.has(2) && operation.constant(2, 'bias').size !== outputs)
      operation.invalid(`has a bias of another length than ${outputs} channels`);
    return [{ shape: checkedShape(operation, [batch, outputs, ...spreads.map(spread => spread.result)]) }];
  },
  lower(operation, draft) {
    return [build(operation, draft)];
  },
};

function build(operation: Operation, draft: Draft): number {
  const { channels, outputs, groups, spreads } = geometryOf(operation);
  const { shape } = operation.outputs[0];
  const weight = operation.coefficients(1, 'kernel');
  const bias = operation.has(2) ? operation.offsets(2, 'bias') : null;
  const [vertical, horizontal] = asTwo(spreads, singleSpread);
  const [ownOutputs, ownChannels] = [outputs / groups, channels / groups];
  const area = vertical.result * horizontal.result;
  checkedWork(
    operation,
    sizeOf(shape) * (ownChannels + vertical.kernel) +
      vertical.result * vertical.kernel +
      horizontal.result * horizontal.kernel,
  );
  const rows = new RowBuilder(operation, sizeOf(shape));
  const rowSources = Array.from({ length: vertical.result }, (_, row) => sources(vertical, row));
  const columnSources = Array.from({ length: horizontal.result }, (_, column) => sources(horizontal, column));
  for (let place = 0; place < sizeOf(shape); place++) {
    const image = Math.floor(place / area / outputs);
    const output = Math.floor(place / area) % outputs;
    const group = Math.floor(output / ownOutputs);
    for (let own = 0; own < ownChannels; own++) {
      const channel = group * ownChannels + own;
      const kernel = channel * ownOutputs + (output % ownOutputs);
      for (const [row, i] of rowSources[Math.floor((place % area) / horizontal.result)])
        for (const [column, j] of columnSources[place % horizontal.result]) {
          const value = weight.values[(kernel * vertical.kernel + i) * horizontal.kernel + j];
          if (value !== 0)
            rows.add(place, ((image * channels + channel) * vertical.size + row) * horizontal.size + column, value);
        }
    }
  }
  const offsets =
    bias &&
    pickOffsets(
      bias,
      places(sizeOf(shape), place => Math.floor(place / area) % outputs),
    );
  return rows.node(draft, operation.draftId(0, draft), shape, operation.node.name, weight.relativeError, offsets);
}

export const transposedConvolutions: Record<string, Operator> = { ConvTranspose: convTranspose };
