import { fail, ok, type Result } from '../../base/result';
import { truncation, type StoredArray } from './array';
import type { LoadProblem } from './data-set';
import type { ElementType } from './numbers';

/** Element types of the idx format by their code. */
const TYPES: Readonly<Record<number, ElementType>> = { 8: 'u1', 9: 'i1', 11: 'i2', 12: 'i4', 13: 'f4', 14: 'f8' };

/** Two zero bytes, a type, the number of dimensions; then the dimensions and the numbers, all big-endian (yann.lecun.com/exdb/mnist). */
export function isIdx(bytes: Buffer): boolean {
  return bytes.length >= 4 && bytes[0] === 0 && bytes[1] === 0 && bytes[2] in TYPES && bytes[3] > 0;
}

export function readIdx(bytes: Buffer): Result<StoredArray, LoadProblem> {
  const type = TYPES[bytes[2]];
  const rank = bytes[3];
  const offset = 4 + 4 * rank;
  if (bytes.length < offset) return fail({ code: 'data/truncated', message: 'is cut off inside its header' });
  const shape = Array.from({ length: rank }, (_, k) => bytes.readUInt32BE(4 + 4 * k));
  const array: StoredArray = { bytes, offset, type, littleEndian: false, shape, fortranOrder: false };
  const cut = truncation(array);
  return cut ? fail(cut) : ok(array);
}
