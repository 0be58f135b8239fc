import { readGraftedBytes } from '../../graft/read-model';
import { neuronLayers } from '../../graft/neurons';
import type { MeasuredImportance, UnstableRun } from '../study-protocols/unstable-neurons';
import { openSubject } from '../subject';
import { refusedOf } from './graft/answer';
import { measureRun, measureSignificance, type Measuring } from './graft/measure';
import { CheckedRegion, withoutLabels } from './graft/region';
import { answered, refused, type Study } from './study';

/** Bounds every neuron around every sample and counts where it is unstable, for one ε after the other; then, where asked for, how much each neuron matters. */
export const studyUnstableNeurons: Study<'unstable-neurons'> = async (params, environment) => {
  const opened = await openSubject(params.subject);
  if (!opened.ok) return refused(...opened.error);
  const subject = opened.value;
  try {
    const regions: CheckedRegion[] = [];
    for (const epsilon of params.epsilons ?? [undefined]) {
      const region = CheckedRegion.of(subject, params.check, epsilon);
      if (!region.ok) return refused(region.error);
      regions.push(region.value);
    }
    const unlabelled = params.importance === 'gap' ? withoutLabels(subject, 'GAP, the gradient of a loss,') : null;
    if (unlabelled) return refused(unlabelled);
    const { bytes, path } = subject.model.loaded;
    const model = readGraftedBytes(bytes, path);
    if (!model.ok) return refused(model.error);
    const layers = neuronLayers(model.value.network).map(({ name, shape }) => ({ name, shape }));
    environment.onPart({ kind: 'layers', layers });
    const jobs = regions.length + (params.importance ? 1 : 0);
    /** One of several jobs that take about as long. */
    const part = (k: number): Measuring => ({
      program: environment.program,
      folder: environment.folder,
      cancelled: () => environment.cancelled(),
      onProgress: (fraction, text) => environment.onProgress((k + fraction) / jobs, text),
    });
    const runs: UnstableRun[] = [];
    for (const [k, region] of regions.entries()) {
      const run = await measureRun(model.value, region, params.method, part(k));
      if (!run.ok) return refusedOf(run.error);
      runs.push(run.value);
      environment.onPart({ kind: 'run', run: run.value });
    }
    let importance: MeasuredImportance | null = null;
    if (params.importance) {
      const measured = await measureSignificance(model.value, regions[0], params.importance, part(regions.length));
      if (!measured.ok) return refusedOf(measured.error);
      importance = measured.value;
      environment.onPart({ kind: 'importance', importance });
    }
    const { check } = regions[0];
    const checks = CheckedRegion.checksOf(subject);
    return answered({ model: path, check: check.name, checks, method: params.method, layers, runs, importance });
  } finally {
    await subject.model.parts.close();
  }
};
