import { existsSync } from 'node:fs';
import path from 'node:path';
import { ok, type Problem, type Result } from '../../base/result';
import { graftNetwork } from '../../graft/graft';
import { createMask } from '../../graft/mask';
import { readMask, writeNeuronValues } from '../../graft/neuron-file';
import { graftedPerLayer, maskFor, type Mask } from '../../graft/neurons';
import { readGraftedBytes } from '../../graft/read-model';
import { writeGraftedModel } from '../../graft/write-model';
import { readCheckpoint, type TrainingState } from '../../train/checkpoint';
import type { GraftedNetwork } from '../../train/grafted-network';
import { trainRobustly, type RobustTrainingOptions } from '../../train/robust-training';
import { saveFile } from '../../train/saved-file';
import { cosine } from '../../train/schedule';
import type { Dataset } from '../../train/trainer';
import type { GraftMask, GraftParams, GraftPart, GraftResult, GraftTraining } from '../study-protocols/graft';
import { openSubject, type OpenedSubject } from '../subject';
import { refusedOf } from './graft/answer';
import { addData, keyOf, measureRun, measureSignificance, neuronValues, type Measuring } from './graft/measure';
import { CheckedRegion, withoutLabels } from './graft/region';
import { readDataset, samplesToLearnFrom } from './graft/samples';
import { answered, refused, type Study, type StudyEnvironment } from './study';

/** Momentum of the descent, and the signed step in units of the radius, as usual (Chen et al. 2022; Wong et al. 2020). */
const MOMENTUM = 0.9;
const STEP = 1.25;
/** Part of the samples that is held out to choose the best epoch, and how many at most. */
const HELD_OUT = 0.1;
const MOST_HELD_OUT = 1000;
/** Of the work before the training. */
const MASK_FRACTION = 0.1;

/** Makes neurons linear and trains what they answer: a grafted model. */
export const studyGraft: Study<'graft'> = async (params, environment) => {
  const opened = await openSubject(params.subject);
  if (!opened.ok) return refused(...opened.error);
  const subject = opened.value;
  try {
    const worked = await graftAndTrain(subject, params, environment);
    return worked.ok ? answered(worked.value.result, worked.value.warnings) : refusedOf(worked.error);
  } finally {
    await subject.model.parts.close();
  }
};

interface Worked {
  readonly result: GraftResult;
  readonly warnings: readonly Problem[];
}

async function graftAndTrain(
  subject: OpenedSubject,
  params: GraftParams,
  environment: StudyEnvironment<GraftPart>,
): Promise<Result<Worked>> {
  const region = CheckedRegion.of(subject, params.check);
  if (!region.ok) return region;
  const unlabelled = withoutLabels(subject, 'Training');
  if (unlabelled) return { ok: false, error: unlabelled };
  const { bytes, path: file, hash } = subject.model.loaded;
  const base = readGraftedBytes(bytes, file);
  if (!base.ok) return base;
  const mask = await maskOf(base.value, subject, params, environment);
  if (!mask.ok) return mask;
  const grafted = graftNetwork(base.value.network, mask.value);
  if (!grafted.ok) return grafted;

  const { training } = params;
  const cancelled = (): boolean => environment.cancelled();
  const learnt = samplesToLearnFrom(subject, training.samples, training.seed);
  const read = await readDataset(subject, learnt.indices, cancelled, done =>
    environment.onProgress(MASK_FRACTION, `${done} of ${learnt.indices.length} samples read`),
  );
  if (!read.ok) return read;
  const { data, validation } = split(read.value, subject.model.network.inputSize);

  const key = addData(
    keyOf(environment.program, hash, ['graft', training]),
    read.value,
    region.value.perturbation,
  ).update(mask.value.grafted);
  const stem = path.join(environment.folder, key.digest('hex').slice(0, 32));
  const kept = await keepMask(`${stem}.mask.npz`, mask.value);
  if (!kept.ok) return kept;
  environment.onPart({ kind: 'mask', mask: kept.value });

  const checkpoint = `${stem}.checkpoint`;
  // A checkpoint that is damaged is as good as none.
  const before = !params.fresh && existsSync(checkpoint) ? await readCheckpoint(checkpoint) : null;
  const resume = before?.ok ? before.value : undefined;
  const statement = dataStatement(learnt.statement, data.count, validation.count, resume);
  environment.onPart({ kind: 'data', statement, history: resume?.history ?? [] });
  const warnings = new Map<string, Problem>();
  const share = (done: number): number => MASK_FRACTION + (1 - MASK_FRACTION) * (done / training.epochs);
  let epoch = resume?.epoch ?? 0;
  const trained = await trainRobustly(
    { model: grafted.value, data, validation, checkpoint, ...(resume ? { resume } : {}) },
    optionsOf(training, region.value),
    {
      cancelled,
      onStep: (step, steps, loss) =>
        environment.onProgress(
          share(epoch + step / steps),
          `epoch ${epoch + 1} of ${training.epochs}, loss ${loss.toFixed(3)}`,
        ),
      onEpoch: record => {
        epoch = record.epoch;
        environment.onPart({ kind: 'epoch', epoch: record });
      },
      onProblem: problem => {
        if (!warnings.has(problem.code)) environment.onPart({ kind: 'problem', message: problem.message });
        warnings.set(problem.code, { ...problem, severity: 'warning' });
      },
    },
  );
  if (!trained.ok) return trained;
  const written = writeGraftedModel(trained.value.model);
  if (!written.ok) return written;
  const model = `${stem}.onnx`;
  const saved = await saveFile(model, written.value);
  if (!saved.ok) return saved;
  const { end, message, state } = trained.value;
  const result = { model, mask: kept.value, end, message, data: statement, history: state.history };
  return ok({ result, warnings: [...warnings.values()] });
}

/** The mask of a file, or one chosen from scores, which are measured where they are not kept. */
async function maskOf(
  model: GraftedNetwork,
  subject: OpenedSubject,
  { mask: source, check }: GraftParams,
  environment: StudyEnvironment<GraftPart>,
): Promise<Result<Mask>> {
  if (source.from === 'file') {
    const read = await readMask(source.path);
    return read.ok ? maskFor(model.network, read.value) : read;
  }
  const region = CheckedRegion.of(subject, check, source.epsilon);
  if (!region.ok) return region;
  const options = {
    ...source,
    schedule: source.schedule.map(gamma => (gamma === 'infinity' ? Infinity : gamma)),
  };
  // A ratio that makes no sense is said before minutes of measuring.
  const layerless = { layers: [], values: new Float64Array(0) };
  const sensible = createMask(layerless, layerless, options);
  if (!sensible.ok) return sensible;
  const world: Measuring = {
    program: environment.program,
    folder: path.join(path.dirname(environment.folder), 'unstable-neurons'),
    cancelled: () => environment.cancelled(),
    onProgress: (fraction, text) => environment.onProgress(MASK_FRACTION * fraction, text),
  };
  const run = await measureRun(model, region.value, source.method, world);
  if (!run.ok) return run;
  const importance = await measureSignificance(model, region.value, source.importance, world);
  if (!importance.ok) return importance;
  const instability = await neuronValues(model, run.value.counts);
  if (!instability.ok) return instability;
  const significance = await neuronValues(model, importance.value.values);
  return significance.ok ? createMask(instability.value, significance.value, options) : significance;
}

async function keepMask(file: string, mask: Mask): Promise<Result<GraftMask>> {
  const saved = await writeNeuronValues(file, mask);
  if (!saved.ok) return saved;
  const grafted = graftedPerLayer(mask);
  return ok({ file, layers: mask.layers.map(({ name, size }, k) => ({ name, size, grafted: grafted[k] })) });
}

function optionsOf(training: GraftTraining, region: CheckedRegion): RobustTrainingOptions {
  const { epochs, batch, weightRate, weightDecay, lineRate, alignment, patience, seed, threads } = training;
  return {
    epochs,
    batch,
    momentum: MOMENTUM,
    weights: weightRate === null ? null : { rate: cosine(weightRate), decay: weightDecay },
    grafts: { rate: cosine(lineRate), decay: 0 },
    adversarial: training.adversarial ? { perturbation: region.perturbation, step: STEP, alignment } : null,
    patience,
    seed,
    threads,
  };
}

/** The last samples are held out: they come in no order. */
function split(all: Dataset, size: number): { data: Dataset; validation: Dataset } {
  const held = Math.min(MOST_HELD_OUT, Math.max(1, Math.floor(all.count * HELD_OUT)));
  const part = (from: number, to: number): Dataset => ({
    count: to - from,
    inputs: all.inputs.subarray(from * size, to * size),
    labels: all.labels.subarray(from, to),
  });
  return { data: part(0, all.count - held), validation: part(all.count - held, all.count) };
}

function dataStatement(source: string, trained: number, held: number, resume: TrainingState | undefined): string {
  const goes = resume && resume.epoch > 0 ? ` Goes on after epoch ${resume.epoch}.` : '';
  return `${source}: ${trained} to train on, ${held} held out to choose the best epoch.${goes}`;
}
