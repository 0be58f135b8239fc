import type { Constant } from '../constant';
import { applied, chosen } from '../constant-arithmetic';
import type { Draft } from '../draft';
import { uniform } from '../draft';
import { broadcastMap } from '../index-maps';
import { broadcastShape, checkedShape, type Operation, type Operator } from '../operation';
import { sizeOf } from '../tensor';
import { pickCoefficients, pickOffsets } from '../coefficients';
import { broadcastId } from './elementwise';

/** Functions made of straight pieces, written with Relu; each identity is exact in real arithmetic. */

/** max(x, 0) with a factor of its own for each x below 0: relu(x) − slope·relu(−x). */
function twoSlopes(
  operation: Operation,
  draft: Draft,
  input: number,
  slope: { values: Float64Array; relativeError: number },
): number {
  const { shape } = operation.outputs[0];
  const { name } = operation.node;
  const [first] = slope.values;
  // A slope beyond 0 and 1 is no LeakyRelu that the engines' relaxations know.
  if (slope.relativeError === 0 && first >= 0 && first <= 1 && slope.values.every(value => value === first))
    return first === 0
      ? draft.activation('relu', input, shape, name)
      : draft.activation('leakyRelu', input, shape, name, first);
  const positive = draft.activation('relu', input, shape, name);
  const mirrored = draft.activation('relu', draft.scaled(input, shape, name, -1), shape, name);
  const negative = draft.view(mirrored, shape, name, { scale: slope });
  return draft.add([positive, negative], shape, name, [1, -1]);
}

const leakyRelu: Operator = {
  infer: operation => [{ shape: operation.input(0).shape }],
  lower(operation, draft) {
    const slope = operation.float('alpha', Math.fround(0.01));
    if (!Number.isFinite(slope)) operation.invalid(`has a slope of ${slope}`);
    return [twoSlopes(operation, draft, operation.draftId(0, draft), uniform(slope, sizeOf(operation.input(0).shape)))];
  },
};

const pRelu: Operator = {
  infer(operation) {
    const { shape } = operation.input(0);
    const slope = operation.constant(1, 'slope');
    if (sizeOf(broadcastShape(operation, [shape, slope.shape])) !== sizeOf(shape))
      operation.invalid(`has slopes of shape [${slope.shape.join(', ')}] for an input of shape [${shape.join(', ')}]`);
    return [{ shape }];
  },
  lower(operation, draft) {
    const { shape } = operation.input(0);
    const slope = pickCoefficients(operation.coefficients(1, 'slope'), broadcastMap(operation.input(1).shape, shape));
    return [twoSlopes(operation, draft, operation.draftId(0, draft), slope)];
  },
};

const abs: Operator = {
  infer(operation) {
    const { shape, type, constant } = operation.input(0);
    return [{ shape, constant: constant ? applied(constant, type, Math.abs, (_x, _y, ex) => ex) : undefined }];
  },
  lower(operation, draft) {
    const slope = uniform(-1, sizeOf(operation.input(0).shape));
    return [twoSlopes(operation, draft, operation.draftId(0, draft), slope)];
  },
};

/** A limit at or beyond the largest float32 number limits nothing: files write "no limit" so. */
const largestFloat = 3.4028234663852886e38;

/** max(x, a) = a + relu(x − a); min(x, b) = b − relu(b − x); with a ≤ b both at once are a + relu(x − a) − relu(x − b). */
function clipped(operation: Operation, draft: Draft, input: number, low: number, high: number): number {
  const { shape } = operation.outputs[0];
  const { name } = operation.node;
  const size = sizeOf(shape);
  const bias = (value: number): { values: Float64Array; error: null } => ({
    values: new Float64Array(size).fill(value),
    error: null,
  });
  const above = (limit: number): number =>
    draft.activation('relu', draft.view(input, shape, name, { bias: bias(-limit) }), shape, name);
  if (Number.isNaN(low) || Number.isNaN(high)) operation.invalid('has a limit that is no number');
  const hasLow = low > -largestFloat;
  const hasHigh = high < largestFloat;
  if (hasLow && hasHigh && low >= high)
    return draft.view(input, shape, name, { map: new Int32Array(size).fill(-1), bias: bias(high) });
  if (hasLow && hasHigh)
    return draft.view(draft.add([above(low), above(high)], shape, name, [1, -1]), shape, name, { bias: bias(low) });
  if (hasLow) return draft.view(above(low), shape, name, { bias: bias(low) });
  if (!hasHigh) return input;
  const below = draft.activation(
    'relu',
    draft.view(input, shape, name, { scale: uniform(-1, size), bias: bias(high) }),
    shape,
    name,
  );
  return draft.view(below, shape, name, { scale: uniform(-1, size), bias: bias(high) });
}

/** Clip, with its limits as attributes (before operator set 11) or inputs. */
const clip: Operator = {
  infer(operation) {
    for (const index of [1, 2]) if (operation.has(index)) operation.constant(index, 'limit');
    return [{ shape: operation.input(0).shape }];
  },
  lower(operation, draft) {
    const low = operation.scalar(1, 'lower limit') ?? operation.float('min', -Infinity);
    const high = operation.scalar(2, 'upper limit') ?? operation.float('max', Infinity);
    return [clipped(operation, draft, operation.draftId(0, draft), low, high)];
  },
};

/** max(0, min(1, alpha·x + beta)). */
const hardSigmoid: Operator = {
  infer: operation => [{ shape: operation.input(0).shape }],
  lower(operation, draft) {
    const { shape } = operation.input(0);
    const line = draft.view(operation.draftId(0, draft), shape, operation.node.name, {
      scale: uniform(operation.float('alpha', Math.fround(0.2)), sizeOf(shape)),
      bias: { values: new Float64Array(sizeOf(shape)).fill(operation.float('beta', 0.5)), error: null },
    });
    return [clipped(operation, draft, line, 0, 1)];
  },
};

/** Max (sign 1) or Min (sign −1) of any number of values: max(x, y) = y + relu(x − y), min(x, y) = y − relu(y − x). */
function extreme(sign: 1 | -1): Operator {
  return {
    infer(operation) {
      const inputs = operation.allInputs();
      const shape = checkedShape(
        operation,
        broadcastShape(
          operation,
          inputs.map(input => input.shape),
        ),
      );
      const constants = inputs.flatMap(input => input.constant ?? []);
      if (constants.length < inputs.length) return [{ shape }];
      return [
        { shape, constant: constants.reduce((a, b): Constant => chosen(sign > 0 ? Math.max : Math.min, a, b, shape)) },
      ];
    },
    lower(operation, draft) {
      const { shape } = operation.outputs[0];
      const { name } = operation.node;
      const size = sizeOf(shape);
      const indices = operation.allInputs().map((_, index) => index);
      const moving = indices.filter(index => !operation.input(index).constant);
      let result = broadcastId(operation, moving[0], shape, draft);
      for (const index of moving.slice(1)) {
        const other = broadcastId(operation, index, shape, draft);
        const difference = draft.add([result, other], shape, name, [sign, -sign]);
        result = draft.add([other, draft.activation('relu', difference, shape, name)], shape, name, [1, sign]);
      }
      for (const index of indices.filter(k => operation.input(k).constant)) {
        const limit = pickOffsets(operation.offsets(index, 'limit'), broadcastMap(operation.input(index).shape, shape));
        const signs = sign > 0 ? null : uniform(-1, size);
        const minus = { values: limit.values.map(value => -sign * value), error: limit.error };
        const above = draft.activation(
          'relu',
          draft.view(result, shape, name, { scale: signs, bias: minus }),
          shape,
          name,
        );
        result = draft.view(above, shape, name, { scale: signs, bias: limit });
      }
      return [result];
    },
  };
}

export const piecewise: Record<string, Operator> = {
  LeakyRelu: leakyRelu,
  PRelu: pRelu,
  Abs: abs,
  Clip: clip,
  HardSigmoid: hardSigmoid,
  Max: extreme(1),
  Min: extreme(-1),
};
