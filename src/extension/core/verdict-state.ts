import type { FileState } from '../../base/file-state';
import type { FinishedParams, PlannedTask, ProgressParams } from '../../engine/protocol';
import type { Problem, Range } from '../../base/result';
import type { Accuracy } from '../../report/record';
import type { Trace } from '../../report/trace';
import type { Answered, Evidence } from './evidence';
import type { Outline } from './outline';

/** `SPECIFICATION_URI#NAME`. */
export type QuestionId = string;

export type Activity =
  | { readonly kind: 'idle' }
  | {
      readonly kind: 'queued';
      readonly run: string;
      /** What the run asks; the text may mean something else by now. */
      readonly fingerprint: string;
    }
  | {
      readonly kind: 'running';
      readonly run: string;
      readonly fingerprint: string;
      readonly progress: ProgressParams | null;
      /** How the task in work has gone so far. */
      readonly trace: Trace;
    };

export interface QuestionState {
  readonly id: QuestionId;
  readonly specification: string;
  readonly name: string;
  readonly range: Range;
  readonly anchor: Range;
  readonly fingerprint: string;
  readonly activity: Activity;
  readonly evidence: Evidence | null;
}

export interface SpecificationState {
  readonly id: string;
  readonly kind: Outline['kind'];
  /** Absolute path of the model it names, or null. */
  readonly model: string | null;
  /** Where the text speaks of the model and of the preprocessing. */
  readonly places: Outline['places'];
  /** What is wrong with the text, found while typing. */
  readonly problems: readonly Problem[];
  /** What the engine said of the files at the last run; gone at the next edit. */
  readonly runProblems: readonly Problem[];
  readonly accuracy: Accuracy | null;
  readonly questions: readonly QuestionId[];
  /** Typed in since the last outline: until the text has been read again, none of its verdicts counts as current. */
  readonly edited: boolean;
}

export type StoreEvent =
  | {
      readonly kind: 'outlined';
      readonly specification: string;
      readonly outline: Outline;
      readonly model: string | null;
      readonly problems: readonly Problem[];
    }
  | { readonly kind: 'edited'; readonly specification: string }
  | { readonly kind: 'removed'; readonly specification: string }
  /** A file that a specification is about may hold something else now. */
  | { readonly kind: 'fileChanged'; readonly file: FileState }
  /** A model was looked at, without a specification. */
  | { readonly kind: 'inspected'; readonly model: string; readonly problems: readonly Problem[] }
  | {
      readonly kind: 'queued';
      readonly run: string;
      readonly specification: string;
      readonly names: readonly string[] | null;
      /** Only these samples: what they give is added to what is known of the others. */
      readonly samples?: readonly number[];
      readonly quiet: boolean;
    }
  | {
      readonly kind: 'planned';
      readonly run: string;
      readonly model: string;
      readonly files: readonly FileState[];
      readonly tasks: readonly PlannedTask[];
      /** How many results each question has in all, also where only some samples were asked about. */
      readonly counts: Readonly<Record<string, number>>;
      readonly warnings: readonly Problem[];
    }
  | { readonly kind: 'refused'; readonly run: string; readonly problems: readonly Problem[] }
  | { readonly kind: 'accuracy'; readonly run: string; readonly accuracy: Accuracy }
  | { readonly kind: 'progress'; readonly run: string; readonly progress: ProgressParams }
  | { readonly kind: 'result'; readonly run: string; readonly result: Answered }
  | { readonly kind: 'finished'; readonly run: string; readonly finished: FinishedParams }
  | { readonly kind: 'cleared' };

/** What changed: ids of specifications and questions, and paths of models and other files, whose state is new. */
export interface StoreChange {
  readonly event: StoreEvent;
  readonly specifications: ReadonlySet<string>;
  readonly questions: ReadonlySet<QuestionId>;
  readonly files: ReadonlySet<string>;
}
