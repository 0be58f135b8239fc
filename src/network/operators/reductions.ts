import type { Constant } from '../constant';
import { reduced } from '../constant-arithmetic';
import type { Draft } from '../draft';
import { counting, strided, stridesOf } from '../index-maps';
import { type Operation, type Operator } from '../operation';
import { RowBuilder } from '../row-builder';
import { sizeOf } from '../tensor';
import { reciprocalError } from './averages';
import { attributeOrInput } from './movement';

/** How a reduction groups its input: the element groups are start + offset for every start and offset. */
interface Groups {
  readonly shape: readonly number[];
  readonly starts: () => Int32Array;
  readonly offsets: () => Int32Array;
  readonly count: number;
}

function groupsOf(operation: Operation): Groups | null {
  const { shape } = operation.input(0);
  const given = attributeOrInput(operation, 'axes', 1);
  // Without axes everything is reduced, unless the node says that this means nothing.
  if ((given ?? []).length === 0 && operation.int('noop_with_empty_axes', 0) !== 0) return null;
  const axes = new Set(
    given && given.length > 0 ? given.map(axis => operation.axis(axis, shape.length)) : counting(shape.length),
  );
  const strides = stridesOf(shape);
  const split = (inside: boolean): { shape: number[]; steps: number[] } => ({
    shape: shape.filter((_, axis) => axes.has(axis) === inside),
    steps: strides.filter((_, axis) => axes.has(axis) === inside),
  });
  const [outer, inner] = [split(false), split(true)];
  const count = sizeOf(inner.shape);
  if (count === 0) operation.invalid('reduces an empty tensor');
  return {
    shape:
      operation.int('keepdims', 1) !== 0
        ? shape.map((dimension, axis) => (axes.has(axis) ? 1 : dimension))
        : outer.shape,
    starts: () => strided(outer.shape, outer.steps),
    offsets: () => strided(inner.shape, inner.steps),
    count,
  };
}

function rowsOf(operation: Operation, groups: Groups, value: number): RowBuilder {
  const rows = new RowBuilder(operation, sizeOf(groups.shape));
  const offsets = groups.offsets();
  groups.starts().forEach((start, row) => {
    for (const offset of offsets) rows.add(row, start + offset, value);
  });
  return rows;
}

type Kind = 'sum' | 'mean' | 'max' | 'min' | 'product';

function folded(constant: Constant, groups: Groups, kind: Kind): Constant {
  return reduced(constant, groups.shape, kind, () => ({ starts: groups.starts(), offsets: groups.offsets() }));
}

function reduction(
  kind: Kind,
  build: (operation: Operation, draft: Draft, groups: Groups, input: number) => number,
): Operator {
  return {
    infer(operation) {
      const { constant, shape } = operation.input(0);
      const groups = groupsOf(operation);
      if (!groups) return [{ shape, constant: constant ?? undefined }];
      if (!constant && kind === 'product')
        operation.unsupported("it multiplies values that depend on the network's input");
      return [{ shape: groups.shape, constant: constant ? folded(constant, groups, kind) : undefined }];
    },
    lower(operation, draft) {
      const groups = groupsOf(operation);
      const input = operation.draftId(0, draft);
      return [groups ? build(operation, draft, groups, input) : input];
    },
  };
}

function maximum(operation: Operation, draft: Draft, groups: Groups, input: number): number {
  return draft.maxPool(input, groups.shape, operation.node.name, rowsOf(operation, groups, 1).finish());
}

export const reductions: Record<string, Operator> = {
  ReduceSum: reduction('sum', (operation, draft, groups, input) =>
    rowsOf(operation, groups, 1).node(draft, input, groups.shape, operation.node.name, 0, null),
  ),
  ReduceMean: reduction('mean', (operation, draft, groups, input) =>
    rowsOf(operation, groups, 1 / groups.count).node(
      draft,
      input,
      groups.shape,
      operation.node.name,
      reciprocalError(groups.count),
      null,
    ),
  ),
  ReduceMax: reduction('max', maximum),
  ReduceMin: reduction('min', (operation, draft, groups, input) => {
    const mirrored = draft.scaled(input, operation.input(0).shape, operation.node.name, -1);
    return draft.scaled(maximum(operation, draft, groups, mirrored), groups.shape, operation.node.name, -1);
  }),
  ReduceProd: reduction('product', (_operation, _draft, _groups, input) => input),
};
