import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { problem, type Result } from '../base/result';
import { decodeModel } from './codec';
import { ExternalData, type ExternalFile } from './external-data';
import { readGraph } from './graph';
import { inferShapes, type Unsupported } from './infer';
import { lower } from './lower';
import type { Network } from './network';
import type { ModelProto } from './proto/onnx';
import { catching, refuse } from './refusal';
import { simplify } from './simplify';

/** A model that can be verified. */
export interface LoadedModel {
  readonly path: string;
  /** The ONNX file, decompressed. */
  readonly bytes: Uint8Array;
  /** Files beside the model that hold weights. */
  readonly externalData: readonly ExternalFile[];
  /** SHA-256 in hex over `bytes` and then the external files, in the order in which the model names them. Computed when first asked for. */
  readonly hash: string;
  readonly network: Network;
}

/** Reads an `.onnx` or `.onnx.gz` file and makes it a network. Every fault of the file is one problem that names the file and the place. */
export function loadModel(file: string): Result<LoadedModel> {
  const bytes = readModelFile(file);
  return bytes.ok ? loadModelBytes(bytes.value, file) : bytes;
}

/** The same from bytes at hand; `file` says where they are from, and external data is looked for beside it. */
export function loadModelBytes(bytes: Uint8Array, file: string): Result<LoadedModel> {
  const model = decodeModel(bytes, file);
  if (!model.ok) return model;
  return catching(file, () => {
    const external = new ExternalData(path.dirname(file));
    const network = networkOf(model.value, external);
    let hash: string | undefined;
    return {
      path: file,
      bytes,
      externalData: external.files,
      network,
      get hash() {
        return (hash ??= hashOf(bytes, external.files));
      },
    };
  });
}

function networkOf(model: ModelProto, external: ExternalData): Network {
  const graph = readGraph(model);
  const inference = inferShapes(graph, external);
  if (inference.unsupported.length > 0) refuse('unsupported-operator', unsupportedMessage(inference.unsupported));
  return simplify(lower(graph, inference));
}

function unsupportedMessage(unsupported: readonly Unsupported[]): string {
  const list = unsupported.map(
    ({ node, reason }) => `${node.opType} (node "${node.name}", opset ${node.opset}): ${reason}`,
  );
  return `${list.length === 1 ? 'one node is' : `${list.length} nodes are`} not supported. ${list.join('; ')}.`;
}

/** The bytes of a model file, decompressed. */
export function readModelFile(file: string): Result<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason =
      code === 'ENOENT'
        ? 'there is no such file'
        : code === 'EISDIR'
          ? 'this is a folder'
          : code === 'EACCES'
            ? 'the file may not be read'
            : String(code);
    return problem('model-unreadable', `${file}: ${reason}.`, { file });
  }
  // Compressed or not is told by the content: a file named .gz may have been unpacked in place.
  if (!(bytes[0] === 0x1f && bytes[1] === 0x8b)) return { ok: true, value: bytes };
  try {
    return { ok: true, value: gunzipSync(bytes, { maxOutputLength: 2 ** 31 - 1 }) };
  } catch {
    return problem('model-damaged', `${file} is no complete gzip file. Download or compress it again.`, { file });
  }
}

function hashOf(bytes: Uint8Array, files: readonly ExternalFile[]): string {
  const hash = createHash('sha256').update(bytes);
  for (const file of files) hash.update(readFileSync(file.path));
  return hash.digest('hex');
}
