import { scalar, type Expression } from './expression';
import { add, div, mul, sqrt } from './operators';

/** Adam (Kingma and Ba) as graph nodes: what it divides out is the scale of the gradient, coordinate by coordinate. */

export interface AdamDecay {
  readonly first: number;
  readonly second: number;
}

export const ADAM_DECAY: AdamDecay = { first: 0.9, second: 0.999 };

/** The moments before a step; the same shape as the variable, zero at the start. */
export interface Moments {
  readonly first: Expression;
  readonly second: Expression;
}

/**
 * One step: the next moments, and the direction of the gradient in units of about 1 (to be multiplied by the learning rate and
 * subtracted when minimising). `firstScale` and `secondScale` are the bias corrections of this step, see `adamScales`. `smallest` is added
 * to the denominator.
 */
export function adamStep(
  gradient: Expression,
  moments: Moments,
  corrections: { readonly firstScale: Expression; readonly secondScale: Expression },
  decay: AdamDecay = ADAM_DECAY,
  smallest = 1e-8,
): { direction: Expression; moments: Moments } {
  const first = add(mul(moments.first, decay.first), mul(gradient, 1 - decay.first));
  const second = add(mul(moments.second, decay.second), mul(mul(gradient, gradient), 1 - decay.second));
  const size = add(
    sqrt(mul(second, corrections.secondScale)),
    scalar(smallest, gradient.type === 'float64' ? 'float64' : 'float32'),
  );
  return { direction: div(mul(first, corrections.firstScale), size), moments: { first, second } };
}

/** The factors that undo the bias of moments which began at zero, at step t (from 1). */
export function adamScales(t: number, decay: AdamDecay = ADAM_DECAY): { firstScale: number; secondScale: number } {
  return { firstScale: 1 / (1 - decay.first ** t), secondScale: 1 / (1 - decay.second ** t) };
}
