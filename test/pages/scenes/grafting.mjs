// What the extension tells the page `grafting` in its states. Made up; the journeys have real runs.
import { f32, spec, asked, busy } from './shared.mjs';
import { layers, countsOf } from './neurons.mjs';
const graft = {
  request: { ...asked, check: null, method: 'crown', epsilon: null, importance: 'sap' },
  model: 'samples/digits-conv.onnx',
  specification: spec,
  check: 'noise',
  epsilon: '1/255',
  layers,
  samples: 40,
  importance: 'sap',
  importanceOf: '40 samples',
  training: null,
  outcomes: null,
  busy: null,
  problem: null,
  canRun: true,
};
const scores = {
  type: 'scores',
  instability: countsOf(1),
  significance: f32(512, k => Math.abs(Math.sin(k * 1.7)) * 0.8),
};
const history = [1, 2, 3, 4, 5].map(epoch => ({
  epoch,
  meanLoss: 1.6 / epoch,
  score: 0.6 + 0.06 * epoch,
  seconds: 1.2,
}));
const trained = {
  state: 'ended',
  mask: 'Linear neurons: relu_1 150 of 384, relu_2 55 of 128',
  data: '1437 samples, 360 held out',
  epochs: 5,
  history,
  message: 'Trained for 5 epochs.',
  problems: [],
  model: true,
};
const flow = {
  misclassified: { misclassified: 2, attacked: 1, verified: 0, undecided: 0 },
  attacked: { misclassified: 0, attacked: 9, verified: 3, undecided: 1 },
  verified: { misclassified: 0, attacked: 1, verified: 16, undecided: 0 },
  undecided: { misclassified: 0, attacked: 1, verified: 5, undecided: 1 },
};
const acc = (s, r, v, c) => ({
  standard: s,
  robust: r,
  verified: v,
  counts: c,
  unstable: ['12.0 % of 512 neurons over all 40 samples'],
});
const outcomes = {
  base: acc(0.925, 0.6, 0.425, { misclassified: 3, attacked: 13, verified: 17, undecided: 7 }),
  grafted: acc(0.95, 0.65, 0.6, { misclassified: 2, attacked: 12, verified: 24, undecided: 2 }),
  flow,
  hypotheses: [
    { statement: 'verified(f) ⊆ verified(g)', contained: 16, of: 17 },
    { statement: 'attacked(g) ⊆ attacked(f)', contained: 9, of: 12 },
  ],
  transfer: {
    toBase: { tried: 12, fooled: 7, withstood: 4, misclassified: 1 },
    toGrafted: { tried: 13, fooled: 8, withstood: 4, misclassified: 1 },
  },
  distance: {
    outputs: Array.from({ length: 10 }, (_, k) => ({ lower: -0.3 - k / 50, upper: 0.4, mean: 0.55 })),
    samples: 40,
    carried: 12,
    missedByBase: 3,
    onlyCarried: 1,
    marginWidth: 0.71,
  },
  samples: Array.from({ length: 40 }, (_, k) => ({ sample: k, base: 'verified', grafted: 'verified' })),
};

export const GRAFTING = {
  empty: { messages: [{ type: 'show', shown: null }] },
  mask: { messages: [{ type: 'show', shown: graft }, scores] },
  done: { messages: [{ type: 'show', shown: { ...graft, training: trained, outcomes } }, scores] },
  busy: {
    messages: [
      {
        type: 'show',
        shown: {
          ...graft,
          training: { ...trained, state: 'running', history: history.slice(0, 3), model: false, message: '' },
          busy,
        },
      },
      scores,
    ],
  },
  broken: {
    messages: [
      {
        type: 'show',
        shown: { ...graft, layers: [], problem: 'The engine ended: out of memory. Give it more in the settings.' },
      },
    ],
  },
};
