import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { fail, ok, type Problem, type Result } from '../../base/result';
import { round } from '../numbers/rational';
import type { PerturbationSpec, SpecPath } from '../perturbation/spec';
import { readBytes, withoutByteOrderMark } from '../text-file';
import { labelsOf, samplesOf, type StoredArray } from './array';
import { readCsv, readLabelText, type LabelColumn } from './csv';
import { sizeOf, type DataSet, type LoadProblem, type Sample, type Samples } from './data-set';
import { isIdx, readIdx } from './idx';
import { isJpeg, isPng, readPicture, type Picture } from './image';
import { isNpy, readNpy } from './npy';
import { isZip, readNpz } from './npz';

/**
 * Opens the samples a specification names. What it says is wrong is reported at the specification's own characters.
 * @param baseDirectory what relative paths are relative to: the specification's folder
 */
export async function loadData(spec: PerturbationSpec, baseDirectory: string): Promise<Result<DataSet, Problem[]>> {
  const at = (place: SpecPath, { code, message }: LoadProblem): { ok: false; error: Problem[] } =>
    fail([{ code, message, severity: 'error', file: spec.file, range: spec.rangeOf(place) }]);
  const { data, labels } = spec.inputs;
  // The first column of a CSV file is the label unless the specification says otherwise.
  const column: LabelColumn = labels === null ? 0 : labels.kind === 'column' ? labels.column : null;
  const samples =
    data.kind === 'inline'
      ? inlineSamples(data.samples.map(sample => sample.map(written => round(written.exact))))
      : await openFiles(data.paths, baseDirectory, column);
  if (!samples.ok) return at(['inputs', 'data'], samples.error);
  if (samples.value.count === 0)
    return at(['inputs', 'data'], { code: 'data/empty', message: 'The data holds no samples.' });

  let known: readonly number[] | null = samples.value.labels ?? null;
  if (labels?.kind === 'inline') known = labels.labels;
  else if (labels?.kind === 'file') {
    const read = await openLabels(labels.path, baseDirectory);
    if (!read.ok) return at(['inputs', 'labels'], read.error);
    known = read.value;
  } else if (labels?.kind === 'column' && known === null) {
    return at(['inputs', 'labels'], {
      code: 'data/labels',
      message: 'A column of labels is for CSV files; name the file that holds the labels.',
    });
  }
  if (known !== null && known.length !== samples.value.count) {
    const message = `There are ${known.length} labels for ${samples.value.count} samples.`;
    // Files with labels of more samples than there are (the first hundred images of a set) are common; fewer are a mistake.
    if (known.length < samples.value.count || labels?.kind === 'inline')
      return at(['inputs', labels === null ? 'data' : 'labels'], { code: 'data/labels', message });
  }
  return ok(dataSet(samples.value, known, { file: spec.file, range: spec.rangeOf(['inputs', 'data']) }));
}

/** @param place where a sample that cannot be read is reported */
function dataSet(samples: Samples, labels: readonly number[] | null, place: Pick<Problem, 'file' | 'range'>): DataSet {
  const label = (index: number): number | null => labels?.[index] ?? null;
  return {
    count: samples.count,
    shape: samples.shape,
    size: samples.shape === null ? null : sizeOf(samples.shape),
    layout: samples.layout,
    hasLabels: labels !== null,
    label,
    async sample(index): Promise<Result<Sample>> {
      const values = await samples.values(index);
      if (!values.ok) return fail({ ...values.error, ...place });
      return ok({ index, values: values.value, label: label(index) });
    },
  };
}

function inlineSamples(samples: readonly (readonly number[])[]): Result<Samples, LoadProblem> {
  const size = samples[0].length;
  const other = samples.findIndex(sample => sample.length !== size);
  if (other >= 0)
    return fail({
      code: 'data/shape',
      message: `Sample ${other} has ${samples[other].length} numbers, sample 0 has ${size}.`,
    });
  return ok({
    count: samples.length,
    shape: [size],
    layout: 'flat',
    values: index => ok(Float64Array.from(samples[index])),
  });
}

const PICTURE_NAME = /\.(png|jpe?g)(\.gz)?$/i;

async function openFiles(
  paths: readonly string[],
  baseDirectory: string,
  column: LabelColumn,
): Promise<Result<Samples, LoadProblem>> {
  const files: string[] = [];
  for (const entry of paths) {
    const found = await expand(entry, baseDirectory);
    if (!found.ok) return found;
    files.push(...found.value);
  }
  if (files.length === 1 && !PICTURE_NAME.test(files[0])) return openFile(files[0], column);
  const stranger = files.find(file => !PICTURE_NAME.test(file));
  if (stranger !== undefined)
    return fail({
      code: 'data/format',
      message: `${stranger}: only pictures (PNG, JPEG) can be listed; other data comes in one file.`,
    });
  return openPictures(files);
}

/** A folder stands for the pictures in it, a pattern (digits/*.png) for the files that match; in the order of their names, numbers by value. */
async function expand(entry: string, baseDirectory: string): Promise<Result<string[], LoadProblem>> {
  const full = path.resolve(baseDirectory, entry);
  const pattern = /[*?]/.test(path.basename(full));
  const folder = pattern ? path.dirname(full) : full;
  let names: string[];
  try {
    names = await readdir(folder);
  } catch {
    // No folder: it is a file (or nothing, which reading it will say).
    return pattern
      ? fail({ code: 'file/unreadable', message: `${folder}: this folder does not exist. Check the path.` })
      : ok([full]);
  }
  const wanted = pattern ? wildcard(path.basename(full)) : PICTURE_NAME;
  const order = new Intl.Collator('en', { numeric: true }).compare;
  const found = names.filter(name => wanted.test(name)).sort(order);
  if (found.length === 0)
    return fail({
      code: 'data/empty',
      message: `${full}: ${pattern ? 'no file matches this pattern' : 'this folder holds no PNG or JPEG files'}.`,
    });
  return ok(found.map(name => path.join(folder, name)));
}

function wildcard(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.');
  return new RegExp(`^${source}$`);
}

async function openFile(location: string, column: LabelColumn): Promise<Result<Samples, LoadProblem>> {
  const { file, array } = splitName(location);
  const bytes = await readBytes(file);
  if (!bytes.ok) return bytes;
  if (isPng(bytes.value) || isJpeg(bytes.value)) return openPictures([file]);
  const stored = await readArray(bytes.value, array, 'data');
  const samples = stored === null ? readTable(file, bytes.value, column) : stored.ok ? samplesOf(stored.value) : stored;
  if (!samples.ok) return naming(file, samples);
  const { values } = samples.value;
  return ok({ ...samples.value, values: async index => naming(file, await values(index)) });
}

/** The labels of a file in any of the formats. */
async function openLabels(entry: string, baseDirectory: string): Promise<Result<readonly number[], LoadProblem>> {
  const { file, array } = splitName(path.resolve(baseDirectory, entry));
  const bytes = await readBytes(file);
  if (!bytes.ok) return bytes;
  const stored = await readArray(bytes.value, array, 'labels');
  if (stored === null) return naming(file, isText(bytes.value) ? readLabelText(textOf(bytes.value)) : unknownFormat());
  return naming(file, stored.ok ? labelsOf(stored.value) : stored);
}

/** The array in an idx, npy or npz file; null when it is none of these. */
async function readArray(
  bytes: Buffer,
  name: string | undefined,
  wanted: 'data' | 'labels',
): Promise<Result<StoredArray, LoadProblem> | null> {
  if (isZip(bytes)) return readNpz(bytes, name, wanted);
  if (name !== undefined)
    return fail({ code: 'data/array', message: `is no npz archive; #${name} names an array of one` });
  if (isNpy(bytes)) return readNpy(bytes);
  return isIdx(bytes) ? readIdx(bytes) : null;
}

/** Longer texts are no strings in JavaScript. */
const MAX_TEXT_BYTES = 512e6;

/** What is left when a file is none of the binary formats. */
function readTable(file: string, bytes: Buffer, column: LabelColumn): Result<Samples, LoadProblem> {
  if (bytes.length === 0) return fail({ code: 'data/empty', message: 'is empty' });
  if (looksPickled(bytes)) {
    return fail({
      code: 'data/pickle',
      message: 'is a Python pickle, which is a program and is never read. Save the data as npy or npz',
    });
  }
  if (!isText(bytes)) return unknownFormat();
  const [named] = /npy$|npz$/i.exec(file) ?? [];
  if (named !== undefined)
    return fail({
      code: 'data/format',
      message: `is a text, no ${named} file, whatever its name says. Save or fetch it again`,
    });
  if (bytes.length > MAX_TEXT_BYTES) {
    return fail({ code: 'data/too-large', message: 'is a text of more than 512 MB; save it as npy' });
  }
  return readCsv(textOf(bytes), column);
}

function unknownFormat(): Result<never, LoadProblem> {
  return fail({
    code: 'data/format',
    message: 'has no format that can be read: idx, CSV, npy, npz, PNG or JPEG, gzipped or not',
  });
}

async function openPictures(files: readonly string[]): Promise<Result<Samples, LoadProblem>> {
  const read = async (file: string): Promise<Result<Picture, LoadProblem>> => {
    const bytes = await readBytes(file);
    if (!bytes.ok) return bytes;
    if (!isPng(bytes.value) && !isJpeg(bytes.value))
      return naming(file, fail({ code: 'data/format', message: 'is no PNG or JPEG picture, whatever its name says' }));
    return naming(file, await readPicture(bytes.value));
  };
  const first = await read(files[0]);
  if (!first.ok) return first;
  const { height, width, channels } = first.value;
  return ok({
    count: files.length,
    shape: [height, width, channels],
    layout: 'HWC',
    async values(index) {
      const picture = index === 0 ? first : await read(files[index]);
      if (!picture.ok) return picture;
      if (picture.value.height === height && picture.value.width === width && picture.value.channels === channels)
        return ok(picture.value.values);
      const sizes = [picture.value, first.value].map(
        p => `${p.width}×${p.height} with ${p.channels} channel${p.channels === 1 ? '' : 's'}`,
      );
      return fail({
        code: 'data/shape',
        message: `${files[index]}: is ${sizes[0]}, but ${files[0]} is ${sizes[1]}; all pictures must be alike.`,
      });
    },
  });
}

/** `archive.npz#array` names one array of an archive. */
function splitName(location: string): { file: string; array: string | undefined } {
  const match = /^(.*\.npz)#(.+)$/i.exec(location);
  return match ? { file: match[1], array: match[2] } : { file: location, array: undefined };
}

/** Puts the file's name before what a reader found wrong with it. */
function naming<T>(file: string, result: Result<T, LoadProblem>): Result<T, LoadProblem> {
  return result.ok ? result : fail({ code: result.error.code, message: `${file}: ${result.error.message}.` });
}

/** Pickles of protocol 2 and up begin with 0x80 and the protocol's number; they end in a dot. */
function looksPickled(bytes: Buffer): boolean {
  return bytes.length > 2 && bytes[0] === 0x80 && bytes[1] >= 2 && bytes[1] <= 5 && bytes[bytes.length - 1] === 0x2e;
}

/** Whether the beginning has no control characters but white space. */
function isText(bytes: Buffer): boolean {
  return !bytes.subarray(0, 4096).some(byte => byte < 32 && byte !== 9 && byte !== 10 && byte !== 13);
}

function textOf(bytes: Buffer): string {
  return withoutByteOrderMark(bytes.toString('utf8'));
}
