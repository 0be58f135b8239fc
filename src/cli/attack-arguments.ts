import { ok, type Result } from '../base/result';
import {
  ATTACK_METHODS,
  CLOSENESS,
  type AttackMethod,
  type Closeness,
} from '../engine/study-protocols/adversarial-inputs';
import { PATCH_MEASURES } from '../engine/study-protocols/patch-model';
import { misuse, number, oneOf, parse, readSamples, type Option } from './words';

/** The command lines of `attack` and `patch`. */

const SAMPLE = {
  type: 'string',
  multiple: true,
  placeholder: 'N',
  help: 'Only this sample of the data (3, or 0..9); may be repeated.',
} as const satisfies Option;

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
  sample: SAMPLE,
  seed: { type: 'string', placeholder: 'N', help: 'Seed of what is drawn.' },
  out: { type: 'string', placeholder: 'DIR', help: 'Write the inputs there as .npy, and run.json.' },
  json: { type: 'string', placeholder: 'FILE', help: 'Write the run as JSON; - is standard output.' },
  quiet: { type: 'boolean', help: 'Print nothing but errors.' },
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
  sample: SAMPLE,
  out: { type: 'string', placeholder: 'DIR', help: 'Write the patched models there.' },
  json: { type: 'string', placeholder: 'FILE', help: 'Write what was found as JSON; - is standard output.' },
  quiet: { type: 'boolean', help: 'Print nothing but errors.' },
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
  const methods: AttackMethod[] = [];
  for (const name of values.method ?? []) {
    const method = oneOf(name, '--method', ATTACK_METHODS);
    if (!method.ok) return method;
    if (method.value) methods.push(method.value);
  }
  const measure = oneOf(values.measure, '--measure', CLOSENESS);
  if (!measure.ok) return measure;
  const target = number(values.target, '--target', { least: 0, integer: true });
  if (!target.ok) return target;
  const ends = values.range?.split(',').map(end => end.trim());
  if (ends !== undefined && ends.length !== 2)
    return misuse(`--range takes two numbers such as 0,1, not '${values.range}'.`);
  const epsilon = number(values.epsilon, '--epsilon', { least: 0, integer: false });
  if (!epsilon.ok) return epsilon;
  const optimum = number(values.optimum, '--optimum', { least: 0, integer: false });
  if (!optimum.ok) return optimum;
  const seed = number(values.seed, '--seed', { least: 0, integer: true });
  if (!seed.ok) return seed;
  const common = commonWords(values);
  if (!common.ok) return common;
  return ok({
    command: 'attack',
    ...about.value,
    ...common.value,
    methods: methods.length > 0 ? [...new Set(methods)] : undefined,
    measure: measure.value,
    target: target.value,
    range: ends && [ends[0], ends[1]],
    epsilon: epsilon.value,
    reduce: !values['as-found'],
    regional: values.regional ?? false,
    lines: values.lines ?? false,
    optimum: optimum.value,
    misclassified: values.misclassified ?? false,
    transfer: values.transfer,
    features: values.features,
    seed: seed.value,
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
  const margin = number(values.margin, '--margin', { least: 0, integer: false });
  if (!margin.ok) return margin;
  const keep = number(values.keep, '--keep', { least: 0, integer: true });
  if (!keep.ok) return keep;
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
    margin: margin.value,
    keep: keep.value,
  });
}

function subjectWords(
  command: string,
  positionals: readonly string[],
): Result<Pick<Common, 'model' | 'specification'>> {
  const [specification, model] = [...positionals].reverse();
  if (positionals.length === 0 || positionals.length > 2 || /\.onnx(\.gz)?$/.test(specification))
    return misuse(
      `${command} takes a perturbation specification, and before it a model over the one it names: certiscope ${command} [MODEL.onnx] SPEC`,
    );
  return ok({ specification, ...(model === undefined ? {} : { model }) });
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
  const seconds = number(values.seconds, '--seconds', { least: 0, integer: false });
  if (!seconds.ok) return seconds;
  const { out, json, quiet = false } = values;
  return ok({ samples: samples.value, seconds: seconds.value, out, json, quiet });
}
