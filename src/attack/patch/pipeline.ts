import { ok, problem, type Result } from '../../base/result';
import type { Network } from '../../network/network';
import { forwardOperations } from '../../tensor/forward';
import { changedValues, confirm, type AdversarialInput, type Subject } from '../adversarial';
import type { AttackedModel } from '../attacked-model';
import { liftAbove } from '../coordinate-moves';
import type { RivalName } from '../rivals/names';
import { attackWith } from '../rivals/rivals';
import { patchAttack, type PatchStep } from './algorithm';
import { asFound, closestInput, type ClosestInput, type ClosestOptions } from './closest';
import type { Lines } from './local-map';

/** The stages of the search for an adversarial input, in their order. */
export const stageNames = ['patch', 'other phases', 'gradient', 'greedy'] as const;
export type StageName = (typeof stageNames)[number];
/** What can have found an adversarial input. */
export type Finder = StageName | RivalName;

export interface PipelineOptions {
  /** Stages to take part; all unless given. `patch` and `other phases` are one search. */
  readonly stages?: readonly StageName[];
  /** Other attacks that take part as well, after the stages and whatever those found. */
  readonly rivals?: readonly RivalName[];
  /** Radius of those attacks, in the model's units; the widest range of a value unless given. */
  readonly epsilon?: number;
  /** What is to be small about the change; `count` unless given. */
  readonly measure?: ClosestOptions['measure'];
  /** Whether what a stage found is reduced to a closer input; true unless given. */
  readonly reduce?: boolean;
  /** Settle linear regions by programs, see `closestInput`. */
  readonly regional?: boolean;
  /** Lines per class in place of phases for the first patch (`fitLines`); the phases of other points follow. */
  readonly lines?: ReadonlyMap<number, Lines>;
  /** Patches (a class at a point) after which they are given up; 16 where other stages stand by, any number otherwise. */
  readonly patchAttempts?: number;
  /** Seconds after which the patches of one input are given up; 10 unless given: they mostly end far sooner, by having tried everything. */
  readonly patchSeconds?: number;
  readonly seed?: number;
  readonly cancelled?: () => boolean;
}

/** What became of one input. */
export interface PipelineOutcome {
  /** Null: no stage found any. */
  readonly adversarial: AdversarialInput | null;
  /** The stage that found the answer, `adversarial.foundBy` as well. */
  readonly stage: Finder | null;
  /** Values that the answer of each stage or attack changes, after reduction; only of those that found one. */
  readonly found: Readonly<Partial<Record<Finder, number>>>;
  readonly steps: readonly PatchStep[];
  readonly closest: ClosestInput | null;
  readonly seconds: number;
  /** For a person, when nothing was found: what was tried. */
  readonly reason: string | null;
}

/** Radii that the gradient attack tries, as parts of the widest range of a value. */
const RADII = [0.02, 0.05, 0.1, 0.2, 0.4, 1];
/** Input values that a patch of a network with a convolutional part may use. */
const COLUMNS = 192;
/** Beyond so many operations, affine maps of all inputs through what is before the first fully connected layer take too long. */
const MOST_OPERATIONS = 5e8;
const PATCH_SECONDS = 10;
/** Nearly all patches that succeed do so by then; what is left to the other stages takes them less time. */
const PATCH_ATTEMPTS = 16;

/**
 * Looks for the closest adversarial input of one subject: by patches (with other phases where those of the original hold none), greedily, and by gradients only
 * when nothing else was found; each answer is reduced, and the closest is the answer. Errors: `attack/no-dense-layer`, when the patch stages are asked for by themselves
 * of a model without a fully connected layer, and those of ONNX Runtime.
 */
export async function findAdversarial(
  model: AttackedModel,
  subject: Subject,
  options: PipelineOptions = {},
): Promise<Result<PipelineOutcome>> {
  const started = performance.now();
  const stages = options.stages ?? stageNames;
  const patches = stages.includes('patch') || stages.includes('other phases');
  const hasDense = model.network.nodes.some(node => node.kind === 'dense');
  const rivals = options.rivals ?? [];
  if (
    patches &&
    !hasDense &&
    rivals.length === 0 &&
    stages.every(stage => stage === 'patch' || stage === 'other phases')
  )
    return problem(
      'attack/no-dense-layer',
      'The model has no fully connected layer, which network patches need. Use the gradient or the greedy attack.',
    );
  const run = new Run(model, subject, options);
  if (patches && hasDense) {
    const done = await run.patches(stages);
    if (!done.ok) return done;
  }
  if (stages.includes('greedy')) {
    const done = await run.rival('greedy');
    if (!done.ok) return done;
  }
  if (stages.includes('gradient') && !run.best) {
    const done = await run.gradient();
    if (!done.ok) return done;
  }
  for (const rival of rivals) {
    const done = await run.rival(rival);
    if (!done.ok) return done;
  }
  const { best } = run;
  return ok({
    adversarial: best?.adversarial ?? null,
    stage: (best?.adversarial.foundBy as Finder | undefined) ?? null,
    found: run.found,
    steps: run.steps,
    closest: best,
    seconds: (performance.now() - started) / 1000,
    reason: best ? null : reasonOf(options, [...stages, ...rivals]),
  });
}

function reasonOf({ cancelled }: PipelineOptions, stages: readonly Finder[]): string {
  if (cancelled?.())
    return `The search was stopped, or its time was up, before it found an adversarial input (of ${stages.join(', ')}).`;
  return `No adversarial input was found inside the valid range (tried: ${stages.join(', ')}). That proves nothing; verify the input to know.`;
}

class Run {
  best: ClosestInput | null = null;
  readonly found: Partial<Record<Finder, number>> = {};
  steps: readonly PatchStep[] = [];

  constructor(
    private readonly model: AttackedModel,
    private readonly subject: Subject,
    private readonly options: PipelineOptions,
  ) {}

  async patches(stages: readonly StageName[]): Promise<Result<null>> {
    const { model, subject, options } = this;
    const end = performance.now() + 1000 * (options.patchSeconds ?? PATCH_SECONDS);
    const cancelled = (): boolean => performance.now() > end || (options.cancelled?.() ?? false);
    const columns = await this.columns();
    if (!columns.ok) return columns;
    const isAlone = !stages.includes('greedy') && !stages.includes('gradient');
    const attempts = options.patchAttempts ?? (isAlone ? Infinity : PATCH_ATTEMPTS);
    const common = { ...(columns.value ? { columns: columns.value } : {}), attempts, cancelled };
    const lines = options.lines?.get(subject.label);
    let reached = lines ? await patchAttack(model.network, subject, { ...common, lines, rounds: 1 }) : null;
    const rounds = stages.includes('other phases') ? undefined : 1;
    reached ??= await patchAttack(model.network, subject, { ...common, ...(rounds ? { rounds } : {}) });
    if (!reached) return ok(null);
    this.steps = reached.steps;
    return this.offer(reached.point, reached.stage);
  }

  /** Where something nonlinear is before the first fully connected layer: the values that the margin's gradient says can do most. Null: all. */
  private async columns(): Promise<Result<Int32Array | null>> {
    const { model, subject } = this;
    const { network } = model;
    if (forwardOperations(prefixOf(network)) * network.inputSize < MOST_OPERATIONS) return ok(null);
    const rival = subject.logits.reduce(
      (best, z, k) => (k !== subject.label && (best < 0 || z > subject.logits[best]) ? k : best),
      -1,
    );
    const lift = liftAbove(network.outputSize, [{ label: subject.label, aim: subject.target ?? rival }]);
    const gradients = await model.ascend(subject.original, lift);
    if (!gradients.ok) return gradients;
    const { slope } = gradients.value;
    const most = slope.map((g, i) =>
      Math.max(g * (subject.upper[i] - subject.original[i]), g * (subject.lower[i] - subject.original[i])),
    );
    return ok(
      Int32Array.from(most.keys())
        .sort((a, b) => most[b] - most[a])
        .slice(0, COLUMNS),
    );
  }

  rival(name: RivalName): Promise<Result<null>> {
    return this.attempt(name, this.options.epsilon ?? this.widestRange, name);
  }

  async gradient(): Promise<Result<null>> {
    for (const radius of RADII) {
      if (this.best) break;
      const done = await this.attempt('apgd', radius * this.widestRange, 'gradient');
      if (!done.ok) return done;
    }
    return ok(null);
  }

  private get widestRange(): number {
    const { lower, upper } = this.subject;
    return lower.reduce((most, low, i) => Math.max(most, upper[i] - low), 0);
  }

  private async attempt(rival: RivalName, epsilon: number, stage: Finder): Promise<Result<null>> {
    const { seed, cancelled } = this.options;
    const settings = { epsilon, ...(seed === undefined ? {} : { seed }), ...(cancelled ? { cancelled } : {}) };
    const reached = await attackWith(this.model, [this.subject], rival, settings);
    if (!reached.ok) return reached;
    const point = reached.value.get(this.subject);
    return point ? this.offer(point, stage) : ok(null);
  }

  /** Confirms and reduces what a stage found, and keeps it if it is the closest. */
  private async offer(point: Float32Array, stage: Finder): Promise<Result<null>> {
    const { model, subject, options } = this;
    const confirmed = await confirm(model, subject, point, stage);
    if (!confirmed.ok) return confirmed;
    if (!confirmed.value) return ok(null);
    const measure = options.measure ?? 'count';
    const reduced =
      options.reduce === false
        ? ok(asFound(confirmed.value, measure))
        : await closestInput(model, subject, confirmed.value, { ...options, measure });
    if (!reduced.ok) return reduced;
    const closest = reduced.value;
    this.found[stage] = changedValues(closest.adversarial.original, closest.adversarial.input);
    if (!this.best || closest.distance < this.best.distance) this.best = closest;
    return ok(null);
  }
}

/** The part of a network before its first fully connected layer. */
function prefixOf(network: Network): Network {
  const first = network.nodes.findIndex(node => node.kind === 'dense');
  return { ...network, nodes: network.nodes.slice(0, Math.max(first, 0)) };
}
