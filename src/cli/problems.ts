import type { Problem } from '../base/result';

/** A problem as compilers print it: `FILE:LINE:COL: message`, counted from 1, on one line. */
export function problemLine(problem: Problem): string {
  const { file, range } = problem;
  const message = problem.message.replace(/\s*\n\s*/g, ' ');
  const severity = problem.severity === undefined || problem.severity === 'error' ? '' : `${problem.severity}: `;
  if (file === undefined) return `${severity}${message}`;
  const place = range === undefined ? file : `${file}:${range.start.line + 1}:${range.start.character + 1}`;
  return `${place}: ${severity}${withoutName(message, file)}`;
}

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

/** Messages about a whole file begin with its name, which the line has already. */
function withoutName(message: string, file: string): string {
  if (message.startsWith(`${file}: `)) return message.slice(file.length + 2);
  return message.startsWith(`${file} `) ? `this file${message.slice(file.length)}` : message;
}
