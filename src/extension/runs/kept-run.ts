/** What the history keeps of a run: a head that is listed, and the results, which are read when somebody looks at them. */
import type { TensorReference } from '../../engine/protocol';
import type { Accuracy, ResultRecord } from '../../report/record';
import type { TracePoint, VerdictKind } from '../../report/verdict';
import { WORST_FIRST } from '../../report/verdict';
import type { SolverOptions } from '../../verify/options';

/** How much a run tries: everything, a short time a question, or attacks alone. */
export const EFFORTS = ['complete', 'quick', 'attack'] as const;
export type RunEffort = (typeof EFFORTS)[number];

/** How a run ended. `interrupted`: nobody told, because the editor or its host went away; the results up to then are kept. */
export type RunOutcome = 'running' | 'complete' | 'cancelled' | 'failed' | 'interrupted';

export type VerdictCounts = Readonly<Partial<Record<VerdictKind, number>>>;

/** What was asked for. */
export interface RunStart {
  /** URI of the specification. */
  readonly specification: string;
  /** Only these properties; null means all. */
  readonly checks: readonly string[] | null;
  /** Only these samples; null means all. */
  readonly samples: readonly number[] | null;
  readonly effort: RunEffort;
  readonly options: Partial<SolverOptions>;
  /** Version of Certiscope. */
  readonly version: string;
}

export interface RunHead extends RunStart {
  /** Sorts by time. */
  readonly id: string;
  /** Given by a person; empty where nobody did. */
  readonly name: string;
  readonly pinned: boolean;
  /** Milliseconds since 1970. */
  readonly started: number;
  /** Absolute path of the model; empty until the run was planned. */
  readonly model: string;
  /** Questions that were to be answered. */
  readonly planned: number;
  readonly counts: VerdictCounts;
  readonly outcome: RunOutcome;
  /** Why it failed, as a sentence. */
  readonly problem: string | null;
  readonly seconds: number;
  readonly accuracy: Accuracy | null;
  /** What it takes on the disk. */
  readonly bytes: number;
}

/** A tensor that was kept; null where it would have taken too much room. A file is named without its folder, which is the run's. */
export type KeptTensor = TensorReference | null;

/** A result as it was when the run ended: nothing that is edited later changes it. */
export type KeptResult = ResultRecord<KeptTensor>;

/** Points of a bound's history that are kept. */
const TRACE_POINTS = 60;

/** Every n-th point, the last among them. */
export function thinned(trace: readonly TracePoint[]): readonly TracePoint[] {
  const step = Math.ceil(trace.length / TRACE_POINTS);
  return step <= 1 ? trace : trace.filter((_, k) => k % step === 0 || k === trace.length - 1);
}

/** How many results have each verdict. */
export function countsOf(results: readonly Pick<KeptResult, 'verdict'>[]): VerdictCounts {
  const counts: Partial<Record<VerdictKind, number>> = {};
  for (const { verdict } of results) counts[verdict.kind] = (counts[verdict.kind] ?? 0) + 1;
  return counts;
}

/** Results that there are. */
export function decidedOf(counts: VerdictCounts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** The worst verdict of a run; null where it has no results. */
export function verdictOfRun({ counts }: Pick<RunHead, 'counts'>): VerdictKind | null {
  return WORST_FIRST.find(kind => (counts[kind] ?? 0) > 0) ?? null;
}

/** The name of one question within its run. */
export function questionKey({ check, sample }: Pick<KeptResult, 'check' | 'sample'>): string {
  return sample === null ? check : `${check}\n${sample}`;
}
