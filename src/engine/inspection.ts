import { inspectModel } from '../network/load';
import { existing, openPlan } from './open';
import type { Answer, InfoParams, InspectParams, InspectedCheck, Inspection, ModelInfo } from './protocol';

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
