import { type ElementType, bfloat16Value, elementBytes, elementTypeOf, float16Value } from './element-type';
import type { ExternalData } from './external-data';
import { type TensorProto, TensorProto_DataLocation, TensorProto_DataType } from './proto/onnx';
import { refuse } from './refusal';

/** What a stored tensor says of itself. */
export interface TensorHeader {
  readonly shape: readonly number[];
  readonly type: ElementType;
}

/** Shape and element type of a stored tensor, or why its type is of no use here. Its data is not looked at. */
export function tensorHeader(tensor: TensorProto, name: string): TensorHeader | string {
  const type = elementTypeOf(tensor.dataType);
  if (type !== undefined) return { shape: tensor.dims.map(dimension => dimensionOf(dimension, name)), type };
  const known = Object.entries(TensorProto_DataType).find(entry => entry[1] === tensor.dataType)?.[0];
  return `tensor "${name}" holds elements of type ${known?.toLowerCase() ?? 'unknown'} (${tensor.dataType})`;
}

function dimensionOf(dimension: bigint, name: string): number {
  if (dimension < 0n || dimension > 0x7fffffffn)
    refuse('tensor-shape', `tensor "${name}" has a dimension of ${dimension}; the file is damaged, export it again.`);
  return Number(dimension);
}

/** More values than this no layer of a network that can be verified has: 128 MB as float64, and engines keep many such vectors. */
export const largestTensor = 2 ** 24;

/** The number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

/** Refuses a tensor of which the file holds more or less data than its shape says; data in other files is not looked at. */
export function checkPayload(tensor: TensorProto, name: string, { shape, type }: TensorHeader): void {
  if (tensor.segment)
    refuse('tensor-segment', `tensor "${name}" is stored in segments, which is not supported; export the model again.`);
  if (tensor.dataLocation === TensorProto_DataLocation.EXTERNAL || type === 'string') return;
  const count = sizeOf(shape);
  const bytes = count * elementBytes(type);
  const typed = typedField(tensor, type);
  if (typed.length === 0 || tensor.rawData.length > 0) {
    if (tensor.rawData.length !== bytes)
      mismatch(name, shape, count, `${tensor.rawData.length} bytes instead of ${bytes}`);
  } else if (typed.length !== count) mismatch(name, shape, count, `${typed.length}`);
}

/**
 * The values of a tensor as float64, row-major. Integers beyond 2^53 are rounded: they only occur as "until the end" in slices.
 * Nothing is allocated before the data is known to be as long as the shape says.
 */
export function tensorValues(
  tensor: TensorProto,
  name: string,
  header: TensorHeader,
  external: ExternalData,
): Float64Array {
  const { shape, type } = header;
  checkPayload(tensor, name, header);
  if (type === 'string') refuse('tensor-type', `tensor "${name}" holds text where numbers are needed.`);
  if (tensor.dataLocation === TensorProto_DataLocation.EXTERNAL)
    return rawValues(externalBytes(tensor, name, sizeOf(shape) * elementBytes(type), external), type);
  const typed = typedField(tensor, type);
  if (typed.length === 0 || tensor.rawData.length > 0) return rawValues(tensor.rawData, type);
  const decode = type === 'float16' ? float16Value : type === 'bfloat16' ? bfloat16Value : Number;
  return Float64Array.from(typed as ArrayLike<number | bigint>, value => decode(value as number));
}

function mismatch(name: string, shape: readonly number[], count: number, found: string): never {
  refuse(
    'tensor-length',
    `tensor "${name}" has shape [${shape.join(', ')}], ${count} values, but the file holds ${found}; it is damaged, export it again.`,
  );
}

function typedField(tensor: TensorProto, type: ElementType): readonly number[] | readonly bigint[] {
  switch (type) {
    case 'float32':
      return tensor.floatData;
    case 'float64':
      return tensor.doubleData;
    case 'int64':
      return tensor.int64Data;
    case 'uint32':
    case 'uint64':
      return tensor.uint64Data;
    default:
      return tensor.int32Data;
  }
}

function externalBytes(tensor: TensorProto, name: string, bytes: number, external: ExternalData): Uint8Array {
  const { location, offset } = externalPlace(tensor, name, bytes);
  return external.read(location, offset, bytes, name);
}

/** Where a tensor of `bytes` bytes that lies in another file lies there. */
export function externalPlace(
  tensor: TensorProto,
  name: string,
  bytes: number,
): { readonly location: string; readonly offset: number } {
  const entry = (key: string): string | undefined => tensor.externalData.find(pair => pair.key === key)?.value;
  const number = (key: string): number | undefined => {
    const text = entry(key);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
      refuse(
        'external-data-entry',
        `tensor "${name}" gives "${text}" as the ${key} of its external data; a number of bytes is needed.`,
      );
    return value;
  };
  const length = number('length');
  if (length !== undefined && length !== bytes)
    refuse(
      'tensor-length',
      `tensor "${name}" needs ${bytes} bytes by its shape, but its external data has a length of ${length}; export the model again.`,
    );
  return { location: entry('location') ?? '', offset: number('offset') ?? 0 };
}

/** Little-endian elements as float64. `bytes` may begin anywhere, so they are copied to an aligned place first. */
export function rawValues(bytes: Uint8Array, type: ElementType): Float64Array {
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
  const view = <T>(array: new (buffer: ArrayBufferLike, offset: number, length: number) => T): T =>
    new array(aligned.buffer, aligned.byteOffset, aligned.byteLength / elementBytes(type));
  switch (type) {
    case 'float32':
      return new Float64Array(view(Float32Array));
    case 'float64':
      return new Float64Array(view(Float64Array));
    case 'float16':
      return Float64Array.from(view(Uint16Array), float16Value);
    case 'bfloat16':
      return Float64Array.from(view(Uint16Array), bfloat16Value);
    case 'int64':
      return Float64Array.from(view(BigInt64Array), Number);
    case 'uint64':
      return Float64Array.from(view(BigUint64Array), Number);
    case 'int32':
      return new Float64Array(view(Int32Array));
    case 'uint32':
      return new Float64Array(view(Uint32Array));
    case 'int16':
      return new Float64Array(view(Int16Array));
    case 'uint16':
      return new Float64Array(view(Uint16Array));
    case 'int8':
      return new Float64Array(view(Int8Array));
    default:
      return new Float64Array(view(Uint8Array));
  }
}
