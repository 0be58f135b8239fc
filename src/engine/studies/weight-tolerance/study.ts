import { setImmediate as nextTurn } from 'node:timers/promises';
import { availableParallelism } from 'node:os';
import { fail, ok, type Problem, type Result } from '../../../base/result';
import {
  TOLERANCE_METHODS,
  type LayerTolerance,
  type WeightToleranceParams,
  type WeightTolerancePart,
  type WeightToleranceReport,
} from '../../study-protocols/weight-tolerance';
import type { PerturbationSpec } from '../../../spec/perturbation/spec';
import { weightRange } from '../../../weights/perturbed-layer';
import { weightSensitivity } from '../../../weights/tolerance';
import { WeightModel, type Layer } from '../../../weights/weight-model';
import { openSubject } from '../../subject';
import { answered, refused, type Study, type StudyEnvironment } from '../study';
import { KeptAnswers } from './kept-answers';
import { LayerStudy, type LayerContext } from './layer-study';
import { rightSamples, type RightSample } from './samples';

const DEFAULT_TIMEOUT = 10;

/** Between two pictures of one layer. */
const PART_MILLISECONDS = 500;

/** How far the weights of each layer may move: a bracket for every sample, the curve of every method, and which neurons matter most. */
export const studyWeightTolerance: Study<'weight-tolerance'> = async (params, environment) => {
  const opened = await openSubject(params.subject);
  if (!opened.ok) return refused(...opened.error);
  const { spec, model: planned } = opened.value;
  try {
    const model = WeightModel.open(planned.loaded);
    if (!model.ok) return refused({ ...model.error, file: spec.file, range: spec.rangeOf(['model']) });
    const asked = params.layers ?? layersOfCheck(spec, params.check);
    const layers = await chosenLayers(model.value, asked, environment);
    if (!layers.ok) return refused(layers.error);
    environment.onProgress(null, 'The samples go through the network');
    const samples = await rightSamples(opened.value, params.mostSamples ?? Infinity, () => environment.cancelled());
    if (!samples.ok) return refused(samples.error);
    if (samples.value.right.length === 0) return refused(nothingRight(spec.file, samples.value.leftOut));
    const report: Omit<WeightToleranceReport, 'layers' | 'finished'> = {
      model: planned.loaded.path,
      specification: spec.file,
      methods: params.methods ?? TOLERANCE_METHODS,
      samples: samples.value.right.map(({ index }) => index),
      leftOut: samples.value.leftOut,
      refused: layers.value.refused,
    };
    const { studies, finished } = await studyLayers(
      model.value,
      layers.value.chosen,
      samples.value.right,
      report,
      params,
      environment,
    );
    return answered({ ...report, layers: studies.map(study => study.report), finished });
  } finally {
    await planned.parts.close();
  }
};

/** Undefined for all layers. */
function layersOfCheck(spec: PerturbationSpec, name: string | undefined): readonly (string | number)[] | undefined {
  const check = spec.checks.find(each => each.name === name);
  return check?.perturb === 'weights' ? check.layers : undefined;
}

interface ChosenLayers {
  readonly chosen: readonly Layer[];
  readonly refused: readonly { readonly layer: string; readonly reason: string }[];
}

/** Layers that were named must be ones that can be asked about; of all layers those that cannot are left out. */
async function chosenLayers(
  model: WeightModel,
  layers: readonly (string | number)[] | undefined,
  environment: StudyEnvironment<WeightTolerancePart>,
): Promise<Result<ChosenLayers>> {
  const named: Layer[] = [];
  for (const reference of layers ?? []) {
    const found = model.find(reference);
    if (!found.ok) return found;
    named.push(found.value);
  }
  const chosen: Layer[] = [];
  const refused: { layer: string; reason: string }[] = [];
  for (const layer of layers ? new Set(named) : model.layers.filter(({ weight }) => weight !== null)) {
    environment.onProgress(null, `Reading layer ${layer.name}`);
    await nextTurn();
    const range = weightRange(layer);
    const terms = range.ok ? model.terms(layer) : range;
    if (terms.ok) chosen.push(layer);
    else if (layers) return terms;
    else refused.push({ layer: layer.name, reason: terms.error.message });
  }
  if (chosen.length > 0) return ok({ chosen, refused });
  const message =
    `${model.loaded.path} has no layer whose weights can be perturbed. ${refused[0]?.reason ?? ''}`.trim();
  return fail({ code: 'study/no-layer', message });
}

async function studyLayers(
  model: WeightModel,
  layers: readonly Layer[],
  samples: readonly RightSample[],
  report: Omit<WeightToleranceReport, 'layers' | 'finished'>,
  params: WeightToleranceParams,
  environment: StudyEnvironment<WeightTolerancePart>,
): Promise<{ studies: readonly LayerStudy[]; finished: boolean }> {
  const sensitivities = await sensitivitiesOf(model, layers, samples, environment);
  const method = report.methods.includes('complete') ? 'complete' : 'star';
  const threads = params.threads ? params.threads : availableParallelism();
  const { publish, flush } = pacedParts(environment);
  let before = 0;
  const context: LayerContext = {
    model,
    samples,
    methods: report.methods,
    grid: params.grid ? [...new Set(params.grid)].sort((a, b) => a - b) : null,
    options: {
      decision: { seed: 1, threads, method, isNominalSafe: true },
      timeout: params.timeout ?? DEFAULT_TIMEOUT,
      cancelled: () => environment.cancelled(),
    },
    kept: new KeptAnswers(environment.folder, [model.loaded.hash, environment.program]),
    folder: environment.folder,
    publish,
    progress: (fraction, text) => environment.onProgress((before + fraction) / layers.length, text),
  };
  const studies = layers.map(
    (layer, k) => new LayerStudy(context, layer, sensitivities[k].sensitivity, sensitivities[k].reach),
  );
  environment.onPart({
    kind: 'begin',
    report: { ...report, layers: studies.map(study => study.report), finished: false },
  });
  // From the last layer on: those before the end are dearer, and a person sees something soon.
  for (const study of [...studies].reverse()) {
    if (!(await study.run())) break;
    before++;
  }
  flush();
  return { studies, finished: before === layers.length };
}

/** Per layer the mean over the samples, and for every sample where its bracket may be. */
async function sensitivitiesOf(
  model: WeightModel,
  layers: readonly Layer[],
  samples: readonly RightSample[],
  environment: StudyEnvironment<WeightTolerancePart>,
) {
  const all = layers.map(() => ({ neurons: new Float64Array(0), reach: [] as number[] }));
  for (const { input, unsafe } of samples) {
    if (environment.cancelled()) break;
    environment.onProgress(null, 'How sensitive each layer is');
    await nextTurn();
    const found = weightSensitivity(model, { kind: 'point', values: input }, unsafe, layers);
    layers.forEach((layer, k) => {
      const own = found.find(each => each.layer === layer);
      const { neurons, reach } = all[k];
      reach.push(own?.reach ?? Infinity);
      if (own)
        all[k].neurons = own.neurons.map((drop, i) => (neurons.length === 0 ? 0 : neurons[i]) + drop / samples.length);
    });
  }
  return all.map(({ neurons, reach }) => ({
    reach,
    sensitivity:
      neurons.length === 0 ? null : { total: neurons.reduce((a, b) => a + b, 0), neurons: [...neurons].map(rounded) },
  }));
}

/** An estimate needs no more digits than these, and thousands of them are sent. */
function rounded(value: number): number {
  return Number(value.toPrecision(6));
}

/** Layers as they stand, now and then; the last state of each is always told. */
function pacedParts({ onPart }: StudyEnvironment<WeightTolerancePart>): {
  publish: (layer: LayerTolerance) => void;
  flush: () => void;
} {
  let told = -Infinity;
  let waiting: LayerTolerance | null = null;
  const tell = (layer: LayerTolerance): void => {
    told = performance.now();
    waiting = null;
    onPart({ kind: 'layer', layer });
  };
  return {
    publish: layer => {
      if (waiting && waiting.number !== layer.number) tell(waiting);
      if (layer.state === 'finished' || performance.now() - told >= PART_MILLISECONDS) tell(layer);
      else waiting = layer;
    },
    flush: () => {
      if (waiting) tell(waiting);
    },
  };
}

function nothingRight(file: string, leftOut: readonly { readonly reason: string }[]): Problem {
  const reason = leftOut[0]?.reason ?? 'there is none';
  const message = `${file}: no sample is left to ask about: ${reason}. Choose samples that the network answers right, or check the preprocessing.`;
  return { code: 'study/nothing-right', message, file };
}
