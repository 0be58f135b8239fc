import type { NeuronBounds } from '../../report/verdict';
import type { TensorReference } from '../../engine/protocol';
import type { QuestionState, VerdictStore } from '../core/verdict-store';
import { counted, type StudyMeasure } from './study-measures';

/** Results of which the bounds are read from the disk, at most: more change a mean little. */
const MOST_READ = 20;

/** What the verdicts on a model say of its layers, and whether they speak of an earlier text or file. */
export interface VerdictMeasures {
  readonly measures: readonly StudyMeasure[];
  readonly isStale: boolean;
}

/** From the last question of a model whose results tell of neurons; null where there is none. One that is not stale comes first. */
export async function measuresOfVerdicts(
  store: VerdictStore,
  model: string,
  read: (reference: TensorReference) => Promise<Float32Array | null>,
): Promise<VerdictMeasures | null> {
  const told = store
    .questions()
    .filter(({ evidence }) => evidence?.model === model && neuronsOf(evidence.results).length > 0);
  const question = told.find(candidate => !store.isStale(candidate)) ?? told[0];
  if (!question) return null;
  return { measures: await measuresOfQuestion(question, read), isStale: store.isStale(question) };
}

type Results = NonNullable<QuestionState['evidence']>['results'];

function neuronsOf(results: Results): (readonly NeuronBounds<TensorReference>[])[] {
  return results.flatMap(({ verdict }) => {
    const neurons = verdict.statistics?.neurons ?? [];
    return neurons.length > 0 ? [neurons] : [];
  });
}

async function measuresOfQuestion(
  { name, evidence }: QuestionState,
  read: (reference: TensorReference) => Promise<Float32Array | null>,
): Promise<StudyMeasure[]> {
  const all = neuronsOf(evidence!.results);
  const unstable = new Means();
  for (const neurons of all) for (const { node, unstable: count, size } of neurons) unstable.add(node, count / size);
  const widths = new Means();
  for (const { node, lower, upper } of all.slice(0, MOST_READ).flat()) {
    const [low, high] = [await read(lower), await read(upper)];
    if (!low || !high || low.length === 0) continue;
    widths.add(node, low.reduce((sum, value, k) => sum + high[k] - value, 0) / low.length);
  }
  const over = (count: number): string => `in ${counted(count, 'result')} of “${name}”`;
  return [
    {
      measure: 'unstable',
      values: unstable.values,
      about: `Mean part of a layer’s neurons that are unstable ${over(all.length)}.`,
    },
    {
      measure: 'width',
      values: widths.values,
      about: `Mean distance of a neuron’s bounds ${over(Math.min(all.length, MOST_READ))}.`,
    },
  ];
}

class Means {
  readonly #sums = new Map<string, { sum: number; count: number }>();

  add(name: string, value: number): void {
    const { sum, count } = this.#sums.get(name) ?? { sum: 0, count: 0 };
    this.#sums.set(name, { sum: sum + value, count: count + 1 });
  }

  get values(): Record<string, number> {
    return Object.fromEntries([...this.#sums].map(([name, { sum, count }]) => [name, sum / count]));
  }
}
