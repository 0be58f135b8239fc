import { createHash, type Hash } from 'node:crypto';
import type { Constraint, LinearForm, Question } from '../spec/question';
import type { SolverOptions } from '../verify/options';

/**
 * The content key of a verdict: what it depends on and nothing else. The question stands for the specification's meaning: another layout,
 * other comments or another way to write the same numbers give the same key. Of the options only those count that change what a verdict says.
 */
export function verdictKey(
  modelHash: string,
  question: Question,
  options: Pick<SolverOptions, 'soundness'>,
  engineVersion: string,
): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([engineVersion, modelHash, options.soundness, question.inputSize, question.outputSize]));
  const boxes = new Map<object, number>();
  for (const { box, constraints } of question.disjuncts) {
    const known = boxes.get(box);
    hash.update(`|box ${known ?? boxes.size}|`);
    if (known === undefined) {
      boxes.set(box, boxes.size);
      for (const part of [box.lower, box.upper, box.lowerPoint, box.upperPoint]) addNumbers(hash, part);
    }
    hash.update(`|${constraints.length} constraints|`);
    for (const constraint of constraints) addConstraint(hash, constraint);
  }
  return hash.digest('hex');
}

function addConstraint(hash: Hash, constraint: Constraint): void {
  addForm(hash, constraint.outputs);
  addForm(hash, constraint.inputs);
  addNumbers(hash, Float64Array.of(constraint.bound, constraint.coefficientError, constraint.strict ? 1 : 0));
}

function addForm(hash: Hash, form: LinearForm): void {
  addNumbers(hash, form.index);
  addNumbers(hash, form.value);
}

/** Length first, so that no two sequences of arrays run together. */
function addNumbers(hash: Hash, values: Int32Array | Float32Array | Float64Array): void {
  hash.update(`${values.length}:`);
  hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
}
