import { ok, type Result } from '../base/result';
import {
  ATTACK_METHODS,
  CLOSENESS,
  type AttackMethod,
  type Closeness,
} from '../engine/study-protocols/adversarial-inputs';
import { PATCH_MEASURES } from '../engine/study-protocols/patch-model';
import {
  misuse,
  numbers,
  oneOf,
  parse,
  QUIET_OPTION,
  readSamples,
  REAL,
  SAMPLE_OPTION,
  severalOf,
  subjectWords,
  WHOLE,
  type Option,
} from './words';

/** The command lines of `attack` and `patch`. */

export const ATTACK_OPTIONS = {
  method: {
    type: 'string',
    multiple: true,
    placeholder: 'NAME',
    help: `Only this attack, may be repeated: ${ATTACK_METHODS.join(', ')}. Unless given: patches and greedy, gradient where both find nothing.`,
  },
  measure: {
    type: 'string',
    placeholder: 'NAME',
    help: `What is to be small about a change: ${CLOSENESS.join(', ')}.`,
  },
  target: { type: 'string', placeholder: 'CLASS', help: 'The class to be reached; any other unless given.' },
  range: {
    type: 'string',
    placeholder: 'LO,HI',
    help: 'Values that data may take, after scaling; the clip of a check unless given.',
  },
  epsilon: { type: 'string', placeholder: 'E', help: 'Radius of the attacks that work in a ball, after scaling.' },
  seconds: { type: 'string', placeholder: 'S', help: 'Seconds for one input; 60 unless given.' },
  'as-found': { type: 'boolean', help: 'Do not reduce what was found.' },
  regional: { type: 'boolean', help: 'Settle the linear region around each answer by programs.' },
  lines: { type: 'boolean', help: 'A line per class in place of each activation’s phase.' },
  optimum: {
    type: 'string',
    placeholder: 'S',
    help: 'Seconds for the verifier on each answer: how close can one be at all?',
  },
  misclassified: {
    type: 'boolean',
    help: 'Attack samples too that the model takes for something else than their label.',
  },
  transfer: { type: 'string', placeholder: 'MODEL', help: 'Does this model fall for them too?' },
  features: { type: 'string', placeholder: 'MODEL', help: 'Naturalness over the outputs of this model.' },
  sample: SAMPLE_OPTION,
  seed: { type: 'string', placeholder: 'N', help: 'Seed of what is drawn.' },
  out: { type: 'string', placeholder: 'DIR', help: 'Write the inputs there as .npy, and run.json.' },
  json: { type: 'string', placeholder: 'FILE', help: 'Write the run as JSON; - is standard output.' },
  quiet: QUIET_OPTION,
} as const satisfies Record<string, Option>;

export const PATCH_OPTIONS = {
  from: {
    type: 'string',
    placeholder: 'FILE',
    help: 'Put right what this run found (--json of verify, run.json of attack); misclassified samples unless given.',
  },
  layer: { type: 'string', multiple: true, placeholder: 'NAME', help: 'Only this layer; may be repeated.' },
  'in-turn': { type: 'boolean', help: 'The layers one on top of the other; each by itself unless given.' },
  measure: {
    type: 'string',
    placeholder: 'NAME',
    help: 'What is to be small: inf (the largest change), one (their sum), count (changed weights).',
  },
  'free-phases': { type: 'boolean', help: 'Activations may change their phase; for small networks.' },
  marking: { type: 'boolean', help: 'Neurons only move the way that helps.' },
  margin: { type: 'string', placeholder: 'M', help: 'By how much the wanted class is to win; 0.001 unless given.' },
  keep: { type: 'string', placeholder: 'N', help: 'So many samples that are right are to stay right.' },
  seconds: { type: 'string', placeholder: 'S', help: 'Seconds for one layer; 60 unless given.' },
  sample: SAMPLE_OPTION,
  out: { type: 'string', placeholder: 'DIR', help: 'Write the patched models there.' },
  json: { type: 'string', placeholder: 'FILE', help: 'Write what was found as JSON; - is standard output.' },
  quiet: QUIET_OPTION,
} as const satisfies Record<string, Option>;

interface Common {
  readonly model?: string;
  readonly specification: string;
  readonly samples?: readonly number[];
  readonly seconds?: number;
  readonly out?: string;
  readonly json?: string;
  readonly quiet: boolean;
}

export interface AttackArguments extends Common {
  readonly command: 'attack';
  readonly methods?: readonly AttackMethod[];
  readonly measure?: Closeness;
  readonly target?: number;
  readonly range?: readonly [string, string];
  readonly epsilon?: number;
  readonly reduce: boolean;
  readonly regional: boolean;
  readonly lines: boolean;
  readonly optimum?: number;
  readonly misclassified: boolean;
  readonly transfer?: string;
  readonly features?: string;
  readonly seed?: number;
}

export interface PatchArguments extends Common {
  readonly command: 'patch';
  readonly from?: string;
  readonly layers?: readonly string[];
  readonly inTurn: boolean;
  readonly measure?: (typeof PATCH_MEASURES)[number];
  readonly phases: 'fixed' | 'free';
  readonly marking: boolean;
  readonly margin?: number;
  readonly keep?: number;
}

export function readAttack(words: readonly string[]): Result<AttackArguments> {
  const parsed = parse(words, ATTACK_OPTIONS);
  if (!parsed.ok) return parsed;
  const { values, positionals } = parsed.value;
  const about = subjectWords('attack', positionals);
  if (!about.ok) return about;
  const methods = severalOf(values.method, '--method', ATTACK_METHODS);
  if (!methods.ok) return methods;
  const measure = oneOf(values.measure, '--measure', CLOSENESS);
  if (!measure.ok) return measure;
  const ends = values.range?.split(',').map(end => end.trim());
  if (ends !== undefined && ends.length !== 2)
    return misuse(`--range takes two numbers such as 0,1, not '${values.range}'.`);
  const read = numbers(values, { target: WHOLE, epsilon: REAL, optimum: REAL, seed: WHOLE });
  if (!read.ok) return read;
  const common = commonWords(values);
  if (!common.ok) return common;
  return ok({
    command: 'attack',
    ...about.value,
    ...common.value,
    methods: methods.value,
    measure: measure.value,
    target: read.value.target,
    range: ends && [ends[0], ends[1]],
    epsilon: read.value.epsilon,
    reduce: !values['as-found'],
    regional: values.regional ?? false,
    lines: values.lines ?? false,
    optimum: read.value.optimum,
    misclassified: values.misclassified ?? false,
    transfer: values.transfer,
    features: values.features,
    seed: read.value.seed,
  });
}

export function readPatch(words: readonly string[]): Result<PatchArguments> {
  const parsed = parse(words, PATCH_OPTIONS);
  if (!parsed.ok) return parsed;
  const { values, positionals } = parsed.value;
  const about = subjectWords('patch', positionals);
  if (!about.ok) return about;
  const measure = oneOf(values.measure, '--measure', PATCH_MEASURES);
  if (!measure.ok) return measure;
  const read = numbers(values, { margin: REAL, keep: WHOLE });
  if (!read.ok) return read;
  const common = commonWords(values);
  if (!common.ok) return common;
  return ok({
    command: 'patch',
    ...about.value,
    ...common.value,
    from: values.from,
    layers: values.layer,
    inTurn: values['in-turn'] ?? false,
    measure: measure.value,
    phases: values['free-phases'] ? 'free' : 'fixed',
    marking: values.marking ?? false,
    ...read.value,
  });
}

function commonWords(values: {
  readonly sample?: readonly string[];
  readonly seconds?: string;
  readonly out?: string;
  readonly json?: string;
  readonly quiet?: boolean;
}): Result<Omit<Common, 'model' | 'specification'>> {
  const samples = readSamples(values.sample);
  if (!samples.ok) return samples;
  const read = numbers(values, { seconds: REAL });
  if (!read.ok) return read;
  const { out, json, quiet = false } = values;
  return ok({ samples: samples.value, seconds: read.value.seconds, out, json, quiet });
}
