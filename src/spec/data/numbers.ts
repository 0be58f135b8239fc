import { fail, ok, type Result } from '../../base/result';
import type { LoadProblem } from './data-set';

/** Numbers as a file holds them: an element type, a byte order, and where they begin. */
export interface NumberBlock {
  readonly bytes: Buffer;
  readonly offset: number;
  /** u1, i1, u2, i2, u4, i4, u8, i8, f2, f4, f8 or b1 (a truth value). */
  readonly type: ElementType;
  readonly littleEndian: boolean;
}

export type ElementType = 'u1' | 'i1' | 'u2' | 'i2' | 'u4' | 'i4' | 'u8' | 'i8' | 'f2' | 'f4' | 'f8' | 'b1';

export function bytesPerElement(type: ElementType): number {
  return Number(type[1]);
}

/** Elements first, first + stride, …: `count` of them, as float64. Integers beyond 2^53 are refused; NaN and infinities are kept. */
export function readNumbers(
  block: NumberBlock,
  first: number,
  count: number,
  stride = 1,
): Result<Float64Array, LoadProblem> {
  const { bytes, offset, type, littleEndian } = block;
  const width = bytesPerElement(type);
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, bytes.length - offset);
  const read = reader(view, type, littleEndian);
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) values[i] = read((first + i * stride) * width);
  if ((type === 'u8' || type === 'i8') && values.some(value => !Number.isSafeInteger(value))) {
    return fail({
      code: 'data/range',
      message: 'holds integers beyond 2^53, which are not exact as floating-point numbers',
    });
  }
  return ok(values);
}

function reader(view: DataView, type: ElementType, little: boolean): (position: number) => number {
  switch (type) {
    case 'u1':
      return position => view.getUint8(position);
    case 'b1':
      return position => (view.getUint8(position) === 0 ? 0 : 1);
    case 'i1':
      return position => view.getInt8(position);
    case 'u2':
      return position => view.getUint16(position, little);
    case 'i2':
      return position => view.getInt16(position, little);
    case 'u4':
      return position => view.getUint32(position, little);
    case 'i4':
      return position => view.getInt32(position, little);
    case 'u8':
      return position => Number(view.getBigUint64(position, little));
    case 'i8':
      return position => Number(view.getBigInt64(position, little));
    case 'f2':
      return position => halfToNumber(view.getUint16(position, little));
    case 'f4':
      return position => view.getFloat32(position, little);
    case 'f8':
      return position => view.getFloat64(position, little);
  }
}

/** IEEE 754 half precision: 1 sign, 5 exponent, 10 fraction bits. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
