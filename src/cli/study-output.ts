import { writeFileSync } from 'node:fs';
import type { StudySubject } from '../engine/study-protocols/subject';
import type { World } from './execute';
import { problemLine, unwritten } from './problems';

/** What the words of a command say a study is about. */
export function subjectOf(words: {
  readonly specification: string;
  readonly model?: string;
  readonly samples?: readonly number[];
}): StudySubject {
  const { specification, model, samples } = words;
  return { specification: { path: specification }, ...defined({ model, samples }) };
}

/** The entries that were given: one that was not must not stand where something else would be the default. */
export function defined<T extends object>(entries: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/** Rows under each other, the first column to the left; the first row is the heading. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, k) => Math.max(...rows.map(row => row[k].length)));
  return rows.map(row =>
    row.map((cell, k) => (k === 0 ? cell.padEnd(widths[k]) : cell.padStart(widths[k]))).join('  '),
  );
}

/** Writes a report where one is wanted; `-` is standard output. False when it could not be written, which has been said then. */
export function writeJson(file: string | undefined, report: unknown, { stdout, stderr }: World): boolean {
  if (file === undefined) return true;
  const text = `${JSON.stringify(report, undefined, 2)}\n`;
  if (file === '-') {
    stdout.write(text);
    return true;
  }
  try {
    writeFileSync(file, text);
    return true;
  } catch (error) {
    stderr.write(`certiscope: ${problemLine(unwritten(file, error))}\n`);
    return false;
  }
}
