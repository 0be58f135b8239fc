import { assert } from '../base/assert';
import { shownBelow } from '../base/shown-number';
import type { Budget } from '../verify/progress';
import { ok, type Result } from '../base/result';
import { SEARCH } from '../bounds/tolerances';
import { proverMakers, type Method, type ProverContext } from '../verify/create-prover';
import type { BoxProblem } from '../verify/input-split/search';
import { attackBox, DEFAULT_ATTACK } from './attack';
import type { Prover } from '../verify/prover';
import { attackWeights, LONG_SEARCH, QUICK_SEARCH, type DirectEffort } from './direct-attack';
import { HullProver, hullSuits } from './hull/prover';
import { Opening } from './open-network';
import type { OpenedNetwork } from './opened-network';
import { perturbedLayers, type Unsafe, type WeightQuestion } from './question';
import { openReplayer, pointQuestion, replayChange, type WeightFailure } from './replay-change';
import { preparedGraph, starReach } from './star';
import { changeBehind } from './weight-change';
import type { WeightModel } from './weight-model';

export interface WeightOptions {
  readonly seed: number;
  readonly threads: number;
  /** `star`: bounds and linear programs alone, as the paper; what they leave open is unknown. `complete`: then branch and bound, to an end. */
  readonly method: 'star' | 'complete';
  /** The file as it is was seen to be safe: it is not run again. */
  readonly isNominalSafe?: boolean;
  /** After the first bounds, which the attack starts from, nothing more is tried to prove it. */
  readonly attackOnly?: boolean;
}

export const DEFAULT_WEIGHT_OPTIONS: WeightOptions = { seed: 1, threads: 1, method: 'complete' };

interface Answered {
  readonly seconds: number;
  /** Certified lower bound of the distance to violation over all changes; null when none was computed. */
  readonly lowerBound: number | null;
  /** Linear programs that were solved. */
  readonly programs: number;
}

export type WeightVerdict =
  | (Answered & { readonly kind: 'verified'; readonly method: 'backward bounds' | 'star' | 'hull' | Method })
  /** A change within the bounds that ONNX Runtime confirms on the patched file. */
  | (Answered & { readonly kind: 'falsified'; readonly failure: WeightFailure })
  /** The file as it is fails already. */
  | (Answered & { readonly kind: 'misclassified'; readonly output: Float32Array })
  | (Answered & { readonly kind: 'unknown' | 'timeout'; readonly reason: string; readonly advice: string })
  | (Answered & { readonly kind: 'error'; readonly reason: string; readonly advice: string });

/** What a running decision tells, whenever something changed. */
export interface WeightProgress {
  readonly phase: 'bounds' | 'attack' | 'programs' | 'branching' | 'replay';
  readonly lowerBound: number | null;
  readonly bestAttack: number | null;
  readonly open: number;
}

/**
 * Decides one question about weights. Fails when the question is not one of this model (see `perturbedLayers`); whatever happens after that is a verdict.
 */
export async function decideWeights(
  model: WeightModel,
  question: WeightQuestion,
  options: WeightOptions,
  budget: Budget,
  onProgress: (progress: WeightProgress) => void = () => {},
): Promise<Result<WeightVerdict>> {
  const layers = perturbedLayers(model, question);
  if (!layers.ok) return layers;
  const opening = new Opening(model, layers.value);
  return ok(await new WeightDecision(model, opening, question, options, budget, onProgress).run());
}

/** One decision; `opening` may be shared by the decisions about one perturbation. */
export class WeightDecision {
  private readonly started = performance.now();
  private failure: WeightFailure | null = null;
  private replayProblem: string | null = null;
  private programs = 0;
  private margins: Float64Array;
  private bestAttack = Infinity;
  /** Smallest margin in float64 of a change that ONNX Runtime did not confirm. */
  private unconfirmed = Infinity;

  constructor(
    private readonly model: WeightModel,
    private readonly opening: Opening,
    private readonly question: WeightQuestion,
    private readonly options: WeightOptions,
    private readonly budget: Budget,
    private readonly onProgress: (progress: WeightProgress) => void = () => {},
  ) {
    // Constraints that mention the model's input would be read as constraints of what the perturbation did.
    assert(
      question.unsafe.every(set => set.every(({ inputs }) => inputs.index.length === 0)),
      () => 'unsafe sets of weights are sets of outputs',
    );
    this.margins = new Float64Array(question.unsafe.length).fill(-Infinity);
  }

  async run(): Promise<WeightVerdict> {
    const { unsafe, input } = this.question;
    const nominal = await this.nominal();
    if (nominal) return nominal;
    const opened = this.opening.at(input);
    this.report('bounds');
    const quick = await starReach(opened, unsafe, { programs: 'none' }, this.budget);
    this.take(quick.margins, quick.programs);
    if (this.proved) return this.verified('backward bounds');
    if (await this.attack(opened)) return this.falsified();
    if (this.over || this.options.attackOnly) return this.undecided();
    if (this.options.method === 'star' || !opened.exact) {
      this.report('programs');
      const star = await starReach(opened, unsafe, {}, this.budget);
      this.take(star.margins, star.programs);
      if (this.proved) return this.verified('star');
      if (!opened.exact && (await this.attackDirectly(LONG_SEARCH))) return this.falsified();
      return this.undecided();
    }
    return this.complete(opened);
  }

  /** Branch and bound over what the perturbation did, on the sets that are still open. */
  private async complete(opened: OpenedNetwork): Promise<WeightVerdict> {
    const open = [...this.margins.keys()].filter(k => !(this.margins[k] > 0));
    const problem: BoxProblem = boxProblem(
      opened,
      open.map(k => this.question.unsafe[k]),
    );
    const context: ProverContext = {
      seed: this.options.seed,
      threads: this.options.threads,
      tryCandidate: ({ input }) => this.tryPoint(opened, Float64Array.from(input), 'branch and bound'),
      onProgress: () => this.report('branching'),
    };
    const makers: (() => { readonly prover: Prover; readonly method: Method | 'hull' })[] = [
      ...proverMakers('auto', opened.network, problem, context),
    ];
    if (hullSuits(opened.network, problem))
      makers.unshift(() => ({ prover: new HullProver(opened.network, problem, context), method: 'hull' }));
    let left = open.map((_, d) => d);
    for (const make of makers) {
      const { prover, method } = make();
      try {
        const end = await prover.run(this.budget, left);
        prover.standings().forEach(({ bound, proved }, d) => {
          const k = open[d];
          if (proved || bound > 0) this.margins[k] = Math.max(this.margins[k], bound > 0 ? bound : Number.MIN_VALUE);
          else this.margins[k] = Math.max(this.margins[k], bound);
        });
        if (end.kind === 'falsified' && this.failure) return this.falsified();
        if (end.kind === 'verified')
          left.forEach(d => (this.margins[open[d]] = Math.max(this.margins[open[d]], Number.MIN_VALUE)));
        if (this.proved) return this.verified(method);
        if (end.kind === 'stopped') break;
        left = left.filter(d => !(this.margins[open[d]] > 0));
      } finally {
        await prover.close();
      }
    }
    return this.undecided();
  }

  /** A verdict when the file as it is fails already, or cannot be run. */
  private async nominal(): Promise<WeightVerdict | null> {
    const { input, unsafe } = this.question;
    if (input.kind === 'box' || this.options.isNominalSafe) return null;
    const opened = await openReplayer(this.model, this.model.loaded.bytes);
    if (!opened.ok) return this.failed(opened.error.message);
    try {
      const values = Float32Array.from(input.values);
      const checked = await opened.value.check(pointQuestion(this.model, values, unsafe), values, 'nominal');
      if (!checked.ok) return this.failed(checked.error.message);
      return checked.value && { kind: 'misclassified', output: checked.value.output, ...this.answered() };
    } finally {
      await opened.value.close();
    }
  }

  private async attack(opened: OpenedNetwork): Promise<boolean> {
    this.report('attack');
    const { unsafe } = this.question;
    if (!opened.exact) return this.attackDirectly(QUICK_SEARCH);
    const open = unsafe.map((set, k) => (this.margins[k] > 0 ? [] : set));
    const graph = preparedGraph(opened.network);
    for (const { input, margin } of attackBox(graph, opened.box, open, {
      ...DEFAULT_ATTACK,
      seed: this.options.seed,
    })) {
      this.bestAttack = Math.min(this.bestAttack, margin);
      if (!(margin <= SEARCH.replayMargin) || this.over) break;
      if (await this.tryPoint(opened, input, 'gradient corner')) return true;
    }
    return false;
  }

  /** Where no point of the opened network stands for weights of the model: the model itself, moved and run. */
  private async attackDirectly(effort: DirectEffort): Promise<boolean> {
    this.report('attack');
    const { model, opening, question } = this;
    const open = question.unsafe.filter((_, k) => !(this.margins[k] > 0));
    const found = await attackWeights(model, opening.layers, question, open, effort, () => this.over);
    if (!found.ok) this.replayProblem = found.error.message;
    else this.failure = found.value;
    return this.failure !== null;
  }

  /** The weights behind a point of the opened network, in ONNX Runtime. */
  private async tryPoint(opened: OpenedNetwork, point: Float64Array, foundBy: string): Promise<boolean> {
    const { input, unsafe } = this.question;
    if (input.kind !== 'point' || this.failure) return this.failure !== null;
    const change = changeBehind(opened.sources, point);
    if (!change) return false;
    this.report('replay');
    const replayed = await replayChange(this.model, change, Float32Array.from(input.values), unsafe, foundBy);
    if (!replayed.ok) {
      this.replayProblem = replayed.error.message;
      return false;
    }
    this.failure = replayed.value;
    if (!this.failure) this.unconfirmed = Math.min(this.unconfirmed, this.bestAttack);
    return this.failure !== null;
  }

  private take(margins: Float64Array, programs: number): void {
    this.margins = this.margins.map((margin, k) => Math.max(margin, margins[k]));
    this.programs += programs;
  }

  private get proved(): boolean {
    return this.margins.every(margin => margin > 0);
  }

  private get over(): boolean {
    return this.budget.cancelled() || performance.now() >= this.budget.deadline;
  }

  private answered(): Answered {
    const least = this.margins.reduce((a, b) => Math.min(a, b), Infinity);
    return {
      seconds: (performance.now() - this.started) / 1000,
      lowerBound: Number.isFinite(least) ? least : null,
      programs: this.programs,
    };
  }

  private report(phase: WeightProgress['phase']): void {
    const { lowerBound } = this.answered();
    const open = this.margins.reduce((sum, margin) => sum + (margin > 0 ? 0 : 1), 0);
    this.onProgress({ phase, lowerBound, bestAttack: Number.isFinite(this.bestAttack) ? this.bestAttack : null, open });
  }

  private verified(method: Extract<WeightVerdict, { kind: 'verified' }>['method']): WeightVerdict {
    return { kind: 'verified', method, ...this.answered() };
  }

  private falsified(): WeightVerdict {
    return { kind: 'falsified', failure: this.failure!, ...this.answered() };
  }

  private failed(message: string): WeightVerdict {
    return {
      kind: 'error',
      reason: `The answer could not be checked in ONNX Runtime. ${message}`,
      advice: 'Check that the model runs in ONNX Runtime.',
      ...this.answered(),
    };
  }

  private undecided(): WeightVerdict {
    const answered = this.answered();
    const reached = `The certified lower bound reached ${answered.lowerBound === null ? 'nothing' : shownBelow(answered.lowerBound)}; the closest change of weights came to ${shown(finite(this.bestAttack))}.`;
    if (this.replayProblem !== null) return this.failed(this.replayProblem);
    if (this.budget.cancelled())
      return {
        kind: 'unknown',
        reason: `Stopped on request. ${reached}`,
        advice: 'Run it again to go on.',
        ...answered,
      };
    if (this.over)
      return {
        kind: 'timeout',
        reason: `Not decided in time. ${reached}`,
        advice: 'Give it more time, or ask about a smaller magnitude.',
        ...answered,
      };
    if (this.options.attackOnly)
      return {
        kind: 'unknown',
        reason: `Only attacks were asked for, and none of them broke it. ${reached}`,
        advice: 'Run it completely to prove it.',
        ...answered,
      };
    if (this.unconfirmed <= 0)
      return {
        kind: 'unknown',
        reason: `The margin is below rounding: a change of weights fails in float64, and ONNX Runtime does not confirm it in float32. ${reached}`,
        advice: 'Ask about a slightly smaller or larger magnitude.',
        ...answered,
      };
    const why =
      this.opening.layers.length > 1
        ? 'Several perturbed layers are over-approximated'
        : this.question.input.kind === 'box'
          ? 'Weights and inputs together are over-approximated'
          : 'The bounds do not settle it';
    return {
      kind: 'unknown',
      reason: `${why}, and no change of weights that fails was found. ${reached}`,
      advice: 'Ask about a smaller magnitude, or about one layer at a time.',
      ...answered,
    };
  }
}

function boxProblem({ box }: OpenedNetwork, sets: readonly Unsafe[]): BoxProblem {
  const constraints = [...new Set(sets.flat())];
  const place = new Map(constraints.map((constraint, row) => [constraint, row]));
  return { box, constraints, disjuncts: sets.map(set => set.map(constraint => place.get(constraint)!)) };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function shown(value: number | null): string {
  return value === null ? 'nothing' : value.toPrecision(4);
}
