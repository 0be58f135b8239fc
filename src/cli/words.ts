import { parseArgs, type ParseArgsConfig } from 'node:util';
import { ok, problem, type Result } from '../base/result';

/** One option of a command: the command line is read by this table and `--help` is written from it. */
export interface Option {
  readonly type: 'string' | 'boolean';
  readonly multiple?: true;
  readonly placeholder?: string;
  readonly help: string;
}

/** Options that several commands have. */
export const SAMPLE_OPTION = {
  type: 'string',
  multiple: true,
  placeholder: 'N',
  help: 'Only this sample of the data (3, or 0..9); may be repeated.',
} as const satisfies Option;
export const QUIET_OPTION = { type: 'boolean', help: 'Print nothing but errors.' } as const satisfies Option;

/** The options and the other words of a command, or what is wrong with the first that makes no sense. */
export function parse<O extends NonNullable<ParseArgsConfig['options']>>(
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

/** One of a few words; undefined where the option was not given. */
export function oneOf<T extends string>(
  text: string | undefined,
  name: string,
  words: readonly T[],
): Result<T | undefined> {
  const word = words.find(known => known === text);
  if (text !== undefined && word === undefined)
    return misuse(`${name} is ${words.slice(0, -1).join(', ')} or ${words[words.length - 1]}, not '${text}'.`);
  return ok(word);
}

/** Every one of a few words, for an option that may be repeated; undefined where it was not given. */
export function severalOf<T extends string>(
  texts: readonly string[] | undefined,
  name: string,
  words: readonly T[],
): Result<readonly T[] | undefined> {
  const chosen = new Set<T>();
  for (const text of texts ?? []) {
    const word = oneOf(text, name, words);
    if (!word.ok) return word;
    if (word.value !== undefined) chosen.add(word.value);
  }
  return ok(chosen.size > 0 ? [...chosen] : undefined);
}

interface NumberKind {
  readonly least: number;
  readonly integer: boolean;
}
export const WHOLE: NumberKind = { least: 0, integer: true };
export const REAL: NumberKind = { least: 0, integer: false };
export const COUNT: NumberKind = { least: 1, integer: true };

/** The numbers of several options, or what is wrong with the first that makes no sense; undefined for each that was not given. */
export function numbers<Name extends string>(
  values: { readonly [name in NoInfer<Name>]?: string | undefined },
  kinds: Readonly<Record<Name, NumberKind>>,
): Result<Readonly<Record<Name, number | undefined>>> {
  const read = {} as Record<Name, number | undefined>;
  for (const name of Object.keys(kinds) as Name[]) {
    const one = number(values[name], `--${name}`, kinds[name]);
    if (!one.ok) return one;
    read[name] = one.value;
  }
  return ok(read);
}

/** The specification of a command about samples, and the model that it is asked about in place of its own. */
export function subjectWords(
  command: string,
  positionals: readonly string[],
): Result<{ readonly model?: string; readonly specification: string }> {
  const [specification, model] = [...positionals].reverse();
  if (specification === undefined || positionals.length > 2 || /\.onnx(\.gz)?$/.test(specification))
    return misuse(
      `${command} takes a perturbation specification, and before it a model over the one it names: certiscope ${command} [MODEL.onnx] SPEC`,
    );
  return ok({ specification, ...(model === undefined ? {} : { model }) });
}

/** A number from `least` up; undefined where the option was not given. */
export function number(
  text: string | undefined,
  name: string,
  { least, integer }: NumberKind,
): Result<number | undefined> {
  if (text === undefined) return ok(undefined);
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < least || (integer && !Number.isInteger(value)))
    return misuse(`${name} takes ${integer ? 'a whole number' : 'a number'} from ${least} up, not '${text}'.`);
  return ok(value);
}

/** `3` or `0..9`, each possibly several times. */
export function readSamples(texts: readonly string[] | undefined): Result<readonly number[] | undefined> {
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

/** What is wrong with the command line. */
export function misuse(message: string): Result<never> {
  return problem('cli/usage', message);
}

/** The part of `--help` about some options. */
export function optionLines(options: Readonly<Record<string, Option>>): string {
  return Object.entries(options)
    .map(
      ([name, { placeholder, help }]) =>
        `      ${`--${name}${placeholder === undefined ? '' : ` ${placeholder}`}`.padEnd(20)} ${help}`,
    )
    .join('\n');
}
