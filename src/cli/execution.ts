import type { Problem } from '../base/result';
import type { Accuracy, ResultRecord } from '../report/record';
import type { Verdict } from '../report/verdict';
import type { PlannedTask } from '../engine/protocol';
import type { Progress } from '../verify/progress';

/** What of a run can be seen while it goes on. */
export interface ExecutionListener {
  onPlan(plan: { readonly model: string; readonly tasks: readonly PlannedTask[] }, warnings: readonly Problem[]): void;
  onAccuracy(accuracy: Accuracy): void;
  onProgress(task: number, progress: Progress): void;
  onResult(result: ResultRecord): void;
  /** Something went wrong that the run survives. */
  onNotice(message: string): void;
}

/** Set by Ctrl-C; whoever solves looks at it. */
export class StopSignal {
  private readonly listeners: (() => void)[] = [];
  private isStopped = false;

  get stopped(): boolean {
    return this.isStopped;
  }

  onStop(listener: () => void): void {
    this.listeners.push(listener);
  }

  stop(): void {
    if (this.isStopped) return;
    this.isStopped = true;
    this.listeners.forEach(listener => listener());
  }
}

/** How a run ended: what was wrong with the files, or why questions were left open. */
export type ExecutionEnd =
  | { readonly kind: 'complete' }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly problem: Problem };

/** A result for a question that the run did not come to. */
export function openResult(task: PlannedTask, end: Exclude<ExecutionEnd, { kind: 'refused' }>): ResultRecord {
  const verdict: Verdict =
    end.kind === 'failed'
      ? {
          kind: 'error',
          reason: end.problem.message,
          advice: 'Run it again for this question alone.',
          seconds: 0,
          lowerBound: null,
        }
      : {
          kind: 'unknown',
          reason: 'The run was stopped before this question was decided.',
          advice: 'Run it again.',
          seconds: 0,
          lowerBound: null,
        };
  const { index, check, sample, claim, range } = task;
  return { index, check, sample, claim, range, verdict, inputShape: [], outputShape: [], key: '', cached: false };
}
