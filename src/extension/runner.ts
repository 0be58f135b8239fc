import type { Problem } from '../base/result';
import type { FinishedParams, VerifyParams } from '../engine/protocol';
import type { Engine, EngineRun } from '../engine/run';
import type { StoreEvent, VerdictStore } from './core/verdict-store';
import type { RunEffort } from './runs/kept-run';

/** What is to be run. The text is the one on the screen when the person asked. */
export interface RunRequest {
  /** URI of the specification, the store's id. */
  readonly specification: string;
  /** Absolute path of its file. */
  readonly path: string;
  readonly text?: string;
  /** Needed for VNN-LIB, which names no model. */
  readonly model?: string;
  /** Only these properties; null means all. */
  readonly names: readonly string[] | null;
  /** Only these samples; absent means all. */
  readonly samples?: readonly number[];
  /** Absent: complete. */
  readonly effort?: RunEffort;
  readonly options: VerifyParams['options'];
  /**
   * `restore`: only what the engine's store already knows, without solving and without showing work. `repeat`: a text of the past is asked again; what comes of
   * it is for the history alone, and says nothing about the text on the screen.
   */
  readonly purpose: 'verify' | 'restore' | 'repeat';
}

/** Hears everything about the runs that people asked for, also what the store drops because a newer run has taken over. */
export interface RunObserver {
  onBegin(run: string, request: RunRequest): void;
  onEvent(event: RunEvent): void;
}

/** What is told of a run once it is in the queue. */
export type RunEvent = Extract<StoreEvent, { run: string }>;

/** How a run ended, as whoever asked for it wants to know. */
export interface RunEnd {
  readonly finished: FinishedParams;
  /** What was wrong with the files, when nothing could be run. */
  readonly problems: readonly Problem[];
}

interface Waiting {
  readonly run: string;
  readonly request: RunRequest;
  readonly end: (end: RunEnd) => void;
}

/**
 * Runs one request after the other and tells the store what happens. A new request for a specification ends the ones before it: what
 * they would still say is about an older text.
 */
export class Runner {
  readonly #waiting: Waiting[] = [];
  #current: {
    readonly run: string;
    readonly specification: string;
    engineRun: EngineRun | null;
    stopped: boolean;
  } | null = null;
  #count = 0;

  constructor(
    private readonly engine: () => Promise<Engine>,
    private readonly store: VerdictStore,
    private readonly log: (message: string) => void,
    private readonly observer: RunObserver | null = null,
  ) {}

  run(request: RunRequest): Promise<RunEnd> {
    if (request.purpose === 'verify') void this.stop(request.specification);
    const run = `run-${++this.#count}`;
    if (request.purpose !== 'restore') this.observer?.onBegin(run, request);
    this.#tell(request, {
      kind: 'queued',
      run,
      specification: request.specification,
      names: request.names,
      ...(request.samples === undefined ? {} : { samples: request.samples }),
      quiet: request.purpose === 'restore',
    });
    return new Promise(end => {
      this.#waiting.push({ run, request, end });
      void this.#next();
    });
  }

  /** Ends the runs of one specification, or all of them. Resolves when they have ended. */
  async stop(specification?: string): Promise<void> {
    const concerned = (other: string) => specification === undefined || other === specification;
    for (const waiting of this.#waiting.filter(({ request }) => concerned(request.specification))) {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      this.#finish(waiting, { finished: cancelled(waiting.run), problems: [] });
    }
    const current = this.#current;
    if (!current || !concerned(current.specification)) return;
    current.stopped = true;
    await current.engineRun?.stop();
  }

  async #next(): Promise<void> {
    if (this.#current) return;
    const next = this.#waiting.shift();
    if (!next) return;
    this.#current = { run: next.run, specification: next.request.specification, engineRun: null, stopped: false };
    let end: RunEnd;
    try {
      end = await this.#execute(next.run, next.request);
    } catch (error) {
      // The engine could not even be loaded; the person still gets an answer.
      const message = `The engine could not be started: ${error instanceof Error ? error.message : String(error)}. The log has more.`;
      end = { finished: failed(next.run, { code: 'engine', message }), problems: [{ code: 'engine', message }] };
    }
    this.#current = null;
    this.#finish(next, end);
    void this.#next();
  }

  #finish({ run, request, end }: Waiting, result: RunEnd): void {
    if (result.problems.length > 0) this.#tell(request, { kind: 'refused', run, problems: result.problems });
    this.#tell(request, { kind: 'finished', run, finished: result.finished });
    end(result);
  }

  #tell({ purpose }: RunRequest, event: RunEvent): void {
    if (purpose !== 'restore') this.observer?.onEvent(event);
    if (purpose !== 'repeat') this.store.apply(event);
  }

  async #execute(run: string, request: RunRequest): Promise<RunEnd> {
    const engine = await this.engine();
    if (this.#current?.stopped) return { finished: cancelled(run), problems: [] };
    const tell = (event: RunEvent) => this.#tell(request, event);
    const engineRun = engine.verify(
      {
        specification: { path: request.path, ...(request.text === undefined ? {} : { text: request.text }) },
        ...(request.model === undefined ? {} : { model: request.model }),
        ...(request.names === null ? {} : { checks: request.names }),
        ...(request.samples === undefined ? {} : { samples: request.samples }),
        ...(request.options === undefined ? {} : { options: request.options }),
        cache: request.purpose === 'restore' ? 'only' : 'read',
      },
      {
        onPlan: ({ model, files, tasks, counts }, warnings) =>
          tell({ kind: 'planned', run, model, files, tasks, counts, warnings }),
        onAccuracy: accuracy => tell({ kind: 'accuracy', run, accuracy }),
        onProgress: progress => tell({ kind: 'progress', run, progress }),
        onResult: result => tell({ kind: 'result', run, result }),
        onRestart: (reason, tail) => this.log(`The engine was started again: ${reason}\n${tail}`),
      },
    );
    if (this.#current) this.#current.engineRun = engineRun;
    const plan = await engineRun.plan;
    const finished = await engineRun.stopped;
    if (!plan.ok && finished.outcome !== 'cancelled') return { finished, problems: plan.problems };
    return { finished, problems: finished.outcome === 'failed' && finished.problem ? [finished.problem] : [] };
  }
}

function cancelled(runId: string): FinishedParams {
  return { runId, outcome: 'cancelled', verdict: null, seconds: 0 };
}

function failed(runId: string, problem: Problem): FinishedParams {
  return { runId, outcome: 'failed', problem, verdict: null, seconds: 0 };
}
