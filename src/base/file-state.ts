/** A file as it was when it was read. */
export interface FileState {
  /** Absolute; of pictures that a pattern names, their folder. */
  readonly path: string;
  /** Time and size in one word: another word means that the file may hold something else. */
  readonly state: string;
}

/** The state of a file that is not there. */
export const MISSING = 'missing';

/** The word for a time in milliseconds and a size in bytes. */
export function stateWord({ mtimeMs, size }: { readonly mtimeMs: number; readonly size: number }): string {
  return `${mtimeMs} ${size}`;
}
