import type { Operator } from '../operation';
import { activations } from './activations';
import { constants } from './constants';
import { convolutions } from './convolution';
import { elementwise } from './elementwise';
import { linear } from './linear';
import { movements } from './movement';

/** Every supported operator of the standard domain by its ONNX name. */
export const operators: ReadonlyMap<string, Operator> = new Map(
  Object.entries({ ...activations, ...constants, ...convolutions, ...elementwise, ...linear, ...movements }),
);
