import type { Problem } from '../base/result';
import { openSpecification, type Specification } from '../spec/open';
import type { Plan, Task, WholePlan } from './plan';
import { existing, type PlanRequest } from './plan-request';
import type { Answer } from './protocol';

/** Reads the model and the specification and says what will be asked, or everything that is wrong with them. */
export async function openPlan(request: PlanRequest): Promise<Answer<Plan>> {
  const file = existing(request.specification.path);
  const opened = await openSpecification({ ...request.specification, path: file });
  if (!opened.ok) return { ok: false, problems: opened.error };
  const planned = await planOf(opened.value, request);
  if (!planned.ok) return planned;
  const plan = planned.value;
  const tasks = selected(plan.tasks, request);
  if (tasks.length === 0) return { ok: false, problems: [nothingSelected(file, plan.tasks, request)] };
  return { ok: true, value: { ...plan, tasks, counts: countsOf(plan.tasks) }, warnings: plan.warnings };
}

async function planOf(specification: Specification, request: PlanRequest): Promise<Answer<WholePlan>> {
  if (specification.kind === 'vnnlib') {
    const { planVnnlib } = await import('./vnnlib-plan');
    return planVnnlib(specification, request);
  }
  const { planPerturbation } = await import('./perturbation-plan');
  return planPerturbation(specification, request);
}

function countsOf(tasks: readonly Task[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { check } of tasks) counts[check] = (counts[check] ?? 0) + 1;
  return counts;
}

function selected(tasks: readonly Task[], { checks, samples }: PlanRequest): readonly Task[] {
  return tasks.filter(
    ({ check, sample }) =>
      (checks?.includes(check) ?? true) && (sample === null || (samples?.includes(sample) ?? true)),
  );
}

function nothingSelected(file: string, tasks: readonly Task[], { checks, samples }: PlanRequest): Problem {
  const names = [...new Set(tasks.map(task => task.check))];
  const missing = checks?.find(check => !names.includes(check));
  const message =
    missing === undefined
      ? `${file}: none of the samples ${samples?.join(', ') ?? ''} is selected by the specification.`
      : `${file}: there is no check named "${missing}"; there are: ${names.map(name => `"${name}"`).join(', ')}.`;
  return { code: 'engine/nothing-selected', message, file };
}
