import { BinaryReader } from '@bufbuild/protobuf/wire';
import { problem, type Result } from '../base/result';
import { ModelProto } from './proto/onnx';

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
  return problem(
    'model-damaged',
    `${file} is no complete ONNX file: it stops making sense at byte ${where} of ${reader.len}. Download or export it again.`,
    { file },
  );
}

/** Encodes a model; `decodeModel(encodeModel(m))` gives it back. */
export function encodeModel(model: ModelProto): Uint8Array {
  return ModelProto.encode(model).finish();
}
