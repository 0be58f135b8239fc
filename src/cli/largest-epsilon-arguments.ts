import { ok, type Result } from '../base/result';
import { misuse, number, parse, readSamples, type Option } from './words';

export const LARGEST_EPSILON_OPTIONS = {
  check: { type: 'string', placeholder: 'NAME', help: 'The check whose epsilon is looked for; the first otherwise.' },
  sample: {
    type: 'string',
    multiple: true,
    placeholder: 'N',
    help: 'Only this sample of the data (3, or 0..9); may be repeated. Of several the worst counts.',
  },
  digits: { type: 'string', placeholder: 'N', help: 'Significant digits of epsilon; 3 unless given.' },
  timeout: { type: 'string', placeholder: 'S', help: 'Wall-clock seconds for each single epsilon of each sample.' },
  seed: { type: 'string', placeholder: 'N', help: 'Seed of everything random.' },
  threads: { type: 'string', placeholder: 'N', help: 'Threads; 0 takes all cores.' },
  json: { type: 'string', placeholder: 'FILE', help: 'Write the bracket as JSON; - is standard output.' },
  quiet: { type: 'boolean', help: 'Print nothing but errors.' },
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
  if (positionals.length === 0 || positionals.length > 2 || /\.onnx(\.gz)?$/.test(positionals[positionals.length - 1]))
    return misuse(
      'largest-epsilon takes a perturbation specification, and before it a model if it is not to be the one that the specification names: certiscope largest-epsilon [MODEL.onnx] SPEC',
    );
  const [specification, model] = [...positionals].reverse();
  const samples = readSamples(values.sample);
  if (!samples.ok) return samples;
  const digits = number(values.digits, '--digits', { least: 1, integer: true });
  if (!digits.ok) return digits;
  const timeout = number(values.timeout, '--timeout', { least: 0, integer: false });
  if (!timeout.ok) return timeout;
  const seed = number(values.seed, '--seed', { least: 0, integer: true });
  if (!seed.ok) return seed;
  const threads = number(values.threads, '--threads', { least: 0, integer: true });
  if (!threads.ok) return threads;
  return ok({
    command: 'largest-epsilon',
    model,
    specification,
    check: values.check,
    samples: samples.value,
    digits: digits.value,
    timeout: timeout.value,
    seed: seed.value,
    threads: threads.value,
    json: values.json,
    quiet: values.quiet ?? false,
  });
}
