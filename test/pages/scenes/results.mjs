// What the extension tells the page `results` in its states. Made up; the journeys have real runs.
import { original, changed, logits, logits2, preprocess, spec, model, trace } from './shared.mjs';
const shown = {
  question: 'file:///w/a#0',
  name: 'small noise',
  specification: spec,
  model,
  label: 'falsified',
  detail: '31 verified, 7 falsified, 2 unknown in 12 s',
  tone: 'bad',
  stale: false,
  busy: null,
  notes: [],
  counts: [
    { kind: 'falsified', count: 7 },
    { kind: 'unknown', count: 2 },
    { kind: 'verified', count: 31 },
  ],
  planned: 40,
  canRun: true,
};
const kinds = [
  'falsified',
  'falsified',
  'falsified',
  'unknown',
  'verified',
  'verified',
  'verified',
  'misclassified',
  'timeout',
  'error',
];
const rowsOf = Array.from({ length: 40 }, (_, k) => ({
  index: k,
  title: `Sample ${k}`,
  kind: kinds[Math.min(9, Math.floor(k / 4))],
  seconds: `${(0.1 + k / 9).toFixed(2)} s`,
}));
export const row = {
  index: 0,
  title: 'Sample 0',
  kind: 'falsified',
  seconds: '0.31 s',
  claim: 'every input within 2/255 of sample 0 is classified as 0',
  claimWords: 'Falsified claim',
  reason: 'ONNX Runtime answers class 3 on the counterexample; margin −0.35.',
  facts: [
    { name: 'Time', value: '0.31 s' },
    { name: 'Method', value: 'attack, 0 sub-problems' },
    { name: 'Lower bound', value: '-0.3512' },
    { name: 'ε', value: '2/255 (0.00784 in model units)' },
    { name: 'Label', value: '0' },
    { name: 'Answer', value: '0 on the original' },
  ],
  counterexample: true,
  inputShape: [1, 64],
  outputNames: Array.from({ length: 10 }, (_, k) => `${k}`),
  preprocess,
  label: 0,
};
export const work = {
  labels: [
    {
      name: '3',
      outcome: 'falsified',
      margin: '-0.3512',
      seconds: '0.10 s',
      subproblems: '12',
      reason: 'PGD found an input',
    },
    { name: '8', outcome: 'verified', margin: '0.1023', seconds: '0.08 s', subproblems: '3', reason: '' },
    { name: '6', outcome: 'discarded', margin: '1.22', seconds: '', subproblems: '', reason: '' },
    { name: '2', outcome: 'not tried', margin: '', seconds: '', subproblems: '', reason: '' },
  ],
  labelsNote: 'Sorted in 0.01 s.',
  trace,
  neurons: [
    { node: 'relu_1', unstable: 48, size: 384 },
    { node: 'relu_2', unstable: 30, size: 128 },
  ],
  weights: null,
};
const details = {
  type: 'details',
  question: shown.question,
  asked: null,
  row,
  tensors: { input: changed, original, output: logits2, originalOutput: logits },
  problem: null,
  work,
};
const answerRows = m =>
  m.type === 'rows'
    ? [{ type: 'rows', question: m.question, filter: m.filter, first: m.first, rows: rowsOf.slice(m.first, m.end) }]
    : m.type === 'details'
      ? [{ ...details, asked: m.index, row: { ...row, index: m.index ?? 0, title: `Sample ${m.index ?? 0}` } }]
      : [];

export const RESULTS = {
  empty: { messages: [{ type: 'show', shown: null }] },
  done: { messages: [{ type: 'show', shown }], answer: answerRows },
  busy: {
    messages: [
      {
        type: 'show',
        shown: {
          ...shown,
          label: 'verifying',
          tone: 'busy',
          detail: '',
          busy: {
            fraction: 0.4,
            text: '16 of 40, sample 17',
            live: { text: 'lower bound −0.12, 34 sub-problems open', trace },
          },
        },
      },
    ],
    answer: answerRows,
  },
  broken: {
    messages: [
      {
        type: 'show',
        shown: {
          ...shown,
          stale: true,
          label: 'error',
          tone: 'open',
          detail: '',
          counts: [],
          planned: 0,
          notes: [
            'samples/digits.onnx: the file ends in the middle of a tensor. Export the model again.',
            'Accuracy is 12 % on 40 samples: is the preprocessing right?',
          ],
        },
      },
    ],
    answer: answerRows,
  },
};
