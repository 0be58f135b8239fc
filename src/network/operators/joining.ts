import { Constant } from '../constant';
import { combine, joined } from '../constant-arithmetic';
import { broadcastMap, counting } from '../index-maps';
import { broadcastShape, checkedShape, type Operation, type Operator } from '../operation';
import { sizeOf } from '../tensor';
import { reciprocalOf } from './averages';
import { pickOffsets } from '../coefficients';
import { broadcastId } from './elementwise';

function concatAxis(operation: Operation): number {
  return operation.axis(operation.int('axis', 1), operation.input(0).shape.length);
}

/**
 * Where each element of a concatenation along `axis` lies when the parts are put one after the other whole; null where that is the same.
 */
function interleaving(
  shapes: readonly (readonly number[])[],
  axis: number,
  result: readonly number[],
): Int32Array | null {
  if (sizeOf(result.slice(0, axis)) === 1) return null;
  const rows = sizeOf(result.slice(0, axis));
  const map = new Int32Array(sizeOf(result));
  const blocks = shapes.map(shape => sizeOf(shape.slice(axis)));
  let place = 0;
  for (let row = 0; row < rows; row++) {
    let start = 0;
    for (const block of blocks) {
      for (let k = 0; k < block; k++) map[place++] = start + row * block + k;
      start += rows * block;
    }
  }
  return map;
}

const concat: Operator = {
  infer(operation) {
    const inputs = operation.allInputs();
    const axis = concatAxis(operation);
    const [{ shape }] = inputs;
    for (const other of inputs)
      if (
        other.shape.length !== shape.length ||
        other.shape.some((dimension, k) => k !== axis && dimension !== shape[k])
      )
        operation.invalid(`joins shapes [${shape.join(', ')}] and [${other.shape.join(', ')}] along axis ${axis}`);
    const result = shape.map((dimension, k) =>
      k === axis ? inputs.reduce((sum, input) => sum + input.shape[axis], 0) : dimension,
    );
    checkedShape(operation, result);
    const parts = inputs.flatMap(input => input.constant ?? []);
    if (parts.length < inputs.length) return [{ shape: result }];
    const flat = joined(parts);
    const map = (): Int32Array =>
      interleaving(
        inputs.map(input => input.shape),
        axis,
        result,
      ) ?? counting(sizeOf(result));
    return [{ shape: result, constant: flat.picked(result, map) }];
  },
  lower(operation, draft) {
    const { shape } = operation.outputs[0];
    const inputs = operation.allInputs().map((_, index) => operation.draftId(index, draft));
    const whole = inputs.length === 1 ? inputs[0] : draft.concat(inputs, shape, operation.node.name);
    const map = interleaving(
      operation.allInputs().map(input => input.shape),
      concatAxis(operation),
      shape,
    );
    return [map ? draft.view(whole, shape, operation.node.name, { map }) : whole];
  },
};

/** Sum or mean of any number of values. */
function total(isMean: boolean): Operator {
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
      const sum = constants.reduce((a, b) => combine('Add', a, b, shape));
      const count = Constant.of([], sum.type, [inputs.length]);
      return [{ shape, constant: isMean ? combine('Div', sum, count, shape) : sum }];
    },
    lower(operation, draft) {
      const { shape } = operation.outputs[0];
      const { name } = operation.node;
      const indices = operation.allInputs().map((_, index) => index);
      const moving = indices
        .filter(index => !operation.input(index).constant)
        .map(index => broadcastId(operation, index, shape, draft));
      let result =
        moving.length === 1
          ? moving[0]
          : draft.add(
              moving,
              shape,
              name,
              moving.map(() => 1),
            );
      for (const index of indices.filter(k => operation.input(k).constant)) {
        const bias = pickOffsets(
          operation.offsets(index, 'summand'),
          broadcastMap(operation.input(index).shape, shape),
        );
        result = draft.view(result, shape, name, { bias });
      }
      if (isMean) result = draft.view(result, shape, name, { scale: reciprocalOf(indices.length, sizeOf(shape)) });
      return [result];
    },
  };
}

/** Where with a constant condition: each element comes from one of two values. */
const where: Operator = {
  infer(operation) {
    const condition = operation.constant(0, 'condition');
    const [a, b] = [operation.input(1), operation.input(2)];
    const shape = checkedShape(operation, broadcastShape(operation, [condition.shape, a.shape, b.shape]));
    if (!a.constant || !b.constant) return [{ shape, type: a.type }];
    const whole = joined([a.constant, b.constant]);
    return [{ shape, type: a.type, constant: whole.picked(shape, () => choices(operation, shape)) }];
  },
  lower(operation, draft) {
    const { shape } = operation.outputs[0];
    const whole = draft.concat(
      [1, 2].map(index => operation.draftId(index, draft)),
      [1, sizeOf(operation.input(1).shape) + sizeOf(operation.input(2).shape)],
      operation.node.name,
    );
    return [draft.view(whole, shape, operation.node.name, { map: choices(operation, shape) })];
  },
};

/** For each element of the result its place in the two values put one after the other. */
function choices(operation: Operation, shape: readonly number[]): Int32Array {
  const condition = operation.constant(0, 'condition');
  const [a, b] = [operation.input(1).shape, operation.input(2).shape];
  const placeIn = (own: readonly number[]): Int32Array => broadcastMap(own, shape) ?? counting(sizeOf(shape));
  const [test, first, second] = [placeIn(condition.shape), placeIn(a), placeIn(b)];
  const offset = sizeOf(a);
  return test.map((place, k) => (condition.values[place] !== 0 ? first[k] : offset + second[k]));
}

export const joining: Record<string, Operator> = { Concat: concat, Sum: total(false), Mean: total(true), Where: where };
