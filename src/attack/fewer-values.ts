import { ok, type Result } from '../base/result';
import { marginOf, type Subject } from './adversarial';
import type { AttackedModel } from './attacked-model';
import { joined, liftAbove, promisingMoves } from './coordinate-moves';

/** From an adversarial input to one with fewer changed values: by restoring, and by two values making room for one. */

export interface ReduceOptions {
  readonly cancelled?: () => boolean;
  /** Pairs of values that are tried at once in an exchange; 48 unless given. */
  readonly pairs?: number;
}

const PAIRS = 48;
const CANDIDATES = 24;

function changedAt(subject: Subject, point: Float32Array): number[] {
  const changed: number[] = [];
  for (let i = 0; i < point.length; i++) if (point[i] !== subject.original[i]) changed.push(i);
  return changed;
}

function without(subject: Subject, point: Float32Array, indices: readonly number[]): Float32Array {
  const restored = point.slice();
  for (const i of indices) restored[i] = subject.original[i];
  return restored;
}

async function margins(
  model: AttackedModel,
  subject: Subject,
  points: readonly Float32Array[],
): Promise<Result<number[]>> {
  const logits = await model.logits(joined(points));
  if (!logits.ok) return logits;
  const o = model.network.outputSize;
  return ok(points.map((_, k) => marginOf(subject, logits.value.subarray(k * o, (k + 1) * o))));
}

/**
 * Gives values back that the point does not need: those whose loss hurts least, as many at once as keep it adversarial in float32; ends where
 * every single one is needed. The point itself when it is not adversarial.
 */
export async function restore(
  model: AttackedModel,
  subject: Subject,
  point: Float32Array,
  { cancelled }: ReduceOptions = {},
): Promise<Result<Float32Array>> {
  for (;;) {
    const changed = changedAt(subject, point);
    if (changed.length < 2 || cancelled?.()) return ok(point);
    const single = await margins(
      model,
      subject,
      changed.map(i => without(subject, point, [i])),
    );
    if (!single.ok) return single;
    const free = changed
      .map((index, k) => ({ index, margin: single.value[k] }))
      .filter(each => each.margin > 0)
      .sort((a, b) => b.margin - a.margin)
      .map(each => each.index);
    if (free.length === 0) return ok(point);
    // Together they may be missed where alone they are not: the longest of these beginnings that can go.
    const lengths: number[] = [];
    for (let length = free.length; length > 0; length = Math.floor(length * 0.8)) lengths.push(length);
    const many = await margins(
      model,
      subject,
      lengths.map(length => without(subject, point, free.slice(0, length))),
    );
    if (!many.ok) return many;
    const kept = lengths[many.value.findIndex(margin => margin > 0)];
    point = without(subject, point, free.slice(0, kept));
  }
}

/**
 * Looks for two changed values whose place one other value can take, as long as it finds such. In float32; the result has been restored.
 * The point has to be adversarial.
 */
export async function exchange(
  model: AttackedModel,
  subject: Subject,
  start: Float32Array,
  options: ReduceOptions = {},
): Promise<Result<Float32Array>> {
  const restored = await restore(model, subject, start, options);
  if (!restored.ok) return restored;
  let point = restored.value;
  while (!options.cancelled?.()) {
    const better = await exchangeOnce(model, subject, point, options.pairs ?? PAIRS);
    if (!better.ok) return better;
    if (!better.value) break;
    const next = await restore(model, subject, better.value, options);
    if (!next.ok) return next;
    point = next.value;
  }
  return ok(point);
}

async function exchangeOnce(
  model: AttackedModel,
  subject: Subject,
  point: Float32Array,
  pairs: number,
): Promise<Result<Float32Array | null>> {
  const changed = changedAt(subject, point);
  if (changed.length < 2) return ok(null);
  const apart = changed.flatMap((a, k) => changed.slice(k + 1).map(b => without(subject, point, [a, b])));
  const left = await margins(model, subject, apart);
  if (!left.ok) return left;
  const starts = apart
    .map((each, k) => ({ point: each, margin: left.value[k] }))
    .sort((a, b) => b.margin - a.margin)
    .slice(0, pairs);
  const aims = await aimsOf(model, subject, point);
  if (!aims.ok) return aims;
  const lift = liftAbove(
    model.network.outputSize,
    starts.map(() => ({ label: subject.label, aim: aims.value })),
  );
  const gradients = await model.ascend(joined(starts.map(each => each.point)), lift);
  if (!gradients.ok) return gradients;
  const n = point.length;
  const moved = starts.flatMap(({ point: base }, row) => {
    const slope = gradients.value.slope.subarray(row * n, (row + 1) * n);
    return promisingMoves(subject, base, slope, CANDIDATES).map(({ index, value }) => {
      const next = base.slice();
      next[index] = value;
      return next;
    });
  });
  if (moved.length === 0) return ok(null);
  const reached = await margins(model, subject, moved);
  if (!reached.ok) return reached;
  const best = reached.value.reduce((top, margin, k) => (margin > reached.value[top] ? k : top), 0);
  return ok(reached.value[best] > 0 ? moved[best] : null);
}

/** The class that the point has reached. */
async function aimsOf(model: AttackedModel, subject: Subject, point: Float32Array): Promise<Result<number>> {
  const logits = await model.logits(point);
  if (!logits.ok) return logits;
  let aim = subject.target ?? -1;
  if (aim < 0)
    logits.value.forEach((z, k) => (aim = k !== subject.label && (aim < 0 || z > logits.value[aim]) ? k : aim));
  return ok(aim);
}
