import type { Box, Disjunct, LinearForm } from '../spec/question';

/** Whether a point lies in a region's float32 box and how far a conjunction of constraints is satisfied. */

export function isInBox(box: Box, x: Float32Array): boolean {
  for (let i = 0; i < x.length; i++) {
    if (!(x[i] >= box.lowerPoint[i] && x[i] <= box.upperPoint[i])) return false;
  }
  return true;
}

function evaluate(form: LinearForm, v: ArrayLike<number>): number {
  let sum = 0;
  for (let k = 0; k < form.index.length; k++) sum += form.value[k] * v[form.index[k]];
  return sum;
}

/**
 * The smallest of bound − (outputs·y + inputs·x) over a disjunct's constraints, and whether all of them hold (a tie holds unless the
 * constraint is strict). +∞ for a disjunct without constraints; NaN never holds.
 */
export function satisfaction(
  disjunct: Disjunct,
  x: ArrayLike<number>,
  y: ArrayLike<number>,
): { margin: number; holds: boolean } {
  let margin = Infinity;
  let holds = true;
  for (const constraint of disjunct.constraints) {
    const slack = constraint.bound - (evaluate(constraint.outputs, y) + evaluate(constraint.inputs, x));
    if (!(constraint.strict ? slack > 0 : slack >= 0)) holds = false;
    if (!(slack >= margin)) margin = slack;
  }
  return { margin, holds };
}
