import { closeSync, openSync, readSync, statSync } from 'node:fs';
import path from 'node:path';
import { refuse } from './refusal';

/** A file beside the model that holds weights. */
export interface ExternalFile {
  /** As the model names it, relative to the model's folder; ONNX Runtime wants this name. */
  readonly location: string;
  readonly path: string;
  readonly size: number;
  /** When it was last written, in milliseconds since 1970. */
  readonly mtimeMs: number;
}

/** The files beside one model that its tensors name, opened at most once each. */
export class ExternalData {
  private readonly known = new Map<string, ExternalFile>();

  /** `folder` is the model's own: nothing outside it is read. */
  constructor(private readonly folder: string) {}

  /** The files that the model's tensors named so far, in the order of their first mention. */
  get files(): ExternalFile[] {
    return [...this.known.values()];
  }

  /** Checks that `location` is a readable file inside the model's folder. `tensor` is named in the refusal. */
  file(location: string, tensor: string): ExternalFile {
    const before = this.known.get(location);
    if (before) return before;
    const target = path.resolve(this.folder, location);
    const inside = path.relative(path.resolve(this.folder), target);
    if (
      location === '' ||
      path.isAbsolute(location) ||
      inside === '' ||
      inside === '..' ||
      inside.startsWith(`..${path.sep}`)
    )
      refuse(
        'external-data-outside',
        `tensor "${tensor}" keeps its data in "${location}", which is not inside the model's folder; only files beside the model are read.`,
      );
    const status = statSync(target, { throwIfNoEntry: false });
    if (!status?.isFile())
      refuse(
        'external-data-missing',
        `tensor "${tensor}" keeps its data in "${location}", and there is no such file beside the model; copy it there.`,
      );
    const file = { location, path: target, size: status.size, mtimeMs: status.mtimeMs };
    this.known.set(location, file);
    return file;
  }

  /** `length` bytes of `location` from `offset`. */
  read(location: string, offset: number, length: number, tensor: string): Uint8Array<ArrayBuffer> {
    const file = this.file(location, tensor);
    if (offset + length > file.size)
      refuse(
        'external-data-short',
        `tensor "${tensor}" needs bytes ${offset} to ${offset + length} of "${location}", which has only ${file.size}; copy the whole file.`,
      );
    const bytes = new Uint8Array(length);
    const descriptor = openSync(file.path, 'r');
    try {
      let done = 0;
      while (done < length) {
        const count = readSync(descriptor, bytes, done, Math.min(length - done, 1 << 30), offset + done);
        if (count === 0) refuse('external-data-short', `"${location}" became shorter while it was read; try again.`);
        done += count;
      }
    } finally {
      closeSync(descriptor);
    }
    return bytes;
  }
}

/** Stands in for the data when only shapes are looked at: whoever asks for numbers is told that they were not read. */
export class UnreadData extends ExternalData {
  constructor() {
    super('.');
  }

  override read(_location: string, _offset: number, _length: number, tensor: string): never {
    refuse('not-read', `the numbers of tensor "${tensor}" were not read.`);
  }
}
