import { BinaryReader } from '@bufbuild/protobuf/wire';
import { problem, type Result } from '../base/result';
import { ModelProto } from './proto/onnx';

/** How the small text file begins that Git LFS leaves in place of a large one. */
const LFS_POINTER = 'version https://git-lfs';

/**
 * Decodes the bytes of an `.onnx` file. Tensor payloads (`rawData`) are views of `bytes`, not copies. A file that is cut short, or is no
 * ONNX file, is a problem.
 */
export function decodeModel(bytes: Uint8Array, file = 'the model'): Result<ModelProto> {
  if (bytes.length === 0)
    return problem('model-empty', `${file} is empty (0 bytes): export the model again.`, { file });
  const reader = new BinaryReader(bytes);
  try {
    const model = ModelProto.decode(reader);
    // The generated code ends a message at an end-group tag, which no ONNX file holds: then the rest was not read.
    if (reader.pos === reader.len) return { ok: true, value: model };
  } catch {
    // The library's messages ("premature EOF", "illegal tag") tell a person nothing that the sentence below does not.
  }
  const where = Math.min(reader.pos, reader.len);
  return problem('model-damaged', `${file} ${damage(bytes, where, reader.len)}`, { file });
}

/** What is wrong with a file that cannot be decoded from `position` on, and what to do: the rest of a sentence that names the file. */
export function damage(start: Uint8Array, position: number, size: number): string {
  if (new TextDecoder().decode(start.subarray(0, LFS_POINTER.length)) === LFS_POINTER)
    return 'is not the model but a pointer to it, left by Git LFS. Fetch the model with git lfs pull.';
  return `is no complete ONNX file: it stops making sense at byte ${position} of ${size}. Download or export it again.`;
}

/** Encodes a model; `decodeModel(encodeModel(m))` gives it back. */
export function encodeModel(model: ModelProto): Uint8Array {
  return ModelProto.encode(model).finish();
}
