import type { Problem, Result } from '../../base/result';

/** One sample in raw values, exactly as the file has them. */
export interface Sample {
  /** Position in the data, from 0. */
  readonly index: number;
  /** In the data's own order; integers and float32 numbers are exact. */
  readonly values: Float64Array;
  /** The right class; null when the data has no labels. */
  readonly label: number | null;
}

/** The order of the numbers of an image: channel by channel, or pixel by pixel; `flat` when nothing says so. */
export type DataLayout = 'CHW' | 'HWC' | 'flat';

/** Samples that are decoded when asked for. */
export interface DataSet {
  readonly count: number;
  /** Shape of one sample as stored, e.g. [28, 28] or [32, 32, 3]. Null for images, whose sizes are only known when they are read. */
  readonly shape: readonly number[] | null;
  /** Numbers per sample; null as above. */
  readonly size: number | null;
  readonly layout: DataLayout;
  readonly hasLabels: boolean;
  /** The right class of a sample; null without labels. */
  label(index: number): number | null;
  sample(index: number): Promise<Result<Sample>>;
}

/** Samples without their labels, as one loader reads them. `values` must not be called out of range. */
export interface Samples {
  readonly count: number;
  readonly shape: readonly number[] | null;
  readonly layout: DataLayout;
  values(index: number): Promise<Result<Float64Array, LoadProblem>> | Result<Float64Array, LoadProblem>;
  /** Labels that come with the data (a CSV column). */
  readonly labels?: readonly number[];
}

/** What a loader tells when it cannot read a file: the sentence, without a place; the caller knows which characters named the file. */
export type LoadProblem = Pick<Problem, 'code' | 'message'>;

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** Channels first or last, as far as the shape of an image tells: one or three channels, at one end only. */
export function layoutOf(shape: readonly number[]): DataLayout {
  if (shape.length === 2) return 'CHW';
  if (shape.length !== 3) return 'flat';
  const few = (extent: number): boolean => extent === 1 || extent === 3;
  if (few(shape[0]) === few(shape[2])) return shape[0] === 1 && shape[2] === 1 ? 'CHW' : 'flat';
  return few(shape[0]) ? 'CHW' : 'HWC';
}
