import { instabilityCounts, measureInstability, unstableRatio } from '../../graft/instability';
import { neuronCount } from '../../graft/neurons';
import { neighbourhoodOf } from '../../spec/perturbation/spec';
import type { Box } from '../../spec/question';
import { ungrafted } from '../../train/grafted-network';
import { openSubject } from '../subject';
import { answered, refused, type Study } from './study';

/** Bounds every neuron around every sample and counts where it is unstable. */
export const studyUnstableNeurons: Study<'unstable-neurons'> = async (params, environment) => {
  const opened = await openSubject(params.subject);
  if (!opened.ok) return refused(...opened.error);
  const { spec, plan, samples, chosen, model } = opened.value;
  const check = spec.checks.find(
    candidate => neighbourhoodOf(candidate) !== null && (params.check ?? candidate.name) === candidate.name,
  );
  if (check === undefined) {
    const message = `${spec.file}: there is no check of inputs${params.check === undefined ? '' : ` named "${params.check}"`}, whose regions could be bounded.`;
    return refused({ code: 'study/no-check', message, file: spec.file });
  }
  const regions: Box[] = [];
  for (const index of chosen) {
    const forward = await samples.forward(index);
    if (!forward.ok) return refused(forward.error);
    const asked = plan.question(check, forward.value.sample, forward.value.output);
    if (!asked.ok) return refused(asked.error);
    if (asked.value.kind === 'question') regions.push(asked.value.question.disjuncts[0].box);
  }
  const measured = await measureInstability(ungrafted(model.network), regions, {
    method: params.method,
    cancelled: () => environment.cancelled(),
    onProgress: (done, total) => environment.onProgress(done / total, `${done} of ${total} samples bounded`),
  });
  await model.parts.close();
  if (!measured.ok) return refused(measured.error);
  const { layers, unstable } = measured.value;
  unstable.forEach((flags, k) => environment.onPart({ sample: chosen[k], unstable: flags.reduce((a, b) => a + b, 0) }));
  const counts = Float32Array.from(instabilityCounts(measured.value).values);
  return answered({
    layers: layers.map(({ name, shape }) => ({ name, shape })),
    samples: regions.length,
    counts: await environment.tensor('unstable-neurons', counts, [neuronCount(layers)]),
    statement: unstableRatio(measured.value).statement,
  });
};
