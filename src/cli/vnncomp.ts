import { writeFileSync } from 'node:fs';
import type { Verdict } from '../report/verdict';
import { explain } from '../report/summary';
import { toVnncomp } from '../report/vnncomp';
import type { VnncompArguments } from './arguments';
import { execute, type World } from './execute';
import { problemLine, unwritten } from './problems';

/** Part of the time that is kept for writing the answer, up to so many seconds. */
const RESERVED_PART = 0.05;
const MOST_RESERVED_SECONDS = 0.5;

/**
 * `certiscope vnncomp`: one instance in the competition's format. The time limit counts from the start of this process. Gives 0 when the
 * result file says something about the instance, 3 when it says `error`.
 */
export async function vnncomp(words: VnncompArguments, world: World): Promise<number> {
  const spent = performance.now() / 1000;
  const timeout = Math.max(0, words.timeout - spent - Math.min(MOST_RESERVED_SECONDS, RESERVED_PART * words.timeout));
  const say = (message: string): void => void world.stderr.write(`certiscope: ${message}\n`);
  let verdict: Verdict | undefined;
  const end = await execute(
    { model: words.model, specification: { path: words.specification }, options: { timeout } },
    { keys: false, resultFile: words.results },
    world,
    {
      onPlan: () => undefined,
      onAccuracy: () => undefined,
      onProgress: () => undefined,
      onResult: result => (verdict = result.verdict),
      onNotice: say,
    },
  );
  if (end.kind === 'refused') end.problems.forEach(problem => say(problemLine(problem)));
  if (end.kind === 'failed') say(problemLine(end.problem));
  if (verdict?.kind === 'unknown' || verdict?.kind === 'timeout' || verdict?.kind === 'error') say(explain(verdict));
  const text = verdict !== undefined ? toVnncomp({ verdict }) : end.kind === 'cancelled' ? 'unknown\n' : 'error\n';
  try {
    writeFileSync(words.results, text);
  } catch (error) {
    say(problemLine(unwritten(words.results, error)));
    return 3;
  }
  const [word] = text.split('\n', 1);
  world.stdout.write(
    `${word}, ${(performance.now() / 1000).toFixed(2)} s, ${verdict?.statistics?.subproblems ?? 0} sub-problems\n`,
  );
  return text.startsWith('error') ? 3 : 0;
}
