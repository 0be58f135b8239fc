import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { confirm, prepare, unknownTarget, type AdversarialInput, type Subject } from '../../../attack/adversarial';
import { AttackedModel } from '../../../attack/attacked-model';
import { normsOf } from '../../../attack/metrics/norms';
import { fitLines } from '../../../attack/patch/fit-lines';
import type { Lines } from '../../../attack/patch/local-map';
import { findAdversarial, type PipelineOptions, type StageName } from '../../../attack/patch/pipeline';
import type { RivalName } from '../../../attack/rivals/names';
import { ok, type Problem, type Result } from '../../../base/result';
import type { Written } from '../../../spec/numbers/written';
import { Solver } from '../../../verify/decide';
import {
  DEFAULT_METHODS,
  type AdversarialOutcome,
  type AdversarialParams,
  type AdversarialPart,
  type AdversarialResult,
  type AdversarialRun,
  type FoundInput,
  type MissedInput,
} from '../../study-protocols/adversarial-inputs';
import { openSubject, preprocessOf, type OpenedSubject } from '../../subject';
import { answered, refused, type Study, type StudyEnvironment } from '../study';
import { closestPossible, type Optimum } from './optimum';
import { RunFolder } from './run-file';
import { openOthers, summaryOf, type OtherModels } from './summary';
import { validRange } from './valid-range';

type Environment = StudyEnvironment<AdversarialPart>;

const SECONDS = 60;
/** What is wrong with the model or with what was asked, and so with every input. */
const FATAL = ['attack/no-dense-layer', 'attack/one-class', 'attack/epsilon', 'attack/size'];

/** Looks for an adversarial input of every chosen sample; each that is reported was replayed by ONNX Runtime from its own file. */
export const studyAdversarialInputs: Study<'adversarial-inputs'> = async (params, environment) => {
  const opened = await openSubject(params.subject);
  if (!opened.ok) return refused(...opened.error);
  const { spec, model } = opened.value;
  const range = validRange(spec, params.range);
  if (!range.ok) return refused(range.error);
  // Said before the run begins, so that what a page shows stays there.
  const unknown = unknownTarget(params.target, model.network.outputSize);
  if (unknown) return refused(unknown);
  const attacked = await AttackedModel.open(model.loaded);
  if (!attacked.ok) return refused(attacked.error);
  const others = await openOthers(model.network.inputSize, params);
  try {
    if (!others.ok) return refused(others.error);
    const setting = { subject: opened.value, attacked: attacked.value, others: others.value, range: range.value };
    const result = await searched(setting, params, environment);
    if (!result.ok) return refused(result.error);
    return answered(result.value, warningsOf(opened.value, params.methods ?? DEFAULT_METHODS));
  } finally {
    await attacked.value.close();
    if (others.ok) await others.value.transfer?.model.close();
    await model.parts.close();
  }
};

/** Everything that a run needs, opened. */
interface Setting {
  readonly subject: OpenedSubject;
  readonly attacked: AttackedModel;
  readonly others: OtherModels;
  /** Values that data may take, in units after scaling. */
  readonly range: readonly [Written, Written];
}

async function searched(
  { subject, attacked, others, range }: Setting,
  params: AdversarialParams,
  environment: Environment,
): Promise<Result<AdversarialResult>> {
  const { spec, plan, model, chosen } = subject;
  const run: AdversarialRun = {
    kind: 'run',
    folder:
      params.folder ??
      path.join(environment.folder, `${path.basename(spec.file).split('.')[0]}-${Date.now().toString(36)}`),
    specification: spec.file,
    model: model.loaded.path,
    planned: chosen.length,
    methods: params.methods ?? DEFAULT_METHODS,
    measure: params.measure ?? 'count',
    target: params.target ?? null,
    range: [range[0].text, range[1].text],
    inputShape: model.shapes.inputShape,
    classes: spec.classes,
    preprocess: preprocessOf(spec),
    channels: plan.pixels.channels,
  };
  const folder = await RunFolder.open(run);
  if (!folder.ok) return folder;
  environment.onPart(run);
  const search = new Search(params, subject, attacked, plan.modelRange(range), run, folder.value, environment);
  const done = await search.all();
  if (!done.ok) return done;
  const { outcomes, inputs } = search;
  const facts = { network: model.network, layout: plan.pixels, planned: run.planned, outcomes, inputs, others };
  const summary = await summaryOf(facts);
  if (!summary.ok) return summary;
  await folder.value.write(summary.value);
  return ok({ folder: run.folder, summary: summary.value });
}

function warningsOf({ model, plan }: OpenedSubject, methods: AdversarialRun['methods']): Problem[] {
  const lacksDense = methods.includes('patches') && !model.network.nodes.some(node => node.kind === 'dense');
  if (!lacksDense) return [...plan.warnings];
  const message = `${model.loaded.path} has no fully connected layer, which network patches need: the other attacks looked alone.`;
  return [...plan.warnings, { code: 'attack/no-dense-layer', message, severity: 'warning' }];
}

class Search {
  readonly outcomes: AdversarialOutcome[] = [];
  /** The inputs found, in the order of their outcomes. */
  readonly inputs: AdversarialInput[] = [];
  private readonly solver: Solver;

  constructor(
    private readonly params: AdversarialParams,
    private readonly subject: OpenedSubject,
    private readonly model: AttackedModel,
    private readonly range: { readonly lower: Float32Array; readonly upper: Float32Array },
    private readonly run: AdversarialRun,
    private readonly folder: RunFolder,
    private readonly environment: Environment,
  ) {
    this.solver = new Solver(subject.model.loaded);
  }

  async all(): Promise<Result<null>> {
    const { chosen } = this.subject;
    const lines = this.params.lines ? await this.lines() : ok(undefined);
    if (!lines.ok) return lines;
    try {
      for (const [k, sample] of chosen.entries()) {
        await nextTurn();
        if (this.environment.cancelled()) break;
        this.environment.onProgress(k / chosen.length, this.progress(k, sample));
        const outcome = await this.one(sample, lines.value);
        if (!outcome.ok) return outcome;
        if (outcome.value.kind !== 'found' && this.environment.cancelled()) break;
        this.outcomes.push(outcome.value);
        await this.folder.add(outcome.value);
        this.environment.onPart(outcome.value);
      }
      return ok(null);
    } finally {
      await this.solver.close();
    }
  }

  private progress(k: number, sample: number): string {
    const found = this.outcomes.filter(each => each.kind === 'found').length;
    return `${k} of ${this.run.planned} inputs, ${found} found; sample ${sample} in work`;
  }

  /** What became of one sample. Errors: only those that every other sample would have as well. */
  private async one(index: number, lines: ReadonlyMap<number, Lines> | undefined): Promise<Result<AdversarialOutcome>> {
    const { model, params } = this;
    const started = performance.now();
    const missed = (kind: MissedInput['kind'], from: number | null, reason: string): Result<MissedInput> =>
      ok({
        kind,
        sample: index,
        label: this.subject.data.label(index),
        from,
        reason,
        seconds: (performance.now() - started) / 1000,
      });
    const read = await this.subject.samples.read(index);
    if (!read.ok) return missed('skipped', null, read.error.message);
    const task = {
      original: read.value.input,
      range: this.range,
      ...(params.target === undefined ? {} : { target: params.target }),
    };
    const prepared = await prepare(model, task);
    if (!prepared.ok)
      return FATAL.includes(prepared.error.code) ? prepared : missed('skipped', null, prepared.error.message);
    const subject = prepared.value;
    const { label } = read.value.sample;
    if (label !== null && label !== subject.label && !params.misclassified)
      return missed(
        'skipped',
        subject.label,
        `The model answers ${this.name(subject.label)} here, and the label is ${this.name(label)}: it is wrong without any change.`,
      );
    const outcome = await findAdversarial(model, subject, this.options(lines));
    if (!outcome.ok) return outcome;
    const { adversarial, closest, reason } = outcome.value;
    if (!adversarial || !closest) return missed('not found', subject.label, reason ?? '');
    const seconds = (performance.now() - started) / 1000;
    const optimum = await this.optimum(subject, adversarial);
    if (!optimum.ok) return optimum;
    const closer = this.run.measure === 'inf' ? (optimum.value?.closer ?? null) : null;
    const reported = await this.replayed(index, subject, closer ?? adversarial);
    if (!reported.ok) return reported;
    if (!reported.value)
      return missed(
        'not found',
        subject.label,
        'What was found is not adversarial when it is read back from its file.',
      );
    const { input, reference } = reported.value;
    this.inputs.push(input);
    const found: FoundInput = {
      kind: 'found',
      sample: index,
      label,
      from: input.from,
      to: input.to,
      original: await this.folder.original(index, input.original),
      input: reference,
      originalLogits: Array.from(input.originalLogits),
      logits: Array.from(input.logits),
      foundBy: input.foundBy,
      found: outcome.value.found,
      patched: outcome.value.steps.map(step => step.layer),
      norms: normsOf(input, this.subject.plan.pixels),
      scope: closer
        ? 'The verifier came across it; whether a smaller change would do is what it says below.'
        : closest.scope,
      optimum: optimum.value?.global ?? null,
      replay: `ONNX Runtime answers ${this.name(input.to)} on the model’s file for the input read back from ${path.basename(reference.path)}, and ${this.name(input.from)} for the original.`,
      seconds,
    };
    return ok(found);
  }

  private options(lines: ReadonlyMap<number, Lines> | undefined): PipelineOptions {
    const { params, environment } = this;
    const { methods, measure } = this.run;
    const stages = methods.flatMap((method): StageName[] =>
      method === 'patches' ? ['patch', 'other phases'] : method === 'greedy' || method === 'gradient' ? [method] : [],
    );
    const rivals = methods.filter(method => method !== 'patches' && method !== 'greedy' && method !== 'gradient');
    const deadline = performance.now() + 1000 * (params.seconds ?? SECONDS);
    // A ball in data units is inside this one of model units, whatever the channel.
    const { std } = this.run.preprocess;
    const epsilon = params.epsilon === undefined ? {} : { epsilon: params.epsilon / Math.max(...std) };
    return {
      stages,
      rivals: rivals satisfies readonly RivalName[],
      measure,
      reduce: params.reduce ?? true,
      regional: params.regional ?? false,
      ...epsilon,
      ...(lines ? { lines } : {}),
      ...(params.seed === undefined ? {} : { seed: params.seed }),
      patchSeconds: params.seconds ?? SECONDS,
      cancelled: () => environment.cancelled() || performance.now() > deadline,
    };
  }

  private async optimum(subject: Subject, known: AdversarialInput): Promise<Result<Optimum | null>> {
    const { optimumSeconds: seconds = 0 } = this.params;
    if (seconds === 0) return ok(null);
    const cancelled = (): boolean => this.environment.cancelled();
    return closestPossible(this.solver, this.model, subject, known, { seconds, cancelled });
  }

  /** The input as it is in its file, when it still is adversarial. */
  private async replayed(
    sample: number,
    subject: Subject,
    found: AdversarialInput,
  ): Promise<Result<{ input: AdversarialInput; reference: FoundInput['input'] & { kind: 'file' } } | null>> {
    const { reference, readBack } = await this.folder.exported(sample, found.input);
    const again = await confirm(this.model, subject, readBack, found.foundBy);
    return again.ok ? ok(again.value && { input: again.value, reference }) : again;
  }

  /** Lines per class, over all chosen samples and what the network answers on them. */
  private async lines(): Promise<Result<ReadonlyMap<number, Lines>>> {
    const inputs: Float32Array[] = [];
    const classes: number[] = [];
    for (const index of this.subject.chosen) {
      const read = await this.subject.samples.read(index);
      if (!read.ok) continue;
      const judged = await this.model.judge(read.value.input);
      if (!judged.ok) return judged;
      inputs.push(read.value.input);
      classes.push(judged.value.prediction);
    }
    return ok(fitLines(this.model.network, inputs, classes));
  }

  private name(index: number): string {
    return this.run.classes?.[index] ?? `class ${index}`;
  }
}
