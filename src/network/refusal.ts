import { problem, type Problem, type Result } from '../base/result';

/**
 * A model that cannot be used, found deep inside the graph. It is thrown inside this folder alone and becomes a `Result` at the folder's
 * public functions (`catching`), so that shape rules and folds of sixty operators need not hand results up through every call.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** Stops the work on this model with a sentence for the user. `code` is stable, see `Problem`. */
export function refuse(code: string, message: string): never {
  throw new Refusal(code, message);
}

/** Runs `work` and turns a refusal inside it into a failed result about `file`. Any other exception is a programmer's error and passes. */
export function catching<T>(file: string, work: () => T): Result<T, Problem> {
  try {
    return { ok: true, value: work() };
  } catch (error) {
    if (error instanceof Refusal) return problem(error.code, `${file}: ${error.message}`, { file });
    throw error;
  }
}
