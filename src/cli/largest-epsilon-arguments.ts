import { ok, type Result } from '../base/result';
import {
  COUNT,
  numbers,
  parse,
  QUIET_OPTION,
  readSamples,
  REAL,
  SAMPLE_OPTION,
  subjectWords,
  WHOLE,
  type Option,
} from './words';

export const LARGEST_EPSILON_OPTIONS = {
  check: { type: 'string', placeholder: 'NAME', help: 'The check whose epsilon is looked for; the first otherwise.' },
  sample: { ...SAMPLE_OPTION, help: `${SAMPLE_OPTION.help} Of several the worst counts.` },
  digits: { type: 'string', placeholder: 'N', help: 'Significant digits of epsilon; 3 unless given.' },
  timeout: { type: 'string', placeholder: 'S', help: 'Wall-clock seconds for each single epsilon of each sample.' },
  seed: { type: 'string', placeholder: 'N', help: 'Seed of everything random.' },
  threads: { type: 'string', placeholder: 'N', help: 'Threads; 0 takes all cores.' },
  json: { type: 'string', placeholder: 'FILE', help: 'Write the bracket as JSON; - is standard output.' },
  quiet: QUIET_OPTION,
} as const satisfies Record<string, Option>;

export interface LargestEpsilonArguments {
  readonly command: 'largest-epsilon';
  readonly model?: string;
  readonly specification: string;
  readonly check?: string;
  /** Of several the worst counts. */
  readonly samples?: readonly number[];
  readonly digits?: number;
  /** Seconds for each ε of each sample. */
  readonly timeout?: number;
  readonly seed?: number;
  readonly threads?: number;
  readonly json?: string;
  readonly quiet: boolean;
}

export function readLargestEpsilon(words: readonly string[]): Result<LargestEpsilonArguments> {
  const parsed = parse(words, LARGEST_EPSILON_OPTIONS);
  if (!parsed.ok) return parsed;
  const { values, positionals } = parsed.value;
  const about = subjectWords('largest-epsilon', positionals);
  if (!about.ok) return about;
  const samples = readSamples(values.sample);
  if (!samples.ok) return samples;
  const read = numbers(values, { digits: COUNT, timeout: REAL, seed: WHOLE, threads: WHOLE });
  if (!read.ok) return read;
  return ok({
    command: 'largest-epsilon',
    ...about.value,
    ...read.value,
    check: values.check,
    samples: samples.value,
    json: values.json,
    quiet: values.quiet ?? false,
  });
}
