import { mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { inlineTensor } from '../../../../src/engine/tensor-reference';
import type { StudyEnvironment } from '../../../../src/engine/studies/study';

/** A place for a study to work in, which keeps what it tells. */
export interface Watched<Part> {
  readonly environment: StudyEnvironment<Part>;
  readonly parts: Part[];
  readonly folder: string;
}

/** @param stopAfter parts after which someone asks it to stop */
export function watched<Part>(stopAfter = Infinity): Watched<Part> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'certiscope-test-'));
  const parts: Part[] = [];
  return {
    folder,
    parts,
    environment: {
      cancelled: () => parts.length >= stopAfter,
      program: 'tested',
      memoryLimit: 2 ** 31,
      folder,
      onProgress: () => undefined,
      onPart: part => parts.push(part),
      tensor: (_, values, shape) => Promise.resolve(inlineTensor(values, shape)),
    },
  };
}

/** The project's own samples. */
export const samples = path.resolve(import.meta.dirname, '../../../../samples');
