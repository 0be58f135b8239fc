/** When the extension's code began to run: imported before everything else, so that loading the rest counts as activation too. */
const began = performance.now();
const used = process.cpuUsage();

/**
 * Milliseconds since the extension's first line: by the clock, or of processor time where that is less. On a busy machine the clock counts what others do; all threads'
 * processor time counts at least all that we do.
 */
export function sinceFirstLine(): number {
  const { user, system } = process.cpuUsage(used);
  return Math.min(performance.now() - began, (user + system) / 1000);
}
