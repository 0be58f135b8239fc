import { delay, lastLine, type EngineProcess } from './engine-process';
import {
  cancelRequest,
  studyPartNotification,
  studyProgressNotification,
  studyRequest,
  type Answer,
  type StudyParams,
} from './protocol';
import type { StudyListener, StudyRun } from './run';
import type { Limits } from './supervised-run';

/**
 * One study as its caller sees it, on one engine process: what crashes it once would crash it again, and what it has written stays. A process that does not
 * answer a cancellation in time is ended.
 */
export class SupervisedStudy<Part, Result> implements StudyRun<Result> {
  readonly result: Promise<Answer<Result>>;
  private resolve!: (answer: Answer<Result>) => void;
  private engine: EngineProcess | undefined;
  private settled = false;

  constructor(
    private readonly params: StudyParams,
    private readonly listener: StudyListener<Part>,
    private readonly limits: Pick<Limits, 'cancelMilliseconds'>,
    private readonly acquire: () => Promise<EngineProcess | undefined>,
    private readonly whyUnavailable: () => string,
  ) {
    this.result = new Promise(resolve => (this.resolve = resolve));
  }

  /** Works to the end; called once, when nothing else is in work. */
  async drive(): Promise<void> {
    if (this.settled) return;
    const engine = await this.acquire();
    if (this.settled) return;
    if (engine === undefined) return this.refuse('engine/unavailable', this.whyUnavailable());
    this.engine = engine;
    const { connection } = engine;
    const { runId } = this.params;
    const subscriptions = [
      connection.onNotification(studyProgressNotification, message => {
        if (message.runId === runId && !this.settled) this.listener.onProgress?.(message.fraction, message.text);
      }),
      connection.onNotification(studyPartNotification, message => {
        if (message.runId === runId && !this.settled) this.listener.onPart?.(message.part as Part);
      }),
    ];
    try {
      // A request that fails because the process is gone is told by `exited`.
      const answer = await Promise.race([
        connection.sendRequest(studyRequest, this.params).catch(() => engine.exited),
        engine.exited,
      ]);
      if ('ok' in answer) this.settle(answer as Answer<Result>);
      else if (answer.memory)
        this.refuse(
          'engine/memory',
          'The engine reached its memory ceiling. Raise it in the settings, or ask about less.',
        );
      else
        this.refuse(
          'engine/crash',
          `The engine ended during the study: ${answer.reason}. ${lastLine(answer.logTail)}`.trim(),
        );
    } finally {
      subscriptions.forEach(subscription => subscription.dispose());
      this.engine = undefined;
    }
  }

  async stop(): Promise<void> {
    if (this.settled) return;
    const { engine } = this;
    if (engine !== undefined) {
      const answered = await Promise.race([
        engine.connection.sendRequest(cancelRequest, { runId: this.params.runId }).catch(() => undefined),
        engine.exited.then(() => undefined),
        delay(this.limits.cancelMilliseconds),
      ]);
      // Native code cannot be interrupted from within its process.
      if (answered === undefined) engine.kill();
      // What the study answers when it is cancelled may hold what it has found; it is on its way already.
      else await Promise.race([this.result, delay(this.limits.cancelMilliseconds)]);
    }
    this.refuse('engine/cancelled', 'Stopped before the end.');
  }

  private refuse(code: string, message: string): void {
    this.settle({ ok: false, problems: [{ code, message }] });
  }

  private settle(answer: Answer<Result>): void {
    if (this.settled) return;
    this.settled = true;
    this.resolve(answer);
  }
}
