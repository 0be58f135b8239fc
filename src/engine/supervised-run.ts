import type { Problem } from '../base/result';
import type { Accuracy, ResultRecord } from '../report/record';
import { worst, type Verdict } from '../report/verdict';
import type { Progress } from '../verify/progress';
import { delay, lastLine, type EngineProcess, type Exit } from './engine-process';
import { percent } from './job';
import {
  accuracyNotification,
  cancelRequest,
  finishedNotification,
  progressNotification,
  resultNotification,
  verifyRequest,
  type Answer,
  type FinishedParams,
  type PlannedTask,
  type ProgressParams,
  type TensorReference,
  type VerifyParams,
  type VerifyPlan,
} from './protocol';
import type { EngineRun, RunListener } from './run';

export interface Limits {
  /** What a question may take beyond its own limit before its process is ended. */
  readonly graceSeconds: number;
  /** What reading the files, and measuring the accuracy, may take. */
  readonly preparationSeconds: number;
  /** How long a cancellation waits for the engine to answer before it is ended. */
  readonly cancelMilliseconds: number;
}

/** How one attempt, on one process, ended. */
type Ending =
  | { readonly kind: 'finished'; readonly message: FinishedParams }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] }
  | { readonly kind: 'exited'; readonly exit: Exit }
  | { readonly kind: 'overdue' }
  | { readonly kind: 'stopped' };

/** A question during which the engine crashed this often is given up. */
const CRASHES_PER_QUESTION = 2;

/**
 * One run as its caller sees it, over as many engine processes as it takes. The clock of every question runs here, outside the process that
 * decides it; what was answered is kept here and never asked again.
 */
export class SupervisedRun implements EngineRun {
  readonly runId: string;
  readonly plan: Promise<Answer<VerifyPlan>>;
  readonly stopped: Promise<FinishedParams>;
  private readonly started = performance.now();
  private readonly results: ResultRecord<TensorReference>[] = [];
  private readonly crashes = new Map<number, number>();
  private resolvePlan!: (plan: Answer<VerifyPlan>) => void;
  private resolveStopped!: (message: FinishedParams) => void;
  private known: VerifyPlan | undefined;
  private settled = false;
  private stopping = false;
  private interrupt: (ending: Ending) => void = () => undefined;
  private engine: EngineProcess | undefined;
  private current: CurrentTask | undefined;
  private accuracyTold = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly params: VerifyParams,
    private readonly listener: RunListener,
    private readonly limits: Limits,
    private readonly acquire: () => Promise<EngineProcess | undefined>,
    private readonly whyUnavailable: () => string,
  ) {
    this.runId = params.runId;
    this.plan = new Promise(resolve => (this.resolvePlan = resolve));
    this.stopped = new Promise(resolve => (this.resolveStopped = resolve));
  }

  /** Runs to the end; called once, when no other run is in work. */
  async drive(): Promise<void> {
    while (!this.settled) {
      const engine = await this.acquire();
      if (this.settled) return;
      if (engine === undefined)
        return this.settle('failed', { code: 'engine/unavailable', message: this.whyUnavailable() });
      this.engine = engine;
      const ending = await this.attempt(engine);
      clearTimeout(this.timer);
      this.engine = undefined;
      if (!this.settled) await this.conclude(ending, engine);
    }
  }

  async stop(): Promise<FinishedParams> {
    if (this.settled || this.stopping) return this.stopped;
    this.stopping = true;
    const { engine } = this;
    if (engine !== undefined) {
      const answer = engine.connection.sendRequest(cancelRequest, { runId: this.runId }).catch(() => undefined);
      const answered = await Promise.race([
        answer,
        engine.exited.then(() => undefined),
        delay(this.limits.cancelMilliseconds),
      ]);
      // Native code cannot be interrupted from within its process.
      if (answered === undefined) engine.kill();
    }
    this.settle('cancelled');
    this.interrupt({ kind: 'stopped' });
    return this.stopped;
  }

  /** Asks one process for everything that is not answered yet. */
  private async attempt(engine: EngineProcess): Promise<Ending> {
    const { connection } = engine;
    const { runId } = this;
    this.current = undefined;
    const ending = new Promise<Ending>(resolve => (this.interrupt = resolve));
    const mine =
      <P extends { readonly runId: string }>(handle: (message: P) => void) =>
      (message: P) => {
        if (message.runId === runId && !this.settled) handle(message);
      };
    const subscriptions = [
      connection.onNotification(
        accuracyNotification,
        mine(({ accuracy }) => this.onAccuracy(accuracy)),
      ),
      connection.onNotification(
        progressNotification,
        mine(message => this.onProgress(message)),
      ),
      connection.onNotification(
        resultNotification,
        mine(({ result }) => this.onResult(result)),
      ),
      connection.onNotification(
        finishedNotification,
        mine(message => this.interrupt({ kind: 'finished', message })),
      ),
    ];
    void engine.exited.then(exit => this.interrupt({ kind: 'exited', exit }));
    this.arm(this.limits.preparationSeconds);
    const skip = this.results.map(result => result.index);
    // A request that fails because the process is gone is told by `exited`.
    connection.sendRequest(verifyRequest, { ...this.params, skip }).then(
      answer => this.onPlan(answer),
      () => undefined,
    );
    try {
      return await ending;
    } finally {
      subscriptions.forEach(subscription => subscription.dispose());
    }
  }

  private onPlan(answer: Answer<VerifyPlan>): void {
    if (this.settled) return;
    if (!answer.ok) return this.interrupt({ kind: 'refused', problems: answer.problems });
    if (this.known === undefined) {
      this.known = answer.value;
      this.resolvePlan(answer);
      this.listener.onPlan?.(answer.value, answer.warnings);
    } else if (this.known.fingerprint !== answer.value.fingerprint)
      this.interrupt({ kind: 'refused', problems: [FILES_CHANGED] });
  }

  private onAccuracy(accuracy: Accuracy): void {
    if (this.accuracyTold) return;
    this.accuracyTold = true;
    this.listener.onAccuracy?.(accuracy);
  }

  private onProgress(message: ProgressParams): void {
    if (this.current?.index !== message.task) {
      this.current = { index: message.task, begun: performance.now(), progress: message.progress };
      this.arm((this.task(message.task)?.timeout ?? 0) + this.limits.graceSeconds);
    }
    this.current.progress = message.progress;
    this.listener.onProgress?.({ ...message, decided: this.results.length });
  }

  private onResult(result: ResultRecord<TensorReference>): void {
    this.results.push(result);
    this.current = undefined;
    this.arm(this.limits.preparationSeconds);
    this.listener.onResult?.(result);
  }

  private async conclude(ending: Ending, engine: EngineProcess): Promise<void> {
    switch (ending.kind) {
      case 'finished':
        return this.settle(ending.message.outcome, ending.message.problem);
      case 'refused':
        return this.refuse(ending.problems);
      case 'stopped':
        return;
      case 'overdue':
        engine.kill();
        return this.giveUp(
          current => overdueVerdict(current, this.task(current.index)),
          await engine.exited,
          NO_FILES_IN_TIME,
        );
      case 'exited':
        if (ending.exit.memory) return this.giveUp(current => memoryVerdict(current), ending.exit, NO_MEMORY_FOR_FILES);
        if (ending.exit.killed) return this.listener.onRestart?.('the engine was restarted', ending.exit.logTail);
        return this.onCrash(ending.exit);
    }
  }

  private onCrash(exit: Exit): void {
    const index = this.current?.index ?? -1;
    const crashes = (this.crashes.get(index) ?? 0) + 1;
    this.crashes.set(index, crashes);
    if (crashes < CRASHES_PER_QUESTION)
      return this.listener.onRestart?.(`the engine crashed: ${exit.reason}`, exit.logTail);
    this.giveUp(current => crashVerdict(current, exit), exit, {
      code: 'engine/crash',
      message: `The engine crashed twice while it read the files: ${exit.reason}. ${lastLine(exit.logTail)}`.trim(),
    });
  }

  /** Answers the question in work from outside and goes on with the next; without a question in work the whole run ends with `problem`. */
  private giveUp(verdict: (current: CurrentTask) => Verdict<never>, exit: Exit, problem: Problem): void {
    const { current } = this;
    const task = current && this.task(current.index);
    if (current === undefined || task === undefined) return this.refuse([problem]);
    this.listener.onRestart?.(exit.reason, exit.logTail);
    const { index, check, sample, claim, range } = task;
    this.onResult({
      index,
      check,
      sample,
      claim,
      range,
      inputShape: [],
      outputShape: [],
      verdict: verdict(current),
      key: '',
      cached: false,
    });
  }

  private refuse(problems: readonly Problem[]): void {
    this.resolvePlan({ ok: false, problems });
    this.settle('failed', problems[0]);
  }

  private settle(outcome: FinishedParams['outcome'], problem?: Problem): void {
    if (this.settled) return;
    this.settled = true;
    clearTimeout(this.timer);
    this.resolvePlan({
      ok: false,
      problems: [problem ?? { code: 'engine/cancelled', message: 'The run was cancelled before its files were read.' }],
    });
    const kinds = this.results.map(result => result.verdict.kind);
    const verdict = kinds.length === 0 ? null : worst(kinds);
    this.resolveStopped({
      runId: this.runId,
      outcome,
      problem,
      verdict,
      seconds: (performance.now() - this.started) / 1000,
    });
  }

  private arm(seconds: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.interrupt({ kind: 'overdue' }), 1000 * seconds);
  }

  private task(index: number): PlannedTask | undefined {
    return this.known?.tasks[index];
  }
}

interface CurrentTask {
  readonly index: number;
  /** `performance.now()` when work on it began. */
  readonly begun: number;
  progress: Progress;
}

function seconds(current: CurrentTask): number {
  return (performance.now() - current.begun) / 1000;
}

function overdueVerdict(current: CurrentTask, task: PlannedTask | undefined): Verdict<never> {
  return {
    kind: 'timeout',
    reason: `The limit of ${task?.timeout ?? 0} s passed during ${current.progress.phase} with ${percent(current.progress)} of the region decided; the solver did not stop by itself and was ended from outside.`,
    advice: 'Raise the timeout, or ask about a smaller region.',
    seconds: seconds(current),
    lowerBound: current.progress.lowerBound,
  };
}

function memoryVerdict(current: CurrentTask): Verdict<never> {
  return {
    kind: 'unknown',
    reason: `The engine reached its memory ceiling during ${current.progress.phase} with ${current.progress.openSubproblems} sub-problems open and ${percent(current.progress)} of the region decided.`,
    advice: 'Raise the memory ceiling, or ask about a smaller region.',
    seconds: seconds(current),
    lowerBound: current.progress.lowerBound,
  };
}

function crashVerdict(current: CurrentTask, exit: Exit): Verdict<never> {
  return {
    kind: 'error',
    reason:
      `The engine crashed ${CRASHES_PER_QUESTION} times on this question, during ${current.progress.phase}: ${exit.reason}. ${lastLine(exit.logTail)}`.trim(),
    advice:
      'The other questions were decided in a new engine. Please report this one with the model and the specification; the log has the details.',
    seconds: seconds(current),
    lowerBound: current.progress.lowerBound,
  };
}

const FILES_CHANGED: Problem = {
  code: 'engine/changed',
  message: 'The model or the specification changed on the disk while the engine was being restarted. Verify again.',
};
const NO_FILES_IN_TIME: Problem = {
  code: 'engine/slow',
  message:
    'Reading the model and the data took too long, and the engine was ended. Select fewer samples, or use a smaller model.',
};
const NO_MEMORY_FOR_FILES: Problem = {
  code: 'engine/memory',
  message: 'The model and the data do not fit under the memory ceiling. Raise it in the settings.',
};
