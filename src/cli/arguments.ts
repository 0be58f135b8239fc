import { parseArgs, type ParseArgsConfig } from 'node:util';
import { ok, problem, type Result } from '../base/result';
import { SETTINGS } from '../base/settings';
import { BACKENDS, LABEL_ORDERS, type Backend, type LabelOrder } from '../verify/options';

/** One option of a command: the command line is read by this table and `--help` is written from it. */
interface Option {
  readonly type: 'string' | 'boolean';
  readonly multiple?: true;
  readonly placeholder?: string;
  readonly help: string;
}

const VERIFY_OPTIONS = {
  timeout: { type: 'string', placeholder: 'S', help: SETTINGS.timeout.option.help },
  check: { type: 'string', multiple: true, placeholder: 'NAME', help: 'Only this check; may be repeated.' },
  sample: {
    type: 'string',
    multiple: true,
    placeholder: 'N',
    help: 'Only this sample of the data (3, or 0..9); may be repeated.',
  },
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
  quiet: { type: 'boolean', help: 'Print nothing but errors.' },
} as const satisfies Record<string, Option>;

const INFO_OPTIONS = {
  json: { type: 'boolean', help: 'Print the description as JSON.' },
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

export type Arguments = VerifyArguments | VnncompArguments | InfoArguments | { readonly command: 'help' | 'version' };

/** What the words after `certiscope` ask for, or one sentence about the first that makes no sense. */
export function readArguments(words: readonly string[]): Result<Arguments> {
  const [command, ...rest] = words;
  if (command === undefined || words.includes('--help') || words.includes('-h') || command === 'help')
    return ok({ command: 'help' });
  if (command === '--version' || command === '-v') return ok({ command: 'version' });
  switch (command) {
    case 'verify':
      return readVerify(rest);
    case 'vnncomp':
      return readVnncomp(rest);
    case 'info':
      return readInfo(rest);
    default:
      return misuse(`'${command}' is no command; there are verify, vnncomp and info. See certiscope --help.`);
  }
}

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
  const timeout = number(values.timeout, '--timeout', { least: 0, integer: false });
  if (!timeout.ok) return timeout;
  const seed = number(values.seed, '--seed', { least: 0, integer: true });
  if (!seed.ok) return seed;
  const threads = number(values.threads, '--threads', { least: 0, integer: true });
  if (!threads.ok) return threads;
  const memory = number(values.memory, '--memory', { least: 64, integer: true });
  if (!memory.ok) return memory;
  const samples = readSamples(values.sample);
  if (!samples.ok) return samples;
  return ok({
    command: 'verify',
    model,
    specification,
    timeout: timeout.value,
    checks: values.check,
    samples: samples.value,
    backend: backend.value,
    labelOrder: labelOrder.value,
    ...(values.unguided ? { guided: false } : {}),
    ...(values['attack-only'] ? { attackOnly: true } : {}),
    soundness: soundness.value,
    seed: seed.value,
    threads: threads.value,
    memoryMegabytes: memory.value,
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
  const timeout = number(seconds, 'TIMEOUT', { least: 0, integer: false });
  return timeout.ok ? ok({ command: 'vnncomp', model, specification, results, timeout: timeout.value ?? 0 }) : timeout;
}

function readInfo(words: readonly string[]): Result<Arguments> {
  const parsed = parse(words, INFO_OPTIONS);
  if (!parsed.ok) return parsed;
  const { values, positionals } = parsed.value;
  if (positionals.length !== 1) return misuse('info takes one model: certiscope info MODEL.onnx');
  return ok({ command: 'info', model: positionals[0], json: values.json ?? false });
}

function parse<O extends NonNullable<ParseArgsConfig['options']>>(
  words: readonly string[],
  options: O,
): Result<ReturnType<typeof parseArgs<{ options: O; allowPositionals: true; strict: true }>>> {
  try {
    return ok(parseArgs({ args: [...words], options, allowPositionals: true, strict: true }));
  } catch (error) {
    // The message names the option; what it proposes after that (`--` for file names) is of no use here.
    const [sentence] = (error instanceof Error ? error.message : String(error)).split('. To specify');
    return misuse(`${sentence.replace(/\.$/, '')}. See certiscope --help.`);
  }
}

function oneOf<T extends string>(text: string | undefined, name: string, words: readonly T[]): Result<T | undefined> {
  const word = words.find(known => known === text);
  if (text !== undefined && word === undefined)
    return misuse(`${name} is ${words.slice(0, -1).join(', ')} or ${words[words.length - 1]}, not '${text}'.`);
  return ok(word);
}

function number(
  text: string | undefined,
  name: string,
  { least, integer }: { readonly least: number; readonly integer: boolean },
): Result<number | undefined> {
  if (text === undefined) return ok(undefined);
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < least || (integer && !Number.isInteger(value)))
    return misuse(`${name} takes ${integer ? 'a whole number' : 'a number'} from ${least} up, not '${text}'.`);
  return ok(value);
}

/** `3` or `0..9`, each possibly several times. */
function readSamples(texts: readonly string[] | undefined): Result<readonly number[] | undefined> {
  if (texts === undefined) return ok(undefined);
  const samples: number[] = [];
  for (const text of texts) {
    const match = /^(\d{1,9})(?:\.\.(\d{1,9}))?$/.exec(text);
    if (match === null) return misuse(`--sample takes an index or a range such as 0..9, not '${text}'.`);
    const first = Number(match[1]);
    for (let sample = first; sample <= Number(match[2] ?? first); sample++) samples.push(sample);
  }
  return ok(samples);
}

function misuse(message: string): Result<never> {
  return problem('cli/usage', message);
}

/** The text of `--help`. */
export function helpText(): string {
  return `Certiscope decides whether a property of a neural network holds for every input of a region.

  certiscope verify [MODEL.onnx] SPEC [options]
      SPEC is a perturbation spec (NAME.certiscope.jsonc, which names its model) or a .vnnlib or .vnnlib.gz file.
${optionLines(VERIFY_OPTIONS)}

  certiscope info MODEL.onnx [options]
      What is in a model, and whether it can be verified.
${optionLines(INFO_OPTIONS)}

  certiscope vnncomp v1 CATEGORY MODEL.onnx SPEC.vnnlib RESULTS TIMEOUT
      Answers one instance of the verification competition in its own format.

  certiscope --version

Exit code: 0 all verified, 1 something falsified, 2 something undecided or misclassified, 3 bad input or an unsupported model.
`;
}

function optionLines(options: Readonly<Record<string, Option>>): string {
  return Object.entries(options)
    .map(
      ([name, { placeholder, help }]) =>
        `      ${`--${name}${placeholder === undefined ? '' : ` ${placeholder}`}`.padEnd(20)} ${help}`,
    )
    .join('\n');
}
