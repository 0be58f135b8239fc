import type { StudyEnvironment } from './study';

/** Shortest time between two progress events (design, section 4). */
const PROGRESS_MILLISECONDS = 250;

/** Lets the first report through and then at most four a second; the last of all is never held back for long, because a study ends with its answer. */
export function paced(tell: StudyEnvironment<never>['onProgress']): StudyEnvironment<never>['onProgress'] {
  let told = -Infinity;
  return (fraction, text) => {
    const now = performance.now();
    if (now - told < PROGRESS_MILLISECONDS) return;
    told = now;
    tell(fraction, text);
  };
}
