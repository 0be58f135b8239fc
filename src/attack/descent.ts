import type { Result } from '../base/result';
import type { Network } from '../network/network';
import { adamScales, adamStep } from '../tensor/adam';
import { Program } from '../tensor/compile';
import { input, type Expression } from '../tensor/expression';
import { forward } from '../tensor/forward';
import { gradient } from '../tensor/gradient';
import { matmul } from '../tensor/linear';
import { abs, add, div, softmax, stopGradient, clip, mul, reduceMax, reduceSum, relu, sub } from '../tensor/operators';

/** One step of projected gradient descent on a batch of points, as a graph. */

/** Sizes of a step program: `batch` points, `rows` constraints (shared by all points), and whether constraints mention inputs. */
export interface StepSizes {
  readonly batch: number;
  readonly rows: number;
  readonly inputForms: boolean;
  /** Slope with which gradients pass inactive ReLUs; 0 is the true gradient. */
  readonly leak: number;
}

/**
 * The worst constraint alone makes points zigzag along the edges where two constraints are equally bad; those within this part of the
 * worst excess share the gradient with it.
 */
const SHARING = 0.5;
/** Points move fast, so the scale of their gradients is forgotten faster than in training. */
const DECAY = { first: 0.9, second: 0.99 };

export type StepProgram = Program<'float32', 'x' | 'first' | 'second' | 'worst'>;

/**
 * Feeds, n the network's inputs and o its outputs: points `x`, their boxes `lower` and `upper`, Adam's moments `first` and `second` [batch, n];
 * constraints `outputForms` [rows, o], `inputForms` [rows, n] (when used) and `bound` [1, rows]; `outside` [batch, rows], 0 where the constraint
 * belongs to the point's disjunct and a large negative number elsewhere; per point the weights of the worst constraints `worstWeight` and of the
 * sum of violated ones `sumWeight` [batch, 1] and a direction of outputs to descend along, `direction` [batch, o]; the step `rate` [batch, 1] in
 * units of the box's width; Adam's corrections `firstScale` and `secondScale` [1, 1].
 *
 * Outputs: the next `x`, `first`, `second`, and `worst` [batch, 1]: the largest of form − bound over the point's constraints at the x
 * that was fed (≤ 0 where all hold).
 */
export function compileStep(network: Network, sizes: StepSizes, threads: number): Promise<Result<StepProgram>> {
  const { batch, rows } = sizes;
  const n = network.inputSize;
  const points = (label: string): Expression => input(label, [batch, n]);
  const [x, lower, upper, first, second] = ['x', 'lower', 'upper', 'first', 'second'].map(points);
  const perPoint = (label: string): Expression => input(label, [batch, 1]);

  const y = forward(network, x, { leak: sizes.leak });
  const byOutput = matmul(y, input('outputForms', [rows, network.outputSize]), false, true);
  const form = sizes.inputForms ? add(byOutput, matmul(x, input('inputForms', [rows, n]), false, true)) : byOutput;
  const excess = add(sub(form, input('bound', [1, rows])), input('outside', [batch, rows]));
  const worst = reduceMax(excess, [1]);
  const softness = add(mul(abs(worst), SHARING), 1e-6);
  const share = stopGradient(softmax(div(sub(excess, worst), softness), 1));
  const soft = reduceSum(mul(share, excess), [1]);
  const loss = add(
    add(mul(perPoint('worstWeight'), soft), mul(perPoint('sumWeight'), reduceSum(relu(excess), [1]))),
    reduceSum(mul(input('direction', [batch, network.outputSize]), y), [1]),
  );
  const [slope] = gradient(loss, [x]);

  // The smallest divisor keeps 0/0 away and is far below any gradient that carries information.
  const corrections = { firstScale: input('firstScale', [1, 1]), secondScale: input('secondScale', [1, 1]) };
  const { direction, moments } = adamStep(slope, { first, second }, corrections, DECAY, 1e-18);
  const moved = sub(x, mul(mul(direction, sub(upper, lower)), perPoint('rate')));
  const outputs = { x: clip(moved, lower, upper), ...moments, worst };
  return Program.compile('float32', outputs, { threads });
}

/** The factors by which Adam's moments are corrected at step `t` (from 1). */
export function momentScales(t: number): { firstScale: Float32Array; secondScale: Float32Array } {
  const { firstScale, secondScale } = adamScales(t, DECAY);
  return { firstScale: Float32Array.of(firstScale), secondScale: Float32Array.of(secondScale) };
}
