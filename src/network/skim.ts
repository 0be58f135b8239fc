import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { damage } from './codec';
import type { TensorProto } from './proto/onnx';
import { refuse } from './refusal';

/**
 * Reads an ONNX file without its weights: a copy of the file in which every long tensor payload is left out and marked as lying elsewhere,
 * with the place where it lies (`leftOut`). It is small even where the file has gigabytes, of which nearly all is skipped over on disk.
 */
export function skimModel(file: string): Uint8Array {
  const descriptor = openSync(file, 'r');
  try {
    const source = new FileBytes(descriptor);
    return skimMessage(source, 0, source.size, modelFields);
  } finally {
    closeSync(descriptor);
  }
}

/** Payloads up to this many bytes are kept: shapes, axes and other small constants that shape inference reads. */
const longestKept = 1024;

/** What to do with the fields of a message: look into them, or treat them as a tensor's payload. Others are copied. */
type Fields = ReadonlyMap<number, Fields | 'payload'>;

// Field numbers are those of onnx.proto: float_data, int32_data, int64_data, raw_data, double_data, uint64_data of TensorProto.
const tensorFields: Fields = new Map([4, 5, 7, 9, 10, 11].map(field => [field, 'payload']));
const attributeFields: Fields = new Map([[5, tensorFields]]);
const nodeFields: Fields = new Map([[5, attributeFields]]);
const graphFields: Fields = new Map([
  [1, nodeFields],
  [5, tensorFields],
]);
const modelFields: Fields = new Map([[7, graphFields]]);

/** `data_location: EXTERNAL` of TensorProto, field 14. */
const elsewhere = new BinaryWriter().tag(14, WireType.Varint).int32(1).finish();

/** Key among a tensor's external data, field 13, under which a copy without weights says what it left out. No exporter writes it. */
const leftOutKey = 'certiscope:left-out';

/** A payload that a copy without weights left out: which field of the tensor it is, and where its bytes lie in the file. */
export interface LeftOut {
  /** Its number in TensorProto. */
  readonly field: number;
  readonly offset: number;
  readonly length: number;
}

/** What the copy left out of `tensor`, or undefined where the copy has everything that the file has. */
export function leftOut(tensor: TensorProto): LeftOut | undefined {
  const entry = tensor.externalData.find(({ key }) => key === leftOutKey);
  if (!entry) return undefined;
  const [field, offset, length] = entry.value.split(' ').map(Number);
  return { field, offset, length };
}

/** The mark for a payload that is left out. */
function markOf(field: number, offset: number, length: number): Uint8Array {
  const entry = new BinaryWriter()
    .tag(1, WireType.LengthDelimited)
    .string(leftOutKey)
    .tag(2, WireType.LengthDelimited)
    .string(`${field} ${offset} ${length}`)
    .finish();
  return new BinaryWriter().raw(elsewhere).tag(13, WireType.LengthDelimited).bytes(entry).finish();
}

function skimMessage(source: FileBytes, start: number, end: number, fields: Fields): Uint8Array {
  const writer = new BinaryWriter();
  let position = start;
  while (position < end) {
    const fieldStart = position;
    const [tag, afterTag] = source.varint(position);
    const [field, wireType] = [Math.floor(tag / 8), tag % 8];
    let next = afterTag;
    if (wireType === WireType.Varint) next = source.varint(afterTag)[1];
    else if (wireType === WireType.Bit64) next = afterTag + 8;
    else if (wireType === WireType.Bit32) next = afterTag + 4;
    else if (wireType === WireType.LengthDelimited) {
      const [length, body] = source.varint(afterTag);
      next = body + length;
      if (next > end) source.damaged(fieldStart);
      const kind = fields.get(field);
      if (kind === 'payload' && length > longestKept) {
        writer.raw(markOf(field, body, length));
        position = next;
        continue;
      }
      if (kind !== undefined && kind !== 'payload') {
        writer.tag(field, WireType.LengthDelimited).bytes(skimMessage(source, body, next, kind));
        position = next;
        continue;
      }
      if (length > 2 ** 26) source.damaged(fieldStart);
    } else source.damaged(fieldStart);
    if (next > end) source.damaged(fieldStart);
    writer.raw(source.bytes(fieldStart, next));
    position = next;
  }
  return writer.finish();
}

/** A file that is read in blocks, where it is looked at. */
class FileBytes {
  readonly size: number;
  private block = new Uint8Array(0);
  private blockStart = 0;

  constructor(private readonly descriptor: number) {
    this.size = fstatSync(descriptor).size;
  }

  /** The bytes from `start` to `end`, good until the next call. */
  bytes(start: number, end: number): Uint8Array {
    if (start < this.blockStart || end > this.blockStart + this.block.length) {
      const wanted = Math.min(Math.max(end - start, 1 << 16), this.size - start);
      const block = new Uint8Array(wanted);
      const count = readSync(this.descriptor, block, 0, wanted, start);
      this.block = block.subarray(0, count);
      this.blockStart = start;
      if (end > start + count) this.damaged(start);
    }
    return this.block.subarray(start - this.blockStart, end - this.blockStart);
  }

  /** The number at `start`, in seven bits a byte, and where it ends. Lengths and tags stay below 2^53. */
  varint(start: number): [value: number, end: number] {
    let value = 0;
    for (let k = 0; k < 10; k++) {
      if (start + k >= this.size) this.damaged(start);
      const byte = this.bytes(start + k, start + k + 1)[0];
      value += (byte & 0x7f) * 2 ** (7 * k);
      if (byte < 0x80) return [value, start + k + 1];
    }
    return this.damaged(start);
  }

  damaged(position: number): never {
    const start = this.bytes(0, Math.min(this.size, 64));
    refuse('model-damaged', `this ${damage(start, position, this.size)}`);
  }
}
