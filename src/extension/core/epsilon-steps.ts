import type { NumberForm } from '../../spec/numbers/number-form';
import { compare } from '../../spec/numbers/rational';
import { parseWritten, type Written } from '../../spec/numbers/written';

/** Significant digits of a slider's steps. */
const DIGITS = 2;
/** The slider goes so many times beyond the number it was made for. */
const TIMES = 4;
const MOST_STEPS = 400;

/**
 * The numbers of a slider around one that is written: everything that can be written the same way with two significant digits, from one step to four times it.
 * @param before steps that are there already: they stay where the number is among them, so that a slider does not jump under a hand
 */
export function epsilonSteps(form: NumberForm, before: readonly string[], epsilon: string): readonly string[] {
  if (before.includes(epsilon) && before.includes(form.text)) return before;
  const { start, text } = form.grid(DIGITS);
  const last = TIMES * start;
  const stride = Math.max(1, Math.ceil(last / MOST_STEPS));
  const places = new Set<number>();
  for (let place = stride; place <= last; place += stride) places.add(place);
  places.add(start);
  const steps = [...places].sort((a, b) => a - b).map(place => (place === start ? form.text : text(place)));
  // A number that was chosen between the steps stands among them.
  if (!steps.includes(epsilon)) steps.splice(stepOf(steps, epsilon, 'below') + 1, 0, epsilon);
  return steps;
}

/** The last step that is not above a number, or the first that is not below it; −1 or the number of steps beyond the ends. */
export function stepOf(steps: readonly string[], epsilon: string, side: 'below' | 'above'): number {
  const number = exactly(epsilon);
  if (side === 'below') {
    let found = -1;
    steps.forEach((step, k) => {
      if (compare(exactly(step), number) <= 0) found = k;
    });
    return found;
  }
  const found = steps.findIndex(step => compare(exactly(step), number) >= 0);
  return found < 0 ? steps.length : found;
}

function exactly(text: string): Written['exact'] {
  const written = parseWritten(text);
  if ('error' in written) throw new Error(`${text} ${written.error}`);
  return written.exact;
}
