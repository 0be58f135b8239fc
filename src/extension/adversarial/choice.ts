import { ok, problem, type Result } from '../../base/result';
import { DEFAULT_METHODS, type AdversarialParams } from '../../engine/study-protocols/adversarial-inputs';
import type { PatchModelParams } from '../../engine/study-protocols/patch-model';
import type { Choice as AttackChoice } from '../../../webview/adversarial/protocol';
import type { Choice as PatchChoice } from '../../../webview/patch/protocol';

/** What a person wrote in the panels, in numbers. Pure. */

export const FIRST_ATTACK_CHOICE: AttackChoice = {
  methods: DEFAULT_METHODS,
  measure: 'count',
  reduce: true,
  regional: false,
  lines: false,
  misclassified: false,
  target: '',
  seconds: '',
  optimum: '',
  epsilon: '',
  samples: '',
  transfer: '',
  features: '',
};

export const FIRST_PATCH_CHOICE: PatchChoice = {
  mode: 'each',
  measure: 'inf',
  phases: 'fixed',
  marking: false,
  margin: '',
  keep: '',
  seconds: '',
};

/** What of the study's parameters the panel of adversarial inputs decides. */
export function attackParams(
  choice: AttackChoice,
): Result<Omit<AdversarialParams, 'subject'> & { readonly samples?: readonly number[] }> {
  const { methods, measure, reduce, regional, lines, misclassified, transfer, features } = choice;
  if (methods.length === 0) return problem('study/choice', 'Choose at least one attack.');
  const target = numberOf(choice.target, 'The class to reach', { integer: true });
  if (!target.ok) return target;
  const seconds = numberOf(choice.seconds, 'The seconds for an input', {});
  if (!seconds.ok) return seconds;
  const optimumSeconds = numberOf(choice.optimum, 'The seconds for the verifier', {});
  if (!optimumSeconds.ok) return optimumSeconds;
  const epsilon = numberOf(choice.epsilon, 'The radius', {});
  if (!epsilon.ok) return epsilon;
  const samples = samplesOf(choice.samples);
  if (!samples.ok) return samples;
  return ok({
    methods,
    measure,
    reduce,
    regional,
    lines,
    misclassified,
    ...given({
      target: target.value,
      seconds: seconds.value,
      optimumSeconds: optimumSeconds.value,
      epsilon: epsilon.value,
      samples: samples.value,
    }),
    ...(transfer === '' ? {} : { transfer }),
    ...(features === '' ? {} : { features }),
  });
}

export function patchParams(choice: PatchChoice): Result<Omit<PatchModelParams, 'subject'>> {
  const { mode, measure, phases, marking } = choice;
  const margin = numberOf(choice.margin, 'The margin', {});
  if (!margin.ok) return margin;
  const keep = numberOf(choice.keep, 'The number of samples to keep', { integer: true });
  if (!keep.ok) return keep;
  const seconds = numberOf(choice.seconds, 'The seconds for a layer', {});
  if (!seconds.ok) return seconds;
  return ok({
    mode,
    measure,
    phases,
    marking,
    ...given({ margin: margin.value, keep: keep.value, seconds: seconds.value }),
  });
}

function numberOf(
  text: string,
  what: string,
  { integer = false }: { readonly integer?: boolean },
): Result<number | undefined> {
  if (text.trim() === '') return ok(undefined);
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0 && (!integer || Number.isInteger(value))) return ok(value);
  return problem(
    'study/choice',
    `${what} is "${text}"; write ${integer ? 'a whole number' : 'a number'} from 0 up, or leave it empty.`,
  );
}

/** `3, 7` or `0..9`. */
export function samplesOf(text: string): Result<readonly number[] | undefined> {
  if (text.trim() === '') return ok(undefined);
  const samples: number[] = [];
  for (const part of text.split(',')) {
    const match = /^\s*(\d{1,9})(?:\s*\.\.\s*(\d{1,9}))?\s*$/.exec(part);
    if (!match)
      return problem(
        'study/choice',
        `The samples are "${text}"; write indices and ranges such as 3, 7 or 0..9, or leave it empty.`,
      );
    const first = Number(match[1]);
    for (let sample = first; sample <= Number(match[2] ?? first); sample++) samples.push(sample);
  }
  return ok(samples);
}

function given<T extends object>(entries: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
