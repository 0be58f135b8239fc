/** An expected failure is a value, not an exception: every fallible public function returns one of these. */
export type Result<T, E = Problem> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: E };

/** A zero-based position in a text file, as editors count it. */
export interface Position {
  readonly line: number;
  readonly character: number;
}

/** A half-open range of characters in a text file. */
export interface Range {
  readonly start: Position;
  readonly end: Position;
}

/**
 * One thing that is wrong with what the user gave us: a sentence they can act on, and the place it is about.
 * `code` is stable (it is shown in the editor and in SARIF), `message` is not.
 */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly severity?: 'error' | 'warning' | 'information';
  /** Path of the file the problem is in, if it is in a file. */
  readonly file?: string;
  readonly range?: Range;
}

export function ok<T>(value: T): { ok: true; value: T } {
  return { ok: true, value };
}

export function fail<E>(error: E): { ok: false; error: E } {
  return { ok: false, error };
}

/** Shorthand for a failed result that carries one problem. */
export function problem(
  code: string,
  message: string,
  place: Pick<Problem, 'file' | 'range'> = {},
): { ok: false; error: Problem } {
  return fail({ code, message, ...place });
}
