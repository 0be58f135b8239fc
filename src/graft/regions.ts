import { assert } from '../base/assert';
import type { Box, Question } from '../spec/question';
import { violations } from '../spec/perturbation/violation';
import { nextDown, nextUp } from '../spec/numbers/float';
import type { Perturbation } from '../train/perturbation';

/** Regions and questions around samples that are already in the units the network sees. */

/** All x' within the radius of x and inside the range. Radius and range are float32 numbers, taken as exact. */
export function regionAround(x: Float32Array, { radius, lower, upper }: Perturbation): Box {
  const size = x.length;
  const box = {
    lower: new Float64Array(size),
    upper: new Float64Array(size),
    lowerPoint: new Float32Array(size),
    upperPoint: new Float32Array(size),
  };
  for (let i = 0; i < size; i++) {
    assert(x[i] >= lower[i] && x[i] <= upper[i], () => `value ${i} is ${x[i]}, outside of [${lower[i]}, ${upper[i]}]`);
    const [low, high] = [x[i] - radius[i], x[i] + radius[i]];
    const [from, to] = [Math.max(low, lower[i]), Math.min(high, upper[i])];
    box.lowerPoint[i] = from;
    box.upperPoint[i] = to;
    // The sum of two float32 numbers may round in float64; the range's ends do not.
    box.lower[i] = Math.min(from === low ? nextDown(from) : from, box.lowerPoint[i]);
    box.upper[i] = Math.max(to === high ? nextUp(to) : to, box.upperPoint[i]);
  }
  return box;
}

/** Whether any other class can come to be at least as large as the label in the box. */
export function labelQuestion(box: Box, label: number, classes: number): Question {
  const disjuncts = violations({ kind: 'label' }, box, classes, label, new Float32Array(classes));
  assert(disjuncts, () => 'a comparison of outputs has no numbers that could be too large');
  return { disjuncts, inputSize: box.lower.length, outputSize: classes };
}
