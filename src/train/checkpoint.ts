import { readFile } from 'node:fs/promises';
import { ok, problem, type Result } from '../base/result';
import type { Parameter } from './architecture';
import { saveFile, type Write } from './saved-file';

/** Where a training stands, in memory and in a file. */

export interface EpochRecord {
  /** From 1. */
  readonly epoch: number;
  readonly meanLoss: number;
  /** Part of the validation samples that are right (under attack, when training is adversarial); null without validation. */
  readonly score: number | null;
  readonly seconds: number;
}

export interface TrainingState {
  /** Epochs done. */
  readonly epoch: number;
  readonly parameters: readonly Parameter[];
  /** Of the optimiser, by label. */
  readonly velocities: readonly Parameter[];
  /** The epoch with the best validation score, 0 for what training began with; null without validation or before any. */
  readonly best: { readonly epoch: number; readonly score: number; readonly parameters: readonly Parameter[] } | null;
  readonly history: readonly EpochRecord[];
}

/** Whether two lists name the same parameters of the same shapes in the same order. */
export function sameParameters(a: readonly Parameter[], b: readonly Parameter[]): boolean {
  return (
    a.length === b.length && a.every(({ name, shape }, k) => name === b[k].name && shape.join() === b[k].shape.join())
  );
}

const MAGIC = 'CERTISCOPE-CHECKPOINT-1\n';

interface Header {
  readonly epoch: number;
  readonly best: { readonly epoch: number; readonly score: number } | null;
  readonly history: readonly EpochRecord[];
  readonly arrays: readonly {
    readonly list: 'parameters' | 'velocities' | 'best';
    readonly name: string;
    readonly shape: readonly number[];
  }[];
}

/** Magic, length of the header, header as JSON, then all arrays as little-endian float32. */
function encode(state: TrainingState): Uint8Array {
  const lists = { parameters: state.parameters, velocities: state.velocities, best: state.best?.parameters ?? [] };
  const named = (['parameters', 'velocities', 'best'] as const).flatMap(list =>
    lists[list].map(each => ({ list, ...each })),
  );
  const header: Header = {
    epoch: state.epoch,
    best: state.best && { epoch: state.best.epoch, score: state.best.score },
    history: state.history,
    arrays: named.map(({ list, name, shape }) => ({ list, name, shape })),
  };
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  const arrays = named.map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  return Buffer.concat([Buffer.from(MAGIC), length, text, ...arrays]);
}

/** Error `file/unwritable`; the previous checkpoint is then still there. */
export async function saveCheckpoint(file: string, state: TrainingState, write?: Write): Promise<Result<void>> {
  return saveFile(file, encode(state), write);
}

/** Errors `file/unreadable` and `checkpoint/damaged`. */
export async function readCheckpoint(file: string): Promise<Result<TrainingState>> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    return problem(
      'file/unreadable',
      `${file}: this checkpoint cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}).`,
      { file },
    );
  }
  const damaged = problem(
    'checkpoint/damaged',
    `${file} is no complete checkpoint of a training. Choose another one, or begin anew.`,
    { file },
  );
  const start = MAGIC.length + 4;
  if (bytes.length < start || bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return damaged;
  const end = start + bytes.readUInt32LE(MAGIC.length);
  let header: Header;
  try {
    header = JSON.parse(bytes.toString('utf8', start, end)) as Header;
  } catch {
    return damaged;
  }
  const lists: Record<string, Parameter[]> = { parameters: [], velocities: [], best: [] };
  let at = end;
  for (const { list, name, shape } of header.arrays) {
    const size = shape.reduce((product, extent) => product * extent, 1);
    if (at + 4 * size > bytes.length) return damaged;
    // Copied, since the file's numbers need not lie at multiples of four.
    const data = new Float32Array(bytes.buffer.slice(bytes.byteOffset + at, bytes.byteOffset + at + 4 * size));
    lists[list].push({ name, shape, data });
    at += 4 * size;
  }
  if (at !== bytes.length) return damaged;
  const { epoch, best, history } = header;
  const { parameters, velocities } = lists;
  return ok({ epoch, parameters, velocities, best: best && { ...best, parameters: lists.best }, history });
}
