import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { problem, type Result } from '../base/result';
import { elementBytes, type ElementType } from './element-type';
import { ExternalData } from './external-data';
import { type ModelOutline, readWithoutWeights } from './load';
import type { TensorStatistics, WeightStatistics } from './model-types';
import { TensorProto, TensorProto_DataLocation } from './proto/onnx';
import { catching, refuse, Refusal } from './refusal';
import { leftOut } from './skim';
import { storedTensors } from './structure';
import { externalPlace, rawValues, sizeOf, tensorHeader, tensorValues } from './tensor';
import { type Parts, weightStatistics } from './weight-statistics';

/** Bytes that are read at a time: large enough that reading is not what takes the time, small enough that others get their turn. */
const partBytes = 4 << 20;
/** A compressed model is held this long after it was last asked about. */
const holdMilliseconds = 30_000;

/** Reads the weights of models one tensor at a time, and no more of the file than that tensor. */
export class WeightReader {
  private held: { readonly key: string; readonly read: Result<ModelOutline> } | null = null;
  private letGo: NodeJS.Timeout | undefined;

  /** Statistics of tensors of a model file by name (`StoredTensor.name`). What is wrong with the file as a whole is an error. */
  async statistics(file: string, names: readonly string[]): Promise<Result<readonly TensorStatistics[]>> {
    const read = this.outline(file);
    if (!read.ok) return read;
    const tensors = new Map(storedTensors(read.value.model));
    const answers: TensorStatistics[] = [];
    for (const name of names) {
      const tensor = tensors.get(name);
      const answer = tensor
        ? await statisticsOf(file, name, tensor)
        : problem('tensor-missing', `${file}: there is no tensor "${name}" in the file any more.`, { file });
      answers.push(
        answer.ok
          ? { name, statistics: answer.value, problem: null }
          : { name, statistics: null, problem: answer.error },
      );
    }
    return { ok: true, value: answers };
  }

  /** The model without its weights; kept for the next question as long as the file stays the same. */
  private outline(file: string): Result<ModelOutline> {
    const status = statSync(file, { throwIfNoEntry: false });
    const key = `${status?.mtimeMs} ${status?.size} ${file}`;
    if (this.held?.key !== key) this.held = { key, read: readWithoutWeights(file) };
    clearTimeout(this.letGo);
    this.letGo = setTimeout(() => (this.held = null), holdMilliseconds).unref();
    return this.held.read;
  }
}

async function statisticsOf(file: string, name: string, tensor: TensorProto): Promise<Result<WeightStatistics>> {
  const parts = catching(file, () => partsOf(file, name, tensor));
  if (!parts.ok) return parts;
  try {
    return { ok: true, value: await weightStatistics(parts.value) };
  } catch (error) {
    if (error instanceof Refusal) return problem(error.code, `${file}: ${error.message}`, { file });
    // What the system refuses while a file is read: it was replaced, or a drive went away.
    if (error instanceof Error && 'code' in error)
      return problem('model-unreadable', `${file}: the weights of "${name}" could not be read (${error.message}).`, {
        file,
      });
    throw error;
  }
}

function partsOf(file: string, name: string, tensor: TensorProto): Parts {
  const header = tensorHeader(tensor, name);
  if (typeof header === 'string') refuse('tensor-type', `${header}, for which there are no statistics.`);
  const { shape, type } = header;
  if (type === 'string') refuse('tensor-type', `tensor "${name}" holds text, for which there are no statistics.`);
  const bytes = sizeOf(shape) * elementBytes(type);
  const payload = leftOut(tensor);
  // Raw data, and lists of float32 and float64, are the numbers' own bytes one after the other.
  const plain = payload && (payload.field === 9 || payload.field === 4 || payload.field === 10);
  if (payload && plain) {
    if (payload.length !== bytes)
      refuse(
        'tensor-length',
        `tensor "${name}" has shape [${shape.join(', ')}], ${bytes} bytes, but the file holds ${payload.length}; it is damaged, export it again.`,
      );
    return () => fileParts(file, payload.offset, bytes, type);
  }
  if (payload) return () => listParts(file, name, tensor, payload);
  if (tensor.dataLocation === TensorProto_DataLocation.EXTERNAL) {
    const { location, offset } = externalPlace(tensor, name, bytes);
    const found = new ExternalData(path.dirname(file)).file(location, name);
    if (offset + bytes > found.size)
      refuse(
        'external-data-short',
        `tensor "${name}" needs bytes ${offset} to ${offset + bytes} of "${location}", which has only ${found.size}; copy the whole file.`,
      );
    return () => fileParts(found.path, offset, bytes, type);
  }
  const values = tensorValues(tensor, name, header, new ExternalData(path.dirname(file)));
  return () => inSlices(values);
}

async function* fileParts(
  file: string,
  offset: number,
  length: number,
  type: ElementType,
): AsyncGenerator<Float64Array> {
  const handle = await open(file, 'r');
  try {
    for (let done = 0; done < length; done += partBytes)
      yield rawValues(await readExactly(handle, offset + done, Math.min(partBytes, length - done)), type);
  } finally {
    await handle.close();
  }
}

/** Lists of integers take as many bytes as each needs, so they are decoded as a whole; only small or unusual tensors are stored so. */
async function* listParts(
  file: string,
  name: string,
  tensor: TensorProto,
  { field, offset, length }: { readonly field: number; readonly offset: number; readonly length: number },
): AsyncGenerator<Float64Array> {
  const handle = await open(file, 'r');
  try {
    const payload = await readExactly(handle, offset, length);
    const decoded = TensorProto.decode(new BinaryWriter().tag(field, WireType.LengthDelimited).bytes(payload).finish());
    const header = tensorHeader(tensor, name);
    if (typeof header === 'string') return;
    const whole = { ...decoded, dims: tensor.dims, dataType: tensor.dataType };
    yield* inSlices(tensorValues(whole, name, header, new ExternalData(path.dirname(file))));
  } finally {
    await handle.close();
  }
}

async function readExactly(handle: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
    if (bytesRead === 0) refuse('model-damaged', 'the file became shorter while it was read; try again.');
    done += bytesRead;
  }
  return bytes;
}

async function* inSlices(values: Float64Array): AsyncGenerator<Float64Array> {
  const size = partBytes / 8;
  for (let start = 0; start < values.length; start += size) {
    yield values.subarray(start, start + size);
    await new Promise(resolve => setImmediate(resolve));
  }
}
