import type { Random } from '../../base/random';
import { ok, type Result } from '../../base/result';
import { marginOf, type Subject } from '../adversarial';
import type { AttackedModel, Gradients, Objectives } from '../attacked-model';
import { joined } from '../coordinate-moves';

/** One descent for all gradient rivals: a batch of points, each inside an L∞ ball around its original and inside the valid range. */

/** What a point ascends on. `class` is the one the loss is about; `away` from it or `towards` it. */
export type Loss =
  | { readonly kind: 'crossEntropy' | 'ratio'; readonly class: number; readonly towards: boolean }
  | { readonly kind: 'margin'; readonly class: number }
  /** A fixed random direction of logits, as output diversification has it. */
  | { readonly kind: 'direction'; readonly weights: Float32Array };

/** One point on its way. */
export interface Walker {
  readonly subject: Subject;
  readonly point: Float32Array;
  readonly loss: Loss;
}

/** How points move on, given the gradients at where they are. Stateful: one a descent. */
export interface StepRule {
  /**
   * Moves the points in place, and keeps them in the ball with `project`.
   * @param step from 0
   */
  move(walkers: readonly Walker[], gradients: Gradients, step: number, project: Projection): void;
}

/** Puts a walker's point back into its ball and its range. */
export type Projection = (walker: Walker) => void;

/** The ball's radius, in the model's units. */
export function ball(radius: number): Projection {
  return ({ subject: { original, lower, upper }, point }) => {
    for (let i = 0; i < point.length; i++) {
      const low = Math.max(lower[i], original[i] - radius);
      const high = Math.min(upper[i], original[i] + radius);
      // In float32 an edge of the ball may round outward, by less than its last digit; the range's edges are float32 already.
      point[i] = Math.min(Math.max(point[i], low), high);
    }
  };
}

/** The first point of each subject that fools the model, in float32; null where none did. */
export type Found = Map<Subject, Float32Array>;

/**
 * Steps all walkers. Points that fool the model are kept in `found` when they are first met; their subject's other walkers then stand still.
 * The points after the last step are looked at too.
 */
export async function descend(
  model: AttackedModel,
  walkers: readonly Walker[],
  rule: StepRule,
  steps: number,
  project: Projection,
  found: Found,
  cancelled?: () => boolean,
): Promise<Result<null>> {
  const o = model.network.outputSize;
  let active = walkers.filter(each => !found.has(each.subject));
  for (let step = 0; step <= steps && active.length > 0 && !cancelled?.(); step++) {
    if (step === steps) {
      const logits = await model.logits(joined(active.map(each => each.point)));
      if (!logits.ok) return logits;
      note(active, logits.value, o, found);
      break;
    }
    const gradients = await model.ascend(joined(active.map(each => each.point)), objectivesOf(active, o));
    if (!gradients.ok) return gradients;
    if (note(active, gradients.value.logits, o, found)) {
      const kept = active.map((each, row) => (found.has(each.subject) ? -1 : row)).filter(row => row >= 0);
      rule.move(
        kept.map(row => active[row]),
        selected(gradients.value, kept),
        step,
        project,
      );
      active = kept.map(row => active[row]);
    } else rule.move(active, gradients.value, step, project);
  }
  return ok(null);
}

/** Keeps the points that fool the model; says whether there are any. */
function note(walkers: readonly Walker[], logits: Float32Array, o: number, found: Found): boolean {
  let any = false;
  walkers.forEach(({ subject, point }, row) => {
    if (found.has(subject) || !(marginOf(subject, logits.subarray(row * o, (row + 1) * o)) > 0)) return;
    found.set(subject, point.slice());
    any = true;
  });
  return any;
}

function selected({ logits, objective, slope }: Gradients, rows: readonly number[]): Gradients {
  const pick = (data: Float32Array, width: number): Float32Array =>
    joined(rows.map(row => data.subarray(row * width, (row + 1) * width)));
  const [o, n] = [logits.length / objective.length, slope.length / objective.length];
  return { logits: pick(logits, o), objective: pick(objective, 1), slope: pick(slope, n) };
}

function objectivesOf(walkers: readonly Walker[], o: number): Objectives {
  const rows = walkers.length;
  const classes = new Float32Array(rows * o);
  const direction = new Float32Array(rows * o);
  const crossEntropy = new Float32Array(rows);
  const ratio = new Float32Array(rows);
  walkers.forEach(({ loss, subject }, row) => {
    switch (loss.kind) {
      case 'crossEntropy':
      case 'ratio':
        classes[row * o + loss.class] = 1;
        (loss.kind === 'ratio' ? ratio : crossEntropy)[row] = loss.towards ? -1 : 1;
        break;
      case 'margin':
        direction[row * o + loss.class] = 1;
        direction[row * o + subject.label] = -1;
        break;
      case 'direction':
        direction.set(loss.weights, row * o);
    }
  });
  return { classes, crossEntropy, ratio, direction };
}

/** Steps of one size along the sign of the gradient. */
export function signSteps(size: number): StepRule {
  return {
    move(walkers, { slope }, _, project) {
      walkers.forEach((walker, row) => {
        const { point } = walker;
        for (let i = 0; i < point.length; i++) point[i] += size * Math.sign(slope[row * point.length + i]);
        project(walker);
      });
    },
  };
}

/** A point drawn uniformly from the ball. */
export function scatter(walker: Walker, radius: number, random: Random, project: Projection): void {
  for (let i = 0; i < walker.point.length; i++) walker.point[i] += radius * (2 * random.uniform() - 1);
  project(walker);
}
