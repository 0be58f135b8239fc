import type { ElementType } from '../element-type';
import { checkedShape, type Inferred, type Operation, type Operator } from '../operation';
import { gathered, counting, strided, stridesOf } from '../index-maps';
import { sizeOf } from '../tensor';

/** Where the elements of a rearranged tensor come from. `map` is only built when it is needed; without one nothing moves. */
interface Move {
  readonly shape: readonly number[];
  readonly map?: () => Int32Array;
  readonly type?: ElementType;
}

/** An operator that only moves, repeats or drops the elements of its first input. */
export function movement(plan: (operation: Operation) => Move): Operator {
  return {
    infer(operation): Inferred[] {
      const { constant } = operation.input(0);
      const { shape, map, type } = plan(operation);
      checkedShape(operation, shape);
      if (!constant) return [{ shape, type }];
      return [{ shape, type, constant: map ? constant.picked(shape, map) : constant.reshaped(shape) }];
    },
    lower(operation, draft) {
      const input = operation.draftId(0, draft);
      const { shape, map } = plan(operation);
      return [map ? draft.view(input, shape, operation.node.name, { map: map() }) : input];
    },
  };
}

/** The integers of an attribute, or of an input in the newer form of the operator. */
export function attributeOrInput(operation: Operation, name: string, index: number): number[] | undefined {
  return operation.ints(name) ?? operation.integers(index, name);
}

const reshape = movement(operation => {
  const { shape } = operation.input(0);
  const wanted = operation.integers(1, 'new shape') ?? operation.invalid('lacks its new shape');
  const keepZero = operation.int('allowzero', 0) !== 0;
  const size = sizeOf(shape);
  const result = wanted.map((dimension, axis) => (dimension === 0 && !keepZero ? (shape[axis] ?? 0) : dimension));
  const open = result.indexOf(-1);
  if (open >= 0) {
    const rest = result.reduce((product, dimension, axis) => (axis === open ? product : product * dimension), 1);
    result[open] = rest === 0 ? 0 : size / rest;
  }
  if (result.some(dimension => !Number.isInteger(dimension) || dimension < 0) || sizeOf(result) !== size)
    operation.invalid(
      `reshapes ${size} values of shape [${shape.join(', ')}] to [${wanted.join(', ')}], which holds another number`,
    );
  return { shape: result };
});

const flatten = movement(operation => {
  const { shape } = operation.input(0);
  const wanted = operation.int('axis', 1);
  const axis = wanted === shape.length ? wanted : operation.axis(wanted, shape.length);
  return { shape: [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis))] };
});

const squeeze = movement(operation => {
  const { shape } = operation.input(0);
  const axes = attributeOrInput(operation, 'axes', 1)?.map(axis => operation.axis(axis, shape.length));
  for (const axis of axes ?? [])
    if (shape[axis] !== 1) operation.invalid(`drops dimension ${axis}, which is ${shape[axis]} and not 1`);
  return { shape: shape.filter((dimension, axis) => (axes ? !axes.includes(axis) : dimension !== 1)) };
});

const unsqueeze = movement(operation => {
  const { shape } = operation.input(0);
  const wanted = attributeOrInput(operation, 'axes', 1) ?? operation.invalid('lacks its axes');
  const rank = shape.length + wanted.length;
  const axes = wanted.map(axis => operation.axis(axis, rank));
  if (new Set(axes).size < axes.length) operation.invalid('names an axis twice');
  const old = shape[Symbol.iterator]();
  return { shape: Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : (old.next().value as number))) };
});

const transpose = movement(operation => {
  const { shape } = operation.input(0);
  const permutation = operation.ints('perm') ?? [...counting(shape.length)].reverse();
  if (
    permutation.length !== shape.length ||
    new Set(permutation.map(axis => operation.axis(axis, shape.length))).size < shape.length
  )
    operation.invalid(
      `permutes ${shape.length} dimensions by [${permutation.join(', ')}], which is no permutation of them`,
    );
  const strides = stridesOf(shape);
  const result = permutation.map(axis => shape[axis]);
  // Moving dimensions of 1 moves no elements.
  const long = permutation.filter(axis => shape[axis] > 1);
  if (long.every((axis, place) => place === 0 || long[place - 1] < axis)) return { shape: result };
  return {
    shape: result,
    map: () =>
      strided(
        result,
        permutation.map(axis => strides[axis]),
      ),
  };
});

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
    // Counted from the end when negative; then cut to what exists, backwards slices may end before the first element.
    const [low, high] = step > 0 ? [0, dimension] : [-1, dimension - 1];
    const cut = (place: number, least: number): number =>
      Math.min(Math.max(place < 0 ? place + dimension : place, least), high);
    const start = cut(starts[k], Math.max(low, 0));
    const end = cut(ends[k], low);
    const count = Math.max(0, Math.ceil((end - start) / step));
    sources[axis] = Int32Array.from({ length: count }, (_, index) => start + index * step);
  });
  const result = sources.map(source => source.length);
  return { shape: result, map: () => gathered(shape, sources) };
});

/** Gather along one axis with constant indices. */
const gather = movement(operation => {
  const { shape } = operation.input(0);
  const axis = operation.axis(operation.int('axis', 0), shape.length);
  const indices = operation.constant(1, 'index');
  const places = Int32Array.from(indices.values, index => operation.axis(index, shape[axis]));
  const sources = shape.map((dimension, own) => (own === axis ? places : counting(dimension)));
  return {
    shape: [...shape.slice(0, axis), ...indices.shape, ...shape.slice(axis + 1)],
    map: () => gathered(shape, sources),
  };
});

const same = movement(operation => ({ shape: operation.input(0).shape }));

/** Dropout as it is at inference: nothing. */
const dropout = movement(operation => {
  if (operation.has(2) && operation.scalar(2, 'training mode') !== 0)
    operation.unsupported('it is in training mode; export the model for inference');
  return { shape: operation.input(0).shape };
});

export const movements: Record<string, Operator> = {
  Identity: same,
  Dropout: dropout,
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Slice: slice,
  Gather: gather,
};
