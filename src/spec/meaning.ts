import { createHash } from 'node:crypto';
import type { Rational } from './numbers/rational';
import type { PerturbationSpec } from './perturbation/spec';
import type { Constraint, LinearForm, Question } from './question';

/** Changes when what is hashed changes its form, so that old hashes do not pass for new ones. */
const FORM = 'certiscope meaning 1';

/** Hash (sha256, hexadecimal) of what a question asks: the same for every way to write it. */
export function questionHash(question: Question): string {
  const hash = createHash('sha256');
  const numbers = (values: ArrayLike<number>): void => {
    // Adding zero turns -0 into 0; float64 holds float32 and int32 exactly.
    const plain = Float64Array.from(values, value => value + 0);
    hash.update(`${plain.length}:`).update(new Uint8Array(plain.buffer));
  };
  const form = ({ index, value }: LinearForm): void => {
    numbers(index);
    numbers(value);
  };
  const constraint = ({ outputs, inputs, bound, coefficientError, strict }: Constraint): void => {
    form(outputs);
    form(inputs);
    numbers([bound, coefficientError, strict ? 1 : 0]);
  };
  hash.update(`${FORM} question ${question.inputSize} ${question.outputSize}`);
  const boxes = new Map<object, number>();
  for (const { box, constraints } of question.disjuncts) {
    const known = boxes.get(box);
    numbers([known ?? -1, constraints.length]);
    if (known === undefined) {
      boxes.set(box, boxes.size);
      for (const side of [box.lower, box.upper, box.lowerPoint, box.upperPoint]) numbers(side);
    }
    constraints.forEach(constraint);
  }
  return hash.digest('hex');
}

/** Hash of what a perturbation spec says: comments, white space, the order of keys, and how a number is written do not matter. */
export function specHash(spec: PerturbationSpec): string {
  const { model, inputs, preprocess, property, classes, checks, solver } = spec;
  const canonical = JSON.stringify(
    { model, inputs, preprocess, property, classes, checks, solver },
    (_, value: unknown) => canonicalValue(value),
  );
  return createHash('sha256').update(`${FORM} spec ${canonical}`).digest('hex');
}

/** Written numbers become their exact value, and the keys of objects are put in order. */
function canonicalValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  if ('exact' in value) {
    const { n, d } = value.exact as Rational;
    return `${n}/${d}`;
  }
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
