import { ok, type Result } from '../../base/result';
import { marginOf, type Subject } from '../adversarial';
import type { AttackedModel } from '../attacked-model';
import { joined, liftAbove, promisingMoves } from '../coordinate-moves';

/** Greedy coordinates: one value at a time goes to an end of its range, the one that helps most. */

export interface GreedyOptions {
  /** Values that may change at most; all unless given. */
  readonly mostValues?: number;
  /** Candidates per class and step whose effect is computed exactly; 24 unless given. */
  readonly candidates?: number;
  readonly cancelled?: () => boolean;
}

/** One state of the search: a point on the way to a class. */
interface Trail {
  readonly aim: number;
  readonly point: Float32Array;
  readonly margin: number;
}

const CANDIDATES = 24;
/** Steps of one value each; whoever needs more is far from its class, and from then on the promising moves are tried together as well, twice as many every few steps. */
const SINGLE_STEPS = 24;
const DOUBLING_STEPS = 8;

/** The first adversarial point that the search reaches on its ways to all classes, in float32, or null. Nothing is replayed here. */
export async function greedyCoordinates(
  model: AttackedModel,
  subject: Subject,
  options: GreedyOptions = {},
): Promise<Result<Float32Array | null>> {
  const { label, target, original } = subject;
  const classes = Array.from({ length: model.network.outputSize }, (_, k) => k);
  let trails = classes
    .filter(k => k !== label && (target ?? k) === k)
    .map((aim): Trail => ({ aim, point: original, margin: -Infinity }));
  const most = Math.min(options.mostValues ?? original.length, original.length);
  for (let step = 0; step < most && trails.length > 0 && !options.cancelled?.(); step++) {
    const candidates = options.candidates ?? CANDIDATES;
    const together = step < SINGLE_STEPS ? 1 : 2 ** Math.min(4, 1 + Math.floor((step - SINGLE_STEPS) / DOUBLING_STEPS));
    const extended = await extend(model, subject, trails, candidates, together);
    if (!extended.ok) return extended;
    trails = extended.value;
    const done = trails.filter(each => each.margin > 0);
    if (done.length > 0) return ok(done.reduce((best, each) => (each.margin > best.margin ? each : best)).point);
  }
  return ok(null);
}

/** Every trail extended by the one value that helps its class most, or by the most promising ones `together` where that helps more. */
async function extend(
  model: AttackedModel,
  subject: Subject,
  trails: readonly Trail[],
  candidates: number,
  together: number,
): Promise<Result<Trail[]>> {
  const o = model.network.outputSize;
  const n = subject.original.length;
  const { label } = subject;
  const lift = liftAbove(
    o,
    trails.map(({ aim }) => ({ label, aim })),
  );
  const gradients = await model.ascend(joined(trails.map(each => each.point)), lift);
  if (!gradients.ok) return gradients;
  const reached = trails.flatMap(({ aim, point }, row) => {
    const slope = gradients.value.slope.subarray(row * n, (row + 1) * n);
    const moves = promisingMoves(subject, point, slope, candidates);
    const sets = moves.map(move => [move]);
    if (together > 1 && moves.length > 1) sets.push(moves.slice(0, together));
    return sets.map(set => {
      const next = point.slice();
      for (const { index, value } of set) next[index] = value;
      return { aim, point: next };
    });
  });
  if (reached.length === 0) return ok([]);
  const logits = await model.logits(joined(reached.map(each => each.point)));
  if (!logits.ok) return logits;
  const best = new Map<number, Trail>();
  reached.forEach((each, k) => {
    const margin = marginOf({ label, target: each.aim }, logits.value.subarray(k * o, (k + 1) * o));
    if (margin > (best.get(each.aim)?.margin ?? -Infinity)) best.set(each.aim, { ...each, margin });
  });
  return ok([...best.values()]);
}
