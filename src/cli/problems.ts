import type { Problem } from '../base/result';

/** A problem as compilers print it: `FILE:LINE:COL: message`, counted from 1, on one line. */
export function problemLine(problem: Problem): string {
  const { file, range } = problem;
  const message = problem.message.replace(/\s*\n\s*/g, ' ');
  const severity = problem.severity === undefined || problem.severity === 'error' ? '' : `${problem.severity}: `;
  if (file === undefined) return `${severity}${message}`;
  const place = range === undefined ? file : `${file}:${range.start.line + 1}:${range.start.character + 1}`;
  // Messages about a whole file begin with its name already.
  return `${place}: ${severity}${message.startsWith(`${file}: `) ? message.slice(file.length + 2) : message}`;
}
