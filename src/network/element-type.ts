import { TensorProto_DataType } from './proto/onnx';

/** ONNX element types by the number that the file stores, with the names that people see and the bytes one element takes in raw data. */
const elementTypes = [
  [TensorProto_DataType.FLOAT, 'float32', 4],
  [TensorProto_DataType.UINT8, 'uint8', 1],
  [TensorProto_DataType.INT8, 'int8', 1],
  [TensorProto_DataType.UINT16, 'uint16', 2],
  [TensorProto_DataType.INT16, 'int16', 2],
  [TensorProto_DataType.INT32, 'int32', 4],
  [TensorProto_DataType.INT64, 'int64', 8],
  [TensorProto_DataType.STRING, 'string', 0],
  [TensorProto_DataType.BOOL, 'bool', 1],
  [TensorProto_DataType.FLOAT16, 'float16', 2],
  [TensorProto_DataType.DOUBLE, 'float64', 8],
  [TensorProto_DataType.UINT32, 'uint32', 4],
  [TensorProto_DataType.UINT64, 'uint64', 8],
  [TensorProto_DataType.BFLOAT16, 'bfloat16', 2],
] as const;

export type ElementType = (typeof elementTypes)[number][1];

/** The name of an ONNX element type, or undefined for the kinds that no network here uses (complex, 8-bit floats, packed integers). */
export function elementTypeOf(dataType: number): ElementType | undefined {
  return elementTypes.find(entry => entry[0] === dataType)?.[1];
}

/** The number that ONNX files store for an element type. */
export function dataTypeOf(type: ElementType): TensorProto_DataType {
  return elementTypes.find(entry => entry[1] === type)![0];
}

/** Bytes of one element in raw data; 0 for strings, which have no raw form. */
export function elementBytes(type: ElementType): number {
  return elementTypes.find(entry => entry[1] === type)![2];
}

export function isFloat(type: ElementType): boolean {
  return type === 'float32' || type === 'float64' || type === 'float16' || type === 'bfloat16';
}

/** The float64 value of 16 bits read as IEEE half precision. */
export function float16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const oneFloat = new Float32Array(1);
const oneInteger = new Uint32Array(oneFloat.buffer);

/** The float64 value of 16 bits read as bfloat16, the upper half of a float32. */
export function bfloat16Value(bits: number): number {
  oneInteger[0] = bits << 16;
  return oneFloat[0];
}

/** Rounds to the nearest number with `fractionBits` bits after the point of the significand, ties to even; for |value| in the normal range. */
function roundSignificand(value: number, fractionBits: number, smallestExponent: number): number {
  if (value === 0 || !Number.isFinite(value)) return value;
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(value))), smallestExponent);
  const unit = 2 ** (exponent - fractionBits);
  const scaled = value / unit;
  const low = Math.floor(scaled);
  const rest = scaled - low;
  return (rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? low + 1 : low) * unit;
}

/** What a Cast to `type` makes of one number. */
export function castValue(value: number, type: ElementType): number {
  switch (type) {
    case 'float64':
    case 'string':
      return value;
    case 'float32':
      return Math.fround(value);
    case 'float16': {
      const rounded = roundSignificand(value, 10, -14);
      return Math.abs(rounded) > 65504 ? Math.sign(rounded) * Infinity : rounded;
    }
    case 'bfloat16':
      return Math.fround(roundSignificand(value, 7, -126));
    case 'bool':
      return value === 0 ? 0 : 1;
    default:
      return Math.trunc(value);
  }
}
