/** A kept run in the forms that other programs read. */
import { encode } from 'fast-png';
import { brightness, layoutOf, photograph } from '../../../webview/kit/picture';
import { mapVerdict, readTensor } from '../../engine/tensor-reference';
import { toCsv } from '../../report/csv';
import { toJson } from '../../report/json';
import { toJunit } from '../../report/junit';
import { encodeNpy } from '../../report/npy';
import type { RunRecord } from '../../report/record';
import { toSarif } from '../../report/sarif';
import type { KeptResult, KeptTensor, RunHead } from './kept-run';

/** What can be written of a whole run, and what its file ends with. */
export const FORMATS = {
  json: { label: 'JSON', description: 'everything, as `certiscope verify --json` writes it', ending: 'json' },
  csv: { label: 'CSV', description: 'one row a result', ending: 'csv' },
  sarif: { label: 'SARIF', description: 'for code scanning', ending: 'sarif' },
  junit: { label: 'JUnit', description: 'for test reports', ending: 'xml' },
  npy: { label: 'NPY', description: 'the inputs of all counterexamples, one file each', ending: 'npy' },
  png: { label: 'PNG', description: 'the counterexamples as pictures, one file each', ending: 'png' },
} as const;
export type Format = keyof typeof FORMATS;

export interface ExportedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The files of an export; the first is the one that was asked for. `base` is the folder that SARIF names files from. */
export async function exportedFiles(
  format: Format,
  head: RunHead,
  results: readonly KeptResult[],
  paths: { readonly specification: string; readonly stem: string; readonly base: string },
): Promise<readonly ExportedFile[]> {
  if (format === 'npy' || format === 'png') return counterexampleFiles(format, results, paths.stem);
  const record = await recordOf(head, results, paths.specification);
  const file = (text: string): ExportedFile => ({
    name: `${paths.stem}.${FORMATS[format].ending}`,
    bytes: new TextEncoder().encode(text),
  });
  switch (format) {
    case 'json': {
      const { text, files } = toJson(record, paths.stem);
      return [file(text), ...files.map(({ name, values, shape }) => ({ name, bytes: encodeNpy(values, shape) }))];
    }
    case 'csv':
      return [file(toCsv(record))];
    case 'sarif':
      return [file(toSarif(record, paths.base))];
    case 'junit':
      return [file(toJunit(record))];
  }
}

async function recordOf(head: RunHead, results: readonly KeptResult[], specification: string): Promise<RunRecord> {
  const whole: RunRecord['results'][number][] = [];
  for (const { original: _, originalOutput: __, verdict, ...rest } of results)
    whole.push({ ...rest, verdict: await mapVerdict(verdict, tensor => valuesOf(tensor)) });
  return {
    model: head.model,
    specification,
    version: head.version,
    seconds: head.seconds,
    results: whole,
    ...(head.accuracy ? { accuracy: head.accuracy } : {}),
    ...(head.problem === null ? {} : { problems: [{ code: 'run', message: head.problem }] }),
  };
}

/** No values where they were not kept, or are gone. */
async function valuesOf(tensor: KeptTensor): Promise<Float32Array> {
  const read = tensor && (await readTensor(tensor));
  return read?.ok ? read.value : new Float32Array(0);
}

/** A file for every counterexample whose numbers were kept (and, for a picture, whose input is one). */
async function counterexampleFiles(
  format: 'npy' | 'png',
  results: readonly KeptResult[],
  stem: string,
): Promise<readonly ExportedFile[]> {
  const files: ExportedFile[] = [];
  for (const result of results) {
    if (result.verdict.kind !== 'falsified') continue;
    const input = await valuesOf(result.verdict.counterexample.input);
    if (input.length === 0) continue;
    const size = result.inputShape.reduce((product, extent) => product * extent, 1);
    const bytes =
      format === 'png'
        ? pictureOf(input, result)
        : encodeNpy(input, size === input.length ? result.inputShape : [input.length]);
    const place = result.sample === null ? result.index : `sample-${result.sample}`;
    if (bytes) files.push({ name: `${stem}.${safe(result.check)}.${place}.${format}`, bytes });
  }
  return files;
}

/** The PNG of an input; null where it is no picture. */
export function pictureOf(
  input: Float32Array,
  { inputShape, preprocess }: Pick<KeptResult, 'inputShape' | 'preprocess'>,
): Uint8Array | null {
  const layout = layoutOf(inputShape, preprocess ?? null);
  if (!layout || layout.width * layout.height * layout.channels !== input.length) return null;
  const [bright] = brightness(layout, preprocess ?? null, input);
  const { width, height } = layout;
  const data = new Uint8Array(photograph(layout, bright!));
  return encode({ width, height, data, channels: 4, depth: 8 });
}

/** A part of a file name that every system takes. */
function safe(name: string): string {
  return name.replace(/[^\w.-]+/g, '-').slice(0, 60);
}
