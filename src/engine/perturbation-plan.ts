import { fail, ok, type Problem, type Result } from '../base/result';
import type { Accuracy, Epsilon } from '../report/record';
import type { Verdict } from '../report/verdict';
import type { DataSet } from '../spec/data/data-set';
import type { EpsilonUnits } from '../spec/perturbation/claim';
import type { SpecPlan, SpecTask } from '../spec/perturbation/plan';
import { neighbourhoodOf, type Check, type PerturbationSpec } from '../spec/perturbation/spec';
import { DEFAULT_OPTIONS } from '../verify/options';
import type { PlannedModel } from './model';
import type { OtherDecision, PreparedTask, ResultFacts, Task, WholePlan } from './plan';
import type { PlanRequest } from './plan-request';
import type { Answer } from './protocol';
import type { Samples } from './samples';
import { preprocessOf, subjectOf, type Subject } from './subject';
import type { OpenedWeightsCheck } from './weights-check';

/** A perturbation spec asks one question for every check and sample. */
export async function planPerturbation(spec: PerturbationSpec, request: PlanRequest): Promise<Answer<WholePlan>> {
  const subject = await subjectOf(spec, request.model);
  if (!subject.ok) return { ok: false, problems: subject.error };
  const { model, plan: planned } = subject.value;
  const refused = await backendProblems(spec, model, request);
  if (refused.length > 0) return { ok: false, problems: refused };
  const weights = await openWeightsChecks(spec, model, request);
  if (!weights.ok) return { ok: false, problems: weights.error };
  const questions = new Questions(subject.value, weights.value);
  const plan: WholePlan = {
    ...model.parts,
    files: subject.value.files,
    specification: spec.file,
    warnings: planned.warnings,
    tasks: planned.tasks.map(task => questions.task(task, request)),
    ...(questions.hasAccuracy ? { measureAccuracy: () => questions.measureAccuracy() } : {}),
  };
  return { ok: true, value: plan, warnings: plan.warnings };
}

/** Every check whose back end cannot take the model, where the back end is named. */
async function backendProblems(spec: PerturbationSpec, model: PlannedModel, request: PlanRequest): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const { perturb, index, solver } of spec.checks) {
    if (perturb !== 'input') continue;
    const { backend } = { ...DEFAULT_OPTIONS, ...solver, ...request.options };
    const message = await model.backendRefusal(backend);
    if (message === null) continue;
    const fromOutside = request.options?.backend !== undefined;
    const own = solver.backend !== spec.solver.backend;
    const path = own ? ['checks', index, 'solver', 'backend'] : ['solver', 'backend'];
    const place = fromOutside ? {} : { range: spec.rangeOf(path) };
    problems.push({ code: 'engine/backend', message, severity: 'error', file: spec.file, ...place });
    // Said once is enough where all checks share it.
    if (fromOutside || !own) break;
  }
  return problems;
}

/** The checks of weights in numbers, or everything about them that does not fit the model. */
async function openWeightsChecks(
  spec: PerturbationSpec,
  model: PlannedModel,
  request: PlanRequest,
): Promise<Result<ReadonlyMap<Check, OpenedWeightsCheck>, Problem[]>> {
  const opened = new Map<Check, OpenedWeightsCheck>();
  const checks = spec.checks.filter(check => check.perturb === 'weights');
  if (checks.length === 0) return ok(opened);
  // The code for weights is loaded only where it is needed.
  const { WeightsChecks } = await import('./weights-check');
  const all = new WeightsChecks(spec, model.loaded);
  const problems: Problem[] = [];
  for (const check of checks) {
    const { soundness } = { ...DEFAULT_OPTIONS, ...check.solver, ...request.options };
    const one = all.open(check);
    if (soundness === 'runtime') problems.push(exactOnly(spec, check, request));
    if (one.ok) opened.set(check, one.value);
    else problems.push(one.error);
  }
  return problems.length > 0 ? fail(problems) : ok(opened);
}

function exactOnly(spec: PerturbationSpec, { index, solver }: Check, request: PlanRequest): Problem {
  const own = solver.soundness !== spec.solver.soundness;
  const path = own ? ['checks', index, 'solver', 'soundness'] : ['solver', 'soundness'];
  const place = request.options?.soundness === undefined ? { range: spec.rangeOf(path) } : {};
  const message = 'Changes of weights are verified for the network in exact arithmetic: the soundness is "real".';
  return { code: 'engine/soundness', message, severity: 'error', file: spec.file, ...place };
}

/** Samples on which the accuracy is measured at most: it is a check of the preprocessing, no benchmark. */
const MOST_MEASURED = 1000;
/** Fewer samples than this say nothing about the accuracy. */
const LEAST_MEASURED = 10;

/** Makes the questions of a plan, one at a time. */
class Questions {
  private readonly units = new Map<Check, EpsilonUnits>();
  private readonly spec: PerturbationSpec;
  private readonly plan: SpecPlan;
  private readonly data: DataSet;
  private readonly model: PlannedModel;
  private readonly samples: Samples;

  constructor(
    subject: Subject,
    private readonly weights: ReadonlyMap<Check, OpenedWeightsCheck>,
  ) {
    ({ spec: this.spec, plan: this.plan, data: this.data, model: this.model, samples: this.samples } = subject);
  }

  /** Labels say how right the network is only where outputs are classes. */
  get hasAccuracy(): boolean {
    const { kind } = this.spec.property;
    return this.data.hasLabels && kind !== 'range' && kind !== 'linear';
  }

  task(task: SpecTask, request: PlanRequest): Task {
    const { check, sample } = task;
    return {
      check: check.name,
      sample,
      claim: this.claim(task),
      range: task.checkRange,
      options: { ...DEFAULT_OPTIONS, ...check.solver, ...request.options },
      prepare: () => this.prepare(task),
    };
  }

  async measureAccuracy(): Promise<Accuracy> {
    const samples = [...new Set(this.plan.tasks.map(task => task.sample))].slice(0, MOST_MEASURED);
    let correct = 0;
    let total = 0;
    for (const index of samples) {
      const forward = await this.samples.forward(index);
      // A sample that cannot be read is its own question's error.
      if (!forward.ok) continue;
      total++;
      const { output, sample } = forward.value;
      if (output.indexOf(output.reduce((a, b) => Math.max(a, b), -Infinity)) === sample.label) correct++;
    }
    const classes = this.model.network.outputSize;
    const chance = total / classes;
    const suspicious = total >= LEAST_MEASURED && correct < 2 * chance && correct < total;
    return { correct, total, classes, ...(suspicious ? { warning: suspicion(correct, total, classes) } : {}) };
  }

  /** The claim before the network was asked. Without a label the class is only known when its turn comes. */
  private claim({ check, sample }: SpecTask): string {
    const label = this.data.label(sample);
    const { kind } = this.spec.property;
    if (label === null && (kind === 'label' || kind === 'topk'))
      return `for every perturbation of sample ${sample} that "${check.name}" allows, the network's own answer stays`;
    return this.plan.claim(check, sample, label ?? 0, this.weights.get(check)?.moves);
  }

  private async prepare({ check, sample }: SpecTask): Promise<Result<PreparedTask>> {
    const forward = await this.samples.forward(sample);
    if (!forward.ok) return forward;
    const { input, output } = forward.value;
    const weights = this.weights.get(check);
    const epsilon = this.epsilon(check);
    const asked = this.plan.question(check, forward.value.sample, output, weights?.moves);
    if (!asked.ok) return asked;
    const { claim, predicted, label } = asked.value;
    const facts: ResultFacts = {
      ...this.model.shapes,
      original: input,
      originalOutput: output,
      ...(predicted === null ? {} : { predicted }),
      ...(label === null ? {} : { label }),
      ...(this.spec.classes === null ? {} : { outputNames: this.spec.classes }),
      ...(epsilon && { epsilon }),
      ...(weights === undefined ? {} : { weights: weights.moves }),
      preprocess: preprocessOf(this.spec),
    };
    if (asked.value.kind === 'question')
      return ok({ claim, facts, question: asked.value.question, ...(weights && { instead: instead(weights) }) });
    const { reason } = asked.value;
    const settled: Verdict = { ...asked.value, reason: `${capitalised(reason)}.`, seconds: 0, lowerBound: null };
    return ok({ claim, facts, settled });
  }

  private epsilon(check: Check): Epsilon | undefined {
    const inputs = neighbourhoodOf(check);
    if (inputs === null) return undefined;
    let units = this.units.get(check);
    if (units === undefined) this.units.set(check, (units = this.plan.epsilon(inputs)));
    return epsilonOf(units);
  }
}

/** Weights are changed by another solver, whose code comes with the first question about them. */
function instead(opened: OpenedWeightsCheck): OtherDecision {
  return {
    meaning: opened.meaning,
    decide: async (...asked) => (await import('./weights-verdict')).decideWeightsCheck(opened, ...asked),
  };
}

/** Distinct values that are still read as a list; of more only the smallest and the largest are told. */
const MOST_EPSILONS = 16;

function epsilonOf({ raw, model }: EpsilonUnits): Epsilon {
  const distinct = (values: readonly number[]): readonly number[] => {
    const sorted = [...new Set(values)].sort((a, b) => a - b);
    return sorted.length <= MOST_EPSILONS ? sorted : [sorted[0], sorted[sorted.length - 1]];
  };
  return { raw: distinct(raw), model: distinct(model) };
}

function suspicion(correct: number, total: number, classes: number): string {
  const chance = (100 / classes).toFixed(0);
  return `The network answers only ${correct} of ${total} samples correctly; guessing among ${classes} classes would give ${chance} %. Check preprocess in the specification: scale, mean, std and the order of the channels (layout).`;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
