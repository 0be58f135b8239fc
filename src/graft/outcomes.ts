import { ok, problem, type Result } from '../base/result';
import type { LoadedModel } from '../network/load';
import type { Verdict } from '../report/verdict';
import type { Question } from '../spec/question';
import type { GraftedNetwork } from '../train/grafted-network';
import type { Perturbation } from '../train/perturbation';
import { RobustnessProgram, type PgdOptions } from '../train/robustness';
import type { Dataset } from '../train/trainer';
import { Solver } from '../verify/decide';
import type { SolverOptions } from '../verify/options';
import { OUTCOMES, type Outcome } from './kinds';
import { labelQuestion, regionAround } from './regions';

export interface SampleOutcome {
  /** Position in the data set. */
  readonly sample: number;
  readonly outcome: Outcome;
  /** Of the verifier alone; 0 where the sample did not get to it. */
  readonly seconds: number;
  /** Certified lower bound of the margin; null before any. */
  readonly lowerBound: number | null;
  /** Whether the attack and the bounds of the whole region left it open, so that it came to branch and bound. */
  readonly branched: boolean;
  /** Replayed in ONNX Runtime on the model's file; null where none was found. */
  readonly counterexample: Float32Array | null;
  /** Certified lower bound of each class's margin, null where there is none; the label's own is null. */
  readonly margins: readonly (number | null)[];
  /** Why it is undecided, in a sentence; null otherwise. */
  readonly reason: string | null;
}

export interface OutcomeOptions {
  readonly attack: PgdOptions;
  /** `timeout` is for each sample. */
  readonly solver: SolverOptions;
  readonly cancelled?: () => boolean;
  /** Called with every sample as it is decided: for progress, and for whoever keeps what is done. */
  readonly onSample?: (outcome: SampleOutcome) => void;
  /** Samples decided in an earlier run; they are not decided again. */
  readonly known?: ReadonlyMap<number, SampleOutcome>;
}

/**
 * The outcome of every sample: first the attack on all of them, then the verifier on those it leaves. `loaded` is the model's file, `model` the same as training has
 * it. Errors: `graft/cancelled` (what was decided went to `onSample`), those of `Session`, and `graft/solver` when the verifier cannot work on the model.
 */
export async function measureOutcomes(
  model: GraftedNetwork,
  loaded: LoadedModel,
  data: Dataset,
  perturbation: Perturbation,
  options: OutcomeOptions,
): Promise<Result<SampleOutcome[]>> {
  const cancelled = (): boolean => options.cancelled?.() ?? false;
  const { outputSize, inputSize } = model.network;
  const open = Array.from({ length: data.count }, (_, k) => k).filter(k => !options.known?.has(k));
  const attacked = await attackAll(model, subset(data, open, inputSize), perturbation, options);
  if (!attacked.ok) return attacked;
  const solver = new Solver(loaded);
  try {
    const replayer = await solver.openReplayer();
    if (!replayer.ok) return replayer;
    const outcomes = new Map(options.known);
    for (const [row, sample] of open.entries()) {
      if (cancelled()) return problem('graft/cancelled', `Cancelled after ${outcomes.size} of ${data.count} samples.`);
      const x = data.inputs.slice(sample * inputSize, (sample + 1) * inputSize);
      const label = data.labels[sample];
      const answer = await replayer.value.forward(x);
      if (!answer.ok) return answer;
      const none = {
        sample,
        seconds: 0,
        lowerBound: null,
        branched: false,
        counterexample: null,
        margins: [],
        reason: null,
      };
      const question = labelQuestion(regionAround(x, perturbation), label, outputSize);
      const found = attacked.value.get(row);
      const counterexample = found ? await replayed(solver, question, found) : null;
      let outcome: SampleOutcome;
      if (classOf(answer.value.output, label) !== label) outcome = { ...none, outcome: 'misclassified' };
      else if (counterexample) outcome = { ...none, outcome: 'attacked', counterexample };
      else {
        const deadline = performance.now() + 1000 * options.solver.timeout;
        const verdict = await solver.decide(question, options.solver, { deadline, cancelled });
        if (verdict.kind === 'error' || verdict.kind === 'misclassified')
          return problem('graft/solver', verdict.reason);
        outcome = decided(none, verdict, outputSize);
      }
      // A sample whose decision was cut short has no outcome.
      if (cancelled()) return problem('graft/cancelled', `Cancelled after ${outcomes.size} of ${data.count} samples.`);
      outcomes.set(sample, outcome);
      options.onSample?.(outcome);
    }
    return ok([...outcomes.values()].sort((a, b) => a.sample - b.sample));
  } finally {
    await solver.close();
  }
}

async function attackAll(
  model: GraftedNetwork,
  data: Dataset,
  perturbation: Perturbation,
  options: OutcomeOptions,
): Promise<Result<ReadonlyMap<number, Float32Array>>> {
  if (data.count === 0) return ok(new Map());
  const program = await RobustnessProgram.compile(model, perturbation, {
    threads: options.solver.threads || 1,
    batch: Math.min(256, data.count),
  });
  if (!program.ok) return program;
  const { cancelled } = options;
  const result = await program.value.evaluate(data, { ...options.attack, ...(cancelled ? { cancelled } : {}) });
  await program.value.close();
  return result.ok ? ok(result.value.adversarial) : result;
}

/** The point, moved into the region's float32 box, if ONNX Runtime confirms it. */
async function replayed(solver: Solver, question: Question, point: Float32Array): Promise<Float32Array | null> {
  const { lowerPoint, upperPoint } = question.disjuncts[0].box;
  const inside = point.map((value, i) => Math.min(upperPoint[i], Math.max(lowerPoint[i], value)));
  const replayer = await solver.openReplayer();
  const checked = replayer.ok ? await replayer.value.check(question, inside, 'pgd') : replayer;
  return checked.ok && checked.value ? checked.value.input : null;
}

function decided(
  none: Omit<SampleOutcome, 'outcome'>,
  verdict: Exclude<Verdict, { kind: 'error' | 'misclassified' }>,
  classes: number,
): SampleOutcome {
  const margins = new Array<number | null>(classes).fill(null);
  for (const { label, margin } of verdict.statistics?.labels ?? []) if (label !== null) margins[label] = margin;
  const { seconds, lowerBound } = verdict;
  const common = { ...none, seconds, lowerBound, margins };
  switch (verdict.kind) {
    case 'verified':
      return { ...common, outcome: 'verified', branched: (verdict.proof?.depth ?? 0) > 0 };
    case 'falsified':
      return { ...common, outcome: 'attacked', counterexample: verdict.counterexample.input, branched: true };
    default:
      return { ...common, outcome: 'undecided', reason: verdict.reason, branched: true };
  }
}

function subset(data: Dataset, samples: readonly number[], size: number): Dataset {
  const inputs = new Float32Array(samples.length * size);
  samples.forEach((sample, row) => inputs.set(data.inputs.subarray(sample * size, (sample + 1) * size), row * size));
  return { count: samples.length, inputs, labels: Uint8Array.from(samples, sample => data.labels[sample]) };
}

/** The class with the largest answer; of equal ones the label. */
export function classOf(answer: ArrayLike<number>, label: number): number {
  let best = label;
  for (let j = 0; j < answer.length; j++) if (answer[j] > answer[best]) best = j;
  return best;
}

/** Parts of all samples: right (SA), right and not attacked (RA), verified (VA), and each outcome's own. */
export interface Accuracies {
  readonly samples: number;
  readonly standard: number;
  readonly robust: number;
  readonly verified: number;
  readonly counts: Readonly<Record<Outcome, number>>;
}

export function accuracies(outcomes: readonly Pick<SampleOutcome, 'outcome'>[]): Accuracies {
  const counts = Object.fromEntries(
    OUTCOMES.map(outcome => [outcome, outcomes.filter(each => each.outcome === outcome).length]),
  ) as Record<Outcome, number>;
  const samples = outcomes.length;
  return {
    samples,
    standard: 1 - counts.misclassified / samples,
    robust: (counts.verified + counts.undecided) / samples,
    verified: counts.verified / samples,
    counts,
  };
}
