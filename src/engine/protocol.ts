/**
 * What crosses the door between the engine process and whoever asks it questions: the editor and the command line.
 *
 * JSON-RPC 2.0 (`vscode-jsonrpc`) over the child process's IPC channel; standard output and error of the child stay free for logs.
 * Tensors never cross as JSON numbers but as `TensorReference`s: bytes, or a file in the store folder, which outlives the engine process. Paths are absolute. Positions are zero-based.
 *
 * A run: `verify` answers with the plan (or with what is wrong with the files); then `accuracy` (when there are labels), `progress`
 * and `result` notifications, the results in the order of the plan, each as soon as it is decided; then exactly one `finished`. Nothing
 * follows `finished`. After a crash the client asks again for what was not finished, so a caller of `EngineClient` sees one unbroken run.
 */
import { NotificationType, RequestType, RequestType0 } from 'vscode-jsonrpc';
import type { FileState } from '../base/file-state';
import type { Problem, Range } from '../base/result';
import type { ModelInfo, TensorStatistics } from '../network/model-types';
import type { Accuracy, ResultRecord } from '../report/record';
import type { VerdictKind } from '../report/verdict';
import type { SolverOptions } from '../verify/options';
import type { Progress } from '../verify/progress';
import type { TensorReference } from './reference';
import type { StudyKind } from './study-protocols/kinds';

export type { TensorReference } from './reference';

export type {
  ModelInfo,
  ModelStructure,
  NodeDetail,
  NodeInfo,
  Spread,
  StoredTensor,
  TensorStatistics,
  WeightStatistics,
} from '../network/model-types';

/** Raised on every incompatible change; both sides must agree. */
export const PROTOCOL_VERSION = 1;

/** `ok` with a value, or what is wrong with the user's files, worst first. Never an exception, never a stack trace. */
export type Answer<T> =
  | { readonly ok: true; readonly value: T; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

//#region initialize

export interface InitializeParams {
  readonly protocol: number;
  /** Version of the package the client belongs to; the engine refuses another one. */
  readonly version: string;
  /** Folder of finished results and of the tensors that messages name; made when it is missing. */
  readonly storeFolder: string;
  /** The store is trimmed to this size, oldest results first. */
  readonly storeLimitMegabytes: number;
}

export interface InitializeResult {
  readonly protocol: number;
  readonly version: string;
  readonly processId: number;
}

export const initializeRequest = new RequestType<InitializeParams, Answer<InitializeResult>, void>('initialize');

//#endregion

//#region verify

export interface VerifyParams {
  /** Chosen by the client, unique in its life. */
  readonly runId: string;
  /** The model; needed for VNN-LIB, optional for a perturbation spec (which names its own and which this overrides). */
  readonly model?: string;
  /** `text` is what an open editor holds: it is verified instead of the file, and relative paths still start from `path`. */
  readonly specification: { readonly path: string; readonly text?: string };
  /** Only the checks with these names. */
  readonly checks?: readonly string[];
  /** Only these samples (indices in the data). */
  readonly samples?: readonly number[];
  /** Over the specification's own `solver` settings, which are over the defaults. */
  readonly options?: Partial<SolverOptions>;
  /** `read`: finished results are taken from the store (default). `refresh`: everything is decided again. `only`: nothing is solved; only results the store has are sent. */
  readonly cache?: 'read' | 'refresh' | 'only';
  /** Questions (indices in the plan) that need no answer any more: how a run goes on after a crash. */
  readonly skip?: readonly number[];
}

/** One question of a run, before it is decided. */
export interface PlannedTask {
  readonly index: number;
  readonly check: string;
  readonly sample: number | null;
  readonly claim: string;
  /** Where the check stands in the specification's text. */
  readonly range?: Range;
  /** Wall-clock seconds this question may take. The client enforces it too, from outside. */
  readonly timeout: number;
}

export interface VerifyPlan {
  readonly runId: string;
  readonly model: string;
  /** Everything that was read beside the specification: the model, its weights, the data; as it was when it was read. */
  readonly files: readonly FileState[];
  readonly tasks: readonly PlannedTask[];
  /** How many questions each check asks in all, also where only some samples were asked about. */
  readonly counts: Readonly<Record<string, number>>;
  /** Equal for two plans that ask the same questions in the same order. */
  readonly fingerprint: string;
}

/** Answers once the files are read and every question is known; solving starts after the answer. */
export const verifyRequest = new RequestType<VerifyParams, Answer<VerifyPlan>, void>('verify');

export interface AccuracyParams {
  readonly runId: string;
  readonly accuracy: Accuracy;
}

/** Sent before the first result when the data has labels. */
export const accuracyNotification = new NotificationType<AccuracyParams>('accuracy');

/** The first progress of a question is sent when work on it begins. */
export interface ProgressParams {
  readonly runId: string;
  /** Index in the plan of the question in work. */
  readonly task: number;
  /** Questions already decided. */
  readonly decided: number;
  readonly progress: Progress;
}

/** At most four a second for one run, not counting the first of each question. */
export const progressNotification = new NotificationType<ProgressParams>('progress');

export interface ResultParams {
  readonly runId: string;
  readonly result: ResultRecord<TensorReference>;
}

export const resultNotification = new NotificationType<ResultParams>('result');

export interface FinishedParams {
  readonly runId: string;
  /** `cancelled`: results are missing because someone asked. `failed`: the run could not go on; `problem` says why. */
  readonly outcome: 'complete' | 'cancelled' | 'failed';
  readonly problem?: Problem;
  /** The worst verdict of the results that were sent (design, section 5); null when there are none. */
  readonly verdict: VerdictKind | null;
  readonly seconds: number;
}

export const finishedNotification = new NotificationType<FinishedParams>('finished');

export interface CancelParams {
  readonly runId: string;
}

/** Answers when the run has stopped; `finished` with outcome `cancelled` has been sent before. False when the run is not known (any more). */
export const cancelRequest = new RequestType<CancelParams, boolean, void>('cancel');

//#endregion

//#region what a model and a specification are, without solving anything

export interface InfoParams {
  readonly model: string;
}

export const infoRequest = new RequestType<InfoParams, Answer<ModelInfo>, void>('info');

/** A `ModelStructure` as gzipped JSON in base64: who passes it on to a page does not read the thousands of nodes that it may hold. */
export interface PackedStructure {
  readonly base64: string;
}

/** The graph with shapes, attributes and stored tensors. No weights are read: a model of any size is answered at once. */
export const graphRequest = new RequestType<InfoParams, Answer<PackedStructure>, void>('graph');

export interface WeightsParams {
  readonly model: string;
  /** Names of stored tensors (`StoredTensor.name`). Ask for some at a time: the answer comes when all of them have been read. */
  readonly tensors: readonly string[];
}

/** Reads tensors and says what their numbers are like; only these are read, in parts, so that a run beside it goes on. */
export const weightsRequest = new RequestType<WeightsParams, Answer<readonly TensorStatistics[]>, void>('weights');

export type InspectParams = Pick<VerifyParams, 'model' | 'specification'>;

export interface InspectedCheck {
  readonly name: string;
  readonly range?: Range;
  /** The claim in words, for the first sample. */
  readonly claim: string;
  readonly samples: number;
}

export interface Inspection {
  readonly model: string;
  readonly checks: readonly InspectedCheck[];
}

/** Reads a specification against its model and says everything that is wrong with it, without solving: for diagnostics and CodeLens. */
export const inspectRequest = new RequestType<InspectParams, Answer<Inspection>, void>('inspect');

//#endregion

//#region studies

/** One study in flight at a time, and none beside a run: the cores are shared. `cancel` ends it like a run; its answer then says so. */
export interface StudyParams {
  /** Chosen by the client, unique in its life. */
  readonly runId: string;
  readonly kind: StudyKind;
  /** `ParamsOf<kind>`. */
  readonly params: unknown;
}

/** Answers with `ResultOf<kind>` when the work is done, or with what is wrong with the user's files. */
export const studyRequest = new RequestType<StudyParams, Answer<unknown>, void>('study');

export interface StudyProgressParams {
  readonly runId: string;
  /** 0 to 1; null where nobody knows. */
  readonly fraction: number | null;
  readonly text: string;
}

/** At most four a second. */
export const studyProgressNotification = new NotificationType<StudyProgressParams>('studyProgress');

export interface StudyPartParams {
  readonly runId: string;
  /** `PartOf<kind>`. */
  readonly part: unknown;
}

export const studyPartNotification = new NotificationType<StudyPartParams>('studyPart');

//#endregion

//#region check of the setup

/** One part that everything else rests on. */
export interface SetupPart {
  readonly name: string;
  /** Its version, or what it can do; or why it does not work on this machine. */
  readonly detail: string;
  readonly works: boolean;
}

export interface SetupReport {
  readonly parts: readonly SetupPart[];
  readonly node: string;
  readonly cores: number;
  readonly memoryMegabytes: number;
}

/** Loads every part of the engine once and says what came of it. */
export const setupRequest = new RequestType0<Answer<SetupReport>, void>('setup');

//#endregion

/** Ends the engine process after the answer; running work is dropped. */
export const shutdownRequest = new RequestType0<void, void>('shutdown');

export interface LogParams {
  readonly level: 'error' | 'warning' | 'info' | 'debug';
  readonly message: string;
}

/** For the log channel; never needed to understand a result. */
export const logNotification = new NotificationType<LogParams>('log');
