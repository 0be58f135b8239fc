// What the extension tells the page `neurons` in its states. Made up; the journeys have real runs.
import { f32, rnd, spec, asked, busy } from './shared.mjs';
export const layers = [
  { name: 'relu_1', shape: [6, 8, 8] },
  { name: 'relu_2', shape: [8, 4, 4] },
];
export const countsOf = scale =>
  f32(512, k =>
    Math.round(40 * Math.min(1, Math.max(0, scale * (0.3 + 0.5 * Math.sin(k / 7) * Math.cos(k / 19) + 0.2 * rnd())))),
  );
const runs = ['0.25/255', '0.5/255', '1/255'].map((epsilon, k) => ({
  epsilon,
  perLayer: [30 * (k + 1), 14 * (k + 1)],
  ratio: 0.09 * (k + 1),
  statement: `${44 * (k + 1)} of 512 neurons, mean over 40 regions (all samples), bounds by crown`,
  samples: 40,
}));
const neurons = {
  request: { ...asked, check: null, method: 'crown', epsilons: null, importance: 'sap' },
  model: 'samples/digits-conv.onnx',
  specification: spec,
  check: 'noise',
  checks: ['noise', 'more noise'],
  method: 'crown',
  layers,
  runs,
  importance: { kind: 'sap', samples: '40 samples' },
  stale: false,
  busy: null,
  problem: null,
  canRun: true,
};
const neuronMessages = [
  { type: 'show', shown: neurons },
  ...runs.map((r, k) => ({ type: 'counts', epsilon: r.epsilon, counts: countsOf((k + 1) / 3) })),
  { type: 'importance', values: f32(512, k => Math.abs(Math.sin(k))) },
];
const boundsOf = m =>
  m.type === 'bounds'
    ? [
        {
          type: 'bounds',
          epsilon: m.epsilon,
          neuron: m.neuron,
          samples: Array.from({ length: 40 }, (_, k) => k),
          lower: f32(40, k => -0.6 + Math.sin(k) * 0.8),
          upper: f32(40, k => 0.1 + Math.sin(k) * 0.8),
        },
      ]
    : [];

export const NEURONS = {
  empty: { messages: [{ type: 'show', shown: null }] },
  done: {
    messages: neuronMessages,
    answer: boundsOf,
    state: { request: neurons.request, epsilon: null, view: 'neurons', neuron: 77 },
  },
  busy: {
    messages: [
      ...neuronMessages.map(m => (m.type === 'show' ? { type: 'show', shown: { ...neurons, stale: true, busy } } : m)),
      { type: 'progress', busy },
    ],
    answer: boundsOf,
  },
  broken: {
    messages: [
      {
        type: 'show',
        shown: { ...neurons, runs: [], layers: [], problem: 'samples/digits-conv.onnx: Gelu cannot be verified.' },
      },
    ],
  },
};
