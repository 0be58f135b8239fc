import { parseArgs, type ParseArgsConfig } from 'node:util';
import { ok, problem, type Result } from '../base/result';

/** One option of a command: the command line is read by this table and `--help` is written from it. */
export interface Option {
  readonly type: 'string' | 'boolean';
  readonly multiple?: true;
  readonly placeholder?: string;
  readonly help: string;
}

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

/** A number from `least` up; undefined where the option was not given. */
export function number(
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
