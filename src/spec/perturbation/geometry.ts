import type { Problem, Result } from '../../base/result';
import { fail, ok } from '../../base/result';
import type { DataSet } from '../data/data-set';
import type { ModelInterface } from '../vnnlib/compile';
import type { PerturbationSpec, SpecPath } from './spec';
import type { Layout } from './spec-shape';

/** How the values of a sample become the values of the model's input: which one goes where, and which channel it belongs to. */
export interface Geometry {
  readonly size: number;
  readonly channels: number;
  /** Index in the sample of value i of the model's input. */
  dataIndex(i: number): number;
  /** Channel of value i of the model's input. */
  channel(i: number): number;
  /** Index of value i of the model's input in a list of `length` radii: one per value of the sample, or one per channel. */
  epsilonIndex(i: number, length: number): number;
}

/** Matches data, preprocessing and model; everything that does not fit is reported at the specification's own characters. */
export function geometryOf(spec: PerturbationSpec, model: ModelInterface, data: DataSet): Result<Geometry, Problem[]> {
  const problems: Problem[] = [];
  const report = (code: string, message: string, path: SpecPath): void => {
    problems.push({ code, message, severity: 'error', file: spec.file, range: spec.rangeOf(path) });
  };
  const size = model.inputSize;
  if (data.size !== null && data.size !== size) {
    report('spec/sample-size', sampleSizeMessage(spec, model, data, data.size), ['inputs', 'data']);
    return fail(problems);
  }
  const channels = channelsOf(spec, model, data);
  for (const key of ['mean', 'std'] as const) {
    const { length } = spec.preprocess[key];
    if (length === 1 || length === channels) continue;
    const place = channels === 1 ? 'the samples have one channel' : `there are ${channels} channels`;
    report('spec/length', `${key} has ${length} numbers, but ${place}. Write one number, or one per channel.`, [
      'preprocess',
      key,
    ]);
  }
  spec.checks.forEach((check, k) => {
    if (!check.epsilon) return;
    const { length } = check.epsilon;
    if (length === 1 || length === size || length === channels) return;
    const perChannel = channels > 1 && channels < size ? ` or ${channels}, one per channel` : '';
    report(
      'spec/length',
      `epsilon has ${length} numbers. Write one, or ${size}, one per value of a sample${perChannel}.`,
      ['checks', k, 'epsilon'],
    );
  });
  const given = spec.inputs.layout;
  const isFlat = data.shape === null || data.shape.length === 1;
  if (channels === 1 && isFlat && given !== null && given !== spec.preprocess.layout) {
    const message = `To turn ${given} into ${spec.preprocess.layout} the number of channels must be known, and neither data nor model tell it. Give mean one number per channel.`;
    report('spec/layout', message, ['inputs', 'layout']);
  }
  if (problems.length > 0) return fail(problems);

  const plane = size / channels;
  const modelLayout = spec.preprocess.layout;
  const dataLayout = spec.inputs.layout ?? (data.layout === 'flat' ? modelLayout : data.layout);
  const channel = (i: number): number => (modelLayout === 'CHW' ? Math.floor(i / plane) : i % channels);
  const pixel = (i: number): number => (modelLayout === 'CHW' ? i % plane : Math.floor(i / channels));
  const dataIndex = (i: number): number => {
    if (dataLayout === modelLayout) return i;
    return dataLayout === 'CHW' ? channel(i) * plane + pixel(i) : pixel(i) * channels + channel(i);
  };
  return ok({
    size,
    channels,
    dataIndex,
    channel,
    epsilonIndex: (i, length) => (length === size ? dataIndex(i) : channel(i)),
  });
}

/** The order in which a model whose input has four dimensions plainly takes its channels; null when its shape does not tell. */
export function evidentLayout(model: ModelInterface, channels: number): Layout | null {
  const [input] = model.inputs;
  if (channels === 1 || model.inputs.length !== 1 || input.shape.length !== 4) return null;
  const [, first, , last] = input.shape;
  if ((first === channels) === (last === channels)) return null;
  return first === channels ? 'CHW' : 'HWC';
}

/** The number of channels as the samples show it, else as mean and std count them, else as the model's input shape has it. */
function channelsOf(spec: PerturbationSpec, model: ModelInterface, data: DataSet): number {
  const { shape } = data;
  const layout = spec.inputs.layout ?? data.layout;
  if (shape?.length === 3 && layout !== 'flat') return layout === 'CHW' ? shape[0] : shape[2];
  if (shape?.length === 2) return 1;
  const listed = Math.max(spec.preprocess.mean.length, spec.preprocess.std.length);
  if (listed > 1 && model.inputSize % listed === 0) return listed;
  const [input] = model.inputs;
  if (model.inputs.length !== 1 || input.shape.length !== 4) return 1;
  return spec.preprocess.layout === 'CHW' ? input.shape[1] : input.shape[3];
}

function sampleSizeMessage(spec: PerturbationSpec, model: ModelInterface, data: DataSet, size: number): string {
  const shapes = model.inputs.map(input => `[${input.shape.join(',')}]`).join(', ');
  const stored = data.shape === null || data.shape.length === 1 ? '' : ` ([${data.shape.join(',')}])`;
  const message = `A sample has ${size} numbers${stored}, but the model takes ${model.inputSize} (${shapes}).`;
  if (data.layout !== 'flat') return `${message} Is this data for another model?`;
  if (size === model.inputSize - 1 && spec.inputs.labels === null && data.hasLabels) {
    return `${message} The first column was taken for the label; write "labels": "none" if it is a feature.`;
  }
  if (size === model.inputSize + 1 && !data.hasLabels)
    return `${message} If one column is the label, say which: "labels": 0.`;
  return `${message} Is this data for another model?`;
}
