/** A programmer's error: something that cannot happen unless this code is wrong. Never caught to go on. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** Throws when `condition` is false. The message is built only then. */
export function assert(condition: unknown, message: () => string): asserts condition {
  if (!condition) throw new AssertionError(message());
}

/** For the `default` of a switch over a tagged union: fails to compile while a case is missing. */
export function unreachable(value: never): never {
  throw new AssertionError(`unexpected value ${JSON.stringify(value)}`);
}
