import { Random } from '../../base/random';
import { ok, problem, type Result } from '../../base/result';
import { marginOf, type Subject } from '../adversarial';
import type { AttackedModel } from '../attacked-model';
import { joined } from '../coordinate-moves';
import { exchange } from '../fewer-values';
import { autoSteps } from './auto-steps';
import { ball, descend, scatter, signSteps, type Found, type Loss, type Projection, type Walker } from './descent';
import { greedyCoordinates } from './greedy';
import type { RivalName } from './names';

/** Attacks that do not know of patches, for comparison and for use. */

export interface RivalOptions {
  /** Radius of the L∞ ball in the model's units; `greedy` does not use it. */
  readonly epsilon: number;
  /** The same seed, the same points; 1 unless given. */
  readonly seed?: number;
  /** Steps of the iterative attacks, queries of `random`; each has its usual number unless given. */
  readonly steps?: number;
  /** Starts of `pgd`, `apgd` and `output-diversification`; 5 unless given. */
  readonly restarts?: number;
  readonly cancelled?: () => boolean;
}

const RESTARTS = 5;
const STEPS: Readonly<Record<RivalName, number>> = {
  fgsm: 1,
  'one-step-target': 1,
  bim: 10,
  ilcm: 10,
  pgd: 40,
  apgd: 100,
  random: 1000,
  'output-diversification': 20,
  greedy: 0,
};
/** Steps on a random direction of logits before each start of output diversification, of the size of the radius (Tashiro et al. 2020). */
const DIVERSIFYING = 2;

/**
 * Attacks any number of inputs with one method. The points found are adversarial in the search's float32 and inside ball and range; `confirm` has the last word.
 * Errors: `attack/epsilon` and those of ONNX Runtime.
 */
export async function attackWith(
  model: AttackedModel,
  subjects: readonly Subject[],
  rival: RivalName,
  options: RivalOptions,
): Promise<Result<Found>> {
  const { epsilon } = options;
  if (rival !== 'greedy' && !(epsilon > 0 && Number.isFinite(epsilon)))
    return problem('attack/epsilon', `The radius of an attack is ${epsilon}; it has to be a number above 0.`);
  const run = new Run(model, subjects, options.steps ?? STEPS[rival], options);
  const done = await run[methods[rival]]();
  return done.ok ? ok(run.found) : done;
}

const methods = {
  fgsm: 'oneStepAway',
  'one-step-target': 'oneStepTowards',
  bim: 'stepsAway',
  ilcm: 'stepsTowards',
  pgd: 'randomStarts',
  apgd: 'auto',
  random: 'random',
  'output-diversification': 'diversified',
  greedy: 'greedy',
} as const satisfies Record<RivalName, keyof Run>;

class Run {
  readonly found: Found = new Map();
  private readonly source: Random;
  private readonly project: Projection;
  private readonly restarts: number;

  constructor(
    private readonly model: AttackedModel,
    private readonly subjects: readonly Subject[],
    private readonly steps: number,
    private readonly options: RivalOptions,
  ) {
    this.source = new Random(options.seed ?? 1, 0x41);
    this.project = ball(options.epsilon);
    this.restarts = options.restarts ?? RESTARTS;
  }

  oneStepAway(): Promise<Result<null>> {
    return this.sign(this.walkers(away), this.options.epsilon);
  }

  oneStepTowards(): Promise<Result<null>> {
    return this.sign(this.walkers(towardsLeastLikely), this.options.epsilon);
  }

  stepsAway(): Promise<Result<null>> {
    return this.sign(this.walkers(away), (1.5 * this.options.epsilon) / this.steps);
  }

  stepsTowards(): Promise<Result<null>> {
    return this.sign(this.walkers(towardsLeastLikely), (1.5 * this.options.epsilon) / this.steps);
  }

  randomStarts(): Promise<Result<null>> {
    return this.repeat(() => {
      const walkers = this.walkers(away);
      for (const each of walkers) scatter(each, this.options.epsilon, this.source, this.project);
      return this.sign(walkers, (2.5 * this.options.epsilon) / this.steps);
    });
  }

  /** Restarts alternate between the cross entropy and the ratio of logits. */
  auto(): Promise<Result<null>> {
    return this.repeat(async restart => {
      for (const kind of ['crossEntropy', 'ratio'] as const) {
        const walkers = this.walkers(subject => awayBy(subject, kind));
        for (const each of walkers) if (restart > 0) scatter(each, this.options.epsilon, this.source, this.project);
        const rule = autoSteps(this.options.epsilon, this.steps);
        const done = await descend(
          this.model,
          walkers,
          rule,
          this.steps,
          this.project,
          this.found,
          this.options.cancelled,
        );
        if (!done.ok) return done;
      }
      return ok(null);
    });
  }

  diversified(): Promise<Result<null>> {
    return this.repeat(async () => {
      const { epsilon, cancelled } = this.options;
      const walkers = this.walkers(() => {
        const weights = Float32Array.from(
          { length: this.model.network.outputSize },
          () => 2 * this.source.uniform() - 1,
        );
        return { kind: 'direction', weights };
      });
      const spread = await descend(
        this.model,
        walkers,
        signSteps(epsilon),
        DIVERSIFYING,
        this.project,
        this.found,
        cancelled,
      );
      if (!spread.ok) return spread;
      const ascending = walkers.map(({ subject, point }): Walker => ({
        subject,
        point,
        loss: { kind: 'margin', class: rivalClass(subject) },
      }));
      return this.sign(ascending, (2.5 * epsilon) / this.steps);
    });
  }

  /** Random changes of one amount in every value, up or down; no gradients. */
  async random(): Promise<Result<null>> {
    const { epsilon, cancelled } = this.options;
    for (const subject of this.subjects)
      for (
        let query = 0;
        query < this.steps && !this.found.has(subject) && !cancelled?.();
        query += this.model.logitRows
      ) {
        const count = Math.min(this.model.logitRows, this.steps - query);
        const points = Array.from({ length: count }, () => {
          const point = subject.original.map(x => x + (this.source.bits() & 1 ? epsilon : -epsilon));
          this.project({ subject, point, loss: away(subject) });
          return point;
        });
        const logits = await this.model.logits(joined(points));
        if (!logits.ok) return logits;
        const o = this.model.network.outputSize;
        const hit = points.find((_, k) => marginOf(subject, logits.value.subarray(k * o, (k + 1) * o)) > 0);
        if (hit) this.found.set(subject, hit);
      }
    return ok(null);
  }

  async greedy(): Promise<Result<null>> {
    for (const subject of this.subjects) {
      const reached = await greedyCoordinates(this.model, subject, this.options);
      if (!reached.ok) return reached;
      if (!reached.value) continue;
      const fewer = await exchange(this.model, subject, reached.value, this.options);
      if (!fewer.ok) return fewer;
      this.found.set(subject, fewer.value);
    }
    return ok(null);
  }

  private walkers(loss: (subject: Subject) => Loss): Walker[] {
    return this.subjects
      .filter(subject => !this.found.has(subject))
      .map(subject => ({ subject, point: subject.original.slice(), loss: loss(subject) }));
  }

  private sign(walkers: readonly Walker[], size: number): Promise<Result<null>> {
    return descend(this.model, walkers, signSteps(size), this.steps, this.project, this.found, this.options.cancelled);
  }

  private async repeat(start: (restart: number) => Promise<Result<null>>): Promise<Result<null>> {
    for (let restart = 0; restart < this.restarts && this.found.size < this.subjects.length; restart++) {
      const done = await start(restart);
      if (!done.ok) return done;
    }
    return ok(null);
  }
}

/** Away from the label, or, with a target, towards that. */
function away(subject: Subject): Loss {
  return awayBy(subject, 'crossEntropy');
}

function awayBy({ label, target }: Subject, kind: 'crossEntropy' | 'ratio'): Loss {
  return { kind, class: target ?? label, towards: target !== null };
}

function towardsLeastLikely({ logits, target }: Subject): Loss {
  const least = logits.reduce((low, z, k) => (z < logits[low] ? k : low), 0);
  return { kind: 'crossEntropy', class: target ?? least, towards: true };
}

/** The target, or the likeliest class beside the label. */
function rivalClass({ label, target, logits }: Subject): number {
  if (target !== null) return target;
  return logits.reduce((best, z, k) => (k !== label && (best < 0 || z > logits[best]) ? k : best), -1);
}
