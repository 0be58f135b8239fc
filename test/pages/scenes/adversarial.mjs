// What the extension tells the page `adversarial` in its states. Made up; the journeys have real runs.
import { f32, logits, logits2, preprocess, digit, spec, model, asked, busy } from './shared.mjs';
const advRun = {
  kind: 'run',
  specification: '/w/' + spec,
  model: '/w/' + model,
  folder: '/store/run',
  classes: null,
  inputShape: [1, 64],
  preprocess,
  methods: ['patches'],
  measure: 'count',
  target: null,
  range: ['0', '1'],
  samples: [],
};
const norms = k => ({
  values: 1 + (k % 7),
  pixels: 1 + (k % 7),
  pixelPercent: (1 + (k % 7)) / 0.64,
  one: 0.4 * (1 + (k % 7)),
  two: 0.5 + (k % 5) / 5,
  inf: 0.3 + (k % 6) / 10,
});
const entries = Array.from({ length: 37 }, (_, k) =>
  k % 9 === 8
    ? {
        kind: 'not found',
        sample: k,
        from: k % 10,
        reason: 'No attack found an input that the model takes for something else.',
      }
    : k % 13 === 12
      ? { kind: 'skipped', sample: k, from: k % 10, reason: 'The model takes it for 3, which is not its label.' }
      : {
          kind: 'found',
          sample: k,
          from: k % 10,
          to: (k + 3) % 10,
          label: k % 10,
          norms: norms(k),
          foundBy: 'patches',
          found: { patches: 3, greedy: 5 },
          patched: ['fc_1'],
          replay: 'ONNX Runtime answers class 3 on it, margin 0.02.',
          scope: 'No smaller set of pixels was found; that is no proof.',
          optimum: null,
          seconds: 0.26,
        },
);
const summary = {
  statement: '35 of 35 attacked samples have an adversarial input; 3 changed values at the median',
  attacked: 35,
  found: 35,
  foundBy: { patches: 31, greedy: 4 },
  norms: Object.fromEntries(
    ['values', 'pixels', 'pixelPercent', 'one', 'two', 'inf'].map(n => [n, { median: 3, mean: 3.2, largest: 9 }]),
  ),
  seconds: { median: 0.2, mean: 0.26, largest: 1.1 },
  defectDetection: 100,
  pielou: 0.83,
  transfer: null,
  naturalness: {
    label: 'FID',
    distance: null,
    samples: 0,
    dimension: 0,
    reason: 'Not measured: no network for features was chosen.',
  },
};
const advChoice = {
  methods: ['patches', 'greedy', 'gradient'],
  measure: 'count',
  reduce: true,
  regional: false,
  misclassified: false,
  target: '',
  seconds: '',
  optimum: '',
  epsilon: '',
  samples: '',
  transfer: '',
  features: '',
  lines: false,
};
const gallery = {
  run: advRun,
  specification: spec,
  model,
  entries,
  summary,
  asked,
  busy: null,
  choice: advChoice,
  problem: null,
  canRun: true,
};
const advTensors = m =>
  m.type === 'tensors'
    ? [
        {
          type: 'tensors',
          problem: '',
          inputs: m.samples.map(sample => ({
            sample,
            original: f32(64, k => digit((k + sample) % 64)),
            input: f32(64, k => ([18, 27, 28].includes(k) ? 1 - digit((k + sample) % 64) : digit((k + sample) % 64))),
            originalLogits: logits,
            logits: logits2,
          })),
        },
      ]
    : [];

export const ADVERSARIAL = {
  empty: { messages: [{ type: 'show', gallery: null }] },
  done: { messages: [{ type: 'show', gallery }], answer: advTensors },
  busy: {
    messages: [{ type: 'show', gallery: { ...gallery, summary: null, entries: entries.slice(0, 9), busy } }],
    answer: advTensors,
  },
  broken: {
    messages: [
      {
        type: 'show',
        gallery: {
          ...gallery,
          run: null,
          entries: [],
          summary: null,
          problem: 'The samples are "1-4"; write indices and ranges such as 3, 7 or 0..9, or leave it empty.',
        },
      },
    ],
  },
};
