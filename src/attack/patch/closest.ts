import { ok, type Result } from '../../base/result';
import { changedValues, confirm, type AdversarialInput, type Subject } from '../adversarial';
import type { AttackedModel } from '../attacked-model';
import { liftAbove } from '../coordinate-moves';
import { exchange } from '../fewer-values';
import { closestInRegion, type RegionalOptimum } from './regional';

/** From any adversarial input to a closer one. */

/** What is to be small about the change: first the number of values; the largest change; or the Euclidean length. */
export type Closeness = 'count' | 'inf' | 'two';

export interface ClosestOptions {
  readonly measure: Closeness;
  /** Settle the linear regions of the points found by programs; a matter of seconds. Ignored for `two`. */
  readonly regional?: boolean;
  /** Linear regions to go through; 4 unless given. */
  readonly regions?: number;
  readonly seconds?: number;
  readonly cancelled?: () => boolean;
}

export interface ClosestInput {
  readonly adversarial: AdversarialInput;
  /** Its distance in the measure asked for. */
  readonly distance: number;
  /** What is known about the linear region around it: no adversarial input in there is closer than `bound`. Null when it was not asked for. */
  readonly region: RegionalOptimum | null;
  /** How far from optimal the answer can be, with the scope of that knowledge. Global knowledge is the verifier's. */
  readonly scope: string;
}

const REGIONS = 4;
const DESCENTS = 12;
const BISECTIONS = 24;

/** Reduces a confirmed adversarial input; the answer is confirmed too, and no farther from the original. */
export async function closestInput(
  model: AttackedModel,
  subject: Subject,
  start: AdversarialInput,
  options: ClosestOptions,
): Promise<Result<ClosestInput>> {
  const reduced =
    options.measure === 'count'
      ? await fewer(model, subject, start, options)
      : await nearer(model, subject, start, options);
  if (!reduced.ok) return reduced;
  let best = reduced.value;
  let region: RegionalOptimum | null = null;
  if (options.regional && options.measure !== 'two')
    for (let k = 0; k < (options.regions ?? REGIONS) && !options.cancelled?.(); k++) {
      region = await closestInRegion(model.network, subject, best.input, { ...options, measure: options.measure });
      if (!region.point) break;
      const confirmed = await confirm(model, subject, region.point, best.foundBy);
      if (!confirmed.ok) return confirmed;
      if (!confirmed.value || distanceOf(confirmed.value, options.measure) >= distanceOf(best, options.measure)) break;
      best = confirmed.value;
    }
  const distance = distanceOf(best, options.measure);
  return ok({ adversarial: best, distance, region, scope: scopeOf(distance, region, options.measure) });
}

/** An adversarial input as it was found, nothing tried to get closer. */
export function asFound(adversarial: AdversarialInput, measure: Closeness): ClosestInput {
  const distance = distanceOf(adversarial, measure);
  return { adversarial, distance, region: null, scope: scopeOf(distance, null, measure) };
}

/** The distance of an adversarial input from its original. */
export function distanceOf(
  { original, input }: Pick<AdversarialInput, 'original' | 'input'>,
  measure: Closeness,
): number {
  if (measure === 'count') return changedValues(original, input);
  const differences = input.map((x, i) => Math.abs(x - original[i]));
  return measure === 'inf' ? differences.reduce((most, each) => Math.max(most, each), 0) : Math.hypot(...differences);
}

function scopeOf(distance: number, region: RegionalOptimum | null, measure: Closeness): string {
  const what = measure === 'count' ? 'fewer values' : 'a smaller change';
  if (!region)
    return `Nothing is known about whether ${what} would do; the verifier can say how close an adversarial input can be at all.`;
  const bound = measure === 'count' ? Math.ceil(region.bound - 1e-6) : Number(region.bound.toPrecision(6));
  return distance <= region.bound * (1 + 1e-6) + 1e-6
    ? `In the linear region around it, ${what} would not do (by the solver's optimum); other regions were not settled.`
    : `In the linear region around it, no adversarial input is closer than ${bound} (by the solver's bound); other regions were not settled.`;
}

async function fewer(
  model: AttackedModel,
  subject: Subject,
  start: AdversarialInput,
  options: ClosestOptions,
): Promise<Result<AdversarialInput>> {
  const reduced = await exchange(model, subject, start.input, options);
  if (!reduced.ok) return reduced;
  const confirmed = await confirm(model, subject, reduced.value, start.foundBy);
  // ONNX Runtime's rounding may differ between the file and our graph: then the start stays.
  return confirmed.ok ? ok(confirmed.value ?? start) : confirmed;
}

/**
 * Steps to the nearest point, in the measure, at which the margin's linearisation is 0, and back towards the last adversarial point as far as the network
 * asks for it.
 */
async function nearer(
  model: AttackedModel,
  subject: Subject,
  start: AdversarialInput,
  { measure, cancelled }: ClosestOptions,
): Promise<Result<AdversarialInput>> {
  const closest = await pulledIn(model, subject, subject.original, start);
  if (!closest.ok) return closest;
  let best = closest.value;
  for (let k = 0; k < DESCENTS && !cancelled?.(); k++) {
    const lift = liftAbove(model.network.outputSize, [{ label: subject.label, aim: best.to }]);
    const gradients = await model.ascend(best.input, lift);
    if (!gradients.ok) return gradients;
    const { slope, objective } = gradients.value;
    const aimed = nearestOnPlane(subject, best.input, slope, objective[0], measure);
    if (!aimed) break;
    const next = await pulledIn(model, subject, aimed, best);
    if (!next.ok) return next;
    if (distanceOf(next.value, measure) > distanceOf(best, measure) * (1 - 1e-4)) break;
    best = next.value;
  }
  return ok(best);
}

/** The point closest to `towards` on the way there from an adversarial input that still is adversarial. */
async function pulledIn(
  model: AttackedModel,
  subject: Subject,
  towards: Float32Array,
  from: AdversarialInput,
): Promise<Result<AdversarialInput>> {
  let best = from;
  let [low, high] = [0, 1];
  for (let k = 0; k < BISECTIONS; k++) {
    const part = k === 0 ? 0 : (low + high) / 2;
    const point = from.input.map((x, i) => towards[i] + part * (x - towards[i]));
    const confirmed = await confirm(model, subject, point, from.foundBy);
    if (!confirmed.ok) return confirmed;
    if (confirmed.value) {
      best = confirmed.value;
      if (k === 0) break;
      high = part;
    } else low = part;
  }
  return ok(best);
}

/** The point of the range nearest to the original where margin + slope·(x − at) is 0; null where the whole range does not reach it. */
function nearestOnPlane(
  { original, lower, upper }: Subject,
  at: Float32Array,
  slope: Float32Array,
  margin: number,
  measure: Closeness,
): Float32Array | null {
  const point = (length: number): Float32Array =>
    original.map((x, i) => {
      const step = measure === 'inf' ? Math.sign(slope[i]) : slope[i];
      return Math.min(Math.max(x + length * step, lower[i]), upper[i]);
    });
  const reached = (x: Float32Array): number => x.reduce((sum, each, i) => sum + slope[i] * (each - at[i]), margin);
  let high = 1;
  for (let k = 0; k < 60 && reached(point(high)) < 0; k++) high *= 2;
  if (reached(point(high)) < 0) return null;
  let low = 0;
  for (let k = 0; k < 40; k++) {
    const middle = (low + high) / 2;
    if (reached(point(middle)) < 0) low = middle;
    else high = middle;
  }
  return point(high);
}
