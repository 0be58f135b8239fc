import type { Problem, Range } from '../../base/result';
import type { Written } from '../numbers/written';
import type { CheckValues, DataSource, LabelSource, Layout, PropertyValues, SolverValues } from './spec-shape';
import type { IndexRange } from './selection';

/** A place in the specification: keys and indices from the outside in, e.g. `['checks', 0, 'epsilon']`. */
export type SpecPath = readonly (string | number)[];

/** x ↦ (x·scale − mean)/std, in exact numbers; mean and std have one entry for all values, or one per channel. */
export interface Preprocessing {
  readonly scale: Written;
  readonly mean: readonly Written[];
  readonly std: readonly Written[];
  /** The order in which the model takes its input. */
  readonly layout: Layout;
}

/** What the specification says about solving; what it leaves out keeps the caller's default. */
export interface SolverSettings {
  readonly timeout?: number;
  readonly backend?: NonNullable<SolverValues['backend']>;
  readonly labelOrder?: NonNullable<SolverValues['labelOrder']>;
  readonly guided?: boolean;
  readonly soundness?: 'real' | 'runtime';
  readonly seed?: number;
  readonly threads?: number;
}

export type Property = PropertyValues;

interface CheckBase {
  /** As given, else made from what is perturbed; unique in its file. */
  readonly name: string;
  readonly index: number;
  /** The specification's settings with this check's own on top. */
  readonly solver: SolverSettings;
}

export type InputCheck = CheckBase &
  Omit<Extract<CheckValues, { perturb: 'input' }>, 'name' | 'solver' | 'norm'> & { readonly norm: 'inf' };
export type WeightsCheck = CheckBase &
  Omit<Extract<CheckValues, { perturb: 'weights' }>, 'name' | 'solver' | 'of'> & { readonly of: 'range' | 'weight' };
export type Check = InputCheck | WeightsCheck;

/** The inputs around a sample that a check is about. */
export type Neighbourhood = Pick<InputCheck, 'index' | 'epsilon' | 'clip'>;

/** Null where a check perturbs weights alone. */
export function neighbourhoodOf(check: Check): Neighbourhood | null {
  const { index, epsilon, clip } = check;
  return epsilon === undefined ? null : { index, epsilon, clip };
}

/** A perturbation spec that is well formed. Whether it fits its data and its model is checked by `planSpec`. */
export interface PerturbationSpec {
  readonly kind: 'perturbation';
  readonly file: string;
  readonly text: string;
  /** As written: relative to the specification's folder unless absolute. */
  readonly model: string;
  readonly inputs: {
    readonly data: DataSource;
    /** Null when the file does not speak of labels. */
    readonly labels: LabelSource | null;
    /** Null selects everything. */
    readonly select: readonly IndexRange[] | null;
    /** The data's own order, when given. */
    readonly layout: Layout | null;
  };
  readonly preprocess: Preprocessing;
  readonly property: Property;
  /** Names of the outputs, when given. */
  readonly classes: readonly string[] | null;
  readonly checks: readonly Check[];
  readonly solver: SolverSettings;
  readonly warnings: readonly Problem[];
  /** The characters of the value at a path; of the nearest value around it when there is none. */
  rangeOf(path: SpecPath): Range;
}
