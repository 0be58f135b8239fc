import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ok, problem, type Result } from '../base/result';
import type { TensorReference } from '../engine/protocol';
import type { AdversarialRunFile } from '../engine/study-protocols/adversarial-inputs';
import type { WrongInput } from '../engine/study-protocols/patch-model';
import { inlineTensor } from '../engine/tensor-reference';

/** A result of `verify --json`, as far as a falsified one matters here. */
interface JsonResult {
  readonly check: string;
  readonly sample: number | null;
  readonly verdict: string;
  readonly counterexample?: { readonly input: readonly number[] | string };
  readonly label?: number;
  readonly predicted?: number;
}

/** Inputs on which a model fails and what it should answer there, from the file of a run of `verify` or `attack`. */
export function foundInputs(file: string): Result<readonly WrongInput[]> {
  let content: { readonly results?: readonly JsonResult[] } & Partial<Pick<AdversarialRunFile, 'outcomes'>>;
  try {
    content = JSON.parse(readFileSync(file, 'utf8')) as typeof content;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return problem(
      'cli/from',
      `${file}: this is no file of a run (${reason}). Name one that verify --json or attack wrote.`,
      { file },
    );
  }
  if (!Array.isArray(content.results) && !Array.isArray(content.outcomes))
    return problem('cli/from', `${file}: this is no file of a run. Name one that verify --json or attack wrote.`, {
      file,
    });
  const inputs = [
    ...(content.results ?? []).flatMap(result => counterexample(result, file)),
    ...(content.outcomes ?? []).flatMap(adversarial),
  ];
  if (inputs.length > 0) return ok(inputs);
  return problem('cli/from', `${file}: the run in it found no input on which the model fails another class.`, { file });
}

function counterexample(
  { check, sample, verdict, counterexample: found, label, predicted }: JsonResult,
  file: string,
): WrongInput[] {
  const wanted = label ?? predicted;
  if (verdict !== 'falsified' || found === undefined || wanted === undefined) return [];
  const { input } = found;
  const reference: TensorReference =
    typeof input === 'string'
      ? { kind: 'file', path: path.join(path.dirname(file), input), shape: [] }
      : inlineTensor(Float32Array.from(input), [input.length]);
  return [
    { title: `counterexample of ${check}${sample === null ? '' : `, sample ${sample}`}`, input: reference, wanted },
  ];
}

function adversarial(outcome: AdversarialRunFile['outcomes'][number]): WrongInput[] {
  if (outcome.kind !== 'found') return [];
  return [{ title: `adversarial input of sample ${outcome.sample}`, input: outcome.input, wanted: outcome.from }];
}
