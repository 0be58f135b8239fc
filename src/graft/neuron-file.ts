import { readFile } from 'node:fs/promises';
import { ok, problem, type Result } from '../base/result';
import { encodeNpy } from '../report/npy';
import { readNumbers } from '../spec/data/numbers';
import { readNpz } from '../spec/data/npz';
import { saveFile } from '../train/saved-file';
import { neuronCount, ofLayer, type Mask, type NeuronLayer, type NeuronValues } from './neurons';

/** Scores and masks in files: a NumPy archive (`.npz`) with one array per layer, in the order of the arrays' names. */

/**
 * Errors: `file/unreadable`, those of the archive (`data/…`), and `graft/file` when it holds no arrays. Whether the layers are those of a
 * network is for `maskFor` or `scorePlane` to say.
 */
export async function readNeuronValues(file: string): Promise<Result<NeuronValues>> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    return problem(
      'file/unreadable',
      `${file}: this file cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}).`,
      { file },
    );
  }
  const names = await arrayNames(bytes);
  if (names === null || names.length === 0)
    return problem('graft/file', `${file} is no NumPy archive (.npz) with one array per layer.`, { file });
  const layers: NeuronLayer[] = [];
  const parts: Float64Array[] = [];
  for (const name of names) {
    const array = await readNpz(bytes, name, 'data');
    const numbers = array.ok
      ? readNumbers(
          array.value,
          0,
          array.value.shape.reduce((size, extent) => size * extent, 1),
        )
      : array;
    if (!array.ok || !numbers.ok) {
      const { code, message } = array.ok
        ? (numbers as { error: { code: string; message: string } }).error
        : array.error;
      return problem(code, `${file}, array "${name}" ${message}.`, { file });
    }
    const wrong = numbers.value.find(value => !Number.isFinite(value));
    if (wrong !== undefined)
      return problem('graft/file', `${file}, array "${name}" holds ${wrong}, which is no finite number.`, { file });
    layers.push({ name, shape: array.value.shape, size: numbers.value.length });
    parts.push(numbers.value);
  }
  const values = new Float64Array(neuronCount(layers));
  parts.forEach((part, k) => ofLayer(layers, values, k).set(part));
  return ok({ layers, values });
}

/** The same for a mask: every number has to be 0 or 1. Error `graft/file` otherwise. */
export async function readMask(file: string): Promise<Result<Mask>> {
  const read = await readNeuronValues(file);
  if (!read.ok) return read;
  const { layers, values } = read.value;
  const wrong = values.find(value => value !== 0 && value !== 1);
  if (wrong !== undefined)
    return problem(
      'graft/file',
      `${file} holds ${wrong}; a mask holds 1 for a grafted neuron and 0 for a rectified one.`,
      { file },
    );
  return ok({ layers, grafted: Uint8Array.from(values) });
}

async function arrayNames(bytes: Buffer): Promise<string[] | null> {
  const { unzipSync } = await import('fflate');
  const names: string[] = [];
  try {
    unzipSync(bytes, {
      filter: ({ name }) => {
        if (name.endsWith('.npy')) names.push(name.slice(0, -'.npy'.length));
        return false;
      },
    });
  } catch {
    return null;
  }
  return names.sort(new Intl.Collator('en', { numeric: true }).compare);
}

/** Writes scores, or a mask as 0 and 1, so that `readNeuronValues` and NumPy read them back: arrays `a0`, `a1`, …, float32. */
export async function writeNeuronValues(file: string, data: NeuronValues | Mask): Promise<Result<void>> {
  const { zipSync } = await import('fflate');
  const { layers } = data;
  const all = 'values' in data ? data.values : Float64Array.from(data.grafted);
  const entries = layers.map(({ shape }, k) => [
    `a${k}.npy`,
    encodeNpy(Float32Array.from(ofLayer(layers, all, k)), shape),
  ]);
  return saveFile(
    file,
    zipSync(Object.fromEntries(entries) as Record<string, Uint8Array>, {
      level: 6,
      mtime: new Date('2020-01-01T00:00:00Z'),
    }),
  );
}
