import { fail, ok, type Problem, type Range, type Result } from '../../base/result';
import type { Trailing } from '../../network/network';
import type { DataSet, Sample } from '../data/data-set';
import type { Box, Question } from '../question';
import type { ModelInterface } from '../vnnlib/compile';
import { claimOf, className, epsilonUnits, outcome, type EpsilonUnits } from './claim';
import { evidentLayout, geometryOf, type Geometry } from './geometry';
import { Preprocessor } from './preprocessor';
import { indicesOf } from './selection';
import { neighbourhoodOf, type Check, type Neighbourhood, type PerturbationSpec, type SpecPath } from './spec';
import { weightsClaim, type WeightMove } from './weights-claim';
import type { Layout } from './spec-shape';
import { combinations, MAX_COMBINATIONS, violations } from './violation';
import type { Written } from '../numbers/written';

/** Inside float32, also after a radius was added. */
const WIDEST = 3e38;

/** What a specification has to fit: a `Network` is one. */
export interface SpecModel extends ModelInterface {
  readonly trailing: Trailing;
}

/** One check on one sample. */
export interface SpecTask {
  readonly kind: Check['perturb'];
  readonly check: Check;
  /** The check's own characters in the specification. */
  readonly checkRange: Range;
  /** Index in the data. */
  readonly sample: number;
}

/** What is asked about one sample, once the network's answer on it is known. */
export type Asked =
  | {
      readonly kind: 'question';
      readonly question: Question;
      /** What is claimed, in plain words. */
      readonly claim: string;
      /** The class the network answers on the unperturbed sample; null when the property speaks of no class. */
      readonly predicted: number | null;
      readonly label: number | null;
    }
  | {
      readonly kind: 'misclassified';
      readonly claim: string;
      readonly predicted: number;
      readonly label: number;
      readonly reason: string;
    };

/** A specification together with its data and its model. */
export class SpecPlan {
  private readonly preprocessor: Preprocessor;

  constructor(
    readonly spec: PerturbationSpec,
    private readonly model: SpecModel,
    private readonly geometry: Geometry,
    /** Check by check, in the order of the selected samples. */
    readonly tasks: readonly SpecTask[],
    readonly warnings: readonly Problem[],
  ) {
    this.preprocessor = new Preprocessor(spec.preprocess, geometry);
  }

  /** fl((x·scale − mean)/std) in the model's order: what the network is given for a sample. */
  modelInput(sample: Sample): Result<Float32Array> {
    const problem = this.sampleProblem(sample);
    if (problem) return fail(problem);
    const input = this.preprocessor.modelInput(sample.values);
    return input.every(Number.isFinite) ? ok(input) : this.beyondFloat32(sample);
  }

  /** A range of the data (units after scaling) in the model's units, value by value of its input. */
  modelRange(ends: readonly [Written, Written]): { lower: Float32Array; upper: Float32Array } {
    return this.preprocessor.range(ends);
  }

  /** Channels of a sample, and the order in which the model takes them: what belongs to one pixel. */
  get pixels(): { readonly channels: number; readonly order: Layout } {
    return { channels: this.geometry.channels, order: this.spec.preprocess.layout };
  }

  /** The radius of a check in the units of specification, data and model. */
  epsilon(check: Neighbourhood): EpsilonUnits {
    return epsilonUnits(this.spec, this.geometry, check);
  }

  /** The radius of a check and its valid range, value by value of the model's input; no range is as wide as float32. For searches and training, which prove nothing. */
  perturbation(check: Neighbourhood): {
    readonly radius: Float32Array;
    readonly lower: Float32Array;
    readonly upper: Float32Array;
  } {
    const { model } = this.epsilon(check);
    const all = (value: number): Float32Array => new Float32Array(this.geometry.size).fill(value);
    const { clip } = check;
    const range = clip ? this.modelRange([clip[0], clip[1]]) : { lower: all(-WIDEST), upper: all(WIDEST) };
    return { ...range, radius: all(0).map((_, i) => model[model.length === 1 ? 0 : i]) };
  }

  /**
   * What a check claims about a sample, in words.
   * @param moves what a check of weights allows of each layer
   */
  claim(check: Check, sample: number, reference: number | null, moves: readonly WeightMove[] = []): string {
    const inputs = neighbourhoodOf(check);
    if (check.perturb === 'weights')
      return weightsClaim(this.spec, check, moves, inputs && this.epsilon(inputs), sample, reference);
    return claimOf(this.spec, check, this.epsilon(check), sample, reference);
  }

  /**
   * The question of a check about one sample. A check of weights alone asks about the sample itself: a box that is one point.
   * @param output what ONNX Runtime answers on `modelInput(sample)`, on the original file
   * @param moves what a check of weights allows of each layer
   */
  question(check: Check, sample: Sample, output: Float32Array, moves: readonly WeightMove[] = []): Result<Asked> {
    const claim = (reference: number): string => this.claim(check, sample.index, reference, moves);
    return this.asked(neighbourhoodOf(check), sample, output, claim);
  }

  /** The question about a sample as it is, with nothing perturbed, for those who perturb it in their own way. */
  nominalQuestion(sample: Sample, output: Float32Array): Result<Asked> {
    return this.asked(null, sample, output, reference => outcome(this.spec, reference));
  }

  private asked(
    inputs: Neighbourhood | null,
    sample: Sample,
    output: Float32Array,
    claimAbout: (reference: number) => string,
  ): Result<Asked> {
    const problem =
      this.sampleProblem(sample) ??
      (inputs ? this.clipProblem(inputs, sample) : undefined) ??
      this.outputProblem(sample, output);
    if (problem) return fail(problem);
    const { property } = this.spec;
    const speaksOfClass = property.kind === 'label' || property.kind === 'topk' || property.kind === 'target';
    const predicted = speaksOfClass ? this.predicted(output, sample.label) : null;
    const { label } = sample;
    const reference = label ?? predicted ?? 0;
    const claim = claimAbout(reference);
    if (predicted !== null && label !== null && !this.isRight(output, predicted, label)) {
      const reason = `the network answers ${className(this.spec, predicted)} on sample ${sample.index}, which is ${className(this.spec, label)}`;
      return ok({ kind: 'misclassified', claim, predicted, label, reason });
    }
    const { outputSize, inputSize } = this.model;
    const box = inputs ? this.preprocessor.box(sample.values, inputs) : this.point(sample);
    if (!box.lowerPoint.every(Number.isFinite) || !box.upperPoint.every(Number.isFinite))
      return this.beyondFloat32(sample);
    const disjuncts = violations(property, box, outputSize, reference, output);
    if (disjuncts === null)
      return this.failure('spec/value', 'A number of the property is too large for floating point.', ['property']);
    return ok({ kind: 'question', question: { disjuncts, inputSize, outputSize }, claim, predicted, label });
  }

  /** The sample as the network takes it, and nothing around it. */
  private point({ values }: Sample): Box {
    const point = this.preprocessor.modelInput(values);
    const exact = Float64Array.from(point);
    return { lower: exact, upper: exact, lowerPoint: point, upperPoint: point };
  }

  /** Whether the unperturbed sample already has what its label asks for. A tie counts as right here; the question will find it. */
  private isRight(output: Float32Array, predicted: number, label: number): boolean {
    const { property } = this.spec;
    if (property.kind !== 'topk' || output.length !== this.model.outputSize) return predicted === label;
    return output.filter(value => value > output[label]).length < property.k;
  }

  /** The class with the largest output; of equal ones the label, else the first. An ArgMax at the end answers the class itself. */
  private predicted(output: Float32Array, label: number | null): number {
    if (output.length !== this.model.outputSize) return output[0];
    const largest = output.reduce((a, b) => Math.max(a, b), -Infinity);
    return label !== null && output[label] === largest ? label : output.indexOf(largest);
  }

  private sampleProblem({ index, values }: Sample): Problem | undefined {
    if (values.length !== this.model.inputSize) {
      const message = `Sample ${index} has ${values.length} numbers, but the model takes ${this.model.inputSize}.`;
      return this.problem('spec/sample-size', message, ['inputs', 'data']);
    }
    const wrong = values.findIndex(value => !Number.isFinite(value));
    if (wrong < 0) return undefined;
    return this.problem(
      'data/not-finite',
      `Sample ${index} has ${values[wrong]} at position ${wrong}, which is no finite number.`,
      ['inputs', 'data'],
    );
  }

  private clipProblem(check: Neighbourhood, { index, values }: Sample): Problem | undefined {
    const outside = this.preprocessor.outsideClip(values, check);
    if (outside === null || !check.clip) return undefined;
    const { scaled, side, by, count } = outside;
    const end = check.clip[side === 'below' ? 0 : 1].text;
    const { scale } = this.spec.preprocess;
    const value = `value ${outside.index} is ${values[outside.index]}${scale.value === 1 ? '' : `, ${short(scaled)} after scaling by ${scale.text}`}`;
    const others = count === 1 ? '' : ` (and ${count - 1} more ${count === 2 ? 'value is' : 'values are'} outside)`;
    const message = `Sample ${index} lies outside of this range itself: ${value}, ${short(by)} ${side} ${end}${others}. Widen the range, or leave the sample out.`;
    return this.problem('spec/clip-excludes', message, ['checks', check.index, 'clip']);
  }

  private outputProblem({ index }: Sample, output: Float32Array): Problem | undefined {
    if (output.every(Number.isFinite)) return undefined;
    return this.problem(
      'model/not-finite',
      `The network answers no finite numbers on sample ${index}. Check scale, mean and std.`,
      ['inputs', 'data'],
    );
  }

  private beyondFloat32({ index }: Sample): { ok: false; error: Problem } {
    return this.failure(
      'data/range',
      `After preprocessing, sample ${index} has values too large for float32. Check scale, mean and std.`,
      ['preprocess'],
    );
  }

  private problem(code: string, message: string, path: SpecPath): Problem {
    return { code, message, severity: 'error', file: this.spec.file, range: this.spec.rangeOf(path) };
  }

  private failure(code: string, message: string, path: SpecPath): { ok: false; error: Problem } {
    return fail(this.problem(code, message, path));
  }
}

/** Brings a specification, its model and its data together, or says everything that does not fit. */
export function planSpec(spec: PerturbationSpec, model: SpecModel, data: DataSet): Result<SpecPlan, Problem[]> {
  const problems: Problem[] = [];
  const report = (code: string, message: string, path: SpecPath, severity: 'error' | 'warning' = 'error'): void => {
    problems.push({ code, message, severity, file: spec.file, range: spec.rangeOf(path) });
  };
  const geometry = geometryOf(spec, model, data);
  if (!geometry.ok) problems.push(...geometry.error);
  const evident = geometry.ok ? evidentLayout(model, geometry.value.channels) : null;
  if (evident !== null && evident !== spec.preprocess.layout) {
    const message = `The model's input is [${model.inputs[0].shape.join(',')}], which looks like "layout": "${evident}", but ${spec.preprocess.layout} is used.`;
    report('spec/layout', message, ['preprocess', 'layout'], 'warning');
  }
  checkProperty(spec, model, report);
  const samples = selectedSamples(spec, model, data, report);
  if (!geometry.ok || problems.some(problem => problem.severity === 'error')) return fail(problems);
  const tasks = spec.checks.flatMap(check => {
    const checkRange = spec.rangeOf(['checks', check.index]);
    return samples.map(sample => ({ kind: check.perturb, check, checkRange, sample }));
  });
  return ok(new SpecPlan(spec, model, geometry.value, tasks, [...spec.warnings, ...problems]));
}

type Report = (code: string, message: string, path: SpecPath, severity?: 'error' | 'warning') => void;

function checkProperty(spec: PerturbationSpec, model: SpecModel, report: Report): void {
  const { property } = spec;
  const outputs = model.outputSize;
  if (spec.classes && spec.classes.length !== outputs)
    report('spec/length', `There are ${spec.classes.length} names for ${outputs} outputs.`, ['classes']);
  const comparesOutputs = property.kind === 'label' || property.kind === 'target' || property.kind === 'topk';
  if (comparesOutputs && outputs < 2) {
    report(
      'spec/property',
      `The model has one output, so there are no classes to compare. Use the property "range" or "linear".`,
      ['property', 'kind'],
    );
    return;
  }
  if (!comparesOutputs && model.trailing !== 'none') {
    const operator = model.trailing === 'softmax' ? 'Softmax' : 'ArgMax';
    const message = `The model ends in ${operator}; only comparisons between its outputs can be verified: the properties "label", "target" and "topk".`;
    report('spec/softmax', message, ['property', 'kind']);
    return;
  }
  const perOutput = (length: number, what: string, path: SpecPath): void => {
    if (length !== outputs)
      report('spec/length', `${what} has ${length} numbers, but the model has ${outputs} outputs.`, path);
  };
  switch (property.kind) {
    case 'label':
      return;
    case 'target':
      if (property.class >= outputs)
        report('spec/class', `There is no class ${property.class}: the model has ${outputs}, counted from 0.`, [
          'property',
          'class',
        ]);
      return;
    case 'topk':
      if (model.trailing === 'argmax' && property.k > 1) {
        report(
          'spec/softmax',
          'The model ends in ArgMax, which shows the first class only; use the property "label".',
          ['property', 'kind'],
        );
      } else if (property.k >= outputs)
        report('spec/value', `Every class is among the ${property.k} largest of ${outputs} outputs.`, [
          'property',
          'k',
        ]);
      else if (combinations(outputs - 1, property.k) > MAX_COMBINATIONS) {
        const ways = combinations(outputs - 1, property.k);
        report(
          'spec/topk',
          `There are ${ways} ways for ${property.k} of ${outputs - 1} classes to come first; up to ${MAX_COMBINATIONS} can be verified. Choose a smaller k.`,
          ['property', 'k'],
        );
      }
      return;
    case 'range':
      if (property.radius.length > 1) perOutput(property.radius.length, 'radius', ['property', 'radius']);
      if (property.center) perOutput(property.center.length, 'center', ['property', 'center']);
      return;
    case 'linear':
      perOutput(property.C[0].length, 'A row of C', ['property', 'C', 0]);
      return;
  }
}

/** The samples to verify, in order. */
function selectedSamples(spec: PerturbationSpec, model: SpecModel, data: DataSet, report: Report): number[] {
  const { select } = spec.inputs;
  const last = select?.reduce((largest, range) => Math.max(largest, range.last), 0) ?? 0;
  if (last >= data.count) {
    report('spec/select', `There is no sample ${last}: the data has ${data.count}, counted from 0.`, [
      'inputs',
      'select',
    ]);
    return [];
  }
  const all = select ? indicesOf(select) : Array.from({ length: data.count }, (_, k) => k);
  const { property } = spec;
  const labelPath: SpecPath = spec.inputs.labels === null ? ['inputs', 'data'] : ['inputs', 'labels'];
  const wrong = all.find(index => (data.label(index) ?? 0) >= model.outputSize);
  if (wrong !== undefined && property.kind !== 'range' && property.kind !== 'linear') {
    const message = `Sample ${wrong} has the label ${data.label(wrong)}, but the model has ${model.outputSize} outputs, counted from 0.`;
    report('spec/label-range', message, labelPath);
  }
  if (property.kind !== 'target' || !data.hasLabels) return all;
  const others = all.filter(index => data.label(index) !== property.class);
  if (others.length < all.length) {
    const message = `${all.length - others.length} samples are of ${className(spec, property.class)} themselves and are left out.`;
    report('spec/target', message, ['property', 'class'], 'warning');
  }
  return others;
}

/** Six significant digits. */
function short(value: number): string {
  return String(Number(value.toPrecision(6)));
}
