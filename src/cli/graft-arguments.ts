import { ok, type Result } from '../base/result';
import {
  BOUND_METHODS,
  DEFAULT_GRAFT_TRAINING,
  DEFAULT_MASK_SOURCE,
  IMPORTANCES,
  RANKINGS,
  type BoundMethod,
  type GraftTraining,
  type Importance,
  type MaskSource,
} from '../engine/study-protocols/graft';
import {
  COUNT,
  misuse,
  number,
  numbers,
  oneOf,
  parse,
  QUIET_OPTION,
  readSamples,
  REAL,
  SAMPLE_OPTION,
  subjectWords,
  WHOLE,
  type Option,
} from './words';

/** What the words after `certiscope unstable` and `certiscope graft` ask for. */

const SUBJECT_OPTIONS = {
  check: {
    type: 'string',
    placeholder: 'NAME',
    help: 'The check whose regions are meant; the first one unless given.',
  },
  sample: SAMPLE_OPTION,
  method: { type: 'string', placeholder: 'NAME', help: `Bounds by ${BOUND_METHODS.join(', ')}; crown unless given.` },
  json: { type: 'string', placeholder: 'FILE', help: 'Write the results as JSON; - is standard output.' },
  quiet: QUIET_OPTION,
} as const satisfies Record<string, Option>;

export const UNSTABLE_OPTIONS = {
  ...SUBJECT_OPTIONS,
  epsilon: {
    type: 'string',
    multiple: true,
    placeholder: 'E',
    help: 'Instead of the check\u2019s own (0.1, or 8/255); may be repeated.',
  },
  importance: { type: 'string', placeholder: 'NAME', help: `How much neurons matter, too: ${IMPORTANCES.join(', ')}.` },
} as const satisfies Record<string, Option>;

export const GRAFT_OPTIONS = {
  output: { type: 'string', placeholder: 'FILE', help: 'The grafted model; MODEL.grafted.onnx unless given.' },
  mask: {
    type: 'string',
    placeholder: 'FILE',
    help: 'This mask (.npz, one array of 0 and 1 a layer), none from scores.',
  },
  ratio: { type: 'string', placeholder: 'R', help: 'Part of the neurons to make linear, 0 to 1; 0.5 unless given.' },
  gamma: {
    type: 'string',
    placeholder: 'LIST',
    help: '\u03b3 of every stage; 2,1.5,1,0 unless given (inf: instability alone).',
  },
  instability: { type: 'string', placeholder: 'RANK', help: `Ranking of instability: ${RANKINGS.join(', ')}.` },
  significance: { type: 'string', placeholder: 'RANK', help: `Ranking of significance: ${RANKINGS.join(', ')}.` },
  importance: {
    type: 'string',
    placeholder: 'NAME',
    help: `Significance by ${IMPORTANCES.join(', ')}; sap unless given.`,
  },
  'per-layer': { type: 'boolean', help: 'The ratio of each layer, not of all neurons together.' },
  ...SUBJECT_OPTIONS,
  epochs: {
    type: 'string',
    placeholder: 'N',
    help: `Epochs of training; ${DEFAULT_GRAFT_TRAINING.epochs} unless given.`,
  },
  train: {
    type: 'string',
    placeholder: 'N',
    help: `Samples to train on at most; ${DEFAULT_GRAFT_TRAINING.samples} unless given.`,
  },
  batch: {
    type: 'string',
    placeholder: 'N',
    help: `Samples of one step; ${DEFAULT_GRAFT_TRAINING.batch} unless given.`,
  },
  'fixed-weights': { type: 'boolean', help: 'Train slopes and intercepts alone.' },
  'weight-rate': { type: 'string', placeholder: 'R', help: 'Learning rate of the weights; 0.001 unless given.' },
  'line-rate': { type: 'string', placeholder: 'R', help: 'Learning rate of slopes and intercepts; 0.01 unless given.' },
  standard: { type: 'boolean', help: 'Train on the samples as they are, not on attacked ones.' },
  patience: { type: 'string', placeholder: 'N', help: 'End after so many epochs without a better score.' },
  fresh: { type: 'boolean', help: 'Begin anew where the same training was interrupted.' },
  folder: { type: 'string', placeholder: 'DIR', help: 'Where checkpoints, masks and scores are kept.' },
  outcomes: { type: 'boolean', help: 'Then compare base and graft on the selected samples.' },
  timeout: {
    type: 'string',
    placeholder: 'S',
    help: 'Seconds of the verifier for a sample of the comparison; 30 unless given.',
  },
  restarts: { type: 'string', placeholder: 'N', help: 'Restarts of the attack of the comparison; 5 unless given.' },
  seed: { type: 'string', placeholder: 'N', help: 'Seed of training and attack; 1 unless given.' },
  threads: { type: 'string', placeholder: 'N', help: 'Threads; 0, every core, unless given.' },
} as const satisfies Record<string, Option>;

interface SubjectArguments {
  readonly model?: string;
  readonly specification: string;
  readonly check?: string;
  readonly samples?: readonly number[];
  readonly json?: string;
  readonly quiet: boolean;
}

export interface UnstableArguments extends SubjectArguments {
  readonly command: 'unstable';
  readonly method: BoundMethod;
  readonly epsilons?: readonly string[];
  readonly importance?: Importance;
}

export interface GraftArguments extends SubjectArguments {
  readonly command: 'graft';
  readonly mask: MaskSource;
  readonly training: GraftTraining;
  readonly output?: string;
  readonly folder?: string;
  readonly fresh: boolean;
  /** Compare afterwards. */
  readonly outcomes: { readonly timeout: number; readonly restarts: number } | null;
}

export function readUnstable(words: readonly string[]): Result<UnstableArguments> {
  const parsed = parse(words, UNSTABLE_OPTIONS);
  if (!parsed.ok) return parsed;
  const { values, positionals } = parsed.value;
  const subject = readSubject('unstable', positionals, values);
  if (!subject.ok) return subject;
  const method = oneOf(values.method, '--method', BOUND_METHODS);
  if (!method.ok) return method;
  const importance = oneOf(values.importance, '--importance', IMPORTANCES);
  if (!importance.ok) return importance;
  return ok({
    ...subject.value,
    command: 'unstable',
    method: method.value ?? 'crown',
    ...(values.epsilon ? { epsilons: values.epsilon } : {}),
    ...(importance.value ? { importance: importance.value } : {}),
  });
}

export function readGraft(words: readonly string[]): Result<GraftArguments> {
  const parsed = parse(words, GRAFT_OPTIONS);
  if (!parsed.ok) return parsed;
  const { values, positionals } = parsed.value;
  const subject = readSubject('graft', positionals, values);
  if (!subject.ok) return subject;
  const mask = readMaskSource(values);
  if (!mask.ok) return mask;
  const training = readTraining(values);
  if (!training.ok) return training;
  const read = numbers(values, { timeout: REAL, restarts: WHOLE });
  if (!read.ok) return read;
  return ok({
    ...subject.value,
    command: 'graft',
    mask: mask.value,
    training: training.value,
    ...(values.output === undefined ? {} : { output: values.output }),
    ...(values.folder === undefined ? {} : { folder: values.folder }),
    fresh: values.fresh ?? false,
    outcomes: values.outcomes ? { timeout: read.value.timeout ?? 30, restarts: read.value.restarts ?? 5 } : null,
  });
}

/** The values of options as the command line had them. */
type Values<Table extends Readonly<Record<string, Option>>> = {
  readonly [Name in keyof Table]?: Table[Name] extends { readonly multiple: true }
    ? readonly string[]
    : Table[Name] extends { readonly type: 'boolean' }
      ? boolean
      : string;
};

function readSubject(
  command: string,
  positionals: readonly string[],
  { sample, check, json, quiet = false }: Values<typeof SUBJECT_OPTIONS>,
): Result<SubjectArguments> {
  const about = subjectWords(command, positionals);
  if (!about.ok) return about;
  const samples = readSamples(sample);
  if (!samples.ok) return samples;
  return ok({
    ...about.value,
    ...(check === undefined ? {} : { check }),
    ...(samples.value === undefined ? {} : { samples: samples.value }),
    ...(json === undefined ? {} : { json }),
    quiet,
  });
}

function readMaskSource(values: Values<typeof GRAFT_OPTIONS>): Result<MaskSource> {
  if (values.mask !== undefined) return ok({ from: 'file', path: values.mask });
  const method = oneOf(values.method, '--method', BOUND_METHODS);
  if (!method.ok) return method;
  const importance = oneOf(values.importance, '--importance', IMPORTANCES);
  if (!importance.ok) return importance;
  const instability = oneOf(values.instability, '--instability', RANKINGS);
  if (!instability.ok) return instability;
  const significance = oneOf(values.significance, '--significance', RANKINGS);
  if (!significance.ok) return significance;
  const ratio = number(values.ratio, '--ratio', REAL);
  if (!ratio.ok) return ratio;
  const schedule = readSchedule(values.gamma);
  if (!schedule.ok) return schedule;
  const usual = DEFAULT_MASK_SOURCE;
  return ok({
    from: 'scores',
    method: method.value ?? usual.method,
    importance: importance.value ?? usual.importance,
    instabilityRanking: instability.value ?? usual.instabilityRanking,
    significanceRanking: significance.value ?? usual.significanceRanking,
    schedule: schedule.value ?? usual.schedule,
    ratio: ratio.value ?? usual.ratio,
    scope: values['per-layer'] ? 'layer' : 'global',
  });
}

/** `2,1.5,1,0`, or `inf`. */
function readSchedule(text: string | undefined): Result<(number | 'infinity')[] | undefined> {
  if (text === undefined) return ok(undefined);
  const gammas: (number | 'infinity')[] = [];
  for (const word of text.split(',')) {
    if (/^(inf|infinity)$/i.test(word.trim())) {
      gammas.push('infinity');
      continue;
    }
    const gamma = number(word, '--gamma', REAL);
    if (!gamma.ok) return misuse(`--gamma takes numbers from 0 up with commas between them, or inf, not '${text}'.`);
    gammas.push(gamma.value ?? 0);
  }
  return ok(gammas);
}

function readTraining(values: Values<typeof GRAFT_OPTIONS>): Result<GraftTraining> {
  const read = numbers(values, {
    epochs: COUNT,
    batch: COUNT,
    train: COUNT,
    'weight-rate': REAL,
    'line-rate': REAL,
    patience: COUNT,
    seed: WHOLE,
    threads: WHOLE,
  });
  if (!read.ok) return read;
  const usual = DEFAULT_GRAFT_TRAINING;
  const given = read.value;
  return ok({
    ...usual,
    epochs: given.epochs ?? usual.epochs,
    batch: given.batch ?? usual.batch,
    samples: given.train ?? usual.samples,
    weightRate: values['fixed-weights'] ? null : (given['weight-rate'] ?? usual.weightRate),
    lineRate: given['line-rate'] ?? usual.lineRate,
    adversarial: values.standard !== true,
    patience: given.patience ?? usual.patience,
    seed: given.seed ?? usual.seed,
    threads: given.threads ?? usual.threads,
  });
}
