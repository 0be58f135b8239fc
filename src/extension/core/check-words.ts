import { className, outcome, spread } from '../../spec/perturbation/claim';
import { indicesOf } from '../../spec/perturbation/selection';
import type { Check, PerturbationSpec } from '../../spec/perturbation/spec';

/** The radius of a check as the text alone tells it: in raw values, and for the model where one std counts for all, or per channel. */
interface Radius {
  readonly raw: readonly number[];
  readonly model: readonly number[];
}

function radiusOf({ preprocess }: PerturbationSpec, epsilon: number): Radius {
  return { raw: [epsilon / preprocess.scale.value], model: preprocess.std.map(({ value }) => epsilon / value) };
}

/** What ε means: "8/255 after scaling by 1/255: 8 in raw values, 0.0624 to 0.0635 for the model (divided by std)." */
export function epsilonWords(spec: PerturbationSpec, check: Check): string[] {
  if (check.epsilon?.length !== 1) return [];
  const [epsilon] = check.epsilon;
  const { scale, std } = spec.preprocess;
  const { raw, model } = radiusOf(spec, epsilon.value);
  const lines = ['How far every value may move, after scaling and before mean and std are applied.'];
  lines.push(
    `${epsilon.text} there is ${spread(raw)} in raw values${scale.value === 1 ? ' (there is no scale)' : `, which are multiplied by ${scale.text}`}.`,
  );
  const same = std.every(({ value }) => value === 1);
  lines.push(
    `For the model it is ${spread(model)}${same ? '' : std.length > 1 ? ', from channel to channel as std has it' : `, as std is ${std[0].text}`}.`,
  );
  return lines;
}

/** What a check claims, in one plain sentence, from the text alone. */
export function checkSentence(spec: PerturbationSpec, check: Check): string {
  const { select } = spec.inputs;
  const count = select === null ? null : indicesOf(select).length;
  const samples =
    count === null
      ? 'each sample of the data'
      : count === 1
        ? `sample ${indicesOf(select ?? [])[0]}`
        : `each of the ${count} selected samples`;
  return `For ${samples}: ${perturbed(spec, check)}, ${holds(spec)}.`;
}

function perturbed(spec: PerturbationSpec, check: Check): string {
  const inputs = check.epsilon ? inputWords(spec, check) : null;
  if (check.perturb === 'input') return inputs ?? 'for the sample itself';
  const layers = check.layers
    ? `of ${check.layers.map(layer => (typeof layer === 'number' ? `layer ${layer}` : layer)).join(' and ')}`
    : 'of every layer';
  const { magnitude, quantisation, bitFlips, of } = check;
  const size = magnitude
    ? magnitude.lower
      ? `between ${magnitude.lower.text} and ${magnitude.amount.text}`
      : `by at most ${magnitude.amount.text}${magnitude.relative ? (of === 'range' ? ' of their range' : ' of their own size') : ''}`
    : quantisation
      ? `by rounding to ${quantisation.bits} bits`
      : `by a flip of bit ${bitFlips?.flips.join(' or ') ?? ''}`;
  const change = `whenever the weights ${layers} change ${size}`;
  return inputs === null ? change : `${inputs} and ${change}`;
}

function inputWords(spec: PerturbationSpec, { epsilon, clip }: Check): string {
  const within = epsilon?.length === 1 ? epsilon[0].text : 'its given distance';
  const raw =
    epsilon?.length === 1 && spec.preprocess.scale.value !== 1
      ? ` (${spread(radiusOf(spec, epsilon[0].value).raw)} in raw values)`
      : '';
  const clipped = clip ? `, inside [${clip[0].text}, ${clip[1].text}]` : '';
  return `however its values move by up to ${within}${raw}${clipped}`;
}

function holds(spec: PerturbationSpec): string {
  const { property, inputs } = spec;
  const winner =
    inputs.labels === null || inputs.labels.kind === 'none' ? 'the class that the network answers' : 'its label';
  switch (property.kind) {
    case 'label':
      return `${winner} stays ahead of every other class`;
    case 'topk':
      return `${winner} stays among the ${property.k} largest outputs`;
    case 'target':
      return `${className(spec, property.class)} never wins`;
    default:
      return outcome(spec, null);
  }
}
