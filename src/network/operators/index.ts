import type { Operator } from '../operation';
import { activations } from './activations';
import { constants } from './constants';
import { convolutions } from './convolution';
import { transposedConvolutions } from './convolution-transpose';
import { elementwise } from './elementwise';
import { joining } from './joining';
import { linear } from './linear';
import { arrangements } from './movement';
import { normalization } from './normalization';
import { piecewise } from './piecewise';
import { pooling } from './pooling';
import { reductions } from './reductions';
import { selections } from './selection';
import { trailing } from './trailing';

/** Every supported operator of the standard domain by its ONNX name. */
export const operators: ReadonlyMap<string, Operator> = new Map(
  Object.entries({
    ...activations,
    ...arrangements,
    ...constants,
    ...convolutions,
    ...elementwise,
    ...joining,
    ...linear,
    ...normalization,
    ...piecewise,
    ...pooling,
    ...reductions,
    ...selections,
    ...trailing,
    ...transposedConvolutions,
  }),
);
