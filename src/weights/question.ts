import { ok, problem, type Result } from '../base/result';
import type { Constraint } from '../spec/question';
import type { WeightInput } from './open-network';
import type { LayerPerturbation } from './perturbation';
import { perturbedLayer, type PerturbedLayer } from './perturbed-layer';
import type { WeightModel } from './weight-model';

/** An unsafe set: all constraints hold together. The network is safe when none of its outputs is in any. */
export type Unsafe = readonly Constraint[];

/** What is asked: is every unsafe set empty, for every change of weights that the perturbations allow and every input that is given? */
export interface WeightQuestion {
  readonly perturbations: readonly LayerPerturbation[];
  readonly input: WeightInput;
  readonly unsafe: readonly Unsafe[];
}

/** The perturbations as numbers. Each layer may be named once; its maps add up. */
export function perturbedLayers(model: WeightModel, question: WeightQuestion): Result<PerturbedLayer[]> {
  const layers: PerturbedLayer[] = [];
  if (question.perturbations.length === 0)
    return problem('weights/no-layer', 'No layer is perturbed; name at least one.');
  for (const perturbation of question.perturbations) {
    const layer = perturbedLayer(model, perturbation);
    if (!layer.ok) return layer;
    if (layers.some(other => other.layer === layer.value.layer))
      return problem(
        'weights/layer-twice',
        `Layer "${layer.value.layer.name}" is named twice; put all its maps into one entry.`,
      );
    layers.push(layer.value);
  }
  const { inputSize } = model.loaded.network;
  const given = question.input.kind === 'point' ? question.input.values.length : question.input.box.lower.length;
  if (given !== inputSize)
    return problem('weights/input', `The input has ${given} values, and ${model.loaded.path} takes ${inputSize}.`);
  return ok(layers);
}
