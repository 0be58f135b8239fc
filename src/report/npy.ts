import { assert } from '../base/assert';

const MAGIC = '\u0093NUMPY';
/** Readers map the file; the format asks for the data to start at a multiple of 64. */
const ALIGNMENT = 64;

/** The bytes of a `.npy` file (format 1.0) with a little-endian float32 tensor in C order. */
export function encodeNpy(values: Float32Array, shape: readonly number[]): Uint8Array {
  assert(
    shape.reduce((product, extent) => product * extent, 1) === values.length,
    () => `shape [${shape.join(', ')}] does not hold ${values.length} values`,
  );
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': ${tuple}, }`;
  const prefix = MAGIC.length + 4;
  const padding = ALIGNMENT - 1 - ((prefix + text.length) % ALIGNMENT);
  const header = `${text}${' '.repeat(padding)}\n`;
  const bytes = new Uint8Array(prefix + header.length + 4 * values.length);
  const view = new DataView(bytes.buffer);
  for (let k = 0; k < MAGIC.length; k++) bytes[k] = MAGIC.charCodeAt(k);
  bytes[6] = 1;
  view.setUint16(8, header.length, true);
  for (let k = 0; k < header.length; k++) bytes[prefix + k] = header.charCodeAt(k);
  values.forEach((value, k) => view.setFloat32(prefix + header.length + 4 * k, value, true));
  return bytes;
}

/** The tensor in a file that `encodeNpy` made; undefined when the bytes are anything else. (Foreign files are read in src/spec.) */
export function decodeNpy(
  bytes: Uint8Array,
): { readonly values: Float32Array; readonly shape: readonly number[] } | undefined {
  if (bytes.length < 10) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = 10 + view.getUint16(8, true);
  if (String.fromCharCode(...bytes.subarray(0, MAGIC.length)) !== MAGIC || start > bytes.length) return undefined;
  const header = String.fromCharCode(...bytes.subarray(10, start));
  const match = /^\{'descr': '<f4', 'fortran_order': False, 'shape': \(([\d, ]*)\), \}/.exec(header);
  if (match === null) return undefined;
  const shape = match[1]
    .split(',')
    .filter(part => part.trim() !== '')
    .map(Number);
  const size = shape.reduce((product, extent) => product * extent, 1);
  if (bytes.length - start !== 4 * size) return undefined;
  const values = new Float32Array(size);
  for (let k = 0; k < size; k++) values[k] = view.getFloat32(start + 4 * k, true);
  return { values, shape };
}
