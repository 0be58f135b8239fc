import type { Geometry } from './geometry';
import type { Written } from '../numbers/written';
import type { Neighbourhood, PerturbationSpec } from './spec';

/** The radius of a perturbation in three units; one entry when it is the same everywhere, else one per value of the model's input. */
export interface EpsilonUnits {
  /** As the specification has it: after scaling, before mean and std. */
  readonly written: readonly number[];
  /** In the data's own numbers. */
  readonly raw: readonly number[];
  /** In the numbers the model takes. */
  readonly model: readonly number[];
}

export function epsilonUnits(spec: PerturbationSpec, geometry: Geometry, check: Neighbourhood): EpsilonUnits {
  const { scale, std } = spec.preprocess;
  const at = (values: readonly Written[], k: number): number => values[values.length === 1 ? 0 : k].value;
  const uniform = check.epsilon.length === 1 && std.length === 1;
  const values = Array.from({ length: uniform ? 1 : geometry.size }, (_, i) => {
    const epsilon =
      check.epsilon.length === 1
        ? check.epsilon[0].value
        : check.epsilon[geometry.epsilonIndex(i, check.epsilon.length)].value;
    return {
      epsilon,
      raw: epsilon / scale.value,
      model: epsilon / (std.length === 1 ? std[0].value : at(std, geometry.channel(i))),
    };
  });
  return { written: values.map(v => v.epsilon), raw: values.map(v => v.raw), model: values.map(v => v.model) };
}

/**
 * What is claimed about one sample, in plain words: "for every input within 1/255 of sample 7 (1 in raw values, 0.0127 for the model),
 * class 3 stays ahead of every other class".
 * @param reference the class the property speaks of, null while nobody knows it; ignored by properties that speak of none
 */
export function claimOf(
  spec: PerturbationSpec,
  check: Neighbourhood,
  units: EpsilonUnits,
  sample: number,
  reference: number | null,
): string {
  return `for ${inputsOf(check, units, sample)}, ${outcome(spec, reference)}`;
}

/** "every input within 1/255 of sample 7 (1 in raw values, 0.0127 for the model)". */
export function inputsOf(check: Neighbourhood, units: EpsilonUnits, sample: number): string {
  const radius = check.epsilon.length === 1 ? check.epsilon[0].text : 'the given distance per value';
  const same = units.raw[0] === units.model[0] && units.written[0] === units.raw[0] && units.model.length === 1;
  const inUnits = same ? '' : ` (${spread(units.raw)} in raw values, ${spread(units.model)} for the model)`;
  const clip = check.clip ? `, clipped to [${check.clip[0].text}, ${check.clip[1].text}]` : '';
  return `every input within ${radius} of sample ${sample}${inUnits}${clip}`;
}

/** What holds according to the property: "class 3 stays ahead of every other class". */
export function outcome(spec: PerturbationSpec, reference: number | null): string {
  const { property } = spec;
  const winner = reference === null ? "the network's own answer" : className(spec, reference);
  switch (property.kind) {
    case 'label':
      return `${winner} stays ahead of every other class`;
    case 'target':
      return `${className(spec, property.class)} never wins`;
    case 'topk':
      return property.k === 1
        ? `${winner} stays ahead of every other class`
        : `${winner} stays among the ${property.k} largest outputs`;
    case 'range': {
      const around = property.center ? 'the given values' : 'its unperturbed value';
      const radius = property.radius.length === 1 ? property.radius[0].text : 'the given distance';
      return `every output stays within ${radius} of ${around}`;
    }
    case 'linear':
      return property.C.length === 1
        ? 'the outputs satisfy C·y ≤ d'
        : `the outputs satisfy all ${property.C.length} rows of C·y ≤ d`;
  }
}

/** `class 3`, or `class 3 (cat)` where the specification names the classes. */
export function className(spec: PerturbationSpec, index: number): string {
  const name = spec.classes?.[index];
  return name === undefined ? `class ${index}` : `class ${index} (${name})`;
}

/** One number, or the smallest to the largest. */
export function spread(values: readonly number[]): string {
  let [low, high] = [values[0], values[0]];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low === high ? shortNumber(low) : `${shortNumber(low)} to ${shortNumber(high)}`;
}

/** Three significant digits, without trailing zeros. */
function shortNumber(value: number): string {
  return String(Number(value.toPrecision(3)));
}
