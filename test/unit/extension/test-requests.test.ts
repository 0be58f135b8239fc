import { beforeEach, expect, it } from 'vitest';
import { questionId, VerdictStore } from '../../../src/extension/core/verdict-store';
import { askedTests } from '../../../src/extension/views/test-requests';
import type { TestSamples } from '../../../src/extension/views/test-samples';
import { outlineOf } from './records';

const SPEC = 'file:///w/a.certiscope.jsonc';
const A = questionId(SPEC, 'a');
const B = questionId(SPEC, 'b');

let store: VerdictStore;
const parts = new Map<unknown, ReturnType<TestSamples['partOf']>>();
const samples = {
  partOf: (item: unknown) => parts.get(item),
  samplesOf: (_: unknown, { first, end }: { first: number; end: number }) =>
    Array.from({ length: end - first }, (_, k) => first + k),
} as unknown as TestSamples;

beforeEach(() => {
  store = new VerdictStore();
  const outline = outlineOf(['a', 'A'], ['b', 'B']);
  store.apply({ kind: 'outlined', specification: SPEC, outline, model: '/w/m.onnx', problems: [] });
});

type Item = Parameters<typeof askedTests>[0][number];

function item(id: string, part?: ReturnType<TestSamples['partOf']>): Item {
  const made = { id, parent: id === SPEC ? undefined : {} } as Item;
  if (part) parts.set(made, part);
  return made;
}

it('a specification takes everything below it along', () => {
  const chosen = [item(SPEC), item(A), item(`${B} 3`, { kind: 'sample', question: B, sample: 3 })];
  expect(askedTests(chosen, store, samples)).toEqual([{ specification: SPEC, names: null, samples: null }]);
});

it('questions of one specification are one request; samples of a chosen question are part of it', () => {
  const chosen = [item(A), item(B), item(`${B} 3`, { kind: 'sample', question: B, sample: 3 })];
  expect(askedTests(chosen, store, samples)).toEqual([{ specification: SPEC, names: ['a', 'b'], samples: null }]);
});

it('samples are asked for question by question, pages of them as a whole', () => {
  const chosen = [
    item('page', { kind: 'page', question: A, page: { first: 2, end: 5 } }),
    item('one', { kind: 'sample', question: A, sample: 9 }),
    item('other', { kind: 'sample', question: B, sample: 1 }),
  ];
  expect(askedTests(chosen, store, samples)).toEqual([
    { specification: SPEC, names: ['a'], samples: [2, 3, 4, 9] },
    { specification: SPEC, names: ['b'], samples: [1] },
  ]);
});
