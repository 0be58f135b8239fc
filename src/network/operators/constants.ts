import { Constant } from '../constant';
import { ExternalData } from '../external-data';
import type { Operator, Operation } from '../operation';
import { tensorHeader, tensorValues } from '../tensor';

/** An operator whose result never depends on the network's input. */
function fixed(value: (operation: Operation) => Constant): Operator {
  return {
    infer(operation) {
      const constant = value(operation);
      return [{ shape: constant.shape, type: constant.type, constant }];
    },
    lower: () => [],
  };
}

const constant = fixed(operation => {
  const numbers = operation.attribute('value_floats')?.floats ?? operation.attribute('value_ints')?.ints.map(Number);
  if (numbers) return Constant.of([numbers.length], operation.attribute('value_floats') ? 'float32' : 'int64', numbers);
  if (operation.attribute('value_float')) return Constant.of([], 'float32', [operation.float('value_float', 0)]);
  if (operation.attribute('value_int')) return Constant.of([], 'int64', [operation.int('value_int', 0)]);
  const tensor = operation.attribute('value')?.t ?? operation.unsupported('it holds no plain tensor');
  const name = operation.node.outputs[0];
  const { shape, type } = tensorHeader(tensor, name);
  return new Constant(shape, type, () => ({ values: tensorValues(tensor, name, new ExternalData('.')), error: null }));
});

export const constants: Record<string, Operator> = { Constant: constant };
