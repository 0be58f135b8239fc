import { asCoefficients, asOffsets, pickCoefficients, pickOffsets } from '../coefficients';
import { applied, combine } from '../constant-arithmetic';
import { Constant } from '../constant';
import { broadcastMap } from '../index-maps';
import type { Operator } from '../operation';
import { unitRoundoff } from '../rounding';

/** BatchNormalization at inference: y = x·γ/√(σ² + ε) + (β − μ·γ/√(σ² + ε)), per channel. */
const batchNormalization: Operator = {
  infer(operation) {
    const { shape } = operation.input(0);
    if (operation.int('training_mode', 0) !== 0)
      operation.unsupported('it is in training mode; export the model for inference');
    if (operation.int('spatial', 1) === 0) operation.unsupported('it has statistics per place (spatial = 0)');
    const channels = shape.length > 1 ? shape[1] : 1;
    for (const [index, role] of [
      [1, 'scale'],
      [2, 'bias'],
      [3, 'mean'],
      [4, 'variance'],
    ] as const) {
      const { size } = operation.constant(index, role);
      if (size !== channels) operation.invalid(`has a ${role} of ${size} values for ${channels} channels`);
    }
    return [{ shape }];
  },
  lower(operation, draft) {
    const { shape } = operation.outputs[0];
    const perChannel = [shape.length > 1 ? shape[1] : 1, ...shape.slice(2).map(() => 1)];
    const [gamma, beta, mean, variance] = [1, 2, 3, 4].map(index => {
      operation.offsets(index, 'statistic');
      return operation.constant(index, 'statistic').reshaped(perChannel);
    });
    const epsilon = Constant.of([], variance.type, [operation.float('epsilon', Math.fround(1e-5))]);
    const shifted = combine('Add', variance, epsilon, perChannel);
    const negative = shifted.values.findIndex(value => !(value > 0));
    if (negative >= 0) operation.invalid(`has a variance of ${variance.values[negative]} in channel ${negative}`);
    // |√x' − fl(√x)| ≤ |x' − x|/√x + u·√x: the root is flat, and its float64 form is correctly rounded.
    const deviation = applied(
      shifted,
      shifted.type,
      Math.sqrt,
      (_x, y, ex) => (ex / y) * (1 + 4 * unitRoundoff) + y * unitRoundoff,
    );
    const factor = combine('Div', gamma, deviation, perChannel);
    const zero = Constant.of([], factor.type, [0]);
    const shift = combine('Sub', zero, combine('Mul', mean, factor, perChannel), perChannel);
    const map = broadcastMap(perChannel, shape);
    const summand = (constant: Constant) => pickOffsets(asOffsets(constant, `the summand of ${operation.label}`), map);
    // β − μ·factor in two steps: where the two cancel, ONNX Runtime still rounds numbers of their size (`runtimeError`). Folding joins them.
    const scaled = draft.view(operation.draftId(0, draft), shape, operation.node.name, {
      scale: pickCoefficients(asCoefficients(factor, `the factor of ${operation.label}`), map),
      bias: summand(shift),
    });
    return [draft.view(scaled, shape, operation.node.name, { bias: summand(beta) })];
  },
};

export const normalization: Record<string, Operator> = { BatchNormalization: batchNormalization };
