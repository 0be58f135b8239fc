import { setImmediate as nextTurn } from 'node:timers/promises';
import { assert } from '../base/assert';
import { ok, problem, type Result } from '../base/result';
import type { Network } from '../network/network';
import type { GraftedNetwork } from '../train/grafted-network';
import type { Perturbation } from '../train/perturbation';
import type { Dataset } from '../train/trainer';
import type { SampleOutcome } from './outcomes';
import { PairBounder, type Interval, type PairMargin } from './paired/bounder';
import { regionAround } from './regions';

/**
 * Verdicts carried back from a graft g to its base network f: f is verified on a sample when over the region, for every other class,
 * lower(margin of g) + lower(margin of f − margin of g) > 0.
 */
export interface Carried {
  readonly sample: number;
  readonly verified: boolean;
  /** Smallest of those sums, rounded down. */
  readonly lowerBound: number;
  /** g's answers minus f's, per output. */
  readonly outputs: readonly Interval[];
  readonly margins: readonly PairMargin[];
  /** Of bounding the pair. */
  readonly seconds: number;
}

export interface CarryOptions {
  /** What is known of g on the same samples, by sample: its verifier's margins count where they are better than the pair's. */
  readonly grafted?: ReadonlyMap<number, SampleOutcome>;
  /** Only these samples; all unless given. */
  readonly samples?: readonly number[];
  readonly cancelled?: () => boolean;
  readonly onSample?: (carried: Carried) => void;
}

/** Errors: those of `PairBounder.create`, and `graft/cancelled` (what was done went to `onSample`). */
export async function carryVerdicts(
  base: Network,
  grafted: GraftedNetwork,
  data: Dataset,
  perturbation: Perturbation,
  options: CarryOptions = {},
): Promise<Result<Carried[]>> {
  const created = PairBounder.create(base, grafted);
  if (!created.ok) return created;
  const bounder = created.value;
  const samples = options.samples ?? Array.from({ length: data.count }, (_, k) => k);
  const result: Carried[] = [];
  for (const sample of samples) {
    const started = performance.now();
    const { lower, upper } = regionAround(
      data.inputs.slice(sample * base.inputSize, (sample + 1) * base.inputSize),
      perturbation,
    );
    const usable = bounder.setBox(lower, upper);
    if (usable)
      for (const _ of bounder.tightening()) {
        await nextTurn();
        if (options.cancelled?.())
          return problem('graft/cancelled', `Cancelled after ${result.length} of ${samples.length} samples.`);
      }
    const margins = usable ? bounder.margins(data.labels[sample]) : [];
    const outputs = usable ? bounder.outputDifferences() : [];
    const seconds = (performance.now() - started) / 1000;
    const lowerBound = usable ? carriedBound(margins, options.grafted?.get(sample)?.margins ?? []) : -Infinity;
    const carried = { sample, verified: lowerBound > 0, lowerBound, outputs, margins, seconds };
    result.push(carried);
    options.onSample?.(carried);
  }
  return ok(result);
}

/** Smallest over the classes of what is proven of f's margin; the sum's rounding is taken off. */
export function carriedBound(margins: readonly PairMargin[], ofGraft: readonly (number | null)[]): number {
  assert(margins.length > 0, () => 'no margins');
  return Math.min(
    ...margins.map(({ other, grafted, difference }) => {
      const own = Math.max(grafted.lower, ofGraft[other] ?? -Infinity);
      const sum = own + difference.lower;
      return sum - 4e-16 * (Math.abs(own) + Math.abs(difference.lower));
    }),
  );
}

export interface CarrySummary {
  readonly samples: number;
  /** Verified for f by way of g. */
  readonly carried: number;
  /** Of these: not verified by f's own verification within the time that g's verification and the pair took together, or within its own limit where that is less. */
  readonly missedByBase: number;
  /** Of these: not verified by f's own verification at all. */
  readonly onlyCarried: number;
  /** Of these: not verified by the pair's bounds of f's own margins either, which cost nothing more: what only the way by g proves. */
  readonly beyondBounds: number;
}

/** @param own outcomes of f and g by sample */
export function carrySummary(
  carried: readonly Carried[],
  own: { readonly base: ReadonlyMap<number, SampleOutcome>; readonly grafted: ReadonlyMap<number, SampleOutcome> },
): CarrySummary {
  const verified = carried.filter(each => each.verified);
  const byBase = (sample: number, seconds: number): boolean => {
    const outcome = own.base.get(sample);
    return outcome?.outcome === 'verified' && outcome.seconds <= seconds;
  };
  const missed = verified.filter(
    ({ sample, seconds }) => !byBase(sample, seconds + (own.grafted.get(sample)?.seconds ?? 0)),
  );
  const only = verified.filter(({ sample }) => !byBase(sample, Infinity));
  const beyond = verified.filter(({ margins }) => margins.some(({ base }) => !(base.lower > 0)));
  return {
    samples: carried.length,
    carried: verified.length,
    missedByBase: missed.length,
    onlyCarried: only.length,
    beyondBounds: beyond.length,
  };
}
