import type { Problem } from '../base/result';
import type { Accuracy, ResultRecord } from '../report/record';
import type {
  Answer,
  FinishedParams,
  InfoParams,
  InspectParams,
  Inspection,
  LogParams,
  ModelInfo,
  PackedStructure,
  ProgressParams,
  SetupReport,
  TensorReference,
  TensorStatistics,
  VerifyParams,
  VerifyPlan,
  WeightsParams,
} from './protocol';
import type { ParamsOf, PartOf, ResultOf, StudyKind } from './study-protocols/kinds';

/** What a caller of `EngineClient.verify` is told while a run goes on. Every member is optional; calls come in the order of protocol.ts. */
export interface RunListener {
  onPlan?(plan: VerifyPlan, warnings: readonly Problem[]): void;
  onAccuracy?(accuracy: Accuracy): void;
  onProgress?(progress: ProgressParams): void;
  onResult?(result: ResultRecord<TensorReference>): void;
  /** The engine crashed (or was ended because it did not answer) and the run goes on in a new one. `logTail` is the end of what it wrote. */
  onRestart?(reason: string, logTail: string): void;
}

/** A run in flight. `stopped` always settles, whatever happens to the engine process. */
export interface EngineRun {
  readonly runId: string;
  /** The plan, or what is wrong with the files. Never rejects. */
  readonly plan: Promise<Answer<VerifyPlan>>;
  /** How the run ended. When the plan is not ok the outcome is `failed` with the first problem. Never rejects. */
  readonly stopped: Promise<FinishedParams>;
  /** Resolves within 500 ms: an engine that does not answer in time is killed and started anew. */
  stop(): Promise<FinishedParams>;
}

/** What a caller of `EngineClient.study` is told while it is at work. */
export interface StudyListener<Part> {
  onProgress?(fraction: number | null, text: string): void;
  onPart?(part: Part): void;
}

/** A study in flight. `result` always settles, whatever happens to the engine process; it never rejects. */
export interface StudyRun<Result> {
  readonly result: Promise<Answer<Result>>;
  /** Resolves within a second. `result` then is what the study had found, if it could still say so, or a problem with code `engine/cancelled`. */
  stop(): Promise<void>;
}

export type EngineState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running'; readonly processId: number }
  /** Five crashes in three minutes: nothing is started any more until `restart` is called. */
  | { readonly kind: 'failed'; readonly reason: string; readonly logTail: string };

/** The engine as the editor and the command line see it. The process starts with the first request and is started anew when it dies. */
export interface Engine {
  readonly state: EngineState;
  onState(listener: (state: EngineState) => void): { dispose(): void };
  onLog(listener: (log: LogParams) => void): { dispose(): void };
  verify(params: Omit<VerifyParams, 'runId'>, listener?: RunListener): EngineRun;
  /** A longer piece of work that is no verdict; it waits for the runs and studies before it. */
  study<K extends StudyKind>(kind: K, params: ParamsOf<K>, listener?: StudyListener<PartOf<K>>): StudyRun<ResultOf<K>>;
  info(params: InfoParams): Promise<Answer<ModelInfo>>;
  /** The graph of a model without its weights. */
  graph(params: InfoParams): Promise<Answer<PackedStructure>>;
  /** What the numbers of some of its tensors are like. */
  weights(params: WeightsParams): Promise<Answer<readonly TensorStatistics[]>>;
  inspect(params: InspectParams): Promise<Answer<Inspection>>;
  /** Loads every part of the engine and says what came of it. */
  setup(): Promise<Answer<SetupReport>>;
  /** Kills the process, forgets past crashes; unfinished runs go on in a new process. */
  restart(): Promise<void>;
  /** Ends the process and every run (outcome `cancelled`). */
  dispose(): Promise<void>;
}
