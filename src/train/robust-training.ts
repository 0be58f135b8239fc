import { setImmediate as nextTurn } from 'node:timers/promises';
import { assert } from '../base/assert';
import { Random } from '../base/random';
import { ok, problem, type Problem, type Result } from '../base/result';
import type { Program } from '../tensor/compile';
import type { Parameter } from './architecture';
import { sameParameters, saveCheckpoint, type EpochRecord, type TrainingState } from './checkpoint';
import { parametersOf, withParameters, type GraftedNetwork } from './grafted-network';
import type { FastAdversarial } from './robust-loss';
import { compileRobustStep, type Group, type MovingGroup } from './robust-step';
import { RobustnessProgram } from './robustness';
import type { Write } from './saved-file';
import { fill, type Dataset } from './trainer';

/** Training of a network (grafted or not) for accuracy under perturbation, by gradient descent with momentum. */

export interface RobustTrainingOptions {
  readonly epochs: number;
  readonly batch: number;
  /** Above 0; 0.9 is usual. */
  readonly momentum: number;
  /** Weights and biases; null: they stay as they are. */
  readonly weights: Group | null;
  /** Slopes and intercepts of linear neurons; null: they stay as they are. */
  readonly grafts: Group | null;
  /** Fast adversarial training; null: on the samples as they are. */
  readonly adversarial: FastAdversarial | null;
  /** Ends after so many epochs without a better validation score; null: never. */
  readonly patience: number | null;
  /** Same seed, same data, same machine: the same numbers, also when the training was interrupted in between. */
  readonly seed: number;
  readonly threads?: number;
}

export interface TrainingInput {
  readonly model: GraftedNetwork;
  readonly data: Dataset;
  /** Held-out samples that say which epoch was best; null: the last one is. */
  readonly validation: Dataset | null;
  /** Where to go on, from `readCheckpoint`. */
  readonly resume?: TrainingState;
  /** A file that is written after every epoch, whole or not at all. */
  readonly checkpoint?: string;
  /** How the checkpoint gets to the disk. */
  readonly write?: Write;
}

export interface TrainingHooks {
  /** Polled at every step, some tens of milliseconds apart. */
  readonly cancelled?: () => boolean;
  readonly onStep?: (step: number, stepsPerEpoch: number, loss: number) => void;
  readonly onEpoch?: (record: EpochRecord) => void;
  /** A checkpoint could not be written; training goes on. */
  readonly onProblem?: (problem: Problem) => void;
}

export interface TrainingOutcome {
  readonly end: 'finished' | 'stopped-early' | 'cancelled' | 'diverged';
  /** What happened, in a sentence. */
  readonly message: string;
  /** With the best parameters, those of an epoch or those it began with; without validation those of the last complete epoch. */
  readonly model: GraftedNetwork;
  readonly state: TrainingState;
}

/** Steps of the attack behind the validation score. */
const VALIDATION_STEPS = 10;

/**
 * Trains until the epochs are over, the score stops rising, someone cancels, or the numbers are none any more; in every case the best parameters so far are
 * returned. The last, incomplete batch of an epoch is left out. Errors: `train/too-few-samples`, `train/nothing-to-train`, `checkpoint/architecture`, those of
 * `Session`.
 */
export async function trainRobustly(
  given: TrainingInput,
  options: RobustTrainingOptions,
  hooks: TrainingHooks = {},
): Promise<Result<TrainingOutcome>> {
  const { model, data, resume } = given;
  const { inputSize } = model.network;
  assert(data.inputs.length === data.count * inputSize, () => `inputs of another size than ${inputSize}`);
  assert(options.momentum > 0, () => `a momentum of ${options.momentum}`);
  if (data.count < options.batch)
    return problem(
      'train/too-few-samples',
      `There are ${data.count} samples for batches of ${options.batch}: give more samples, or choose smaller batches.`,
    );
  const groups = movingGroups(model, options);
  const moving = groups.flatMap(({ parameters }) => parameters);
  if (moving.length === 0)
    return problem(
      'train/nothing-to-train',
      'Nothing is left to train: the weights are fixed and no neuron is grafted. Retrain the weights, or graft some neurons.',
    );
  if (resume && !sameParameters(resume.parameters, moving))
    return problem(
      'checkpoint/architecture',
      'The checkpoint is of another network or of another mask than those to train. Choose its own, or begin anew.',
    );

  const program = await compileRobustStep(model, groups, options);
  if (!program.ok) return program;
  let validator: RobustnessProgram | null = null;
  try {
    if (given.validation) {
      // Any perturbation will do where none is attacked.
      const unattacked = {
        radius: new Float32Array(inputSize),
        lower: new Float32Array(inputSize),
        upper: new Float32Array(inputSize),
      };
      const compiled = await RobustnessProgram.compile(model, options.adversarial?.perturbation ?? unattacked, {
        ...(options.threads ? { threads: options.threads } : {}),
        batch: Math.min(256, given.validation.count),
      });
      if (!compiled.ok) return compiled;
      validator = compiled.value;
    }
    return await new RobustTraining(given, options, hooks, groups, program.value, validator).run();
  } finally {
    await program.value.close();
    await validator?.close();
  }
}

function movingGroups(model: GraftedNetwork, options: RobustTrainingOptions): MovingGroup[] {
  const parameters = parametersOf(model);
  return (['weights', 'grafts'] as const).flatMap(name => {
    const group = options[name];
    return group && parameters[name].length > 0 ? [{ ...group, name, parameters: parameters[name] }] : [];
  });
}

function nameOf(epoch: number): string {
  return epoch === 0 ? 'what it began with' : `epoch ${epoch}`;
}

class RobustTraining {
  private state: TrainingState;

  constructor(
    private readonly given: TrainingInput,
    private readonly options: RobustTrainingOptions,
    private readonly hooks: TrainingHooks,
    private readonly groups: readonly MovingGroup[],
    private readonly program: Program<'float32', string>,
    private readonly validator: RobustnessProgram | null,
  ) {
    const parameters = groups.flatMap(group => group.parameters);
    const velocities = parameters.map(({ name, shape, data }) => ({
      name: `velocity:${name}`,
      shape,
      data: new Float32Array(data.length),
    }));
    this.state = given.resume ?? { epoch: 0, parameters, velocities, best: null, history: [] };
  }

  async run(): Promise<Result<TrainingOutcome>> {
    const { epochs, patience } = this.options;
    const begun = await this.scoreStart();
    if (!begun.ok) return begun;
    if (begun.value === 'cancelled') return this.cancelled();
    while (this.state.epoch < epochs) {
      const since = this.state.epoch - (this.state.best?.epoch ?? 0);
      if (patience !== null && this.state.best && since >= patience)
        return this.outcome(
          'stopped-early',
          `Stopped after epoch ${this.state.epoch}: ${nameOf(this.state.best.epoch)} had the best score.`,
        );
      const started = performance.now();
      const passed = await this.epoch();
      if (!passed.ok) return passed;
      if (passed.value.end === 'cancelled') return this.cancelled();
      if (passed.value.end === 'diverged')
        return this.outcome(
          'diverged',
          `Training diverged in epoch ${this.state.epoch + 1}; ${nameOf(this.state.best?.epoch ?? this.state.epoch)} is kept. Choose a smaller learning rate.`,
        );
      const closed = await this.closeEpoch(passed.value.values, passed.value.meanLoss, started);
      if (!closed.ok) return closed;
      if (closed.value === 'cancelled') return this.cancelled();
    }
    return this.outcome('finished', `Trained for ${this.state.epoch} epochs.`);
  }

  /** What training begins with can be better than anything that comes after it. */
  private async scoreStart(): Promise<Result<'scored' | 'cancelled'>> {
    const { epoch, parameters, best } = this.state;
    if (epoch > 0 || best) return ok('scored');
    const score = await this.score(parameters);
    if (!score.ok) return score;
    if (score.value === 'cancelled') return ok('cancelled');
    if (score.value !== null) this.state = { ...this.state, best: { epoch, score: score.value, parameters } };
    return ok('scored');
  }

  private cancelled(): Result<TrainingOutcome> {
    const { epoch } = this.state;
    return this.outcome('cancelled', `Cancelled in epoch ${epoch + 1}; what was reached by epoch ${epoch} is kept.`);
  }

  private outcome(end: TrainingOutcome['end'], message: string): Result<TrainingOutcome> {
    const parameters = this.state.best?.parameters ?? this.state.parameters;
    return ok({ end, message, model: withParameters(this.given.model, parameters), state: this.state });
  }

  /** All batches of one epoch, in an order that the seed and the epoch's number determine. */
  private async epoch(): Promise<
    Result<{ end: 'complete' | 'cancelled' | 'diverged'; values: Record<string, Float32Array>; meanLoss: number }>
  > {
    const { data, model } = this.given;
    const { batch, epochs, seed, adversarial } = this.options;
    const { inputSize, outputSize } = model.network;
    const perEpoch = Math.floor(data.count / batch);
    const random = new Random(seed, 0x7a1 + this.state.epoch);
    const order = Int32Array.from({ length: data.count }, (_, k) => k);
    random.shuffle(order);
    const values = Object.fromEntries(
      [...this.state.parameters, ...this.state.velocities].map(each => [each.name, each.data]),
    );
    const inputs = new Float32Array(batch * inputSize);
    const targets = new Float32Array(batch * outputSize);
    const noise = adversarial ? { noise: new Float32Array(inputs.length) } : null;
    let total = 0;
    for (let k = 0; k < perEpoch; k++) {
      if (this.hooks.cancelled?.()) return ok({ end: 'cancelled', values, meanLoss: 0 });
      fill(inputs, targets, data, order.subarray(k * batch, (k + 1) * batch), inputSize, outputSize);
      if (noise) for (let i = 0; i < inputs.length; i++) noise.noise[i] = 2 * random.uniform() - 1;
      const progress = (this.state.epoch * perEpoch + k) / (epochs * perEpoch);
      const rates = Object.fromEntries(
        this.groups.map(({ name, rate }) => [`rate:${name}`, Float32Array.of(rate(progress))]),
      );
      const result = await this.program.run({ ...values, ...rates, ...noise, inputs, targets });
      if (!result.ok) return result;
      const { loss, ...next } = result.value;
      Object.assign(values, next);
      total += loss[0];
      if (!Number.isFinite(loss[0])) return ok({ end: 'diverged', values, meanLoss: NaN });
      this.hooks.onStep?.(k + 1, perEpoch, loss[0]);
      await nextTurn();
    }
    const finite = Object.values(values).every(array => array.every(Number.isFinite));
    return ok({ end: finite ? 'complete' : 'diverged', values, meanLoss: total / perEpoch });
  }

  /** An epoch whose score someone did not wait for is not over: it is trained again when the training goes on. */
  private async closeEpoch(
    values: Readonly<Record<string, Float32Array>>,
    meanLoss: number,
    started: number,
  ): Promise<Result<'closed' | 'cancelled'>> {
    const now = (list: readonly Parameter[]): Parameter[] => list.map(each => ({ ...each, data: values[each.name] }));
    const parameters = now(this.state.parameters);
    const score = await this.score(parameters);
    if (!score.ok) return score;
    if (score.value === 'cancelled') return ok('cancelled');
    const epoch = this.state.epoch + 1;
    // Of equal ones the first, but an epoch of training before none.
    const { score: highest, epoch: since } = this.state.best ?? { score: -1, epoch: 0 };
    const isBest = score.value !== null && (score.value > highest || (since === 0 && score.value === highest));
    const record = { epoch, meanLoss, score: score.value, seconds: (performance.now() - started) / 1000 };
    this.state = {
      epoch,
      parameters,
      velocities: now(this.state.velocities),
      best: isBest ? { epoch, score: score.value as number, parameters } : this.state.best,
      history: [...this.state.history, record],
    };
    if (this.given.checkpoint !== undefined) {
      const saved = await saveCheckpoint(this.given.checkpoint, this.state, this.given.write);
      if (!saved.ok) this.hooks.onProblem?.(saved.error);
    }
    this.hooks.onEpoch?.(record);
    return ok('closed');
  }

  private async score(parameters: readonly Parameter[]): Promise<Result<number | null | 'cancelled'>> {
    const { validation } = this.given;
    if (!this.validator || !validation) return ok(null);
    const { cancelled } = this.hooks;
    const steps = this.options.adversarial ? VALIDATION_STEPS : 0;
    const options = { steps, restarts: 1, seed: this.options.seed, ...(cancelled ? { cancelled } : {}) };
    const reached = await this.validator.evaluate(validation, options, parameters);
    if (!reached.ok) return reached;
    const { correct, adversarial } = reached.value;
    // An attack that was cut short says nothing.
    if (cancelled?.()) return ok('cancelled');
    return ok((correct.reduce((sum, each) => sum + each, 0) - adversarial.size) / validation.count);
  }
}
