import { atomicWrite } from '../base/atomic-write';
import { ok, problem, type Result } from '../base/result';

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'your disk quota is used up',
  EACCES: 'you may not write there',
  EROFS: 'the disk can only be read',
  EPERM: 'you may not write there',
  EISDIR: 'this is a folder',
};

/** How bytes get into a file; tests put a failing disk in its place. */
export type Write = (file: string, content: Uint8Array) => Promise<void>;

/** Writes a file whole or not at all. Error `file/unwritable`: what was there before is still there. */
export async function saveFile(file: string, content: Uint8Array, write: Write = atomicWrite): Promise<Result<void>> {
  try {
    await write(file, content);
    return ok(undefined);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = REASONS[code ?? ''] ?? message;
    return problem(
      'file/unwritable',
      `${file} could not be written: ${reason}. What it held before is kept; make room or choose another folder, and save again.`,
      { file },
    );
  }
}
