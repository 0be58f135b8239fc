import { mkdirSync, writeFileSync, existsSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type {
  CurvePoint,
  LayerSensitivity,
  LayerTolerance,
  MethodPoint,
  SampleTolerance,
  ToleranceMethod,
  WeightFailureReport,
} from '../../study-protocols/weight-tolerance';
import { sizeOf } from '../../../network/tensor';
import { weightRange } from '../../../weights/perturbed-layer';
import type { WeightFailure } from '../../../weights/replay-change';
import { weightTolerance } from '../../../weights/tolerance';
import type { Layer, WeightModel } from '../../../weights/weight-model';
import { changesOf } from '../../weights-verdict';
import { LayerAtMagnitude, type AnswerOptions, type MethodAnswer, type MethodAnswers } from './answers';
import { equalSteps } from './grid';
import { digest, type KeptAnswers } from './kept-answers';
import type { RightSample } from './samples';

/** What the study of every layer shares. */
export interface LayerContext {
  readonly model: WeightModel;
  readonly samples: readonly RightSample[];
  readonly methods: readonly ToleranceMethod[];
  /** Null where the layer's own tolerance says where the curve is interesting. */
  readonly grid: readonly number[] | null;
  readonly options: AnswerOptions;
  readonly kept: KeptAnswers;
  /** Where changed models are written. */
  readonly folder: string;
  /** Shows a layer as it stands. */
  publish(layer: LayerTolerance): void;
  /** @param fraction of the work on this layer */
  progress(fraction: number, text: string): void;
}

/** Of the work on a layer, what the brackets take; the curve takes the rest. */
const BRACKETS = 0.5;

const BASELINES: readonly ToleranceMethod[] = ['weng-margin', 'weng-range', 'tsai'];

/** The bracket of every sample, then the curve, of one layer. */
export class LayerStudy {
  private state: LayerTolerance['state'] = 'waiting';
  private readonly brackets = new Map<RightSample, SampleTolerance>();
  private readonly curve = new Map<number, Map<RightSample, MethodAnswers>>();
  private readonly notes = new Set<string>();
  private failure: WeightFailureReport | null = null;

  constructor(
    private readonly context: LayerContext,
    private readonly layer: Layer,
    private readonly sensitivity: LayerSensitivity | null,
    /** Per sample where to begin to look. */
    private readonly reach: readonly number[],
  ) {}

  /** False when somebody asked to stop. */
  async run(): Promise<boolean> {
    this.state = 'working';
    this.publish();
    const { samples, options, progress } = this.context;
    for (const [k, sample] of samples.entries()) {
      if (options.cancelled()) return false;
      progress((BRACKETS * k) / samples.length, `${this.layer.name}: tolerance of sample ${sample.index}`);
      if (!(await this.bracket(sample, this.reach[k]))) return false;
      this.publish();
    }
    const grid = this.context.grid ?? this.ownGrid();
    for (const magnitude of grid) this.curve.set(magnitude, new Map());
    for (const [g, magnitude] of grid.entries()) {
      const asked = new LayerAtMagnitude(this.context.model, this.layer, magnitude, options);
      for (const [k, sample] of samples.entries()) {
        if (options.cancelled()) return false;
        progress(
          BRACKETS + ((1 - BRACKETS) * (g + k / samples.length)) / grid.length,
          `${this.layer.name}: ${shown(magnitude)} of the range, sample ${sample.index}`,
        );
        const before = g === 0 ? undefined : this.curve.get(grid[g - 1])?.get(sample);
        const answers = await this.answer(asked, magnitude, sample, before);
        if (!answers) return false;
        this.curve.get(magnitude)!.set(sample, answers);
      }
      this.publish();
    }
    this.state = 'finished';
    this.publish();
    return true;
  }

  get report(): LayerTolerance {
    const { layer } = this;
    const range = weightRange(layer);
    return {
      number: layer.number,
      name: layer.name,
      opType: layer.opType,
      weights: layer.weight ? sizeOf(layer.weight.shape) : 0,
      range: range.ok ? range.value : 0,
      state: this.state,
      samples: [...this.brackets.values()],
      curve: [...this.curve].map(([magnitude, answers]) => this.point(magnitude, [...answers.values()])),
      sensitivity: this.sensitivity,
      failure: this.failure,
      notes: [...this.notes],
    };
  }

  private publish(): void {
    this.context.publish(this.report);
  }

  /** False when somebody asked to stop. */
  private async bracket(sample: RightSample, start: number): Promise<boolean> {
    const { model, kept, options } = this.context;
    const { decision, timeout, cancelled } = options;
    const key = this.key(sample, 'bracket', decision.method, timeout);
    let found = kept.get<SampleTolerance>(key);
    let smallest: { failure: WeightFailure; magnitude: number } | null = null;
    if (!found) {
      const question = {
        layer: this.layer.number,
        input: { kind: 'point', values: sample.input } as const,
        unsafe: sample.unsafe,
        start,
        options: decision,
        timeout,
      };
      const answer = await weightTolerance(model, question, { deadline: Infinity, cancelled }, (failure, magnitude) => {
        if (!smallest || magnitude < smallest.magnitude) smallest = { failure, magnitude };
      });
      if (!answer.ok) {
        this.notes.add(answer.error.message);
        return true;
      }
      if (answer.value.stopped) return false;
      const { certified, failing, seconds } = answer.value;
      found = { sample: sample.index, certified, failing, seconds };
      kept.put(key, found);
    }
    // Indices are those of this specification; the answer may come from another.
    this.brackets.set(sample, { ...found, sample: sample.index });
    if (found.failing !== null && found.failing < (this.failure?.magnitude ?? Infinity))
      await this.showFailure(sample, found.failing, smallest);
    return true;
  }

  /** The changed model of a failure, written or found, becomes what the layer shows. */
  private async showFailure(
    sample: RightSample,
    magnitude: number,
    found: { readonly failure: WeightFailure } | null,
  ): Promise<void> {
    const { kept, options, folder, model } = this.context;
    const key = this.key(sample, 'failure', magnitude);
    const known = kept.get<WeightFailureReport>(key);
    if (!found && known && existsSync(known.model)) {
      this.failure = { ...known, sample: sample.index };
      return;
    }
    let failure = found?.failure ?? null;
    // Known to fail, and its file is gone: found again.
    if (!failure)
      await new LayerAtMagnitude(model, this.layer, magnitude, options).complete(sample, again => (failure = again));
    if (!failure) return;
    this.failure = this.write(sample, magnitude, failure, path.join(folder, `${digest(key, model.loaded.hash)}.onnx`));
    if (this.failure) kept.put(key, this.failure);
  }

  private write(sample: RightSample, magnitude: number, failure: WeightFailure, file: string): WeightFailureReport {
    const { changed, changes } = changesOf(failure);
    try {
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, failure.patched.bytes);
    } catch (error) {
      this.notes.add(
        `The changed model could not be written: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    const output = [...failure.output];
    return {
      sample: sample.index,
      magnitude,
      expected: sample.expected,
      answered: sample.expected === null ? null : output.indexOf(Math.max(...output)),
      output,
      changed,
      changes,
      model: file,
    };
  }

  /** Steps up to where no sample is left. */
  private ownGrid(): number[] {
    const ends = [...this.brackets.values()].map(({ certified, failing }) => failing ?? certified);
    return equalSteps(ends.reduce((a, b) => Math.max(a, b), 0));
  }

  /** What every method says of a sample at a magnitude; null when somebody asked to stop. `before`: at the magnitude before. */
  private async answer(
    asked: LayerAtMagnitude,
    magnitude: number,
    sample: RightSample,
    before: MethodAnswers | undefined,
  ): Promise<MethodAnswers | null> {
    const { methods, options } = this.context;
    const bracket = this.brackets.get(sample);
    const fails = (bracket?.failing ?? Infinity) <= magnitude || before?.complete?.kind === 'falsified';
    const answers: MethodAnswers = {};
    for (const method of methods) {
      // A set that grows is not proved again where it was not before, and a failure stays one.
      if (fails) answers[method] = { kind: method === 'complete' ? 'falsified' : 'open', seconds: null };
      else if (method !== 'complete' && before?.[method]?.kind === 'open')
        answers[method] = { kind: 'open', seconds: null };
    }
    if (methods.some(method => BASELINES.includes(method) && !answers[method])) {
      const all = await this.recall(sample, magnitude, 'baselines', () => asked.baselines(sample));
      if (typeof all === 'string') this.notes.add(all);
      else if (all) for (const method of methods) if (BASELINES.includes(method)) answers[method] ??= all[method];
    }
    if (methods.includes('star') && !answers.star) {
      const star = await this.recall(sample, magnitude, 'star', () => asked.star(sample));
      if (!star) return null;
      answers.star = star;
    }
    if (methods.includes('complete') && !answers.complete) {
      const proved = (bracket?.certified ?? 0) >= magnitude;
      if (answers.star?.kind === 'verified') answers.complete = answers.star;
      else if (proved && options.decision.method === 'complete') answers.complete = { kind: 'verified', seconds: null };
      else {
        const complete = await this.recall(sample, magnitude, `complete ${options.timeout}`, () =>
          asked.complete(sample, () => undefined),
        );
        if (!complete) return null;
        answers.complete = complete;
      }
    }
    return answers;
  }

  /** An answer of before, or a new one, which is kept. */
  private async recall<T extends MethodAnswer | MethodAnswers | string | null>(
    sample: RightSample,
    magnitude: number,
    method: string,
    ask: () => T | Promise<T>,
  ): Promise<T> {
    const key = this.key(sample, method, magnitude);
    const known = this.context.kept.get<T>(key);
    if (known !== undefined) return known;
    await nextTurn();
    const answer = await ask();
    if (answer !== null) this.context.kept.put(key, answer);
    return answer;
  }

  private point(magnitude: number, all: readonly MethodAnswers[]): CurvePoint {
    const methods: Partial<Record<ToleranceMethod, MethodPoint>> = {};
    for (const method of this.context.methods) {
      const answers = all.flatMap(each => each[method] ?? []);
      if (answers.length === 0) continue;
      const times = answers.flatMap(({ seconds }) => (seconds === null ? [] : [seconds]));
      methods[method] = {
        asked: answers.length,
        verified: answers.filter(({ kind }) => kind === 'verified').length,
        falsified: answers.filter(({ kind }) => kind === 'falsified').length,
        seconds: times.length === 0 ? null : times.reduce((a, b) => a + b, 0) / times.length,
      };
    }
    return { magnitude, methods };
  }

  private key(sample: RightSample, ...rest: readonly (string | number)[]): string {
    return [this.layer.number, sample.key, ...rest].join(' ');
  }
}

function shown(magnitude: number): string {
  return `${Number((100 * magnitude).toPrecision(3))} %`;
}
