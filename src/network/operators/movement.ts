import { checkedShape, type Inferred, type Operation, type Operator } from '../operation';
import { counting, strided, stridesOf } from '../index-maps';
import { sizeOf } from '../tensor';

/** Where the elements of a rearranged tensor come from. `map` is only built when it is needed; without one nothing moves. */
export interface Move {
  readonly shape: readonly number[];
  /** For each element of the result its place in the input; -1 stands for `fill`. */
  readonly map?: () => Int32Array;
  readonly fill?: number;
}

/** An operator that only moves, repeats or drops the elements of its first input, once for each of its outputs. */
export function movements(plan: (operation: Operation) => readonly Move[]): Operator {
  return {
    infer(operation): Inferred[] {
      const { constant } = operation.input(0);
      return plan(operation).map(({ shape, map, fill }) => {
        checkedShape(operation, shape);
        if (!constant) return { shape };
        return { shape, constant: map ? constant.picked(shape, map, fill) : constant.reshaped(shape) };
      });
    },
    lower(operation, draft) {
      const input = operation.draftId(0, draft);
      return plan(operation).map(({ shape, map, fill = 0 }) => {
        if (!map) return input;
        const places = map();
        const bias =
          fill === 0
            ? null
            : { values: new Float64Array(places.length).map((_, k) => (places[k] < 0 ? fill : 0)), error: null };
        return draft.view(input, shape, operation.node.name, { map: places, bias });
      });
    },
  };
}

/** A movement with one output. */
export function movement(plan: (operation: Operation) => Move): Operator {
  return movements(operation => [plan(operation)]);
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

const same = movement(operation => ({ shape: operation.input(0).shape }));

/** Dropout as it is at inference: nothing. */
const dropout = movement(operation => {
  if (operation.has(2) && operation.scalar(2, 'training mode') !== 0)
    operation.unsupported('it is in training mode; export the model for inference');
  return { shape: operation.input(0).shape };
});

export const arrangements: Record<string, Operator> = {
  Identity: same,
  Dropout: dropout,
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
};
