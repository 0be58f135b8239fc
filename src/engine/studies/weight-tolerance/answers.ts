import { assert } from '../../../base/assert';
import type { ToleranceMethod } from '../../study-protocols/weight-tolerance';
import { baselineMargins } from '../../../weights/baselines';
import { WeightDecision, type WeightOptions } from '../../../weights/decide';
import { Opening } from '../../../weights/open-network';
import { wholeLayer } from '../../../weights/perturbation';
import { perturbedLayer } from '../../../weights/perturbed-layer';
import type { WeightFailure } from '../../../weights/replay-change';
import { starReach } from '../../../weights/star';
import type { Layer, WeightModel } from '../../../weights/weight-model';
import type { RightSample } from './samples';

/** What one method says of one sample at one magnitude. */
export interface MethodAnswer {
  readonly kind: 'verified' | 'falsified' | 'open';
  /** Null where the answer follows from others and was not computed. */
  readonly seconds: number | null;
}

export type MethodAnswers = Partial<Record<ToleranceMethod, MethodAnswer>>;

export interface AnswerOptions {
  readonly decision: WeightOptions;
  /** Seconds for one complete verdict. */
  readonly timeout: number;
  cancelled(): boolean;
}

const BASELINES = { 'weng-margin': 'wengMargins', 'weng-range': 'wengRanges', tsai: 'tsai' } as const;

/** One layer with all its weights moved by one magnitude: what the methods say about it, sample by sample. */
export class LayerAtMagnitude {
  private absorbed: Opening | undefined;
  private plain: Opening | undefined;

  constructor(
    private readonly model: WeightModel,
    private readonly layer: Layer,
    private readonly magnitude: number,
    private readonly options: AnswerOptions,
  ) {}

  /** Null when somebody asked to stop first. */
  async star({ input, unsafe }: RightSample): Promise<MethodAnswer | null> {
    const started = performance.now();
    const opened = this.opening.at({ kind: 'point', values: input });
    const { cancelled } = this.options;
    const { verified, stopped } = await starReach(opened, unsafe, {}, { deadline: Infinity, cancelled });
    return stopped ? null : { kind: verified ? 'verified' : 'open', seconds: since(started) };
  }

  /** Null when somebody asked to stop first. */
  async complete(
    { input, unsafe }: RightSample,
    onFailure: (failure: WeightFailure) => void,
  ): Promise<MethodAnswer | null> {
    const { decision, timeout, cancelled } = this.options;
    const budget = { deadline: performance.now() + 1000 * timeout, cancelled };
    const question = { perturbations: [], input: { kind: 'point', values: input } as const, unsafe };
    const verdict = await new WeightDecision(this.model, this.opening, question, decision, budget).run();
    if (verdict.kind === 'falsified') onFailure(verdict.failure);
    if (verdict.kind === 'verified' || verdict.kind === 'falsified')
      return { kind: verdict.kind, seconds: verdict.seconds };
    return cancelled() ? null : { kind: 'open', seconds: verdict.seconds };
  }

  /** The three of them from one pass, or why they are not defined for this layer. */
  baselines({ input, unsafe }: RightSample): MethodAnswers | string {
    const started = performance.now();
    this.plain ??= new Opening(this.model, [this.perturbed()], { absorb: false });
    const margins = baselineMargins(this.plain.at({ kind: 'point', values: input }), unsafe);
    if (!margins.ok) return margins.error.message;
    const seconds = since(started);
    const answers: MethodAnswers = {};
    for (const [method, key] of Object.entries(BASELINES) as [keyof typeof BASELINES, keyof typeof margins.value][])
      answers[method] = { kind: margins.value[key].every(margin => margin > 0) ? 'verified' : 'open', seconds };
    return answers;
  }

  private get opening(): Opening {
    return (this.absorbed ??= new Opening(this.model, [this.perturbed()]));
  }

  private perturbed() {
    const perturbed = perturbedLayer(this.model, wholeLayer(this.layer.number, this.magnitude));
    assert(perturbed.ok, () => `layer ${this.layer.name} was perturbed before`);
    return perturbed.value;
  }
}

function since(started: number): number {
  return (performance.now() - started) / 1000;
}
