import { ADAM_DECAY, adamScales, adamStep } from '../tensor/adam';
import { input, type Expression } from '../tensor/expression';
import { add, mul, sub } from '../tensor/operators';

/** How parameters move along their gradients. The state of the optimiser travels through the graph beside the parameters. */
export type Optimizer =
  | { readonly kind: 'adam' }
  /** Gradient descent with (heavy-ball) momentum; 0 for none. */
  | { readonly kind: 'sgd'; readonly momentum: number };

/** One parameter's part of a step: what has to be fed beside it, and what comes out. Labels end in the parameter's name. */
export interface Update {
  readonly next: Expression;
  /** Next state by the label under which it is fed; zero before the first step. */
  readonly state: Readonly<Record<string, Expression>>;
}

/** Scalars every step feeds, besides the parameters' own state. */
export interface StepScalars {
  readonly rate: Expression;
  readonly firstScale: Expression;
  readonly secondScale: Expression;
}

export function stepScalars(): StepScalars {
  return { rate: input('rate', []), firstScale: input('firstScale', []), secondScale: input('secondScale', []) };
}

/** Their values at step t (from 1). */
export function scalarValues(rate: number, t: number): Record<keyof StepScalars, Float32Array> {
  const { firstScale, secondScale } = adamScales(t, ADAM_DECAY);
  return {
    rate: Float32Array.of(rate),
    firstScale: Float32Array.of(firstScale),
    secondScale: Float32Array.of(secondScale),
  };
}

/** `decay` is decoupled weight decay (Loshchilov and Hutter): the parameter shrinks by rate·decay at every step. */
export function update(
  optimizer: Optimizer,
  name: string,
  parameter: Expression,
  gradient: Expression,
  scalars: StepScalars,
  decay: number,
): Update {
  const kept = decay === 0 ? parameter : sub(parameter, mul(mul(parameter, scalars.rate), decay));
  if (optimizer.kind === 'sgd') {
    if (optimizer.momentum === 0) return { next: sub(kept, mul(gradient, scalars.rate)), state: {} };
    const label = `velocity:${name}`;
    const velocity = add(mul(input(label, parameter.shape), optimizer.momentum), gradient);
    return { next: sub(kept, mul(velocity, scalars.rate)), state: { [label]: velocity } };
  }
  const [first, second] = [`first:${name}`, `second:${name}`];
  const before = { first: input(first, parameter.shape), second: input(second, parameter.shape) };
  const { direction, moments } = adamStep(gradient, before, scalars);
  return {
    next: sub(kept, mul(direction, scalars.rate)),
    state: { [first]: moments.first, [second]: moments.second },
  };
}
