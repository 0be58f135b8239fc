/** When the extension's code began to run: imported before everything else, so that loading the rest counts as activation too. */
const began = performance.now();

/** Milliseconds since the extension's first line. */
export function sinceFirstLine(): number {
  return performance.now() - began;
}
