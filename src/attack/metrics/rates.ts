import { ok, type Result } from '../../base/result';
import type { AdversarialInput } from '../adversarial';
import type { AttackedModel } from '../attacked-model';

/** Rates over a whole run. */

/** Inputs that were fooled, in percent of those attacked; NaN of none. */
export function defectDetection(found: number, attacked: number): number {
  return (100 * found) / attacked;
}

/**
 * Evenness of the classes that adversarial inputs are taken for (Pielou): −Σ p ln p / ln(number of classes), from 0 (always the same class) to 1 (all equally
 * often). The formula as the paper prints it lacks the sign and the division. NaN of no inputs.
 */
export function pielouScore(classes: readonly number[], classCount: number): number {
  const counts = new Map<number, number>();
  for (const each of classes) counts.set(each, (counts.get(each) ?? 0) + 1);
  let entropy = 0;
  for (const count of counts.values()) entropy -= (count / classes.length) * Math.log(count / classes.length);
  return classes.length === 0 ? NaN : Math.max(0, entropy) / Math.log(classCount);
}

export interface Transfer {
  /** Inputs whose original the other model answers as the attacked one does: only of those it can be said that a change fools it. */
  readonly comparable: number;
  readonly fooled: number;
  /** fooled / comparable in percent; NaN without comparable ones. */
  readonly percent: number;
}

/** How many adversarial inputs fool another model too, which has to take the same inputs. Every one is run in ONNX Runtime. */
export async function transferability(
  other: AttackedModel,
  adversarial: readonly AdversarialInput[],
): Promise<Result<Transfer>> {
  let [comparable, fooled] = [0, 0];
  for (const { original, input, from } of adversarial) {
    const before = await other.judge(original);
    if (!before.ok) return before;
    if (before.value.prediction !== from) continue;
    comparable++;
    const after = await other.judge(input);
    if (!after.ok) return after;
    if (after.value.prediction !== from) fooled++;
  }
  return ok({ comparable, fooled, percent: (100 * fooled) / comparable });
}

/** Correct answers on labelled inputs, in percent. */
export async function accuracy(
  model: AttackedModel,
  inputs: readonly Float32Array[],
  labels: readonly number[],
): Promise<Result<number>> {
  let right = 0;
  for (const [k, input] of inputs.entries()) {
    const judged = await model.judge(input);
    if (!judged.ok) return judged;
    if (judged.value.prediction === labels[k]) right++;
  }
  return ok((100 * right) / inputs.length);
}
