import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AttackedModel } from '../../../attack/attacked-model';
import {
  patchableLayers,
  type PatchCase,
  type PatchOptions,
  type WeightPatch,
} from '../../../attack/patch/minimal-modification';
import { modifyInTurn, modifyLayer, type Modification, type WrittenPatch } from '../../../attack/patch/modify';
import type { OutputConstraint } from '../../../attack/patch/output-constraint';
import { ok, problem, type Result } from '../../../base/result';
import type { LoadedModel } from '../../../network/load';
import type {
  ChangedWeight,
  Correct,
  LayerPatch,
  PatchModelParams,
  PatchModelPart,
  PatchModelResult,
} from '../../study-protocols/patch-model';
import { readTensor } from '../../tensor-reference';
import { openSubject, type OpenedSubject } from '../../subject';
import { answered, refused, type Study, type StudyEnvironment } from '../study';
import { describeOutcome, resultStatement } from './wording';

const SECONDS = 60;
const MARGIN = 0.001;
/** Samples on which accuracy is measured at most, the first of the data. */
const MOST_MEASURED = 5000;
/** Changed weights that are listed, the largest changes first. */
const LISTED_WEIGHTS = 50;

/** An input that is to get another answer, or, among those kept, the same. */
interface Case extends PatchCase {
  readonly title: string;
  readonly before: number;
  readonly wanted: number;
}

/** The smallest changes of weights that put inputs right, layer by layer or in turn; each is written to a file, and that is what is measured. */
export const studyPatchModel: Study<'patch-model'> = async (params, environment) => {
  const opened = await openSubject(params.subject);
  if (!opened.ok) return refused(...opened.error);
  const { model } = opened.value;
  const original = await AttackedModel.open(model.loaded);
  if (!original.ok) return refused(original.error);
  try {
    const patched = await patchLayers(opened.value, original.value, params, environment);
    return patched.ok ? answered(patched.value) : refused(patched.error);
  } finally {
    await original.value.close();
    await model.parts.close();
  }
};

async function patchLayers(
  subject: OpenedSubject,
  original: AttackedModel,
  params: PatchModelParams,
  environment: StudyEnvironment<PatchModelPart>,
): Promise<Result<PatchModelResult>> {
  const { spec, model } = subject;
  const layers = chosenLayers(model.loaded, params);
  if (!layers.ok) return layers;
  const asked = await casesOf(params, subject, original);
  if (!asked.ok) return asked;
  const { wrong, kept } = asked.value;
  const accuracy = await accuracyOf(subject, original, environment, 'the model as it is');
  if (!accuracy.ok) return accuracy;
  const folder =
    params.folder ??
    path.join(environment.folder, `${path.basename(spec.file).split('.')[0]}-${Date.now().toString(36)}`);
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return problem('patch/folder', `${folder}: nothing can be written there (${reason}). Name another folder.`);
  }
  const measure = params.measure ?? 'inf';
  environment.onPart({
    kind: 'run',
    specification: spec.file,
    model: model.loaded.path,
    folder,
    layers: patchableLayers(model.loaded.written).map(layer => layer.name),
    mode: params.mode,
    measure,
    inputs: wrong.map(({ title, before, wanted }) => ({ title, before, wanted })),
    kept: kept.length,
    accuracy: accuracy.value,
    classes: spec.classes,
  });
  const options: PatchOptions = {
    measure,
    phases: params.phases ?? 'fixed',
    marking: params.marking ?? false,
    slack: params.margin ?? MARGIN,
    seconds: params.seconds ?? SECONDS,
  };
  const work = new Patching(subject, [...wrong, ...kept], wrong.length, options, folder, environment);
  const done = await (params.mode === 'each' ? work.each(layers.value) : work.inTurn(layers.value));
  if (!done.ok) return done;
  const best = work.best(measure);
  const left = params.mode === 'each' ? layers.value.length - work.patches.length : 0;
  return ok({ folder, best, statement: resultStatement(work.patches, best, { wrong: wrong.length, left }) });
}

/** The layers asked for, or all; in turn from the last to the first, where a change has the fewest consequences. */
function chosenLayers(loaded: LoadedModel, { layers, mode }: PatchModelParams): Result<readonly string[]> {
  const all = patchableLayers(loaded.written).map(layer => layer.name);
  if (all.length === 0)
    return problem(
      'patch/no-dense-layer',
      `${loaded.path} has no fully connected layer (Gemm or MatMul with constant weights), and patches change the weights of one.`,
      { file: loaded.path },
    );
  const unknown = layers?.find(layer => !all.includes(layer));
  if (unknown !== undefined)
    return problem(
      'patch/layer-unknown',
      `${loaded.path} has no fully connected layer "${unknown}". It has ${all.join(', ')}.`,
      { file: loaded.path },
    );
  return ok(layers ?? (mode === 'each' ? all : all.toReversed()));
}

/** The class wins over all others. */
function wins(wanted: number, outputs: number): OutputConstraint[] {
  const others = Array.from({ length: outputs }, (_, k) => k).filter(k => k !== wanted);
  return others.map(k => ({ outputs: { index: Int32Array.of(k, wanted), value: Float64Array.of(1, -1) }, bound: 0 }));
}

async function casesOf(
  params: PatchModelParams,
  { chosen, samples, data, model }: OpenedSubject,
  original: AttackedModel,
): Promise<Result<{ readonly wrong: readonly Case[]; readonly kept: readonly Case[] }>> {
  const { outputSize } = model.network;
  const wrong: Case[] = [];
  const kept: Case[] = [];
  const add = async (list: Case[], title: string, input: Float32Array, wanted: number): Promise<Result<null>> => {
    const judged = await original.judge(input);
    if (!judged.ok) return judged;
    list.push({ title, input, before: judged.value.prediction, wanted, property: wins(wanted, outputSize) });
    return ok(null);
  };
  for (const { title, input, wanted } of params.inputs ?? []) {
    const values = await readTensor(input);
    if (!values.ok) return values;
    if (!(wanted >= 0 && wanted < outputSize))
      return problem(
        'patch/class',
        `${title}: there is no class ${wanted}; the model has the classes 0 to ${outputSize - 1}.`,
      );
    if (values.value.length !== model.network.inputSize)
      return problem(
        'patch/size',
        `${title} has ${values.value.length} values, the model takes ${model.network.inputSize}.`,
      );
    const added = await add(wrong, title, values.value, wanted);
    if (!added.ok) return added;
  }
  const labels = params.inputs === undefined && !data.hasLabels;
  if (labels)
    return problem(
      'patch/no-labels',
      'The data has no labels, so nothing says what is wrong. Give the specification "labels", or start from counterexamples.',
    );
  const most = params.keep ?? 0;
  for (const index of chosen) {
    if (params.inputs !== undefined && kept.length >= most) break;
    const label = data.label(index);
    if (label === null) continue;
    await nextTurn();
    const read = await samples.read(index);
    if (!read.ok) return read;
    const judged = await original.judge(read.value.input);
    if (!judged.ok) return judged;
    const isRight = judged.value.prediction === label;
    if (isRight ? kept.length >= most : params.inputs !== undefined) continue;
    (isRight ? kept : wrong).push({
      title: `sample ${index}`,
      input: read.value.input,
      before: judged.value.prediction,
      wanted: label,
      property: wins(label, outputSize),
    });
  }
  if (wrong.length > 0) return ok({ wrong, kept });
  return problem(
    'patch/nothing-wrong',
    `The model answers the label on all ${chosen.length} selected samples: there is nothing to put right. Start from counterexamples or adversarial inputs instead.`,
  );
}

async function accuracyOf(
  { data, samples }: OpenedSubject,
  model: AttackedModel,
  environment: StudyEnvironment<PatchModelPart>,
  what: string,
): Promise<Result<Correct | null>> {
  if (!data.hasLabels) return ok(null);
  const total = Math.min(data.count, MOST_MEASURED);
  let correct = 0;
  for (let index = 0; index < total; index++) {
    if (index % 20 === 0) {
      await nextTurn();
      if (environment.cancelled()) return ok(null);
      environment.onProgress(null, `Accuracy of ${what}: ${index} of ${total} samples`);
    }
    const read = await samples.read(index);
    if (!read.ok) return read;
    const judged = await model.judge(read.value.input);
    if (!judged.ok) return judged;
    if (judged.value.prediction === data.label(index)) correct++;
  }
  return ok({ correct, total });
}

class Patching {
  readonly patches: LayerPatch[] = [];

  constructor(
    private readonly subject: OpenedSubject,
    private readonly cases: readonly Case[],
    /** So many of the cases come first and were wrong; the rest is to stay as it is. */
    private readonly wrong: number,
    private readonly options: PatchOptions,
    private readonly folder: string,
    private readonly environment: StudyEnvironment<PatchModelPart>,
  ) {}

  async each(layers: readonly string[]): Promise<Result<null>> {
    for (const [k, layer] of layers.entries()) {
      if (await this.stopped()) break;
      this.environment.onProgress(k / layers.length, `Layer ${layer}: ${k} of ${layers.length} done`);
      const done = await this.report(layer, () =>
        modifyLayer(this.subject.model.loaded, layer, this.cases, this.options),
      );
      if (!done.ok) return done;
    }
    return ok(null);
  }

  async inTurn(layers: readonly string[]): Promise<Result<null>> {
    if (await this.stopped()) return ok(null);
    this.environment.onProgress(null, `Layers ${layers.join(', ')} in turn`);
    return this.report(layers.join(', '), () =>
      modifyInTurn(this.subject.model.loaded, layers, this.cases, this.options),
    );
  }

  /** The smallest patch that holds, in the measure asked for. */
  best(measure: PatchOptions['measure']): string | null {
    const holding = this.patches.filter(patch => patch.holds);
    const size = (patch: LayerPatch): number => patch.sizes?.[measure] ?? Infinity;
    return holding.sort((a, b) => size(a) - size(b))[0]?.layer ?? null;
  }

  private async stopped(): Promise<boolean> {
    await nextTurn();
    return this.environment.cancelled();
  }

  private async report(layer: string, patch: () => Promise<Result<Modification>>): Promise<Result<null>> {
    const started = performance.now();
    const modified = await patch();
    if (!modified.ok) return modified;
    const seconds = (performance.now() - started) / 1000;
    const { outcome, written } = modified.value;
    const measured = written ? await this.measure(layer, written) : ok(null);
    if (!measured.ok) return measured;
    const isPatch = outcome.kind === 'patched';
    const done: LayerPatch = {
      kind: 'layer',
      // In turn, only those that were needed.
      layer: written ? written.file.stored.map(each => each.layer).join(', ') : layer,
      outcome: outcome.kind,
      statement: describeOutcome(outcome, written, this.wrong, this.options.measure),
      sizes: written?.sizes ?? null,
      lowerBound: isPatch ? outcome.lowerBound : null,
      isCertified: outcome.kind !== 'undecided' && outcome.isCertified,
      holds: written?.holds ?? false,
      answers: written?.replays.slice(0, this.wrong).map(({ output }) => largestOf(output)) ?? [],
      accuracy: measured.value?.accuracy ?? null,
      changes: written ? changesOf(this.subject.model.loaded, written.file.stored) : [],
      changed: written?.sizes.count ?? 0,
      file: measured.value?.file ?? null,
      seconds,
    };
    this.patches.push(done);
    this.environment.onPart(done);
    return ok(null);
  }

  /** Writes the file and measures the model in it. */
  private async measure(
    layer: string,
    { file }: WrittenPatch,
  ): Promise<Result<{ readonly file: string; readonly accuracy: Correct | null }>> {
    const stem = path.basename(this.subject.model.loaded.path).replace(/\.onnx(\.gz)?$/i, '');
    const name = path.join(this.folder, `${stem}.${layer.replaceAll(/[^\w.-]+/g, '-')}.patched.onnx`);
    await writeFile(name, file.bytes);
    const patched = await AttackedModel.open(file.model);
    if (!patched.ok) return patched;
    const accuracy = await accuracyOf(this.subject, patched.value, this.environment, `the model with ${layer} patched`);
    await patched.value.close();
    return accuracy.ok ? ok({ file: name, accuracy: accuracy.value }) : accuracy;
  }
}

function largestOf(output: Float64Array): number {
  return output.reduce((best, value, k) => (value > output[best] ? k : best), 0);
}

/** The changed weights of all layers, the largest changes first. */
function changesOf({ written }: LoadedModel, stored: readonly WeightPatch[]): ChangedWeight[] {
  const layers = new Map(patchableLayers(written).map(layer => [layer.name, layer]));
  const all = stored.flatMap(({ layer, change, shape: [, inputs] }) =>
    Array.from(change.keys())
      .filter(k => change[k] !== 0)
      .map((k): ChangedWeight => {
        const before = layers.get(layer)!.weight[k];
        return { layer, output: Math.floor(k / inputs), input: k % inputs, before, after: before + change[k] };
      }),
  );
  const size = ({ before, after }: ChangedWeight): number => Math.abs(after - before);
  return all.sort((a, b) => size(b) - size(a)).slice(0, LISTED_WEIGHTS);
}
