import { satisfaction } from '../../../attack/violation';
import { ok, type Result } from '../../../base/result';
import type { Unsafe } from '../../../weights/question';
import type { OpenedSubject } from '../../subject';
import { questionDigest } from './kept-answers';

/** A sample that the network answers right. */
export interface RightSample {
  readonly index: number;
  readonly input: Float32Array;
  readonly unsafe: readonly Unsafe[];
  /** The class that has to stay; null where outputs are no classes. */
  readonly expected: number | null;
  /** Distinguishes its answers from those of others. */
  readonly key: string;
}

export interface Samples {
  readonly right: readonly RightSample[];
  readonly leftOut: readonly { readonly sample: number; readonly reason: string }[];
}

/** What every chosen sample asks of the network, and which of them it already gets wrong; looks until there are `most` that it gets right. */
export async function rightSamples(
  { plan, samples, chosen }: OpenedSubject,
  most: number,
  cancelled: () => boolean,
): Promise<Result<Samples>> {
  const right: RightSample[] = [];
  const leftOut: { sample: number; reason: string }[] = [];
  for (const index of chosen) {
    if (cancelled() || right.length >= most) break;
    const forward = await samples.forward(index);
    if (!forward.ok) return forward;
    const { sample, input, output } = forward.value;
    const asked = plan.nominalQuestion(sample, output);
    if (!asked.ok) return asked;
    if (asked.value.kind === 'misclassified') {
      leftOut.push({ sample: index, reason: asked.value.reason });
      continue;
    }
    const { question, label, predicted } = asked.value;
    if (question.disjuncts.some(disjunct => satisfaction(disjunct, input, output).holds)) {
      leftOut.push({ sample: index, reason: `the property fails on sample ${index} with the weights as they are` });
      continue;
    }
    const unsafe = question.disjuncts.map(({ constraints }) => constraints);
    right.push({ index, input, unsafe, expected: label ?? predicted, key: questionDigest(input, unsafe) });
  }
  return ok({ right, leftOut });
}
