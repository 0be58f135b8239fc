import { ok, problem, type Problem, type Result } from '../base/result';
import { largest, type AttackedModel, type Judgement } from './attacked-model';

/** The values that data may take, in the model's own units: the same for all inputs, or one per input. */
export interface ValidRange {
  readonly lower: number | Float32Array;
  readonly upper: number | Float32Array;
}

/** One input to be changed until its class changes. */
export interface AttackTask {
  readonly original: Float32Array;
  readonly range: ValidRange;
  /** The class to reach; any other than the original's unless given. */
  readonly target?: number;
}

/** A task whose input has been judged and found fit to be attacked. */
export interface Subject {
  readonly original: Float32Array;
  readonly lower: Float32Array;
  readonly upper: Float32Array;
  /** The class the model gives the original: the one to be left. */
  readonly label: number;
  readonly target: number | null;
  /** What the model answers on the original. */
  readonly logits: Float64Array;
}

/** An input of another class inside the valid range, as ONNX Runtime confirmed on the original file. */
export interface AdversarialInput {
  readonly original: Float32Array;
  readonly input: Float32Array;
  readonly from: number;
  readonly to: number;
  readonly originalLogits: Float64Array;
  readonly logits: Float64Array;
  /** The stage or method that found it. */
  readonly foundBy: string;
}

/**
 * Judges the original. Errors: `attack/size`, `attack/not-finite`, `attack/range` (the range is empty), `attack/outside-range`,
 * `attack/target-unknown`, `attack/target-is-prediction`, and those of the replay.
 */
export async function prepare(model: AttackedModel, task: AttackTask): Promise<Result<Subject>> {
  const { inputSize, outputSize } = model.network;
  const { original, target } = task;
  if (original.length !== inputSize)
    return problem('attack/size', `The input has ${original.length} values, the model takes ${inputSize}.`);
  const odd = original.findIndex(value => !Number.isFinite(value));
  if (odd >= 0)
    return problem('attack/not-finite', `Value ${odd} of the input is ${original[odd]}, which is no number.`);
  const [lower, upper] = [task.range.lower, task.range.upper].map(edge =>
    typeof edge === 'number' ? new Float32Array(inputSize).fill(edge) : edge,
  );
  if (lower.length !== inputSize || upper.length !== inputSize)
    return problem('attack/size', `The valid range has ${lower.length} values, the model takes ${inputSize}.`);
  const empty = lower.findIndex((value, i) => !(value <= upper[i]));
  if (empty >= 0)
    return problem(
      'attack/range',
      `The valid range of value ${empty} is from ${lower[empty]} to ${upper[empty]}: it is empty.`,
    );
  const outside = original.findIndex((value, i) => value < lower[i] || value > upper[i]);
  if (outside >= 0)
    return problem(
      'attack/outside-range',
      `Value ${outside} of the input is ${original[outside]}, outside the valid range from ${lower[outside]} to ${upper[outside]}. ` +
        'Give the range of the data in the units the model is fed, or scale the input as the model expects it.',
    );
  const judged = await model.judge(original);
  if (!judged.ok) return judged;
  const wrong = targetProblem(target, judged.value.prediction, outputSize);
  if (wrong) return { ok: false, error: wrong };
  const { prediction, logits } = judged.value;
  return ok({ original, lower, upper, label: prediction, target: target ?? null, logits });
}

/** What is wrong with a target whatever the input is: there is no such class. */
export function unknownTarget(target: number | undefined, classes: number): Problem | null {
  if (target === undefined || (Number.isInteger(target) && target >= 0 && target < classes)) return null;
  return {
    code: 'attack/target-unknown',
    message: `There is no class ${target}: the model has the classes 0 to ${classes - 1}.`,
  };
}

function targetProblem(target: number | undefined, prediction: number, classes: number): Problem | null {
  const unknown = unknownTarget(target, classes);
  if (unknown || target !== prediction) return unknown;
  return {
    code: 'attack/target-is-prediction',
    message: `The model already answers class ${target} on this input. Name another target, or none for any other class.`,
  };
}

/**
 * By how much the attack has succeeded: the largest other logit minus the label's, or, with a target, the target's minus the largest of
 * all others. Positive on adversarial inputs.
 */
export function marginOf({ label, target }: Pick<Subject, 'label' | 'target'>, logits: ArrayLike<number>): number {
  const pivot = target ?? label;
  let rival = -Infinity;
  for (let k = 0; k < logits.length; k++) if (k !== pivot) rival = Math.max(rival, logits[k]);
  return target === null ? rival - logits[label] : logits[target] - rival;
}

/** The point as ONNX Runtime sees it, when it is adversarial there: another class wins outright, and the point lies in the valid range. */
export async function confirm(
  model: AttackedModel,
  subject: Subject,
  point: Float32Array,
  foundBy: string,
): Promise<Result<AdversarialInput | null>> {
  const judged = await model.judge(point);
  if (!judged.ok) return judged;
  if (!isAdversarial(subject, judged.value)) return ok(null);
  const { input, logits } = judged.value;
  const { original, label, logits: originalLogits } = subject;
  return ok({ original, input, from: label, to: largest(logits), originalLogits, logits, foundBy });
}

function isAdversarial(subject: Subject, { input, logits }: Judgement): boolean {
  const inside = input.every((value, i) => value >= subject.lower[i] && value <= subject.upper[i]);
  return inside && marginOf(subject, logits) > 0;
}

/** Values that differ. */
export function changedValues(a: Float32Array, b: Float32Array): number {
  let count = 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) count++;
  return count;
}
