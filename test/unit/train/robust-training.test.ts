import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random';
import { constant, input, type Expression } from '../../../src/tensor/expression';
import { gradient } from '../../../src/tensor/gradient';
import { Program } from '../../../src/tensor/compile';
import type { Parameter } from '../../../src/train/architecture';
import { readCheckpoint } from '../../../src/train/checkpoint';
import {
  answers,
  parametersOf,
  ungrafted,
  variablesOf,
  withParameters,
  type GraftedNetwork,
} from '../../../src/train/grafted-network';
import { uniformPerturbation } from '../../../src/train/perturbation';
import { fastAdversarialLoss } from '../../../src/train/robust-loss';
import { compileRobustStep } from '../../../src/train/robust-step';
import { trainRobustly, type RobustTrainingOptions, type TrainingInput } from '../../../src/train/robust-training';
import { RobustnessProgram } from '../../../src/train/robustness';
import { cosine, steps } from '../../../src/train/schedule';
import type { Dataset } from '../../../src/train/trainer';
import { must } from '../must';
import { bars, CONVOLUTIONAL, FLAT, randomGrafts, randomNetwork, rings } from './shapes';

const folder = mkdtempSync(path.join(tmpdir(), 'certiscope-train-'));
afterAll(() => rmSync(folder, { recursive: true }));

const perturbation = uniformPerturbation(36, 0.15, [0, 1]);
const adversarial = { perturbation, step: 1.25, alignment: 0.2 };

/** A batch as the step's graph takes it. */
function batchOf(data: Dataset, seed: number): Record<string, Float32Array> {
  const random = new Random(seed);
  const targets = new Float32Array(2 * data.count);
  data.labels.forEach((label, k) => (targets[2 * k + label] = 1));
  const noise = data.inputs.map(() => 2 * random.uniform() - 1);
  return { inputs: data.inputs, targets, noise };
}

/** Compares the slope along random directions with a central difference; the smallest deviations count, since kinks may spoil a few. */
function agree(pairs: readonly { expected: number; found: number }[]): void {
  const errors = pairs.map(({ expected, found }) => Math.abs(found - expected) / (Math.abs(expected) + 0.02));
  errors.sort((a, b) => a - b);
  expect(errors[Math.floor(0.7 * errors.length)]).toBeLessThan(0.03);
}

const models: [string, GraftedNetwork][] = [
  ['a convolutional network', ungrafted(randomNetwork(CONVOLUTIONAL, 3))],
  ['a grafted one', randomGrafts(randomNetwork(CONVOLUTIONAL, 4), 4)],
  ['one with all neurons linear', randomGrafts(randomNetwork(CONVOLUTIONAL, 5), 5, 1)],
];

/** Slope of `loss` along random directions of each parameter, and its central difference. */
async function differences(
  parameters: readonly Parameter[],
  lossAt: (values: Record<string, Float32Array>) => Promise<number>,
  gradientOf: (name: string) => Float32Array,
): Promise<{ expected: number; found: number }[]> {
  const here = Object.fromEntries(parameters.map(({ name, data }) => [name, data]));
  const random = new Random(14);
  const pairs = [];
  for (const { name, data } of parameters) {
    const direction = data.map(() => random.normal());
    const h = 1e-3;
    const at = (sign: number) => lossAt({ ...here, [name]: data.map((value, k) => value + sign * h * direction[k]) });
    const expected = ((await at(1)) - (await at(-1))) / (2 * h);
    pairs.push({ expected, found: gradientOf(name).reduce((sum, slope, k) => sum + slope * direction[k], 0) });
  }
  return pairs;
}

describe('gradients of training', () => {
  it.each(models)('of %s are those of finite differences', async (_, model) => {
    const { weights, grafts } = parametersOf(model);
    const still = { rate: () => 0, decay: 0 };
    const groups = [
      { ...still, name: 'weights' as const, parameters: weights },
      { ...still, name: 'grafts' as const, parameters: grafts },
    ];
    const program = must(await compileRobustStep(model, groups, { batch: 16, momentum: 0.9, adversarial: null }));
    const parameters = [...weights, ...grafts];
    const velocities = parameters.map(({ name, data }) => [`velocity:${name}`, new Float32Array(data.length)] as const);
    const { inputs, targets } = batchOf(bars(16, 7), 8);
    const rates = Object.fromEntries(groups.map(({ name }) => [`rate:${name}`, new Float32Array(1)]));
    const run = async (values: Record<string, Float32Array>) =>
      must(await program.run({ ...values, ...Object.fromEntries(velocities), ...rates, inputs, targets }));
    const result = await run(Object.fromEntries(parameters.map(({ name, data }) => [name, data])));
    // The optimiser's velocity after one step from rest is the gradient.
    agree(
      await differences(
        parameters,
        async values => (await run(values)).loss[0],
        name => result[`velocity:${name}`],
      ),
    );
    await program.close();
  });

  // Calls of the network, in the order in which the loss makes them: at the random start, at the attacked point, at the point itself. The first decides where
  // the attack goes (signs, which have no gradient), the last counts as fixed; the difference must not see what they do.
  it.each([
    ['the attack', 0, [0]],
    ['gradient alignment', 5, [2]],
  ] as const)('with %s are those of finite differences', async (_, alignment, fixed) => {
    const model = randomGrafts(randomNetwork(CONVOLUTIONAL, 9), 9);
    const { weights, grafts } = parametersOf(model);
    const parameters = [...weights, ...grafts];
    const variables = variablesOf(parameters);
    const frozen = new Map(
      parameters.map(({ name, shape, data }): [string, Expression] => [name, constant(data, shape)]),
    );
    const lossOf = (isFixed: (call: number) => boolean): Expression => {
      let calls = 0;
      const network = (x: Expression): Expression => answers(model, x, isFixed(calls++) ? frozen : variables);
      const [x, targets, noise] = [input('inputs', [16, 36]), input('targets', [16, 2]), input('noise', [16, 36])];
      return fastAdversarialLoss(network, x, targets, noise, { ...adversarial, alignment });
    };
    const slopes = gradient(
      lossOf(() => false),
      [...variables.values()],
    );
    const exact = must(
      await Program.compile('float32', Object.fromEntries(slopes.map((slope, k) => [parameters[k].name, slope]))),
    );
    const loss = must(
      await Program.compile('float32', { loss: lossOf(call => (fixed as readonly number[]).includes(call)) }),
    );
    const batch = batchOf(bars(16, 12), 13);
    const result = must(
      await exact.run({ ...Object.fromEntries(parameters.map(({ name, data }) => [name, data])), ...batch }),
    );
    agree(
      await differences(
        parameters,
        async values => must(await loss.run({ ...values, ...batch })).loss[0],
        name => result[name],
      ),
    );
    await Promise.all([exact.close(), loss.close()]);
  });
});

const options: RobustTrainingOptions = {
  epochs: 6,
  batch: 32,
  momentum: 0.9,
  weights: { rate: cosine(0.1), decay: 5e-4 },
  grafts: null,
  adversarial,
  patience: null,
  seed: 4,
};

const given: TrainingInput = {
  model: ungrafted(randomNetwork(CONVOLUTIONAL, 1)),
  data: bars(256, 1),
  validation: bars(64, 2),
};

async function robustAccuracy(model: GraftedNetwork): Promise<number> {
  const program = must(await RobustnessProgram.compile(model, perturbation));
  const data = bars(200, 3);
  const { correct, adversarial: fooled } = must(await program.evaluate(data, { steps: 20, restarts: 2, seed: 1 }));
  await program.close();
  for (const [k, point] of fooled) {
    expect(correct[k]).toBe(1);
    point.forEach((value, i) => {
      expect(Math.abs(value - data.inputs[36 * k + i])).toBeLessThanOrEqual(0.150001);
      expect(value).toBeLessThanOrEqual(1);
    });
  }
  return (correct.reduce((sum, each) => sum + each, 0) - fooled.size) / data.count;
}

describe('trainRobustly', () => {
  it('makes a network more robust than training on the samples as they are', async () => {
    const plain = must(await trainRobustly(given, { ...options, adversarial: null, epochs: 3 }));
    const robust = must(await trainRobustly(given, options));
    expect(plain.end).toBe('finished');
    expect(robust.state.history).toHaveLength(6);
    expect(await robustAccuracy(robust.model)).toBeGreaterThan((await robustAccuracy(plain.model)) + 0.1);
    expect(robust.state.history[5].meanLoss).toBeLessThan(robust.state.history[0].meanLoss);
  });

  it('trains slopes and intercepts alone when the weights are fixed, and of grafted neurons only', async () => {
    const model = randomGrafts(given.model.network, 2);
    const changes = { weights: null, grafts: { rate: cosine(0.1), decay: 0 }, epochs: 3 };
    const outcome = must(await trainRobustly({ ...given, model }, { ...options, ...changes }));
    expect(outcome.model.network).toEqual(withParameters(model, []).network);
    for (const [id, graft] of outcome.model.grafts) {
      const before = model.grafts.get(id)!;
      const moved = graft.slope.map((slope, i) => (slope === before.slope[i] ? 0 : 1));
      moved.forEach((changed, i) => expect(changed && !graft.mask[i]).toBeFalsy());
      expect(moved).toContain(1);
    }
    expect(outcome.state.history[2].meanLoss).toBeLessThan(outcome.state.history[0].meanLoss);
  });

  it('goes on from a checkpoint as if it had never stopped', async () => {
    const whole = must(await trainRobustly(given, options));
    const checkpoint = path.join(folder, 'resumed.checkpoint');
    let epochs = 0;
    const hooks = { cancelled: () => epochs === 2, onEpoch: () => void epochs++ };
    const part = must(await trainRobustly({ ...given, checkpoint }, options, hooks));
    expect(part.end).toBe('cancelled');
    expect(part.message).toContain('epoch 2 is kept');
    const resume = must(await readCheckpoint(checkpoint));
    expect(resume.epoch).toBe(2);
    const rest = must(await trainRobustly({ ...given, resume }, options));
    expect(rest.state.parameters).toEqual(whole.state.parameters);
    expect(rest.state.history.map(each => each.meanLoss)).toEqual(whole.state.history.map(each => each.meanLoss));
  });

  it('stops when it diverges and keeps what was good', async () => {
    const wild = { rate: (progress: number) => (progress < 0.5 ? 0.05 : 1e30), decay: 0 };
    const outcome = must(await trainRobustly(given, { ...options, weights: wild }));
    expect(outcome.end).toBe('diverged');
    const { epoch, parameters } = outcome.state.best!;
    expect(outcome.message).toContain(`in epoch 4; epoch ${epoch} is kept`);
    expect(outcome.state.epoch).toBe(3);
    const weights = parametersOf(outcome.model).weights.map(({ data }) => data);
    expect(weights).toEqual(parameters.map(({ data }) => data));
    for (const data of weights) expect(data.every(Number.isFinite)).toBe(true);
  });

  it('gives back what it began with where an epoch only made it worse', async () => {
    const trained = must(await trainRobustly(given, { ...options, adversarial: null })).model;
    const wild = { ...options, adversarial: null, epochs: 1, weights: { rate: () => 1e4, decay: 0 } };
    const outcome = must(await trainRobustly({ ...given, model: trained }, wild));
    expect(outcome.state.best!.epoch).toBe(0);
    expect(parametersOf(outcome.model)).toEqual(parametersOf(trained));
  });

  it('stops early when the score stops rising', async () => {
    const outcome = must(
      await trainRobustly(given, { ...options, epochs: 40, patience: 2, weights: { rate: () => 1e-9, decay: 0 } }),
    );
    expect(outcome.end).toBe('stopped-early');
    expect(outcome.state.epoch).toBe(3);
  });

  it('keeps the previous checkpoint when the disk is full, and goes on', async () => {
    const checkpoint = path.join(folder, 'full.checkpoint');
    must(await trainRobustly({ ...given, checkpoint }, { ...options, epochs: 1 }));
    const before = readFileSync(checkpoint);
    const problems: string[] = [];
    const full = (): Promise<void> => Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC' }));
    const hooks = { onProblem: ({ message }: { message: string }) => void problems.push(message) };
    const outcome = must(await trainRobustly({ ...given, checkpoint, write: full }, { ...options, epochs: 2 }, hooks));
    expect(outcome.end).toBe('finished');
    expect(problems).toHaveLength(2);
    expect(problems[0]).toContain('the disk is full');
    expect(readFileSync(checkpoint)).toEqual(before);
  });

  it('says what is wrong with what it is given', async () => {
    const code = async (input_: Partial<TrainingInput>, changes: Partial<RobustTrainingOptions> = {}) =>
      trainRobustly({ ...given, ...input_ }, { ...options, ...changes });
    expect(await code({ data: bars(20, 1) })).toMatchObject({ error: { code: 'train/too-few-samples' } });
    expect(await code({}, { weights: null })).toMatchObject({ error: { code: 'train/nothing-to-train' } });
    const other = must(
      await trainRobustly(
        { model: ungrafted(randomNetwork(FLAT, 1)), data: rings(64, 1), validation: null },
        { ...options, adversarial: null, epochs: 1 },
      ),
    );
    expect(await code({ resume: other.state })).toMatchObject({ error: { code: 'checkpoint/architecture' } });
    const file = path.join(folder, 'broken.checkpoint');
    writeFileSync(file, 'CERTISCOPE-CHECKPOINT-1\n....');
    expect(await readCheckpoint(file)).toMatchObject({ error: { code: 'checkpoint/damaged' } });
    expect(await readCheckpoint(path.join(folder, 'absent'))).toMatchObject({ error: { code: 'file/unreadable' } });
  });
});

describe('schedules', () => {
  it('fall as they should', () => {
    expect([0, 0.5, 1].map(cosine(2))).toEqual([2, 1, 0].map(each => expect.closeTo(each, 12) as number));
    const rate = steps(0.1, [0.5, 0.75]);
    expect([0, 0.5, 0.8].map(rate)).toEqual([0.1, 0.01, 0.001].map(each => expect.closeTo(each, 12) as number));
  });
});
