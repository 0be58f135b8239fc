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

/** Messages about a whole file begin with its name, which the line has already. */
function withoutName(message: string, file: string): string {
  if (message.startsWith(`${file}: `)) return message.slice(file.length + 2);
  return message.startsWith(`${file} `) ? `this file${message.slice(file.length)}` : message;
}
