import type { Result } from '../base/result';
import type { Network } from '../network/network';
import { Program } from '../tensor/compile';
import { input, scalar, type Expression } from '../tensor/expression';
import { forward } from '../tensor/forward';
import { gradient } from '../tensor/gradient';
import { matmul } from '../tensor/linear';
import { add, clip, div, mul, reduceMax, reduceSum, relu, sqrt, sub } from '../tensor/operators';

/** One step of projected gradient descent on a batch of points, as a graph. */

/** Sizes of a step program: `batch` points, `rows` constraints (shared by all points), and whether constraints mention inputs. */
export interface StepSizes {
  readonly batch: number;
  readonly rows: number;
  readonly inputForms: boolean;
  /** Slope with which gradients pass inactive ReLUs; 0 is the true gradient. */
  readonly leak: number;
}

const MOMENTUM = 0.9;
const SQUARE_MOMENTUM = 0.99;

export type StepProgram = Program<'float32', 'x' | 'first' | 'second' | 'worst'>;

/**
 * Feeds, n the network's inputs and o its outputs: points `x`, their boxes `lower` and `upper`, Adam's moments `first` and `second` [batch, n];
 * constraints `outputForms` [rows, o], `inputForms` [rows, n] (when used) and `bound` [1, rows]; `outside` [batch, rows], 0 where the constraint
 * belongs to the point's disjunct and a large negative number elsewhere; per point the weights of the worst constraint `worstWeight` and of the
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
  const loss = add(
    add(mul(perPoint('worstWeight'), worst), mul(perPoint('sumWeight'), reduceSum(relu(excess), [1]))),
    reduceSum(mul(input('direction', [batch, network.outputSize]), y), [1]),
  );
  const [slope] = gradient(loss, [x]);

  const nextFirst = add(mul(first, MOMENTUM), mul(slope, 1 - MOMENTUM));
  const nextSecond = add(mul(second, SQUARE_MOMENTUM), mul(mul(slope, slope), 1 - SQUARE_MOMENTUM));
  // The smallest addend keeps 0/0 away and is far below any gradient that carries information.
  const unit = div(
    mul(nextFirst, input('firstScale', [1, 1])),
    add(sqrt(mul(nextSecond, input('secondScale', [1, 1]))), scalar(1e-18)),
  );
  const moved = sub(x, mul(mul(unit, sub(upper, lower)), perPoint('rate')));
  const outputs = { x: clip(moved, lower, upper), first: nextFirst, second: nextSecond, worst };
  return Program.compile('float32', outputs, { threads });
}

/** The factors by which Adam's moments are corrected at step `t` (from 1). */
export function momentScales(t: number): { firstScale: Float32Array; secondScale: Float32Array } {
  return {
    firstScale: Float32Array.of(1 / (1 - MOMENTUM ** t)),
    secondScale: Float32Array.of(1 / (1 - SQUARE_MOMENTUM ** t)),
  };
}

/** Floating-point operations of one forward pass on one point, to size batches by. */
export function forwardOperations(network: Network): number {
  let operations = 0;
  for (const node of network.nodes) {
    operations += 4 * node.size;
    if (node.kind === 'dense') operations += 2 * node.weight.length;
    else if (node.kind === 'conv') operations += (2 * (node.size * node.weight.length)) / node.outputShape[0];
    // Gathers are slow for the arithmetic they do.
    else if (node.kind === 'sparse' || node.kind === 'maxPool') operations += 20 * node.column.length;
  }
  return operations;
}
