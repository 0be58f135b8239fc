import type { Expression } from '../tensor/expression';
import { gradient } from '../tensor/gradient';
import {
  add,
  abs,
  div,
  logSumExp,
  mul,
  reduceMax,
  reduceMean,
  reduceSum,
  reshape,
  sign,
  sqrt,
  stopGradient,
  sub,
} from '../tensor/operators';
import { perturbationExpressions, type Perturbation } from './perturbation';

/** Losses of standard and of fast adversarial training. */

/** Cross entropy of each row, [batch, 1]; `targets` has a 1 at each row's class and 0 elsewhere. */
export function crossEntropies(scores: Expression, targets: Expression): Expression {
  return sub(logSumExp(scores, 1), reduceSum(mul(scores, targets), [1]));
}

/** Mean cross entropy of a batch. */
export function crossEntropy(scores: Expression, targets: Expression): Expression {
  return reduceMean(crossEntropies(scores, targets));
}

export interface FastAdversarial {
  readonly perturbation: Perturbation;
  /** The step along the gradient's sign, in units of the radius; 1.25 is usual (Wong et al. 2020). */
  readonly step: number;
  /** λ of gradient alignment (Andriushchenko and Flammarion 2020); 0 for none. */
  readonly alignment: number;
}

/**
 * Cross entropy at x moved by one signed gradient step from a random start, plus λ(1 − cos) of the loss's gradients at x (taken as fixed) and at the random
 * start. `noise` holds numbers of [−1, 1], one a value of x.
 */
export function fastAdversarialLoss(
  network: (x: Expression) => Expression,
  x: Expression,
  targets: Expression,
  noise: Expression,
  { perturbation, step, alignment }: FastAdversarial,
): Expression {
  const { radius, project } = perturbationExpressions(perturbation);
  const slopeAt = (point: Expression): Expression => gradient(crossEntropies(network(point), targets), [point])[0];
  const start = project(add(x, mul(noise, radius)), x);
  const atStart = slopeAt(start);
  const moved = project(add(start, mul(sign(atStart), mul(radius, step))), x);
  const loss = crossEntropy(network(stopGradient(moved)), targets);
  if (alignment === 0) return loss;
  const disagreement = reduceMean(sub(1, cosines(stopGradient(slopeAt(x)), atStart)));
  return add(loss, mul(reshape(disagreement, loss.shape), alignment));
}

/** Cosine of the angle between two rows, for each row; 0 where a row is zero. Gradients may be tiny, so each row is brought to size 1 first. */
function cosines(a: Expression, b: Expression): Expression {
  const scaled = (rows: Expression): Expression => div(rows, stopGradient(add(reduceMax(abs(rows), [1]), 1e-30)));
  const [p, q] = [scaled(a), scaled(b)];
  const norm = (rows: Expression): Expression => sqrt(add(reduceSum(mul(rows, rows), [1]), 1e-12));
  return div(reduceSum(mul(p, q), [1]), mul(norm(p), norm(q)));
}
