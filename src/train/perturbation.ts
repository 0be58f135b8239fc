import { assert } from '../base/assert';
import { constant, type Expression } from '../tensor/expression';
import { add, clip, max, min, sub } from '../tensor/operators';

/** Which inputs count as near: a radius for every value, and the range no value may leave, all in the units the network sees. */
export interface Perturbation {
  readonly radius: Float32Array;
  readonly lower: Float32Array;
  readonly upper: Float32Array;
}

/** The same radius and range for all values; no range: any value. */
export function uniformPerturbation(
  size: number,
  epsilon: number,
  range: readonly [number, number] | null,
): Perturbation {
  assert(epsilon >= 0, () => `a radius of ${epsilon}`);
  const all = (value: number): Float32Array => new Float32Array(size).fill(value);
  const [lower, upper] = range ?? [-3e38, 3e38];
  return { radius: all(epsilon), lower: all(lower), upper: all(upper) };
}

/** The perturbation as expressions of shape [1, size]. */
export function perturbationExpressions(perturbation: Perturbation): {
  radius: Expression;
  /** Moves points into the range and to within the radius of x. */
  project: (points: Expression, x: Expression) => Expression;
} {
  const of = (data: Float32Array): Expression => constant(data, [1, data.length]);
  const [radius, lower, upper] = [perturbation.radius, perturbation.lower, perturbation.upper].map(of);
  const project = (points: Expression, x: Expression): Expression =>
    clip(points, max(sub(x, radius), lower), min(add(x, radius), upper));
  return { radius, project };
}
