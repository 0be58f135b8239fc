import type { ActivationNode } from '../network';
import type { Operator } from '../operation';

/** An elementwise function that the network form has as a node of its own. */
function activation(kind: ActivationNode['kind']): Operator {
  return {
    infer: operation => [{ shape: operation.input(0).shape }],
    lower: (operation, draft) => [
      draft.activation(kind, operation.draftId(0, draft), operation.outputs[0].shape, operation.node.name),
    ],
  };
}

export const activations: Record<string, Operator> = {
  Relu: activation('relu'),
  Sigmoid: activation('sigmoid'),
  Tanh: activation('tanh'),
};
