// Every page in its states: nothing yet, at work, done, broken.
import { RESULTS } from './scenes/results.mjs';
import { NEURONS } from './scenes/neurons.mjs';
import { GRAFTING } from './scenes/grafting.mjs';
import { ADVERSARIAL } from './scenes/adversarial.mjs';
import { PATCH } from './scenes/patch.mjs';
import { TOLERANCE } from './scenes/tolerance.mjs';
import { TUNING } from './scenes/tuning.mjs';
import { COMPARE } from './scenes/compare.mjs';

/** @type {Record<string, Record<string, { messages: any[], answer?: (message: any) => any[], state?: unknown }>>} */
export const SCENES = {
  results: RESULTS,
  neurons: NEURONS,
  grafting: GRAFTING,
  adversarial: ADVERSARIAL,
  patch: PATCH,
  tolerance: TOLERANCE,
  tuning: TUNING,
  compare: COMPARE,
};
