import path from 'node:path';
import type { FileState } from '../../base/file-state';
import { fail, ok, type Problem, type Result } from '../../base/result';
import type { DataSet } from '../../spec/data/data-set';
import { loadData } from '../../spec/data/load';
import { openSpecification } from '../../spec/open';
import type { Written } from '../../spec/numbers/written';
import { planSpec, type SpecPlan } from '../../spec/perturbation/plan';
import type { InputCheck, PerturbationSpec } from '../../spec/perturbation/spec';
import { QuickBounder } from '../../verify/tuning/quick-bounds';
import { dataFiles, fileState } from '../file-state';
import { PlannedModel } from '../model';
import { besideSpecification, existing } from '../plan-request';
import { Samples } from '../samples';
import { UNTUNABLE, type QuickSubject } from './protocol';

/** Forward passes beyond this many multiplications are not for quick answers. */
const LARGEST_MODEL = 5e8;
/** Models and data sets that are kept open. */
const MOST_OPEN = 3;

/** A model as it lies on the disk, with what was set up for it. */
export interface OpenModel {
  readonly model: PlannedModel;
  readonly bounder: QuickBounder;
  /** Of the files it was read from. */
  readonly stamp: string;
}

/** One check that can be tuned, on the ground it stands on. */
export interface Tunable {
  readonly spec: PerturbationSpec;
  readonly check: InputCheck;
  readonly open: OpenModel;
  readonly data: DataSet;
  /** What it follows from beside the text, as it was read. */
  readonly files: readonly FileState[];
}

/**
 * The files behind quick answers, read once and again only when they have changed on the disk. The text of a specification is read anew for every answer: it is
 * what changes while someone types.
 */
export class Ground {
  private readonly models = new Kept<OpenModel>(({ model }) => void model.parts.close());
  private readonly data = new Kept<DataSet>();
  private readonly samples = new Kept<Samples>();

  /** What a request is about. Errors: everything that is wrong with the files, or that the check has no one ε. */
  async open(subject: QuickSubject): Promise<Result<Tunable, readonly Problem[]>> {
    const file = subject.specification.path;
    const opened = await openSpecification(subject.specification);
    if (!opened.ok) return opened;
    if (opened.value.kind !== 'perturbation') return untunable(file, `${file} is no perturbation specification.`);
    const spec = opened.value;
    const check = spec.checks.at(subject.check);
    if (check?.perturb !== 'input') return untunable(file, `${file}: check ${subject.check + 1} is none of inputs.`);
    if (check.epsilon.length > 1)
      return untunable(file, `${file}: "${check.name}" has a list of radii, not one epsilon.`);
    const model = this.openModel(existing(subject.model ?? besideSpecification(file, spec.model)));
    if (!model.ok) return fail([{ ...model.error, file, range: spec.rangeOf(['model']) }]);
    if (model.value.model.parts.multiplications > LARGEST_MODEL)
      return untunable(file, 'The model is too large for bounds while typing; run the check.');
    const dataStates = dataFiles(spec).map(fileState);
    const data = await this.openData(spec, dataStates);
    const files = [...model.value.model.files, ...dataStates];
    return data.ok ? ok({ spec, check, open: model.value, data: data.value, files }) : data;
  }

  /** The question maker of one check with some ε, for one sample, and the sample's way through the network. */
  plan(
    { spec, check, open, data, files }: Tunable,
    epsilon: Written | null,
    sample: number,
  ): Result<PlannedSample, readonly Problem[]> {
    const varied = epsilon === null ? check : { ...check, epsilon: [epsilon] };
    const alone = { ...spec, checks: [varied], inputs: { ...spec.inputs, select: [{ first: sample, last: sample }] } };
    const planned = planSpec(alone, open.model.network, data);
    if (!planned.ok) return planned;
    // Answers of the network on samples do not depend on the check: they outlive this plan.
    const key = groundKey(spec, files);
    const samples = this.samples.get(key, () => new Samples(planned.value, data, open.model));
    return ok({ plan: planned.value, check: varied, samples });
  }

  async close(): Promise<void> {
    await Promise.all([...this.models.values()].map(({ model }) => model.parts.close()));
  }

  private openModel(file: string): Result<OpenModel> {
    const known = this.models.find(file);
    if (known && known.stamp === stampOf(known.model.files.map(file => fileState(file.path)))) return ok(known);
    const loaded = PlannedModel.load(file);
    if (!loaded.ok) return loaded;
    const model = loaded.value;
    const made = { model, bounder: new QuickBounder(model.network), stamp: stampOf(model.files) };
    this.models.put(file, made);
    return ok(made);
  }

  private async openData(
    spec: PerturbationSpec,
    files: readonly FileState[],
  ): Promise<Result<DataSet, readonly Problem[]>> {
    const key = groundKey(spec, files);
    const known = this.data.find(key);
    if (known) return ok(known);
    const loaded = await loadData(spec, path.dirname(spec.file));
    if (loaded.ok) this.data.put(key, loaded.value);
    return loaded;
  }
}

export interface PlannedSample {
  readonly plan: SpecPlan;
  readonly check: InputCheck;
  readonly samples: Samples;
}

/** The last few things that were opened, the one used last at the end. */
class Kept<T> {
  private readonly entries = new Map<string, T>();

  constructor(private readonly drop: (value: T) => void = () => {}) {}

  find(key: string): T | undefined {
    const value = this.entries.get(key);
    if (value === undefined) return undefined;
    this.entries.delete(key);
    this.entries.set(key, value);
    return value;
  }

  get(key: string, make: () => T): T {
    const known = this.find(key);
    if (known !== undefined) return known;
    const made = make();
    this.put(key, made);
    return made;
  }

  put(key: string, value: T): void {
    const before = this.entries.get(key);
    if (before !== undefined) this.drop(before);
    this.entries.delete(key);
    this.entries.set(key, value);
    for (const [oldest, dropped] of this.entries) {
      if (this.entries.size <= MOST_OPEN) break;
      this.entries.delete(oldest);
      this.drop(dropped);
    }
  }

  values(): T[] {
    return [...this.entries.values()];
  }
}

/** A new stamp means that the files must be read again. */
function stampOf(files: readonly FileState[]): string {
  return JSON.stringify(files);
}

/** Everything that the samples, as the network takes them, follow from: what the specification says, and the files. */
function groundKey(spec: PerturbationSpec, files: readonly FileState[]): string {
  const { data, labels, layout } = spec.inputs;
  const named = data.kind === 'files' ? data.paths : null;
  const { scale, mean, std, layout: order } = spec.preprocess;
  const numbers = [scale, ...mean, ...std].map(({ text }) => text);
  const inline = data.kind === 'inline' ? data.samples.map(sample => sample.map(({ text }) => text)) : null;
  return JSON.stringify([files, named, labels, layout, numbers, mean.length, order, inline]);
}

function untunable(file: string, message: string): { readonly ok: false; readonly error: readonly Problem[] } {
  return fail([{ code: UNTUNABLE, message, file }]);
}
