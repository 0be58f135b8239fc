// What the extension tells the page `compare` in its states. Made up; the journeys have real runs.
import { original, changed, logits, logits2, spec, model } from './shared.mjs';
import { row, work } from './results.mjs';
const card = (id, k) => ({
  id,
  title: `Run ${k} of digits`,
  facts: [
    { name: 'Verdicts', value: k === 1 ? '30 verified, 10 unknown' : '36 verified, 3 falsified, 1 unknown' },
    { name: 'Took', value: k === 1 ? '12 s' : '8.1 s' },
    { name: 'Started', value: '22.11.2026, 15:0' + k },
    { name: 'Model', value: model },
    { name: 'Specification', value: spec },
  ],
});
const compared = {
  before: card('a', 1),
  after: card('b', 2),
  counts: { broken: 3, worse: 0, better: 0, fixed: 6, added: 0, removed: 0, same: 31 },
  times: '12 s → 8.1 s for what both answered',
  textsDiffer: true,
};
const crow = k => ({
  title: `noise, sample ${k}`,
  change: k < 3 ? 'broken' : k < 9 ? 'fixed' : 'same',
  before: 'unknown',
  after: k < 3 ? 'falsified' : 'verified',
  bounds: '-0.1 → 0.23',
  seconds: '1.2 s → 0.4 s',
});
const side = {
  row,
  tensors: { input: changed, original, output: logits2, originalOutput: logits },
  problem: null,
  work,
};
const cAnswers = m =>
  m.type === 'rows'
    ? [{ type: 'rows', filter: m.filter, first: 0, total: 9, rows: Array.from({ length: 9 }, (_, k) => crow(k)) }]
    : m.type === 'details'
      ? [
          {
            type: 'details',
            filter: m.filter,
            place: m.place,
            title: 'x',
            before: { ...side, row: { ...row, kind: 'unknown', counterexample: false, claimWords: 'Undecided claim' } },
            after: side,
          },
        ]
      : [];

export const COMPARE = {
  empty: { messages: [{ type: 'show', compared: null }] },
  done: { messages: [{ type: 'show', compared }], answer: cAnswers },
  alone: { messages: [{ type: 'show', compared: { ...compared, before: null } }], answer: cAnswers },
};
