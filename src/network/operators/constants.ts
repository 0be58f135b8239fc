import { applied, combine } from '../constant-arithmetic';
import { Constant } from '../constant';
import { castValue, type ElementType, elementTypeOf, isFloat } from '../element-type';
import { broadcastMap, counting } from '../index-maps';
import { broadcastShape, checkedShape, type Operation, type Operator } from '../operation';
import { unitRoundoff } from '../rounding';
import { sizeOf, tensorHeader, tensorValues } from '../tensor';

/** Operators whose result never depends on the network's input: what exporters write to compute shapes, and constants themselves. */
function fixed(value: (operation: Operation) => Constant): Operator {
  return {
    infer(operation) {
      const constant = value(operation);
      return [{ shape: constant.shape, type: constant.type, constant }];
    },
    lower: () => [],
  };
}

/** The numbers of the tensor in attribute `name`, or undefined when it is not given. */
function tensorAttribute(operation: Operation, name: string): Constant | undefined {
  const tensor = operation.attribute(name)?.t;
  if (!tensor) return undefined;
  const label = `${name} of ${operation.node.name}`;
  const header = tensorHeader(tensor, label);
  if (typeof header === 'string') return operation.unsupported(header);
  return new Constant(header.shape, header.type, () => ({
    values: tensorValues(tensor, label, header, operation.external),
    error: null,
  }));
}

const constant = fixed(operation => {
  const floats = operation.attribute('value_floats')?.floats;
  if (floats) return Constant.of([floats.length], 'float32', floats);
  const ints = operation.ints('value_ints');
  if (ints) return Constant.of([ints.length], 'int64', ints);
  if (operation.attribute('value_float')) return Constant.of([], 'float32', [operation.float('value_float', 0)]);
  if (operation.attribute('value_int')) return Constant.of([], 'int64', [operation.int('value_int', 0)]);
  return tensorAttribute(operation, 'value') ?? operation.unsupported('it holds no plain tensor');
});

const shapeOf = fixed(operation => {
  const { shape } = operation.input(0);
  const part = shape.slice(operation.int('start', 0), operation.int('end', shape.length));
  return Constant.of([part.length], 'int64', part);
});

const size = fixed(operation => Constant.of([], 'int64', [sizeOf(operation.input(0).shape)]));

const constantOfShape = fixed(operation => {
  const shape = Array.from(operation.constant(0, 'shape').values);
  if (shape.some(dimension => !(dimension >= 0))) operation.invalid(`makes a tensor of shape [${shape.join(', ')}]`);
  checkedShape(operation, shape);
  const value = tensorAttribute(operation, 'value') ?? Constant.of([1], 'float32', [0]);
  return new Constant(shape, value.type, () => ({
    values: new Float64Array(sizeOf(shape)).fill(value.values[0]),
    error: null,
  }));
});

const range = fixed(operation => {
  const [start, limit, step] = [0, 1, 2].map(index => operation.scalar(index, 'range')!);
  const { type } = operation.input(0);
  if (isFloat(type)) operation.unsupported('it counts in floating-point numbers');
  const count = Math.max(0, Math.ceil((limit - start) / step));
  checkedShape(operation, [count]);
  return Constant.of(
    [count],
    type,
    Array.from(counting(count), index => start + index * step),
  );
});

/** A function of one constant. */
function unary(
  value: (x: number) => number,
  error: (x: number, y: number, ex: number) => number,
  type?: ElementType,
): Operator {
  return fixed(operation => {
    const input = operation.constant(0, 'input');
    return applied(input, type ?? input.type, value, error);
  });
}

/** Rounding functions and comparisons jump: they are exact on exact numbers and undefined on others. */
function jumping(_x: number, _y: number, ex: number): number {
  return ex === 0 ? 0 : Infinity;
}

/** A function of two constants of which the result is exact. */
function binary(value: (a: number, b: number) => number, type?: ElementType): Operator {
  return fixed(operation => {
    const [a, b] = [operation.constant(0, 'first input'), operation.constant(1, 'second input')];
    const shape = broadcastShape(operation, [a.shape, b.shape]);
    return new Constant(shape, type ?? a.type, () => {
      if (a.error || b.error) operation.unsupported('its inputs are rounded');
      const pick = (from: Constant): Float64Array => {
        const map = broadcastMap(from.shape, shape);
        return map ? from.picked(shape, () => map).values : from.values;
      };
      const right = pick(b);
      return { values: pick(a).map((x, i) => value(x, right[i])), error: null };
    });
  });
}

const power: Operator = {
  infer(operation) {
    if (isFloat(operation.input(0).type)) operation.unsupported('it raises floating-point numbers to a power');
    return binary((a, b) => a ** b).infer(operation);
  },
  lower: () => [],
};

const reciprocal = fixed(operation => {
  const input = operation.constant(0, 'input');
  const one = applied(
    input,
    input.type,
    () => 1,
    () => 0,
  );
  return combine('Div', one, input, input.shape);
});

/** Relative spacing of the numbers of a type: what a Cast may move a number by at most, doubled. */
const spacing: Partial<Record<ElementType, number>> = {
  float32: 2 ** -23,
  float16: 2 ** -10,
  bfloat16: 2 ** -7,
  float64: 0,
};

/** Cast: of constants what it says; of activations from float to float, which in exact arithmetic is nothing. */
const cast: Operator = {
  infer(operation) {
    const { shape, type, constant: numbers } = operation.input(0);
    const asked =
      operation.node.opType === 'CastLike' ? operation.input(1).type : elementTypeOf(operation.int('to', 0));
    const to = asked ?? operation.unsupported('it casts to a type that is not supported');
    if (numbers) {
      // A number that is itself only known roughly may be rounded to a neighbour of what the exact one is rounded to.
      const grid = spacing[to];
      const error = (_x: number, y: number, ex: number): number =>
        ex === 0 ? 0 : grid === undefined ? Infinity : ex + Math.abs(y) * grid;
      return [{ shape, type: to, constant: applied(numbers, to, x => castValue(x, to), error) }];
    }
    if (!isFloat(type) || !isFloat(to))
      operation.unsupported(`it casts values that depend on the network's input from ${type} to ${to}`);
    return [{ shape, type: to }];
  },
  lower: (operation, draft) => [operation.draftId(0, draft)],
};

export const constants: Record<string, Operator> = {
  Constant: constant,
  Shape: shapeOf,
  Size: size,
  ConstantOfShape: constantOfShape,
  Range: range,
  Cast: cast,
  CastLike: cast,
  Sqrt: unary(Math.sqrt, (_x, y, ex) =>
    y === 0 ? Math.sqrt(ex) : (ex / y) * (1 + 4 * unitRoundoff) + y * unitRoundoff,
  ),
  Reciprocal: reciprocal,
  Floor: unary(Math.floor, jumping),
  Ceil: unary(Math.ceil, jumping),
  Not: unary(x => (x === 0 ? 1 : 0), jumping, 'bool'),
  Equal: binary((a, b) => Number(a === b), 'bool'),
  Less: binary((a, b) => Number(a < b), 'bool'),
  Greater: binary((a, b) => Number(a > b), 'bool'),
  And: binary((a, b) => Number(a !== 0 && b !== 0), 'bool'),
  Or: binary((a, b) => Number(a !== 0 || b !== 0), 'bool'),
  Mod: binary((a, b) => a - b * Math.floor(a / b)),
  Pow: power,
};
