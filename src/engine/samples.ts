import { ok, type Result } from '../base/result';
import type { DataSet, Sample } from '../spec/data/data-set';
import type { SpecPlan } from '../spec/perturbation/plan';
import type { PlannedModel } from './model';

/** A sample on its way through the network. */
export interface Forward {
  readonly sample: Sample;
  /** As the network takes it, in its order. */
  readonly input: Float32Array;
  /** What ONNX Runtime answers on the original file. */
  readonly output: Float32Array;
}

/** The samples of a specification as its network sees them. */
export class Samples {
  private readonly outputs = new Map<number, { readonly ok: true; readonly value: Float32Array }>();

  constructor(
    private readonly plan: SpecPlan,
    private readonly data: DataSet,
    private readonly model: PlannedModel,
  ) {}

  /** The sample as the network takes it. Errors: what is wrong with the file, or with its place in the valid range. */
  async read(index: number): Promise<Result<Omit<Forward, 'output'>>> {
    const sample = await this.data.sample(index);
    if (!sample.ok) return sample;
    const input = this.plan.modelInput(sample.value);
    return input.ok ? ok({ sample: sample.value, input: input.value }) : input;
  }

  /** The same with the network's answer. Answers are kept, for all who ask; inputs would fill the memory. */
  async forward(index: number): Promise<Result<Forward>> {
    const read = await this.read(index);
    if (!read.ok) return read;
    const output = this.outputs.get(index) ?? (await this.model.forward(read.value.input));
    if (!output.ok) return output;
    this.outputs.set(index, output);
    return ok({ ...read.value, output: output.value });
  }
}
