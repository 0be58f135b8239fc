import { ok, type Result } from '../base/result';
import { readMagnitudes } from '../base/magnitudes';
import { SETTINGS } from '../base/settings';
import { TOLERANCE_METHODS, type ToleranceMethod } from '../engine/study-protocols/weight-tolerance';
import { BACKENDS, LABEL_ORDERS, type Backend, type LabelOrder } from '../verify/options';
import {
  ATTACK_OPTIONS,
  PATCH_OPTIONS,
  readAttack,
  readPatch,
  type AttackArguments,
  type PatchArguments,
} from './attack-arguments';
import {
  GRAFT_OPTIONS,
  readGraft,
  readUnstable,
  UNSTABLE_OPTIONS,
  type GraftArguments,
  type UnstableArguments,
} from './graft-arguments';
import { LARGEST_EPSILON_OPTIONS, readLargestEpsilon, type LargestEpsilonArguments } from './largest-epsilon-arguments';
import {
  misuse,
  number,
  numbers,
  oneOf,
  optionLines,
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

const VERIFY_OPTIONS = {
  timeout: { type: 'string', placeholder: 'S', help: SETTINGS.timeout.option.help },
  check: { type: 'string', multiple: true, placeholder: 'NAME', help: 'Only this check; may be repeated.' },
  sample: SAMPLE_OPTION,
  backend: {
    type: 'string',
    placeholder: 'NAME',
    help: `How to decide: ${BACKENDS.join(', ')}.`,
  },
  'label-order': {
    type: 'string',
    placeholder: 'ORDER',
    help: `Which label is tried first: ${LABEL_ORDERS.join(', ')}.`,
  },
  'attack-only': { type: 'boolean', help: 'Look for counterexamples and prove nothing.' },
  unguided: { type: 'boolean', help: 'All labels at once, not one by one.' },
  soundness: {
    type: 'string',
    placeholder: 'KIND',
    help: 'real: the network in exact arithmetic. runtime: with ONNX Runtime\u2019s own rounding as well.',
  },
  seed: { type: 'string', placeholder: 'N', help: SETTINGS.seed.option.help },
  threads: { type: 'string', placeholder: 'N', help: SETTINGS.threads.option.help },
  memory: { type: 'string', placeholder: 'MB', help: SETTINGS.memoryLimit.option.help },
  isolated: { type: 'boolean', help: 'Solve in a supervised process of its own from the start.' },
  json: { type: 'string', placeholder: 'FILE', help: 'Write the results as JSON; - is standard output.' },
  patched: {
    type: 'string',
    placeholder: 'DIR',
    help: 'Write models whose changed weights falsify a check there; by default beside the JSON file.',
  },
  sarif: { type: 'string', placeholder: 'FILE', help: 'Write the results as SARIF 2.1.0.' },
  junit: { type: 'string', placeholder: 'FILE', help: 'Write the results as a JUnit report.' },
  verbose: { type: 'boolean', help: 'Print what became of every label.' },
  quiet: QUIET_OPTION,
} as const satisfies Record<string, Option>;

const INFO_OPTIONS = {
  json: { type: 'boolean', help: 'Print the description as JSON.' },
} as const satisfies Record<string, Option>;

const TOLERANCE_OPTIONS = {
  layer: {
    type: 'string',
    multiple: true,
    placeholder: 'NAME',
    help: 'Only this layer, by name or number; may be repeated.',
  },
  method: {
    type: 'string',
    multiple: true,
    placeholder: 'NAME',
    help: `Only this line of the curve: ${TOLERANCE_METHODS.join(', ')}; may be repeated.`,
  },
  grid: {
    type: 'string',
    placeholder: 'LIST',
    help: 'Magnitudes of the curve: 0.1%,0.2% of the range of a layer\u2019s weights.',
  },
  sample: SAMPLE_OPTION,
  timeout: { type: 'string', placeholder: 'S', help: 'Seconds for one complete verdict; 10 unless given.' },
  threads: VERIFY_OPTIONS.threads,
  json: VERIFY_OPTIONS.json,
  patched: {
    type: 'string',
    placeholder: 'DIR',
    help: 'Keep falsifying models there, and answers that a stopped study goes on from.',
  },
  quiet: QUIET_OPTION,
} as const satisfies Record<string, Option>;

export interface VerifyArguments {
  readonly command: 'verify';
  readonly model?: string;
  readonly specification: string;
  readonly timeout?: number;
  readonly checks?: readonly string[];
  readonly samples?: readonly number[];
  readonly backend?: Backend;
  readonly labelOrder?: LabelOrder;
  /** False when asked for; absent leaves it to the specification. */
  readonly guided?: false;
  readonly attackOnly?: true;
  readonly soundness?: 'real' | 'runtime';
  readonly seed?: number;
  readonly threads?: number;
  readonly memoryMegabytes?: number;
  readonly isolated: boolean;
  readonly json?: string;
  /** Folder of falsifying models. */
  readonly patched?: string;
  readonly sarif?: string;
  readonly junit?: string;
  readonly verbose: boolean;
  readonly quiet: boolean;
}

export interface VnncompArguments {
  readonly command: 'vnncomp';
  readonly model: string;
  readonly specification: string;
  readonly results: string;
  readonly timeout: number;
}

export interface InfoArguments {
  readonly command: 'info';
  readonly model: string;
  readonly json: boolean;
}

export interface ToleranceArguments {
  readonly command: 'tolerance';
  readonly model?: string;
  readonly specification: string;
  readonly layers?: readonly (string | number)[];
  readonly methods?: readonly ToleranceMethod[];
  /** Parts of the range of a layer's weights. */
  readonly grid?: readonly number[];
  readonly samples?: readonly number[];
  readonly timeout?: number;
  readonly threads?: number;
  readonly json?: string;
  /** Folder of falsifying models and of answers. */
  readonly patched?: string;
  readonly quiet: boolean;
}

export type Arguments =
  | VerifyArguments
  | VnncompArguments
  | InfoArguments
  | AttackArguments
  | PatchArguments
  | ToleranceArguments
  | UnstableArguments
  | GraftArguments
  | LargestEpsilonArguments
  | { readonly command: 'help' | 'version' | 'mcp' };

/** What the words after `certiscope` ask for, or one sentence about the first that makes no sense. */
export function readArguments(words: readonly string[]): Result<Arguments> {
  const [command, ...rest] = words;
  if (command === undefined || words.includes('--help') || words.includes('-h') || command === 'help')
    return ok({ command: 'help' });
  if (command === '--version' || command === '-v') return ok({ command: 'version' });
  const read = Object.hasOwn(READERS, command) ? READERS[command] : undefined;
  if (read) return read(rest);
  const names = Object.keys(READERS);
  return misuse(
    `'${command}' is no command; there are ${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}. See certiscope --help.`,
  );
}

/** Reads the words of each command. */
const READERS: Readonly<Record<string, (words: readonly string[]) => Result<Arguments>>> = {
  verify: readVerify,
  'largest-epsilon': readLargestEpsilon,
  tolerance: readTolerance,
  attack: readAttack,
  patch: readPatch,
  unstable: readUnstable,
  graft: readGraft,
  info: readInfo,
  vnncomp: readVnncomp,
  mcp: words => (words.length > 0 ? misuse('mcp takes nothing: certiscope mcp') : ok({ command: 'mcp' })),
};

function readVerify(words: readonly string[]): Result<Arguments> {
  const parsed = parse(words, VERIFY_OPTIONS);
  if (!parsed.ok) return parsed;
  const { values, positionals } = parsed.value;
  if (positionals.length === 0 || positionals.length > 2)
    return misuse(
      'verify takes a specification, and before it a model unless the specification names one: certiscope verify [MODEL.onnx] SPEC',
    );
  const [specification, model] = [...positionals].reverse();
  if (/\.onnx(\.gz)?$/.test(specification))
    return misuse(`${specification} is a model. Name a specification too: certiscope verify ${specification} SPEC`);
  const soundness = oneOf(values.soundness, '--soundness', ['real', 'runtime'] as const);
  if (!soundness.ok) return soundness;
  const backend = oneOf(values.backend, '--backend', BACKENDS);
  if (!backend.ok) return backend;
  const labelOrder = oneOf(values['label-order'], '--label-order', LABEL_ORDERS);
  if (!labelOrder.ok) return labelOrder;
  const read = numbers(values, { timeout: REAL, seed: WHOLE, threads: WHOLE, memory: { least: 64, integer: true } });
  if (!read.ok) return read;
  const { memory, ...given } = read.value;
  const samples = readSamples(values.sample);
  if (!samples.ok) return samples;
  return ok({
    command: 'verify',
    model,
    specification,
    ...given,
    checks: values.check,
    samples: samples.value,
    backend: backend.value,
    labelOrder: labelOrder.value,
    ...(values.unguided ? { guided: false } : {}),
    ...(values['attack-only'] ? { attackOnly: true } : {}),
    soundness: soundness.value,
    memoryMegabytes: memory,
    isolated: values.isolated ?? false,
    json: values.json,
    patched: values.patched,
    sarif: values.sarif,
    junit: values.junit,
    verbose: values.verbose ?? false,
    quiet: values.quiet ?? false,
  });
}

function readVnncomp(words: readonly string[]): Result<Arguments> {
  const parsed = parse(words, {});
  if (!parsed.ok) return parsed;
  const [version, , model, specification, results, seconds, ...more] = parsed.value.positionals;
  if (version !== 'v1' || seconds === undefined || more.length > 0)
    return misuse('vnncomp takes six words: certiscope vnncomp v1 CATEGORY MODEL.onnx SPEC.vnnlib RESULTS TIMEOUT');
  const timeout = number(seconds, 'TIMEOUT', REAL);
  return timeout.ok ? ok({ command: 'vnncomp', model, specification, results, timeout: timeout.value ?? 0 }) : timeout;
}

function readInfo(words: readonly string[]): Result<Arguments> {
  const parsed = parse(words, INFO_OPTIONS);
  if (!parsed.ok) return parsed;
  const { values, positionals } = parsed.value;
  if (positionals.length !== 1) return misuse('info takes one model: certiscope info MODEL.onnx');
  return ok({ command: 'info', model: positionals[0], json: values.json ?? false });
}

function readTolerance(words: readonly string[]): Result<Arguments> {
  const parsed = parse(words, TOLERANCE_OPTIONS);
  if (!parsed.ok) return parsed;
  const { values, positionals } = parsed.value;
  const about = subjectWords('tolerance', positionals);
  if (!about.ok) return about;
  const methods = severalOf(values.method, '--method', TOLERANCE_METHODS);
  if (!methods.ok) return methods;
  const grid = values.grid === undefined ? ok(undefined) : readMagnitudes(values.grid);
  if (!grid.ok) return misuse(`--grid: ${grid.error.message}`);
  const read = numbers(values, { timeout: REAL, threads: WHOLE });
  if (!read.ok) return read;
  const samples = readSamples(values.sample);
  if (!samples.ok) return samples;
  return ok({
    command: 'tolerance',
    ...about.value,
    ...read.value,
    // A node may be called "3"; one that is called so is meant by its number all the same, which is unique.
    layers: values.layer?.map(name => (/^\d+$/.test(name) ? Number(name) : name)),
    methods: methods.value,
    grid: grid.value,
    samples: samples.value,
    json: values.json,
    patched: values.patched,
    quiet: values.quiet ?? false,
  });
}

/** The text of `--help`. */
export function helpText(): string {
  return `Certiscope decides whether a property of a neural network holds for every input of a region.

  certiscope verify [MODEL.onnx] SPEC [options]
      SPEC is a perturbation spec (NAME.certiscope.jsonc, which names its model) or a .vnnlib or .vnnlib.gz file.
${optionLines(VERIFY_OPTIONS)}

  certiscope attack [MODEL.onnx] SPEC [options]
      The closest input to each sample that the model takes for something else. SPEC is a perturbation spec, for its data.
${optionLines(ATTACK_OPTIONS)}

  certiscope patch [MODEL.onnx] SPEC [options]
      The smallest change of the model's weights that puts inputs right. SPEC is a perturbation spec, for its data.
${optionLines(PATCH_OPTIONS)}

  certiscope tolerance [MODEL.onnx] SPEC [options]
      How far the weights of each layer may move before an answer changes. SPEC is a perturbation spec, for its data.
${optionLines(TOLERANCE_OPTIONS)}

  certiscope unstable [MODEL.onnx] SPEC [options]
      How often each neuron is unstable over the regions of a check, and how much neurons matter.
${optionLines(UNSTABLE_OPTIONS)}

  certiscope graft [MODEL.onnx] SPEC [options]
      Makes neurons linear that are often unstable and matter little, trains what they answer, and writes the grafted model.
${optionLines(GRAFT_OPTIONS)}

  certiscope largest-epsilon [MODEL.onnx] SPEC [options]
      The largest epsilon with which a check of a perturbation spec holds, between one that is verified and one that is falsified.
${optionLines(LARGEST_EPSILON_OPTIONS)}

  certiscope info MODEL.onnx [options]
      What is in a model, and whether it can be verified.
${optionLines(INFO_OPTIONS)}

  certiscope vnncomp v1 CATEGORY MODEL.onnx SPEC.vnnlib RESULTS TIMEOUT
      Answers one instance of the verification competition in its own format.

  certiscope mcp
      Tools for language models (Model Context Protocol) over standard input and output: info, verify, counterexample.

  certiscope --version

Exit code: 0 all verified, 1 something falsified, 2 something undecided or misclassified, 3 bad input or an unsupported model.
`;
}
