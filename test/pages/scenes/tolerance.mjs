// What the extension tells the page `tolerance` in its states. Made up; the journeys have real runs.
import { spec, model, asked, busy } from './shared.mjs';
const methods = ['star', 'complete', 'weng-margin', 'weng-range', 'tsai'];
const curve = [0.001, 0.002, 0.004, 0.008, 0.012, 0.02].map((magnitude, k) => ({
  magnitude,
  methods: Object.fromEntries(
    methods.map((m, j) => [
      m,
      { verified: Math.max(0, 10 - k * (j + 1)), asked: 10, seconds: 0.01 * (5 - j) * (k + 1) },
    ]),
  ),
}));
const tolLayer = (number, name, state) => ({
  number,
  name,
  opType: number === 1 ? 'Conv' : 'Gemm',
  weights: (4000 / number) | 0,
  range: 1.23,
  state,
  samples:
    state === 'waiting'
      ? []
      : Array.from({ length: state === 'running' ? 4 : 10 }, (_, k) => ({
          sample: k,
          certified: 0.004 + k / 5000,
          failing: 0.01 + k / 5000,
        })),
  curve: state === 'finished' ? curve : [],
  sensitivity:
    state === 'waiting'
      ? null
      : {
          total: 3.1 * number,
          neurons: Array.from({ length: 48 }, (_, k) => Math.abs(Math.sin(k * number)) * (k % 5)),
        },
  failure:
    state === 'finished'
      ? {
          sample: 3,
          magnitude: 0.0101,
          expected: 3,
          answered: 8,
          changed: 4000,
          changes: Array.from({ length: 25 }, (_, k) => ({
            layer: name,
            tensor: 'W',
            index: [k, 2 * k],
            before: 0.1 * k - 1,
            after: 0.1 * k - 0.99,
          })),
          model: '/f/m.onnx',
        }
      : null,
  notes: ['The complete verifier settled 58 of 60 questions.'],
});
const report = {
  specification: '/w/' + spec,
  model: '/w/' + model,
  samples: Array.from({ length: 10 }, (_, k) => k),
  leftOut: [4],
  refused: [],
  methods,
  layers: [tolLayer(1, 'conv_1', 'finished'), tolLayer(2, 'fc_1', 'finished'), tolLayer(3, 'fc_2', 'finished')],
  finished: true,
};
const tolChoice = { layers: null, methods, grid: '', samples: '10', timeout: '10' };
const tol = { asked, model, specification: spec, choice: tolChoice, report, busy: null, problem: null, canRun: true };

export const TOLERANCE = {
  empty: { messages: [{ type: 'show', shown: null }] },
  done: { messages: [{ type: 'show', shown: tol }] },
  busy: {
    messages: [
      {
        type: 'show',
        shown: {
          ...tol,
          busy,
          report: {
            ...report,
            finished: false,
            layers: [tolLayer(1, 'conv_1', 'waiting'), tolLayer(2, 'fc_1', 'running'), tolLayer(3, 'fc_2', 'finished')],
          },
        },
      },
    ],
  },
  broken: {
    messages: [
      {
        type: 'show',
        shown: {
          ...tol,
          report: null,
          problem: '"x" is no number of samples: give a whole number from 1 up, or nothing for all.',
        },
      },
    ],
  },
};
