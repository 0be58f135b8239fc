import { statSync } from 'node:fs';
import path from 'node:path';
import { MISSING, stateWord, type FileState } from '../base/file-state';
import type { PerturbationSpec } from '../spec/perturbation/spec';

/** The state of a file now; also of one that is not there. */
export function fileState(file: string): FileState {
  const found = statSync(file, { throwIfNoEntry: false });
  return { path: file, state: found ? stateWord(found) : MISSING };
}

/** The files that a specification takes its samples and labels from. */
export function dataFiles({ file, inputs: { data, labels } }: PerturbationSpec): readonly string[] {
  const names = [...(data.kind === 'files' ? data.paths : []), ...(labels?.kind === 'file' ? [labels.path] : [])];
  const files = names.map(name => {
    // An array of an archive is in its file, and pictures that a pattern names are in its folder.
    const named = path.resolve(path.dirname(file), name.replace(/#.*$/, ''));
    return named.includes('*') ? path.dirname(named) : named;
  });
  return [...new Set(files)];
}
