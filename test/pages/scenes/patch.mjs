// What the extension tells the page `patch` in its states. Made up; the journeys have real runs.
import { spec, model, asked, busy } from './shared.mjs';
const patchRun = {
  kind: 'run',
  specification: '/w/' + spec,
  model: '/w/' + model,
  folder: '/f',
  layers: ['fc_1', 'fc_2', 'fc_3'],
  mode: 'each',
  measure: 'inf',
  inputs: Array.from({ length: 18 }, (_, k) => ({
    title: `adversarial input of sample ${k}`,
    before: (k + 3) % 10,
    wanted: k % 10,
  })),
  kept: 20,
  accuracy: { correct: 1701, total: 1797 },
  classes: null,
};
const patchLayer = (layer, outcome, holds, inf) => ({
  kind: 'layer',
  layer,
  outcome,
  statement:
    outcome === 'patched'
      ? `Every change is at most ${inf}; no smaller patch of ${layer} exists while phases are kept.`
      : `No change of ${layer} alone puts all 18 inputs right.`,
  sizes: outcome === 'patched' ? { inf, one: inf * 40, count: 64 } : null,
  lowerBound: null,
  isCertified: true,
  holds,
  answers: outcome === 'patched' ? Array.from({ length: 18 }, (_, k) => k % 10) : [],
  accuracy: outcome === 'patched' ? { correct: 1688, total: 1797 } : null,
  changes:
    outcome === 'patched'
      ? Array.from({ length: 8 }, (_, k) => ({ layer, output: k, input: 3 * k, before: 0.1 * k, after: 0.1 * k + inf }))
      : [],
  changed: 64,
  file: outcome === 'patched' ? '/f/x.onnx' : null,
  seconds: 0.31,
});
const patchChoice = {
  mode: 'each',
  measure: 'inf',
  phases: 'fixed',
  marking: false,
  margin: '',
  keep: '20',
  seconds: '',
};
const patch = {
  kept: { asked, about: '18 adversarial inputs', inputs: null, choice: patchChoice },
  specification: spec,
  model,
  about: '18 adversarial inputs',
  run: patchRun,
  layers: [
    patchLayer('fc_1', 'patched', true, 0.0213),
    patchLayer('fc_2', 'patched', false, 0.0511),
    patchLayer('fc_3', 'infeasible', false, 0),
  ],
  busy: null,
  statement: 'The smallest patch that holds changes fc_1 by at most 0.0213.',
  best: 'fc_1',
  problem: null,
  choice: patchChoice,
  canRun: true,
};

export const PATCH = {
  empty: { messages: [{ type: 'show', shown: null }] },
  done: { messages: [{ type: 'show', shown: patch }] },
  busy: {
    messages: [
      { type: 'show', shown: { ...patch, layers: patch.layers.slice(0, 1), statement: null, best: null, busy } },
    ],
  },
  broken: {
    messages: [
      {
        type: 'show',
        shown: {
          ...patch,
          run: null,
          layers: [],
          statement: null,
          best: null,
          problem: 'The margin is "x"; write a number from 0 up, or leave it empty.',
        },
      },
    ],
  },
};
