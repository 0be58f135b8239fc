import { fail, type Result } from '../../base/result';
import type { StoredArray } from './array';
import type { LoadProblem } from './data-set';
import { readNpy } from './npy';

export function isZip(bytes: Buffer): boolean {
  return bytes.length >= 4 && bytes.readUInt32LE(0) === 0x04034b50;
}

/** What arrays are called that hold what we look for, most telling first. */
const USUAL = {
  data: ['data', 'images', 'x_test', 'x', 'inputs', 'x_train'],
  labels: ['labels', 'y_test', 'y', 'targets', 'y_train'],
} as const;

/**
 * One array of a NumPy archive; only that one is unpacked.
 * @param name the array's name; undefined takes the archive's only array, or the one with a usual name
 */
export async function readNpz(
  bytes: Buffer,
  name: string | undefined,
  wanted: 'data' | 'labels',
): Promise<Result<StoredArray, LoadProblem>> {
  const { unzipSync } = await import('fflate');
  const names: string[] = [];
  let entry: Uint8Array | undefined;
  let chosen: string | undefined;
  try {
    unzipSync(bytes, {
      filter: ({ name: file }) => {
        if (file.endsWith('.npy')) names.push(file.slice(0, -'.npy'.length));
        return false;
      },
    });
    chosen = name ?? usualName(names, wanted);
    if (chosen !== undefined && names.includes(chosen))
      entry = unzipSync(bytes, { filter: file => file.name === `${chosen}.npy` })[`${chosen}.npy`];
  } catch (error) {
    return fail({
      code: 'data/damaged',
      message: `is no readable npz archive (${error instanceof Error ? error.message : String(error)})`,
    });
  }
  if (entry) return readNpy(Buffer.from(entry.buffer, entry.byteOffset, entry.byteLength));
  const known =
    names.length === 0 ? 'no arrays' : `the arrays ${names.slice(0, 12).join(', ')}${names.length > 12 ? ', …' : ''}`;
  const message =
    name === undefined
      ? `holds ${known}; name one, as in file.npz#${names[0] ?? 'array'}`
      : `holds no array ${name}; it holds ${known}`;
  return fail({ code: 'data/array', message });
}

function usualName(names: readonly string[], wanted: 'data' | 'labels'): string | undefined {
  if (names.length === 1) return names[0];
  for (const usual of USUAL[wanted]) {
    const found = names.filter(name => name.toLowerCase() === usual || name.toLowerCase().startsWith(`${usual}_`));
    if (found.length === 1) return found[0];
  }
  return undefined;
}
