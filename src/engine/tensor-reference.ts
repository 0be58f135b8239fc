import { readFile } from 'node:fs/promises';
import { ok, problem, type Result } from '../base/result';
import { decodeNpy, encodeNpy } from '../report/npy';
import type { NeuronBounds, Statistics, Verdict } from '../report/verdict';
import { atomicWrite } from './atomic-write';
import type { TensorReference } from './protocol';

/** Tensors with more values than this are files. */
const LARGEST_INLINE_TENSOR = 4096;

/** The numbers of a tensor that came in a message. */
export async function readTensor(tensor: TensorReference): Promise<Result<Float32Array>> {
  if (tensor.kind === 'inline') {
    const bytes = Buffer.from(tensor.base64, 'base64');
    return ok(Float32Array.from({ length: bytes.length / 4 }, (_, k) => bytes.readFloatLE(4 * k)));
  }
  try {
    const content = decodeNpy(await readFile(tensor.path));
    if (content !== undefined) return ok(content.values);
  } catch {
    // Told below: to the user a file that is gone and one that is damaged are the same.
  }
  return problem(
    'engine/tensor',
    `${tensor.path}: the stored tensor is missing or damaged. Verify again to make it anew.`,
    {
      file: tensor.path,
    },
  );
}

/** A tensor for a message; `path` is where it goes when it is too large to be inline. A disk that refuses it is told to `warn` and makes it inline. */
export async function referTensor(
  values: Float32Array,
  shape: readonly number[],
  path: string,
  warn: (message: string) => void,
): Promise<TensorReference> {
  if (values.length > LARGEST_INLINE_TENSOR) {
    try {
      await atomicWrite(path, encodeNpy(values, shape));
      return { kind: 'file', path, shape };
    } catch (error) {
      warn(
        `${path}: cannot be written (${error instanceof Error ? error.message : String(error)}). Free some disk space; the result itself is not lost.`,
      );
    }
  }
  return inlineTensor(values, shape);
}

/** A tensor in the message itself, whatever its size. */
export function inlineTensor(values: Float32Array, shape: readonly number[]): TensorReference {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, k) => bytes.writeFloatLE(value, 4 * k));
  return { kind: 'inline', base64: bytes.toString('base64'), shape };
}

/** The same verdict with its tensors held in another way. */
export async function mapVerdict<S, T>(
  verdict: Verdict<S>,
  map: (tensor: S, role: string) => Promise<T>,
): Promise<Verdict<T>> {
  const { statistics, ...rest } = verdict;
  const mapped = statistics && { statistics: await mapStatistics(statistics, map) };
  if (rest.kind !== 'falsified') return { ...rest, ...mapped };
  const { counterexample } = rest;
  const input = await map(counterexample.input, 'input');
  const output = await map(counterexample.output, 'output');
  return { ...rest, ...mapped, counterexample: { ...counterexample, input, output } };
}

async function mapStatistics<S, T>(
  { neurons, ...rest }: Statistics<S>,
  map: (tensor: S, role: string) => Promise<T>,
): Promise<Statistics<T>> {
  if (!neurons) return rest;
  const mapped: NeuronBounds<T>[] = [];
  for (const [index, bounds] of neurons.entries()) {
    const lower = await map(bounds.lower, `neurons-${index}-lower`);
    const upper = await map(bounds.upper, `neurons-${index}-upper`);
    mapped.push({ ...bounds, lower, upper });
  }
  return { ...rest, neurons: mapped };
}
