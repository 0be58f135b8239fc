import type { Problem } from '../base/result';

export { problemLine } from '../report/problem-line';

/** Why a result could not be written, and what to do. */
export function unwritten(file: string, error: unknown): Problem {
  return { code: 'cli/write', message: `${file}: cannot be written: ${reasonOf(error)}`, file };
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC') return 'the disk is full. Free some space and run this again.';
  if (code === 'ENOENT') return 'its folder does not exist. Make the folder, or name another place.';
  if (code === 'EISDIR') return 'this is a folder. Name a file in it.';
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return 'you may not write there. Name another place.';
  return `${error instanceof Error ? error.message : String(error)}.`;
}
