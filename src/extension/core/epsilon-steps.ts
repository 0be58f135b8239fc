import type { NumberForm } from '../../spec/numbers/number-form';
import { compare, round } from '../../spec/numbers/rational';
import { parseWritten, type Written } from '../../spec/numbers/written';

/** A slider has at least so many steps up to the number that it was made for. */
const LEAST_STEPS = 25;
/** The slider goes so many times beyond the number it was made for. */
const TIMES = 4;
/** And so many times beyond one at which the network is known to fail. */
const BEYOND = 1.25;
const MOST_STEPS = 400;

/**
 * The numbers of a slider around one that is written: what can be written the same way with two significant digits (three where these are too few), from one
 * step to four times it.
 * @param reach a number that the slider goes beyond, where one is known
 */
export function epsilonSteps(form: NumberForm, reach: string | null): readonly string[] {
  const coarse = form.grid(2);
  const { start, text } = coarse.start < LEAST_STEPS ? form.grid(3) : coarse;
  const beyond = reach === null ? 0 : Math.ceil(BEYOND * start * ratio(reach, form.text));
  const last = Math.max(TIMES * start, beyond);
  const stride = Math.max(1, Math.ceil(last / MOST_STEPS));
  const places = new Set<number>();
  for (let place = stride; place <= last; place += stride) places.add(place);
  places.add(start);
  return [...places].sort((a, b) => a - b).map(place => (place === start ? form.text : text(place)));
}

/** The same steps with one more number among them, if it is not there. */
export function withStep(steps: readonly string[], epsilon: string): readonly string[] {
  if (steps.includes(epsilon)) return steps;
  const at = stepOf(steps, epsilon, 'below') + 1;
  return [...steps.slice(0, at), epsilon, ...steps.slice(at)];
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

function ratio(a: string, b: string): number {
  return round(exactly(a)) / round(exactly(b));
}

function exactly(text: string): Written['exact'] {
  const written = parseWritten(text);
  if ('error' in written) throw new Error(`${text} ${written.error}`);
  return written.exact;
}
