import { applied, type Arithmetic, combine } from '../constant-arithmetic';
import type { Draft } from '../draft';
import { broadcastMap } from '../index-maps';
import { broadcastShape, checkedShape, type Inferred, type Operation, type Operator, type Value } from '../operation';
import { asCoefficients, type Coefficients, pickCoefficients, pickOffsets } from '../coefficients';

/** The value of input `index` broadcast to `shape`. */
export function broadcastId(operation: Operation, index: number, shape: readonly number[], draft: Draft): number {
  const id = operation.draftId(index, draft);
  const map = broadcastMap(operation.input(index).shape, shape);
  return map ? draft.view(id, shape, operation.node.name, { map }) : id;
}

function inferBinary(operation: Operation, arithmetic: Arithmetic): Inferred[] {
  const [a, b] = [operation.input(0), operation.input(1)];
  const shape = checkedShape(operation, broadcastShape(operation, [a.shape, b.shape]));
  return [
    { shape, constant: a.constant && b.constant ? combine(arithmetic, a.constant, b.constant, shape) : undefined },
  ];
}

/** Add and Sub: `sign` is that of the second operand. */
function sum(arithmetic: 'Add' | 'Sub', sign: 1 | -1): Operator {
  return {
    infer: operation => inferBinary(operation, arithmetic),
    lower(operation, draft) {
      const { shape } = operation.outputs[0];
      const { name } = operation.node;
      const fixed = [0, 1].find(index => operation.input(index).constant);
      if (fixed === undefined) {
        const inputs = [0, 1].map(index => broadcastId(operation, index, shape, draft));
        return [draft.add(inputs, shape, name, [1, sign])];
      }
      const moving = 1 - fixed;
      const offsets = pickOffsets(
        operation.offsets(fixed, 'summand'),
        broadcastMap(operation.input(fixed).shape, shape),
      );
      const negated = fixed === 1 && sign < 0;
      return [
        draft.view(operation.draftId(moving, draft), shape, name, {
          map: broadcastMap(operation.input(moving).shape, shape),
          scale:
            moving === 1 && sign < 0
              ? { values: new Float64Array(offsets.values.length).fill(-1), relativeError: 0 }
              : null,
          bias: negated ? { values: offsets.values.map(value => -value), error: offsets.error } : offsets,
        }),
      ];
    },
  };
}

const multiply: Operator = {
  infer(operation) {
    if (![0, 1].some(index => operation.input(index).constant))
      operation.unsupported("both factors depend on the network's input");
    return inferBinary(operation, 'Mul');
  },
  lower(operation, draft) {
    const fixed = [0, 1].find(index => operation.input(index).constant)!;
    return [scaledBy(operation, draft, 1 - fixed, operation.input(fixed), operation.coefficients(fixed, 'factor'))];
  },
};

const divide: Operator = {
  infer(operation) {
    if (!operation.input(1).constant) operation.unsupported("its divisor depends on the network's input");
    return inferBinary(operation, 'Div');
  },
  lower(operation, draft) {
    const divisor = operation.input(1);
    const place = divisor.constant!.values.indexOf(0);
    if (place >= 0) operation.invalid(`divides by zero: element ${place} of "${divisor.name}" is 0`);
    const one = applied(
      divisor.constant!,
      divisor.type,
      () => 1,
      () => 0,
    );
    const reciprocal = combine('Div', one, divisor.constant!, divisor.shape);
    operation.offsets(1, 'divisor');
    return [
      scaledBy(
        operation,
        draft,
        0,
        divisor,
        asCoefficients(reciprocal, `tensor "${divisor.name}" of ${operation.label}`),
      ),
    ];
  },
};

function scaledBy(
  operation: Operation,
  draft: Draft,
  moving: number,
  factor: Value,
  coefficients: Coefficients,
): number {
  const { shape } = operation.outputs[0];
  return draft.view(operation.draftId(moving, draft), shape, operation.node.name, {
    map: broadcastMap(operation.input(moving).shape, shape),
    scale: pickCoefficients(coefficients, broadcastMap(factor.shape, shape)),
  });
}

const negate: Operator = {
  infer(operation) {
    const input = operation.input(0);
    const constant = input.constant
      ? applied(
          input.constant,
          input.type,
          x => -x,
          (_x, _y, ex) => ex,
        )
      : undefined;
    return [{ shape: input.shape, constant }];
  },
  lower: (operation, draft) => [
    draft.scaled(operation.draftId(0, draft), operation.outputs[0].shape, operation.node.name, -1),
  ],
};

export const elementwise: Record<string, Operator> = {
  Add: sum('Add', 1),
  Sub: sum('Sub', -1),
  Mul: multiply,
  Div: divide,
  Neg: negate,
};
