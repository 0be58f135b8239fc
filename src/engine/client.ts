import { packageVersion } from './version';
import { delay, EngineProcess, lastLine, type Exit, type ProcessOptions } from './engine-process';
import {
  graphRequest,
  infoRequest,
  inspectRequest,
  setupRequest,
  type Answer,
  type InfoParams,
  type InspectParams,
  type Inspection,
  type LogParams,
  type ModelInfo,
  type SetupReport,
  type PackedStructure,
  type TensorStatistics,
  type VerifyParams,
  type WeightsParams,
  weightsRequest,
} from './protocol';
import type { Engine, EngineRun, EngineState, RunListener, StudyListener, StudyRun } from './run';
import type { ParamsOf, PartOf, ResultOf, StudyKind } from './study-protocols/kinds';
import { SupervisedRun, type Limits } from './supervised-run';
import { SupervisedStudy } from './supervised-study';

export interface ClientOptions extends Omit<ProcessOptions, 'version'> {
  /** For tests; the package's own version otherwise. */
  readonly version?: string;
  readonly limits?: Partial<Limits>;
}

/** Give up after this many crashes … */
const MOST_CRASHES = 5;
/** … within this time. */
const CRASH_WINDOW_MILLISECONDS = 180_000;
/** Reading a model or a specification may take this long. */
const REQUEST_MILLISECONDS = 120_000;
/** Reading weights may take this long: there may be gigabytes of them on a slow disk. */
const WEIGHTS_MILLISECONDS = 3_600_000;

const DEFAULT_LIMITS: Limits = { graceSeconds: 3, preparationSeconds: 120, cancelMilliseconds: 400 };

/**
 * Keeps an engine process at work: starts it with the first request, starts it anew when it dies, runs one question sheet after the other on
 * it and holds what was answered. Runs survive their process; the process survives neither a missed deadline nor a cancellation that it does
 * not answer.
 */
export class EngineClient implements Engine {
  state: EngineState = { kind: 'idle' };
  private readonly options: ProcessOptions;
  private readonly limits: Limits;
  private readonly stateListeners = new Set<(state: EngineState) => void>();
  private readonly logListeners = new Set<(log: LogParams) => void>();
  private readonly runs = new Set<{ stop(): Promise<unknown> }>();
  private engine: Promise<EngineProcess | undefined> | undefined;
  private queue: Promise<unknown> = Promise.resolve();
  private crashes: number[] = [];
  private nextRun = 1;

  constructor(options: ClientOptions) {
    this.options = { ...options, version: options.version ?? packageVersion };
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
  }

  onState(listener: (state: EngineState) => void): { dispose(): void } {
    this.stateListeners.add(listener);
    return { dispose: () => void this.stateListeners.delete(listener) };
  }

  onLog(listener: (log: LogParams) => void): { dispose(): void } {
    this.logListeners.add(listener);
    return { dispose: () => void this.logListeners.delete(listener) };
  }

  verify(params: Omit<VerifyParams, 'runId'>, listener: RunListener = {}): EngineRun {
    const run = new SupervisedRun(
      { ...params, runId: `run-${this.nextRun++}` },
      listener,
      this.limits,
      () => this.acquire(),
      () => this.whyUnavailable(),
    );
    this.runs.add(run);
    this.queue = this.queue.then(() => run.drive()).finally(() => this.runs.delete(run));
    return run;
  }

  study<K extends StudyKind>(
    kind: K,
    params: ParamsOf<K>,
    listener: StudyListener<PartOf<K>> = {},
  ): StudyRun<ResultOf<K>> {
    const study = new SupervisedStudy<PartOf<K>, ResultOf<K>>(
      { runId: `study-${this.nextRun++}`, kind, params },
      listener,
      this.limits,
      () => this.acquire(),
      () => this.whyUnavailable(),
    );
    this.runs.add(study);
    this.queue = this.queue.then(() => study.drive()).finally(() => this.runs.delete(study));
    return study;
  }

  info(params: InfoParams): Promise<Answer<ModelInfo>> {
    return this.ask(engine => engine.connection.sendRequest(infoRequest, params));
  }

  graph(params: InfoParams): Promise<Answer<PackedStructure>> {
    return this.ask(engine => engine.connection.sendRequest(graphRequest, params));
  }

  weights(params: WeightsParams): Promise<Answer<readonly TensorStatistics[]>> {
    return this.ask(engine => engine.connection.sendRequest(weightsRequest, params), WEIGHTS_MILLISECONDS);
  }

  inspect(params: InspectParams): Promise<Answer<Inspection>> {
    return this.ask(engine => engine.connection.sendRequest(inspectRequest, params));
  }

  setup(): Promise<Answer<SetupReport>> {
    return this.ask(engine => engine.connection.sendRequest(setupRequest));
  }

  async restart(): Promise<void> {
    this.crashes = [];
    this.setState({ kind: 'idle' });
    await this.end();
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.runs].map(run => run.stop()));
    await this.end();
    this.stateListeners.clear();
    this.logListeners.clear();
  }

  private async end(): Promise<void> {
    const engine = await this.engine;
    engine?.kill();
    await engine?.exited;
  }

  /** The process at work, started if there is none; undefined when none can be had, and `state` then says why. */
  private async acquire(): Promise<EngineProcess | undefined> {
    const known = this.engine;
    const engine = await known;
    if (engine?.alive) return engine;
    if (this.state.kind === 'failed') return undefined;
    if (this.engine === known) this.engine = this.start();
    return this.engine;
  }

  private whyUnavailable(): string {
    return this.state.kind === 'failed' ? this.state.reason : 'The engine did not start.';
  }

  private async start(): Promise<EngineProcess | undefined> {
    const started = await EngineProcess.start(this.options, log =>
      this.logListeners.forEach(listener => listener(log)),
    );
    if (!started.ok) {
      // A process that cannot even begin will not begin the next time either.
      this.setState({ kind: 'failed', reason: started.error.message, logTail: '' });
      return undefined;
    }
    const engine = started.value;
    void engine.exited.then(exit => this.onExit(exit));
    this.setState({ kind: 'running', processId: engine.processId });
    return engine;
  }

  private onExit(exit: Exit): void {
    // What was ended on purpose, or for its memory, took a question with it and cannot go on for ever.
    if (!exit.killed && !exit.memory) {
      const now = Date.now();
      this.crashes = [...this.crashes.filter(time => now - time < CRASH_WINDOW_MILLISECONDS), now];
    }
    if (this.crashes.length >= MOST_CRASHES)
      this.setState({
        kind: 'failed',
        reason:
          `The engine crashed ${this.crashes.length} times within three minutes; the last time ${exit.reason}. It is not started again until you restart it. ${lastLine(exit.logTail)}`.trim(),
        logTail: exit.logTail,
      });
    else if (this.state.kind === 'running') this.setState({ kind: 'idle' });
  }

  private async ask<T>(
    request: (engine: EngineProcess) => Promise<Answer<T>>,
    limit = REQUEST_MILLISECONDS,
  ): Promise<Answer<T>> {
    const engine = await this.acquire();
    if (engine === undefined) return refusal(this.whyUnavailable());
    const answer = await Promise.race([
      request(engine).catch(() => undefined),
      engine.exited.then(() => undefined),
      delay(limit),
    ]);
    return answer ?? refusal('The engine ended, or did not answer, while it read the files. Its log has the details.');
  }

  private setState(state: EngineState): void {
    this.state = state;
    this.stateListeners.forEach(listener => listener(state));
  }
}

function refusal(message: string): { ok: false; problems: [{ code: string; message: string }] } {
  return { ok: false, problems: [{ code: 'engine/unavailable', message }] };
}
