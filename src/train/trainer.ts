import { assert } from '../base/assert';
import { Random } from '../base/random';
import { ok, problem, type Result } from '../base/result';
import { Program } from '../tensor/compile';
import { constant, input, sizeOf, type Expression } from '../tensor/expression';
import { gradient } from '../tensor/gradient';
import { reshape } from '../tensor/operators';
import { logits, type Architecture, type Parameter } from './architecture';
import { scalarValues, stepScalars, update, type Optimizer } from './optimizer';
import { crossEntropy } from './robust-loss';
import type { Schedule } from './schedule';

/** Images (or any vectors) with their classes. */
export interface Dataset {
  readonly count: number;
  /** Row-major [count × size of one input], in the units the network is to see. */
  readonly inputs: Float32Array;
  readonly labels: Uint8Array;
}

export interface TrainingOptions {
  readonly epochs: number;
  readonly batch: number;
  readonly optimizer: Optimizer;
  /** Learning rate at a fraction 0..1 of the training. */
  readonly rate: Schedule;
  readonly weightDecay: number;
  /** Same seed, same data, same machine: the same bytes. */
  readonly seed: number;
  /** Changes the inputs of a batch in place before a step, e.g. by adding noise. */
  readonly augment?: (inputs: Float32Array, random: Random) => void;
  /** Polled at every step. */
  readonly cancelled?: () => boolean;
  readonly onEpoch?: (epoch: number, meanLoss: number) => void;
  readonly threads?: number;
}

/**
 * Trains from the given parameters and returns the new ones. The last, incomplete batch of an epoch is left out; the order is drawn anew for
 * every epoch. Errors: those of `Session`, `training-cancelled`, and `training-diverged` when the loss stops being a number.
 */
export async function train(
  architecture: Architecture,
  parameters: readonly Parameter[],
  data: Dataset,
  options: TrainingOptions,
): Promise<Result<Parameter[]>> {
  const size = sizeOf(architecture.inputShape);
  const { batch } = options;
  assert(
    data.inputs.length === data.count * size,
    () => `${data.inputs.length} input values for ${data.count} of ${size}`,
  );
  assert(batch <= data.count, () => `a batch of ${batch} from ${data.count} examples`);
  const compiled = await compileTraining(architecture, parameters, options);
  if (!compiled.ok) return compiled;
  const { program, classes, stateLabels } = compiled.value;

  const state: Record<string, Float32Array> = Object.fromEntries(
    parameters.map(({ name, data: values }) => [name, values]),
  );
  for (const [label, length] of stateLabels) state[label] = new Float32Array(length);
  const random = new Random(options.seed, 0x7a1);
  const order = Int32Array.from({ length: data.count }, (_, k) => k);
  const perEpoch = Math.floor(data.count / batch);
  const inputs = new Float32Array(batch * size);
  const targets = new Float32Array(batch * classes);
  let step = 0;
  try {
    for (let epoch = 0; epoch < options.epochs; epoch++) {
      random.shuffle(order);
      let total = 0;
      for (let k = 0; k < perEpoch; k++) {
        if (options.cancelled?.()) return problem('training-cancelled', 'Training was cancelled.');
        fill(inputs, targets, data, order.subarray(k * batch, (k + 1) * batch), size, classes);
        options.augment?.(inputs, random);
        const scalars = scalarValues(options.rate(step / (options.epochs * perEpoch)), ++step);
        const result = await program.run({ ...state, ...scalars, inputs, targets });
        if (!result.ok) return result;
        const { loss, ...next } = result.value;
        if (!Number.isFinite(loss[0])) {
          return problem(
            'training-diverged',
            `Training diverged in epoch ${epoch + 1}: choose a smaller learning rate.`,
          );
        }
        Object.assign(state, next);
        total += loss[0];
      }
      options.onEpoch?.(epoch, total / perEpoch);
    }
  } finally {
    await program.close();
  }
  return ok(parameters.map(({ name, shape }) => ({ name, shape, data: state[name] })));
}

interface Training {
  readonly program: Program<'float32', string>;
  readonly classes: number;
  readonly stateLabels: ReadonlyMap<string, number>;
}

async function compileTraining(
  architecture: Architecture,
  parameters: readonly Parameter[],
  options: TrainingOptions,
): Promise<Result<Training>> {
  const x = input('inputs', [options.batch, sizeOf(architecture.inputShape)]);
  const { logits: scores, variables } = logits(architecture, parameters, x);
  const classes = scores.shape[1];
  const loss = crossEntropy(scores, input('targets', [options.batch, classes]));
  const gradients = gradient(loss, [...variables.values()]);
  const scalars = stepScalars();
  const outputs: Record<string, Expression> = { loss: reshape(loss, [1]) };
  const stateLabels = new Map<string, number>();
  [...variables].forEach(([name, variable], k) => {
    const { next, state } = update(options.optimizer, name, variable, gradients[k], scalars, options.weightDecay);
    outputs[name] = next;
    for (const [label, expression] of Object.entries(state)) {
      outputs[label] = expression;
      stateLabels.set(label, sizeOf(expression.shape));
    }
  });
  const program = await Program.compile('float32', outputs, { threads: options.threads ?? 1 });
  return program.ok ? ok({ program: program.value, classes, stateLabels }) : program;
}

/** Copies the chosen examples into the arrays of a batch; targets get a 1 at each row's class. */
export function fill(
  inputs: Float32Array,
  targets: Float32Array,
  data: Dataset,
  chosen: Int32Array,
  size: number,
  classes: number,
): void {
  targets.fill(0);
  chosen.forEach((example, row) => {
    inputs.set(data.inputs.subarray(example * size, (example + 1) * size), row * size);
    targets[row * classes + data.labels[example]] = 1;
  });
}

/** The class with the largest logit for every example. */
export async function predict(
  architecture: Architecture,
  parameters: readonly Parameter[],
  data: Dataset,
): Promise<Result<Uint8Array>> {
  const size = sizeOf(architecture.inputShape);
  const { logits: scores } = logits(architecture, parameters, constant(data.inputs, [data.count, size]));
  const program = await Program.compile('float32', { scores }, { feedAbove: 0 });
  if (!program.ok) return program;
  const result = await program.value.run(Object.fromEntries(parameters.map(each => [each.name, each.data])));
  await program.value.close();
  if (!result.ok) return result;
  const classes = scores.shape[1];
  return ok(
    Uint8Array.from({ length: data.count }, (_, k) => {
      const row = result.value.scores.subarray(k * classes, (k + 1) * classes);
      return row.indexOf(Math.max(...row));
    }),
  );
}
