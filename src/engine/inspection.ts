import { gzipSync } from 'node:zlib';
import { inspectModel } from '../network/load';
import type { WeightReader } from '../network/stored-weights';
import { readStructure } from '../network/structure';
import { openPlan } from './open';
import { existing } from './plan-request';
import type {
  Answer,
  InfoParams,
  InspectParams,
  InspectedCheck,
  Inspection,
  ModelInfo,
  PackedStructure,
  TensorStatistics,
  WeightsParams,
} from './protocol';

/** What is known about a specification without solving: its checks, or everything that is wrong with it. */
export async function inspect(params: InspectParams): Promise<Answer<Inspection>> {
  const plan = await openPlan(params);
  if (!plan.ok) return plan;
  const checks = new Map<string, InspectedCheck>();
  for (const { check, claim, range } of plan.value.tasks)
    checks.set(check, {
      name: check,
      claim: checks.get(check)?.claim ?? claim,
      range,
      samples: (checks.get(check)?.samples ?? 0) + 1,
    });
  return { ok: true, value: { model: plan.value.model, checks: [...checks.values()] }, warnings: plan.warnings };
}

/** What is in a model, and whether it can be verified. */
export function infoOf(params: InfoParams): Promise<Answer<ModelInfo>> {
  const info = inspectModel(existing(params.model));
  return Promise.resolve(info.ok ? { ...info, warnings: [] } : { ok: false, problems: [info.error] });
}

/** The graph of a model without its weights, as a page shows it. */
export function graphOf(params: InfoParams): Promise<Answer<PackedStructure>> {
  const structure = readStructure(existing(params.model));
  if (!structure.ok) return Promise.resolve({ ok: false, problems: [structure.error] });
  const base64 = gzipSync(JSON.stringify(structure.value), { level: 1 }).toString('base64');
  return Promise.resolve({ ok: true, value: { base64 }, warnings: [] });
}

/**
 * Answers with statistics of some of a model's tensors, one question after the other: what reads gigabytes twice at once gets neither sooner. What it
 * knows of the last model serves the next question.
 */
export function weightsAnswers(): (params: WeightsParams) => Promise<Answer<readonly TensorStatistics[]>> {
  let reader: Promise<WeightReader> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  return params => {
    reader ??= import('../network/stored-weights').then(module => new module.WeightReader());
    const answer = last.then(() => reader).then(weights => weights!.statistics(existing(params.model), params.tensors));
    last = answer.catch(() => undefined);
    return answer.then(result => (result.ok ? { ...result, warnings: [] } : { ok: false, problems: [result.error] }));
  };
}
