import path from 'node:path';
import type { FileState } from '../base/file-state';
import { fail, ok, type Problem, type Result } from '../base/result';
import type { Preprocess } from '../report/record';
import type { DataSet } from '../spec/data/data-set';
import { loadData } from '../spec/data/load';
import { openSpecification } from '../spec/open';
import { planSpec, type SpecPlan } from '../spec/perturbation/plan';
import type { PerturbationSpec } from '../spec/perturbation/spec';
import { dataFiles, fileState } from './file-state';
import { PlannedModel } from './model';
import { besideSpecification, existing } from './plan-request';
import type { StudySubject } from './study-protocols/subject';
import { Samples } from './samples';

/** A model with data that fits it, as a perturbation specification ties them together. */
export interface Subject {
  readonly spec: PerturbationSpec;
  readonly model: PlannedModel;
  readonly data: DataSet;
  readonly plan: SpecPlan;
  readonly samples: Samples;
  /** Everything that was read beside the specification, as it was then. */
  readonly files: readonly FileState[];
}

/** What a specification is about, or everything that keeps it from being asked. */
export async function subjectOf(spec: PerturbationSpec, model?: string): Promise<Result<Subject, readonly Problem[]>> {
  const loaded = PlannedModel.load(existing(model ?? besideSpecification(spec.file, spec.model)));
  if (!loaded.ok) return fail([placed(loaded.error, spec, model)]);
  const dataStates = dataFiles(spec).map(fileState);
  const data = await loadData(spec, path.dirname(spec.file));
  if (!data.ok) return data;
  const planned = planSpec(spec, loaded.value.network, data.value);
  if (!planned.ok) return planned;
  const samples = new Samples(planned.value, data.value, loaded.value);
  const files = [...loaded.value.files, ...dataStates];
  return ok({ spec, model: loaded.value, data: data.value, plan: planned.value, samples, files });
}

/** A model that a specification names and that cannot be used is reported where it is named, and says its own path. */
function placed(problem: Problem, spec: PerturbationSpec, model: string | undefined): Problem {
  return model === undefined ? { ...problem, file: spec.file, range: spec.rangeOf(['model']) } : problem;
}

/** What a study is about, with the indices of the samples it was asked to look at, in the order of the specification. */
export interface OpenedSubject extends Subject {
  readonly chosen: readonly number[];
}

/** Opens what a study is about. */
export async function openSubject(asked: StudySubject): Promise<Result<OpenedSubject, readonly Problem[]>> {
  const file = existing(asked.specification.path);
  const opened = await openSpecification({ ...asked.specification, path: file });
  if (!opened.ok) return fail(opened.error);
  if (opened.value.kind !== 'perturbation') {
    const message = `${file}: a study needs data; a VNN-LIB property names none. Choose a perturbation specification (*.certiscope.jsonc).`;
    return fail([{ code: 'engine/no-data', message, file }]);
  }
  const subject = await subjectOf(opened.value, asked.model);
  if (!subject.ok) return subject;
  const selected = [...new Set(subject.value.plan.tasks.map(task => task.sample))];
  const chosen = asked.samples ? selected.filter(sample => asked.samples?.includes(sample)) : selected;
  if (chosen.length === 0) {
    const message = `${file}: none of the samples ${asked.samples?.join(', ') ?? ''} is selected by the specification.`;
    return fail([{ code: 'engine/nothing-selected', message, file }]);
  }
  return ok({ ...subject.value, chosen });
}

/** Preprocessing in plain numbers, as records have it. */
export function preprocessOf({ preprocess: { scale, mean, std, layout } }: PerturbationSpec): Preprocess {
  return { scale: scale.value, mean: mean.map(({ value }) => value), std: std.map(({ value }) => value), layout };
}
