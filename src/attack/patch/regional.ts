import { evaluate } from '../../network/evaluate';
import type { Network } from '../../network/network';
import type { Subject } from '../adversarial';
import { smallestChange, type ChangeMeasure, type Room } from './fewest-values';
import { linesAt, LocalMap, type AffineForm, type PhaseWall } from './local-map';

/** The closest adversarial input within one linear region of a network, by a linear or integer program. */

export interface RegionalOptions {
  readonly measure: ChangeMeasure;
  /** Seconds of the solver in all; 2 unless given. */
  readonly seconds?: number;
  readonly cancelled?: () => boolean;
}

export interface RegionalOptimum {
  /** The closest point of the closed region with a margin of a ten-thousandth of the original's, or that of the given point if that is less; null: only the bound is known. */
  readonly point: Float32Array | null;
  /** No point of the region with that margin is closer to the original, by the solver's word. */
  readonly bound: number;
  /** The point attains the bound: the region is settled. */
  readonly isSettled: boolean;
}

/** The margin demanded, as a part of the one the label had: float32 must not undo it. */
const AIM = 1e-4;
const WALLS_AT_ONCE = 16;
const MOST_PROGRAMS = 24;
const TOLERANCE = 1e-7;

/**
 * Walls of the region are added as they are crossed, so every program on the way bounds the region's optimum from below. The class aimed at is the one
 * that wins at `inside`.
 */
export async function closestInRegion(
  network: Network,
  subject: Subject,
  inside: Float32Array,
  options: RegionalOptions,
): Promise<RegionalOptimum> {
  const at = Float64Array.from(inside);
  const values = evaluate(network, at);
  const lines = linesAt(network, values);
  const map = new LocalMap(network, 0, null, values, lines);
  const away = at.map((x, i) => subject.original[i] - x);
  const fromOriginal = (form: AffineForm): AffineForm => {
    const constant = form.column.reduce((sum, i, k) => sum + form.value[k] * away[i], form.constant);
    return { ...form, constant };
  };
  const { original, lower, upper } = subject;
  const room: Room = { down: original.map((x, i) => lower[i] - x), up: original.map((x, i) => upper[i] - x) };
  const forms = marginForms(network, subject, map, values[values.length - 1]).map(fromOriginal);
  const walls = [...map.phases()].map(wall => ({ ...wall, ...fromOriginal(wall) }));
  const added = new Set<PhaseWall>();
  const end = performance.now() + 1000 * (options.seconds ?? 2);
  let bound = 0;
  for (let k = 0; k < MOST_PROGRAMS && !options.cancelled?.(); k++) {
    const seconds = (end - performance.now()) / 1000;
    if (seconds <= 0) break;
    const found = await smallestChange(room, forms, options.measure, { seconds });
    if (!found) break;
    bound = Math.max(bound, found.bound);
    const crossed = walls
      .filter(wall => !added.has(wall))
      .map(wall => ({ wall, value: valueOf(wall, found.change) }))
      .filter(each => each.value < -TOLERANCE)
      .sort((a, b) => a.value - b.value)
      .slice(0, WALLS_AT_ONCE);
    if (crossed.length === 0) {
      const size = sizeOf(found.change, options.measure);
      return { point: moved(subject, found.change), bound, isSettled: size <= bound + 1e-6 * (1 + bound) };
    }
    for (const { wall } of crossed) {
      added.add(wall);
      forms.push(wall);
    }
  }
  return { point: null, bound, isSettled: false };
}

/** The winner at the point stays above the label, or, with a target, the target above all others. */
function marginForms(
  network: Network,
  { label, target, logits }: Subject,
  map: LocalMap,
  reached: Float64Array,
): AffineForm[] {
  const winner =
    target ?? reached.reduce((best, z, k) => (k !== label && (best < 0 || z > reached[best]) ? k : best), -1);
  const needed = AIM * Math.max(Math.abs(logits[label] - logits[winner]), 1e-3);
  const rivals = target === null ? [label] : Array.from(reached.keys()).filter(k => k !== winner);
  return rivals.map(rival => {
    const form = map.combination(network.nodes.length - 1, [winner, rival], [1, -1]);
    // The point at hand counts as adversarial, however little it is.
    return { ...form, constant: form.constant - Math.min(needed, form.constant) };
  });
}

function valueOf({ column, value, constant }: AffineForm, change: Float64Array): number {
  return column.reduce((sum, i, k) => sum + value[k] * change[i], constant);
}

function sizeOf(change: Float64Array, measure: ChangeMeasure): number {
  const sizes = change.map(each => (Math.abs(each) < TOLERANCE ? 0 : Math.abs(each)));
  if (measure === 'inf') return sizes.reduce((most, each) => Math.max(most, each), 0);
  return sizes.reduce((sum, each) => sum + (measure === 'count' ? Math.sign(each) : each), 0);
}

/** The original with a change, as float32 inside the range. */
export function moved({ original, lower, upper }: Subject, change: ArrayLike<number>): Float32Array {
  return original.map((x, i) => {
    if (Math.abs(change[i]) < TOLERANCE) return x;
    return Math.min(Math.max(Math.fround(x + change[i]), lower[i]), upper[i]);
  });
}
