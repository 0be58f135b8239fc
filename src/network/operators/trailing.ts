import { checkedShape, type Operation, type Operator } from '../operation';
import { sizeOf } from '../tensor';

/** Softmax and ArgMax are understood at the end of a network alone, over all of its outputs: there they keep the order of the outputs. */
function requireLast(operation: Operation, compared: number): void {
  if (!operation.isLast) operation.unsupported('it is only understood at the very end of a network with one output');
  const size = sizeOf(operation.input(0).shape);
  if (compared !== size)
    operation.unsupported(`it compares ${compared} of the ${size} outputs at a time; all at once is understood`);
}

function softmax(): Operator {
  return {
    infer(operation) {
      const { shape } = operation.input(0);
      // Before operator set 13 everything from the axis on is compared, since then the axis alone.
      const isOld = operation.opset < 13;
      const axis = operation.axis(operation.int('axis', isOld ? 1 : -1), shape.length);
      requireLast(operation, isOld ? sizeOf(shape.slice(axis)) : shape[axis]);
      return [{ shape }];
    },
    lower(operation, draft) {
      if (draft.trailing === 'none') draft.trailing = 'softmax';
      return [operation.draftId(0, draft)];
    },
  };
}

const argMax: Operator = {
  infer(operation) {
    const { shape } = operation.input(0);
    const axis = operation.axis(operation.int('axis', 0), shape.length);
    requireLast(operation, shape[axis]);
    const keeps = operation.int('keepdims', 1) !== 0;
    const result = keeps
      ? shape.map((dimension, k) => (k === axis ? 1 : dimension))
      : shape.filter((_, k) => k !== axis);
    return [{ shape: checkedShape(operation, result), type: 'int64' }];
  },
  lower(operation, draft) {
    draft.trailing = 'argmax';
    return [operation.draftId(0, draft)];
  },
};

export const trailing: Record<string, Operator> = { Softmax: softmax(), LogSoftmax: softmax(), ArgMax: argMax };
