import { ok, problem, type Result } from '../../../base/result';
import type { PerturbationSpec } from '../../../spec/perturbation/spec';
import { parseWritten, type Written } from '../../../spec/numbers/written';

/** The values that data may take, in units after scaling: as asked for, or the clip range of the first check of inputs that has one. */
export function validRange(
  spec: PerturbationSpec,
  asked: readonly [string, string] | undefined,
): Result<readonly [Written, Written]> {
  if (asked) {
    const [low, high] = asked.map(text => ({ text, read: parseWritten(text) }));
    for (const { text, read } of [low, high])
      if ('error' in read) return problem('attack/range', `The valid range has "${text}", which ${read.error}.`);
    const ends = [low.read as Written, high.read as Written] as const;
    if (ends[0].value < ends[1].value) return ok(ends);
    return problem('attack/range', `The valid range is from ${asked[0]} to ${asked[1]}: it is empty.`);
  }
  const clip = spec.checks.find(check => check.clip)?.clip;
  if (clip) return ok([clip[0], clip[1]]);
  return problem(
    'attack/no-range',
    `${spec.file}: it does not say which values the data may take, and an adversarial input outside of them would be no input at all. Give a check a "clip" such as [0, 1], or name the range (units after scaling).`,
    { file: spec.file, range: spec.rangeOf(['checks']) },
  );
}
