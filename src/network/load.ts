import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import path from 'node:path';
import { problem, type Result } from '../base/result';
import { decodeModel } from './codec';
import { computesConstants } from './computed-constants';
import { ExternalData, type ExternalFile } from './external-data';
import { readGraph } from './graph';
import { inferShapes, type Unsupported } from './infer';
import { describeModel, type ModelInfo } from './info';
import { lower } from './lower';
import type { Network } from './network';
import type { ModelProto } from './proto/onnx';
import { catching, refuse } from './refusal';
import { asWritten, simplify } from './simplify';
import { skimModel } from './skim';

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
  /** The same without any folding, node for node as the file has it; made when first asked for. */
  readonly written: Network;
  /** Whether the file computes floating constants from constants: then float32's share in them is not known. */
  readonly computesConstants: boolean;
  /** What `certiscope info` shows; computed when first asked for. */
  readonly info: ModelInfo;
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
    const graph = readGraph(model.value);
    const inference = inferShapes(graph, external);
    if (inference.unsupported.length > 0) refuse('unsupported-operator', unsupportedMessage(inference.unsupported));
    const lowered = lower(graph, inference, external);
    const network = simplify(lowered);
    let written: Network | undefined;
    let hash: string | undefined;
    let info: ModelInfo | undefined;
    return {
      path: file,
      bytes,
      externalData: external.files,
      network,
      get written() {
        return (written ??= asWritten(lowered));
      },
      get computesConstants() {
        return computesConstants(model.value);
      },
      get hash() {
        return (hash ??= hashOf(bytes, external.files));
      },
      get info() {
        return (info ??= describeModel(model.value, file, bytes.length));
      },
    };
  });
}

/** What a model is made of, from its file. No weights are read, so this is quick for files of any size, and unsupported models have it too. */
export function inspectModel(file: string): Result<ModelInfo> {
  const read = readWithoutWeights(file);
  if (!read.ok) return read;
  const { model, fileSize } = read.value;
  return catching(file, () => describeModel(model, file, fileSize));
}

/** A model that was decoded without reading its weights, where that is possible. */
export interface ModelOutline {
  /** Long payloads are left out (`leftOut`) where the file is not compressed. */
  readonly model: ModelProto;
  /** Bytes of the ONNX file, decompressed. */
  readonly fileSize: number;
}

/** Decodes a model file and passes over the weights in it; a compressed one is read whole. */
export function readWithoutWeights(file: string): Result<ModelOutline> {
  const opened = catchingSystemErrors(file, () => {
    const head = new Uint8Array(2);
    const descriptor = openSync(file, 'r');
    try {
      readSync(descriptor, head, 0, 2, 0);
      return { isGzip: isGzip(head), size: fstatSync(descriptor).size };
    } finally {
      closeSync(descriptor);
    }
  });
  if (!opened.ok) return opened;
  const { isGzip: compressed, size } = opened.value;
  const bytes = compressed
    ? readModelFile(file)
    : size === 0
      ? { ok: true as const, value: new Uint8Array(0) }
      : catching(file, () => skimModel(file));
  if (!bytes.ok) return bytes;
  const model = decodeModel(bytes.value, file);
  return model.ok
    ? { ok: true, value: { model: model.value, fileSize: compressed ? bytes.value.length : size } }
    : model;
}

/** So many unsupported nodes are named one by one; `certiscope info` lists all. */
const namedNodes = 20;

function unsupportedMessage(unsupported: readonly Unsupported[]): string {
  const list = unsupported
    .slice(0, namedNodes)
    .map(({ node, reason }) => `${node.opType} (node "${node.name}", opset ${node.opset}): ${reason}`);
  const more = unsupported.length - list.length;
  const count = unsupported.length === 1 ? 'one node is' : `${unsupported.length} nodes are`;
  return (
    `${count} not supported. ${list.join('; ')}${more > 0 ? `; and ${more} more` : ''}. ` +
    'Replace what is named by supported operators and export the model again.'
  );
}

/** The bytes of a model file, decompressed. */
export function readModelFile(file: string): Result<Uint8Array> {
  const bytes = catchingSystemErrors(file, () => readFileSync(file));
  // Compressed or not is told by the content: a file named .gz may have been unpacked in place.
  if (!bytes.ok || !isGzip(bytes.value)) return bytes;
  try {
    const { gunzipSync } = process.getBuiltinModule('node:zlib');
    return { ok: true, value: gunzipSync(bytes.value, { maxOutputLength: 2 ** 31 - 1 }) };
  } catch {
    return problem('model-damaged', `${file} is no complete gzip file. Download or compress it again.`, { file });
  }
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

const systemReasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'this is a folder, not a file',
  EACCES: 'the file may not be read by you',
  ERR_FS_FILE_TOO_LARGE: 'an ONNX file of more than 2 GB cannot be read; export the model with external data',
};

/** Runs a file operation; what the system refuses becomes a problem in words. */
function catchingSystemErrors<T>(file: string, work: () => T): Result<T> {
  try {
    return { ok: true, value: work() };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return problem('model-unreadable', `${file}: ${systemReasons[code ?? ''] ?? message}.`, { file });
  }
}

function hashOf(bytes: Uint8Array, files: readonly ExternalFile[]): string {
  // Loaded here and not at the top, like zlib above: at process start they would cost a plain run 9 ms.
  const { createHash } = process.getBuiltinModule('node:crypto');
  const hash = createHash('sha256').update(bytes);
  for (const file of files) hash.update(readFileSync(file.path));
  return hash.digest('hex');
}
