/** When the extension's code began to run: imported before everything else, so that loading the rest counts as activation too. */
const began = { wall: performance.now(), cpu: process.cpuUsage() };

/** How long activation has taken so far, in milliseconds: by the clock, and of the processor's time (which other programs do not lengthen). */
export function activationTime(): { wall: number; cpu: number } {
  const { user, system } = process.cpuUsage(began.cpu);
  return { wall: performance.now() - began.wall, cpu: (user + system) / 1000 };
}
