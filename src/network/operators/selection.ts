import { broadcastMap, counting, gathered, places, strided, stridesOf } from '../index-maps';
import { broadcastShape, checkedExtent, checkedShape, type Operation, type Operator } from '../operation';
import { sizeOf } from '../tensor';
import { attributeOrInput, type Move, movement, movements } from './movement';

/** Slice, with its limits as attributes (before operator set 10) or inputs. */
const slice = movement(operation => {
  const { shape } = operation.input(0);
  const starts = attributeOrInput(operation, 'starts', 1) ?? operation.invalid('lacks its starts');
  const ends = attributeOrInput(operation, 'ends', 2) ?? operation.invalid('lacks its ends');
  const axes = attributeOrInput(operation, 'axes', 3) ?? starts.map((_, axis) => axis);
  const steps = operation.integers(4, 'steps') ?? starts.map(() => 1);
  if (ends.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length)
    operation.invalid('has starts, ends, axes and steps of different lengths');
  const sources = shape.map(dimension => counting(dimension));
  axes.forEach((wanted, k) => {
    const axis = operation.axis(wanted, shape.length);
    const step = steps[k];
    if (step === 0) operation.invalid('has a step of 0');
    const dimension = shape[axis];
    // ONNX makes such a slice empty, ONNX Runtime takes it to the first element.
    if (step < 0 && ends[k] >= 2 ** 31 - 1)
      operation.unsupported('it slices backwards to an end beyond the last element');
    // Counted from the end when negative; then cut to what exists, backwards slices may end before the first element.
    const [low, high] = step > 0 ? [0, dimension] : [-1, dimension - 1];
    const cut = (place: number, least: number): number =>
      Math.min(Math.max(place < 0 ? place + dimension : place, least), high);
    const start = cut(starts[k], Math.max(low, 0));
    const end = cut(ends[k], low);
    const count = Math.max(0, Math.ceil((end - start) / step));
    sources[axis] = places(count, index => start + index * step);
  });
  const result = sources.map(source => source.length);
  return { shape: result, map: () => gathered(shape, sources) };
});

/** Gather along one axis with constant indices. */
const gather = movement(operation => {
  const { shape } = operation.input(0);
  const axis = operation.axis(operation.int('axis', 0), shape.length);
  const indices = operation.constant(1, 'index');
  return {
    shape: [...shape.slice(0, axis), ...indices.shape, ...shape.slice(axis + 1)],
    map: () => {
      const chosen = places(indices.size, k => operation.axis(indices.values[k], shape[axis]));
      return gathered(
        shape,
        shape.map((dimension, own) => (own === axis ? chosen : counting(dimension))),
      );
    },
  };
});

/** Split, into equal parts or parts of given lengths. */
const split = movements(operation => {
  const { shape } = operation.input(0);
  const axis = operation.axis(operation.int('axis', 0), shape.length);
  const count = operation.int('num_outputs', operation.node.outputs.length);
  checkedExtent(operation, 'number of outputs', [count], 1);
  const part = Math.ceil(shape[axis] / count);
  const lengths =
    attributeOrInput(operation, 'split', 1) ??
    Array.from({ length: count }, (_, k) => Math.max(0, Math.min(part, shape[axis] - k * part)));
  if (
    lengths.length < operation.node.outputs.length ||
    lengths.reduce((sum, length) => sum + length, 0) !== shape[axis]
  )
    operation.invalid(`splits ${shape[axis]} into [${lengths.join(', ')}]`);
  const strides = stridesOf(shape);
  let start = 0;
  return lengths.map((length): Move => {
    const own = shape.map((dimension, other) => (other === axis ? length : dimension));
    const first = start * strides[axis];
    start += length;
    return { shape: own, map: () => strided(own, strides, first) };
  });
});

/** For each place along a padded axis the place it is taken from. */
function paddedAxis(mode: string, dimension: number, before: number, after: number): Int32Array {
  return places(dimension + before + after, index => {
    const place = index - before;
    if (place >= 0 && place < dimension) return place;
    if (mode === 'constant') return -1;
    if (mode === 'edge') return place < 0 ? 0 : dimension - 1;
    if (mode === 'wrap') return ((place % dimension) + dimension) % dimension;
    return place < 0 ? -place : 2 * (dimension - 1) - place;
  });
}

/** Pad with a constant, the edge, a reflection or the other end. Negative pads remove elements. */
const pad = movement(operation => {
  const { shape } = operation.input(0);
  const mode = operation.text('mode', 'constant');
  if (!['constant', 'edge', 'reflect', 'wrap'].includes(mode)) operation.unsupported(`its mode "${mode}" is unknown`);
  const pads = attributeOrInput(operation, 'pads', 1) ?? operation.invalid('lacks its pads');
  const axes = operation.integers(3, 'axes')?.map(axis => operation.axis(axis, shape.length)) ?? [
    ...counting(shape.length),
  ];
  if (pads.length !== 2 * axes.length) operation.invalid(`has ${pads.length} pads for ${axes.length} axes`);
  const before = shape.map((_, axis) => pads[axes.indexOf(axis)] ?? 0);
  const after = shape.map((_, axis) => (axes.includes(axis) ? pads[axes.indexOf(axis) + axes.length] : 0));
  const result = shape.map((dimension, axis) => {
    const length = dimension + before[axis] + after[axis];
    if (length < 0) operation.invalid(`removes more than the ${dimension} elements there are`);
    if (mode === 'reflect' && Math.max(before[axis], after[axis]) >= Math.max(dimension, 1))
      operation.invalid(`reflects ${Math.max(before[axis], after[axis])} elements of only ${dimension}`);
    return length;
  });
  checkedShape(operation, result);
  const fill = operation.scalar(2, 'padding value') ?? operation.float('value', 0);
  if (!Number.isFinite(fill)) operation.unsupported(`it pads with ${fill}`);
  const sources = (): Int32Array[] =>
    shape.map((dimension, axis) => paddedAxis(mode, dimension, before[axis], after[axis]));
  return { shape: result, map: () => gathered(shape, sources()), fill };
});

const expand = movement(operation => {
  const { shape } = operation.input(0);
  const wanted = operation.integers(1, 'shape') ?? operation.invalid('lacks its shape');
  const result = broadcastShape(operation, [shape, wanted]);
  return sizeOf(result) === sizeOf(shape)
    ? { shape: result }
    : { shape: result, map: () => broadcastMap(shape, result)! };
});

const tile = movement(operation => {
  const { shape } = operation.input(0);
  const repeats = operation.integers(1, 'repeats') ?? operation.invalid('lacks its repeats');
  if (repeats.length !== shape.length || repeats.some(count => count < 0))
    operation.invalid(`repeats ${shape.length} dimensions by [${repeats.join(', ')}]`);
  checkedShape(
    operation,
    shape.map((dimension, axis) => dimension * repeats[axis]),
  );
  const sources = shape.map((dimension, axis) => places(dimension * repeats[axis], index => index % dimension));
  return { shape: shape.map((dimension, axis) => dimension * repeats[axis]), map: () => gathered(shape, sources) };
});

/** [batch, channels, height, width] of an operator that trades depth for space, with its block size checked. */
function blocks(operation: Operation): { shape: readonly number[]; block: number } {
  const { shape } = operation.input(0);
  const block = operation.int('blocksize', 0);
  if (shape.length !== 4 || !(block >= 1))
    operation.invalid(`has block size ${block} and an input of shape [${shape.join(', ')}]`);
  return { shape, block };
}

const depthToSpace = movement(operation => {
  const { shape, block } = blocks(operation);
  const [batch, channels, height, width] = shape;
  const depth = channels / block ** 2;
  if (!Number.isInteger(depth)) operation.invalid(`makes blocks of ${block} × ${block} from ${channels} channels`);
  // Steps of the block's row, its column and the channel within the input's channels.
  const [rowStep, columnStep, channelStep] =
    operation.text('mode', 'DCR') === 'CRD' ? [block, 1, block ** 2] : [block * depth, depth, 1];
  const area = height * width;
  const steps = [channels * area, channelStep * area, width, rowStep * area, 1, columnStep * area];
  return {
    shape: [batch, depth, height * block, width * block],
    map: () => strided([batch, depth, height, block, width, block], steps),
  };
});

const spaceToDepth = movement(operation => {
  const { shape, block } = blocks(operation);
  const [batch, channels, height, width] = shape;
  const [rows, columns] = [height / block, width / block];
  if (!Number.isInteger(rows) || !Number.isInteger(columns))
    operation.invalid(`takes blocks of ${block} × ${block} from ${height} × ${width}`);
  const steps = [channels * height * width, width, 1, height * width, block * width, block];
  return {
    shape: [batch, channels * block ** 2, rows, columns],
    map: () => strided([batch, block, block, channels, rows, columns], steps),
  };
});

export const selections: Record<string, Operator> = {
  Slice: slice,
  Gather: gather,
  Split: split,
  Pad: pad,
  Expand: expand,
  Tile: tile,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
};
