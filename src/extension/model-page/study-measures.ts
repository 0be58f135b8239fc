import { layerBracket } from '../../engine/study-protocols/weight-tolerance';
import type { ResultOf } from '../../engine/study-protocols/kinds';
import type { StudySubject } from '../../engine/study-protocols/subject';
import type { AnsweredStudy } from '../studies';

/** What a study has found out about the layers of a model. */
export interface StudyMeasure {
  readonly measure: MeasureId;
  /** By the name of a node, or of a value that it makes. */
  readonly values: Readonly<Record<string, number>>;
  /** What the numbers are of, in a sentence. */
  readonly about: string;
}

export type MeasureId = 'unstable' | 'width' | 'tolerance' | 'grafting';

/** Reads a tensor that a result refers to; null where it is gone. */
export type ReadNumbers = (
  reference: ResultOf<'unstable-neurons'>['runs'][number]['lower'],
) => Promise<Float32Array | null>;

/** The model that a study was about, and what it says of the model's layers; null for studies that say nothing of layers. */
export async function measuresOf(
  study: AnsweredStudy,
  modelOf: (subject: StudySubject) => string | null,
  read: ReadNumbers,
): Promise<{ readonly model: string; readonly measures: readonly StudyMeasure[] } | null> {
  switch (study.kind) {
    case 'unstable-neurons':
      return { model: study.result.model, measures: await ofNeurons(study.result, read) };
    case 'weight-tolerance':
      return { model: study.result.model, measures: ofTolerance(study.result) };
    case 'graft': {
      const model = modelOf(study.params.subject);
      return model === null ? null : { model, measures: [ofMask(study.result)] };
    }
    default:
      return null;
  }
}

async function ofNeurons(result: ResultOf<'unstable-neurons'>, read: ReadNumbers): Promise<StudyMeasure[]> {
  const run = result.runs.at(-1);
  if (!run) return [];
  const sizes = result.layers.map(({ shape }) => shape.reduce((product, size) => product * size, 1));
  const around = `around ${counted(run.samples.length, 'sample')} at ε ${run.epsilon} (“${result.check}”)`;
  const unstable: StudyMeasure = {
    measure: 'unstable',
    values: byLayer(result.layers, k => run.perLayer[k] / sizes[k]),
    about: `Mean part of a layer’s neurons that are unstable ${around}.`,
  };
  const [lower, upper] = [await read(run.lower), await read(run.upper)];
  if (!lower || !upper || run.boundedSamples === 0) return [unstable];
  const widths = meanWidths(lower, upper, sizes);
  const width: StudyMeasure = {
    measure: 'width',
    values: byLayer(result.layers, k => widths[k]),
    about: `Mean distance of a neuron’s bounds ${around}.`,
  };
  return [unstable, width];
}

/** Mean of upper − lower over the neurons of each layer and all samples; both hold one sample after the other, layer after layer. */
export function meanWidths(lower: Float32Array, upper: Float32Array, sizes: readonly number[]): number[] {
  const sums = sizes.map(() => 0);
  const neurons = sizes.reduce((sum, size) => sum + size, 0);
  for (let start = 0; start < lower.length; start += neurons) {
    let place = start;
    sizes.forEach((size, k) => {
      for (const end = place + size; place < end; place++) sums[k] += upper[place] - lower[place];
    });
  }
  const samples = lower.length / neurons;
  return sums.map((sum, k) => sum / (sizes[k] * samples));
}

function ofTolerance({ layers, samples }: ResultOf<'weight-tolerance'>): StudyMeasure[] {
  const values: Record<string, number> = {};
  for (const layer of layers) {
    const bracket = layerBracket(layer);
    if (bracket) values[layer.name] = bracket.certified;
  }
  if (Object.keys(values).length === 0) return [];
  const about = `By how much each weight of a layer may move, as a part of the layer’s range: proved for ${counted(samples.length, 'sample')}.`;
  return [{ measure: 'tolerance', values, about }];
}

function ofMask({ mask }: ResultOf<'graft'>): StudyMeasure {
  const values = Object.fromEntries(mask.layers.map(({ name, size, grafted }) => [name, grafted / size]));
  return { measure: 'grafting', values, about: 'Part of a layer’s neurons that the last mask makes linear.' };
}

function byLayer(
  layers: readonly { readonly name: string }[],
  value: (index: number) => number,
): Record<string, number> {
  return Object.fromEntries(layers.map(({ name }, k) => [name, value(k)]));
}

export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
