// What the extension tells the page `tuning` in its states. Made up; the journeys have real runs.
import { f32, original, changed, preprocess, digit, spec } from './shared.mjs';
const steps = Array.from({ length: 33 }, (_, k) => `${k / 4}/255`);
const subject = {
  name: 'small noise',
  specification: spec,
  meaning: 'm',
  written: '2/255',
  steps,
  sample: 0,
  state: { uri: 'file:///x', index: 0 },
  searching: false,
};
const bound = {
  meaning: 'm',
  epsilon: '2/255',
  sample: 0,
  tone: 'good',
  headline: 'holds, margin at least 0.3121',
  claim: 'Every input within 2/255 of sample 0 is classified as 0.',
  units: 'ε = 2/255 (0.00784)',
  ways: Array.from({ length: 9 }, (_, k) => ({
    name: `${k + 1} wins`,
    margin: 0.31 + k * 0.7 - (k > 6 ? 8 : 0),
    text: (0.31 + k * 0.7 - (k > 6 ? 8 : 0)).toFixed(4),
  })),
  time: 'bounded in 0.02 s',
};
const pics = {
  original,
  lower: f32(64, k => Math.max(0, digit(k) - 0.08)),
  upper: f32(64, k => Math.min(1, digit(k) + 0.08)),
  shape: [1, 64],
  preprocess,
};
const bracket = {
  certified: '3.2/255',
  attacked: '5/255',
  certifiedStep: 12.8,
  attackedStep: 20,
  text: 'Sample 0: certified up to 3.2/255, fails from 5/255. All samples: certified up to 0.5/255.',
};

export const TUNING = {
  empty: { messages: [{ type: 'subject', subject: null }] },
  done: {
    messages: [
      { type: 'subject', subject },
      { type: 'bound', bound, pictures: pics },
      { type: 'bracket', bracket },
      {
        type: 'counterexample',
        counterexample: {
          epsilon: '5/255',
          step: 20,
          input: changed,
          text: 'At ε = 5/255 and every larger one the network fails on this input, as ONNX Runtime shows.',
        },
      },
    ],
  },
  busy: {
    messages: [
      { type: 'subject', subject: { ...subject, searching: true } },
      { type: 'bound', bound: { ...bound, epsilon: '1/255' }, pictures: pics },
      { type: 'bracket', bracket },
    ],
  },
  broken: {
    messages: [
      { type: 'subject', subject },
      { type: 'problem', text: 'samples/digits.onnx: cannot be read: the file is gone.' },
    ],
  },
};
