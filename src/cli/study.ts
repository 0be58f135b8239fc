import { mkdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Answer } from '../engine/protocol';
import { referTensor } from '../engine/tensor-reference';
import type { ParamsOf, PartOf, ResultOf, StudyKind } from '../engine/study-protocols/kinds';
import { paced } from '../engine/studies/pace';
import { loadStudy } from '../engine/studies/registry';
import { engineVersion, packageVersion } from '../engine/version';
import { machineMemory, type World } from './execute';
import { problemLine } from './problems';
import { StatusLine } from './terminal';

export interface StudyHere<Part> {
  /** Folder for files that the study makes. */
  readonly folder?: string;
  /** Draw the line that says how far it is. */
  readonly progress: boolean;
  onPart?(part: Part): void;
}

/** Works a study out in this process, with a line of progress on a terminal; problems are written to standard error. Ctrl-C asks it to stop. */
export async function studyHere<K extends StudyKind>(
  kind: K,
  params: ParamsOf<K>,
  { folder = path.join(os.tmpdir(), 'certiscope-studies', kind), progress, onPart }: StudyHere<PartOf<K>>,
  { stderr, signal, folder: programFolder }: World,
): Promise<Answer<ResultOf<K>>> {
  const line = new StatusLine(stderr, progress && stderr.isTTY === true);
  const study = await loadStudy(kind);
  await mkdir(folder, { recursive: true });
  const answer = await study(params, {
    cancelled: () => signal.stopped,
    program: await engineVersion(packageVersion, programFolder),
    memoryLimit: machineMemory(),
    folder,
    onProgress: paced((fraction, text) =>
      line.write(fraction === null ? text : `${String(Math.floor(100 * fraction)).padStart(3)} %  ${text}`),
    ),
    onPart: part => {
      line.clear();
      onPart?.(part);
    },
    tensor: (name, values, shape) =>
      referTensor(values, shape, path.join(folder, `${name}.npy`), message => stderr.write(`certiscope: ${message}\n`)),
  });
  line.clear();
  const problems = answer.ok ? answer.warnings : answer.problems;
  for (const problem of problems) stderr.write(`certiscope: ${problemLine(problem)}\n`);
  return answer;
}
