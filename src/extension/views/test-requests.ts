import type * as vscode from 'vscode';
import type { VerdictStore } from '../core/verdict-store';
import type { TestSamples } from './test-samples';

/** Which questions of one specification a person chose in the Test Explorer. */
export interface AskedTests {
  readonly specification: string;
  /** Null: all. */
  readonly names: readonly string[] | null;
  /** Null: all samples of each. */
  readonly samples: readonly number[] | null;
}

/**
 * What a request is about. Samples can be asked for one question at a time, so that a choice of samples from several questions of a specification becomes several
 * requests; what is chosen as a whole takes its parts with it.
 */
export function askedTests(
  include: readonly vscode.TestItem[],
  store: VerdictStore,
  samples: TestSamples,
): readonly AskedTests[] {
  const whole = new Set(include.filter(item => !item.parent).map(({ id }) => id));
  const names = new Map<string, Set<string>>();
  const some = new Map<string, Set<number>>();
  for (const item of include) {
    const question = store.question(samples.partOf(item)?.question ?? item.id);
    if (!question || whole.has(question.specification)) continue;
    const part = samples.partOf(item);
    if (!part) add(names, question.specification, question.name);
    else if (part.kind === 'sample') add(some, question.id, part.sample);
    else for (const sample of samples.samplesOf(question, part.page)) add(some, question.id, sample);
  }
  const ofSamples = [...some].flatMap(([id, chosen]): AskedTests[] => {
    const { specification, name } = store.question(id)!;
    if (names.get(specification)?.has(name)) return [];
    return [{ specification, names: [name], samples: [...chosen].sort((a, b) => a - b) }];
  });
  return [
    ...[...whole].map(specification => ({ specification, names: null, samples: null })),
    ...[...names].map(([specification, chosen]) => ({ specification, names: [...chosen], samples: null })),
    ...ofSamples,
  ];
}

function add<K, V>(sets: Map<K, Set<V>>, key: K, value: V): void {
  const set = sets.get(key);
  if (set) set.add(value);
  else sets.set(key, new Set([value]));
}
