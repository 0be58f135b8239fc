import { setImmediate as nextTurn } from 'node:timers/promises';
import { attack } from '../../attack/pgd';
import type { Problem, Result } from '../../base/result';
import type { Counterexample } from '../../report/verdict';
import { NumberForm } from '../../spec/numbers/number-form';
import { parseWritten, type Written } from '../../spec/numbers/written';
import type { Asked } from '../../spec/perturbation/plan';
import { indicesOf } from '../../spec/perturbation/selection';
import type { Question } from '../../spec/question';
import { targetLabel } from '../../verify/labels/target-label';
import { DEFAULT_OPTIONS } from '../../verify/options';
import type { Budget } from '../../verify/progress';
import { strengthened } from '../../verify/runtime-soundness';
import { NOTHING_KNOWN, searchBracket } from '../../verify/tuning/bracket';
import type { Answer, TensorReference } from '../protocol';
import type { Forward } from '../samples';
import { inlineTensor } from '../tensor-reference';
import { Ground, type PlannedSample, type Tunable } from './ground';
import {
  SUPERSEDED,
  UNTUNABLE,
  type QuickBound,
  type QuickBoundParams,
  type QuickBracket,
  type QuickBracketParams,
  type QuickSubject,
} from './protocol';

/** Samples that are looked at to find one that the network classifies rightly. */
const MOST_LOOKED_AT = 20;
/** Digits of ε in a quick bracket. */
const DIGITS = 2;
/** ε up to so many times the one that is written. */
const MOST_TIMES = 64;
/** Milliseconds for the bounds of one ε of a bracket, and for an attack on what they leave open. */
const BOUNDS_MILLISECONDS = 150;
const ATTACK_MILLISECONDS = 250;
const ATTACK = { rounds: 1, steps: 20 };

/** Answers quick questions, the newest of each kind only. */
export class QuickLane {
  private readonly ground = new Ground();
  private readonly newest = new Map<string, number>();
  private count = 0;

  /** Certified bounds of one region. */
  async bound(params: QuickBoundParams): Promise<Answer<QuickBound>> {
    const superseded = this.begin('bound');
    const asked = await this.ask(params, superseded);
    if (!asked.ok) return refused(asked.error);
    const { tunable, planned, forward, sample, question } = asked.value;
    const started = performance.now();
    const budget: Budget = { deadline: started + params.milliseconds, cancelled: superseded };
    const bounds = question.kind === 'question' ? await tunable.open.bounder.bounds(asked.value.toProve, budget) : null;
    if (superseded()) return refused([supersededBy()]);
    const margin = bounds ? bounds.margins.reduce((least, each) => Math.min(least, each), Infinity) : null;
    const { units, text } = epsilonOf(planned);
    const { network } = tunable.open.model;
    const { scale, mean, std, layout } = tunable.spec.preprocess;
    const value: QuickBound = {
      check: tunable.check.name,
      sample,
      epsilon: text,
      units: { raw: [...new Set(units.raw)], model: [...new Set(units.model)] },
      claim: question.claim,
      outcome: margin === null ? 'misclassified' : margin > 0 ? 'holds' : 'open',
      margin: finite(margin),
      ways: bounds ? waysOf(asked.value.toProve, bounds.margins) : [],
      method: bounds?.method ?? 'intervals',
      milliseconds: performance.now() - started,
      label: question.label,
      predicted: question.predicted,
      outputNames: tunable.spec.classes ?? [],
      inputShape: tunable.open.model.shapes.inputShape,
      files: tunable.files,
      preprocess: {
        scale: scale.value,
        mean: mean.map(({ value: each }) => each),
        std: std.map(({ value: each }) => each),
        layout,
      },
      ...(params.tensors ? { tensors: tensorsOf(forward, question, network.inputSize) } : {}),
    };
    return { ok: true, value, warnings: [] };
  }

  /** The bracket of the largest ε by quick means alone. */
  async bracket(params: QuickBracketParams): Promise<Answer<QuickBracket>> {
    const superseded = this.begin('bracket');
    const deadline = performance.now() + params.milliseconds;
    const asked = await this.ask(params, superseded);
    if (!asked.ok) return refused(asked.error);
    const { tunable, planned, sample, question } = asked.value;
    const grid = NumberForm.of(epsilonOf(planned).text)?.grid(DIGITS);
    if (question.kind !== 'question' || !grid) {
      const nothing = { check: tunable.check.name, sample, certified: null, attacked: null, counterexample: null };
      return { ok: true, value: nothing, warnings: [] };
    }
    let found: Counterexample | null = null;
    const limits = { start: grid.start, most: MOST_TIMES * grid.start, mostOpen: 5 };
    const { bracket } = await searchBracket(limits, NOTHING_KNOWN, async place => {
      await nextTurn();
      const now = performance.now();
      if (superseded() || now >= deadline) return 'stopped';
      const at = await this.askAt(tunable, written(grid.text(place)), sample);
      if (!at.ok || at.value.question.kind !== 'question') return 'stopped';
      const { toProve } = at.value;
      const budget = { deadline: Math.min(deadline, now + BOUNDS_MILLISECONDS), cancelled: superseded };
      const { margins } = await tunable.open.bounder.bounds(toProve, budget);
      if (margins.every(margin => margin > 0)) return 'verified';
      const counterexample = await this.tryAttack(tunable, at.value.question.question, deadline, superseded);
      found = counterexample ?? found;
      return counterexample ? 'falsified' : 'open';
    });
    if (superseded()) return refused([supersededBy()]);
    const { model } = tunable.open;
    const value: QuickBracket = {
      check: tunable.check.name,
      sample,
      certified: bracket.certified === 0 ? null : grid.text(bracket.certified),
      attacked: bracket.attacked === null ? null : grid.text(bracket.attacked),
      counterexample: found && counterexampleOf(found, model.shapes.inputShape, model.shapes.outputShape),
    };
    return { ok: true, value, warnings: [] };
  }

  close(): Promise<void> {
    return this.ground.close();
  }

  /** Whether a newer request of the kind has come. */
  private begin(kind: string): () => boolean {
    const mine = ++this.count;
    this.newest.set(kind, mine);
    return () => this.newest.get(kind) !== mine;
  }

  /** The question that a request is about. */
  private async ask(subject: QuickSubject, superseded: () => boolean): Promise<Result<AskedOf, readonly Problem[]>> {
    const opened = await this.ground.open(subject);
    if (!opened.ok) return opened;
    const tunable = opened.value;
    let epsilon: Written | null = null;
    if (subject.epsilon !== undefined) {
      const read = parseWritten(subject.epsilon);
      if ('error' in read || !(read.value > 0))
        return { ok: false, error: [{ code: UNTUNABLE, message: `"${subject.epsilon}" is no number above 0.` }] };
      epsilon = read;
    }
    if (subject.sample !== undefined) return this.askAt(tunable, epsilon, subject.sample);
    const { select } = tunable.spec.inputs;
    const samples = select
      ? indicesOf(select)
      : Array.from({ length: Math.min(MOST_LOOKED_AT, tunable.data.count) }, (_, k) => k);
    let first: Result<AskedOf, readonly Problem[]> | null = null;
    for (const sample of samples.slice(0, MOST_LOOKED_AT)) {
      const asked = await this.askAt(tunable, epsilon, sample);
      first ??= asked;
      if ((asked.ok && asked.value.question.kind === 'question') || superseded()) return asked;
    }
    return first ?? { ok: false, error: [{ code: UNTUNABLE, message: 'The specification selects no sample.' }] };
  }

  private async askAt(
    tunable: Tunable,
    epsilon: Written | null,
    sample: number,
  ): Promise<Result<AskedOf, readonly Problem[]>> {
    const planned = this.ground.plan(tunable, epsilon, sample);
    if (!planned.ok) return planned;
    const { plan, check, samples } = planned.value;
    const forward = await samples.forward(sample);
    if (!forward.ok) return { ok: false, error: [forward.error] };
    const question = plan.question(check, forward.value.sample, forward.value.output);
    if (!question.ok) return { ok: false, error: [question.error] };
    let toProve: Question = { disjuncts: [], inputSize: 0, outputSize: 0 };
    if (question.value.kind === 'question') {
      toProve = question.value.question;
      if ((check.solver.soundness ?? DEFAULT_OPTIONS.soundness) === 'runtime') {
        const stronger = strengthened(toProve, tunable.open.model.loaded);
        if (!stronger.ok) return { ok: false, error: [{ ...stronger.error, code: UNTUNABLE }] };
        toProve = stronger.value;
      }
    }
    const asked = {
      tunable,
      planned: planned.value,
      forward: forward.value,
      sample,
      question: question.value,
      toProve,
    };
    return { ok: true, value: asked };
  }

  private async tryAttack(
    { open }: Tunable,
    question: Question,
    deadline: number,
    cancelled: () => boolean,
  ): Promise<Counterexample | null> {
    const replayer = await open.model.openReplayer();
    if (!replayer.ok) return null;
    const budget = { deadline: Math.min(deadline, performance.now() + ATTACK_MILLISECONDS), cancelled };
    const outcome = await attack(open.model.network, question, replayer.value, { seed: 1, ...ATTACK }, budget);
    return outcome.counterexample;
  }
}

interface AskedOf {
  readonly tunable: Tunable;
  readonly planned: PlannedSample;
  readonly forward: Forward;
  readonly sample: number;
  readonly question: Asked;
  /** What has to be proved: the question, or where rounding of the runtime counts too a harder one; empty for a misclassified sample. */
  readonly toProve: Question;
}

function epsilonOf({ plan, check }: PlannedSample) {
  return { units: plan.epsilon(check), text: check.epsilon[0].text };
}

function waysOf(question: Question, margins: Float64Array): QuickBound['ways'] {
  return question.disjuncts.map(({ constraints }, k) => {
    return { label: targetLabel(constraints)?.label ?? null, margin: finite(margins[k]) };
  });
}

function tensorsOf({ input, output }: Forward, asked: Asked, size: number): NonNullable<QuickBound['tensors']> {
  const box = asked.kind === 'question' ? asked.question.disjuncts[0].box : null;
  return {
    original: inlineTensor(input, [size]),
    lower: inlineTensor(box?.lowerPoint ?? input, [size]),
    upper: inlineTensor(box?.upperPoint ?? input, [size]),
    output: inlineTensor(output, [output.length]),
  };
}

function counterexampleOf(
  { input, output }: Counterexample,
  inputShape: readonly number[],
  outputShape: readonly number[],
): { readonly input: TensorReference; readonly output: TensorReference } {
  return { input: inlineTensor(input, inputShape), output: inlineTensor(Float32Array.from(output), outputShape) };
}

/** A text of a grid is a number. */
function written(text: string): Written {
  const read = parseWritten(text);
  if ('error' in read) throw new Error(`${text} ${read.error}`);
  return read;
}

function finite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}

function supersededBy(): Problem {
  return { code: SUPERSEDED, message: 'A newer question has taken its place.' };
}

function refused(problems: readonly Problem[]): { readonly ok: false; readonly problems: readonly Problem[] } {
  return { ok: false, problems };
}
