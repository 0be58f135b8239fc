/** What crosses between the extension and the gallery of adversarial inputs. Tensors travel as typed arrays, which VS Code sends as binary. */
import type {
  AdversarialOutcome,
  AdversarialRun,
  AdversarialSummary,
  AttackMethod,
  Closeness,
} from '../../src/engine/study-protocols/adversarial-inputs';
import type { Asked, Busy, ProgressMessage, StudyMessage } from '../kit/study';

/** A run as the page is first told of it; what comes later is added. */
export interface Gallery {
  /** Null before the engine has read the files. */
  readonly run: AdversarialRun | null;
  /** How a person names the specification and the model. */
  readonly specification: string;
  readonly model: string;
  readonly entries: readonly Entry[];
  readonly summary: AdversarialSummary | null;
  /** What a reload comes back to where the run's folder is gone. */
  readonly asked: Asked | null;
  readonly busy: Busy | null;
  readonly choice: Choice;
  /** Why the run ended early; null when it did not. */
  readonly problem: string | null;
  readonly canRun: boolean;
}

/** One input without its numbers: those are sent when it is looked at. */
export type Entry = AdversarialOutcome extends infer Outcome
  ? Outcome extends AdversarialOutcome
    ? Omit<Outcome, 'original' | 'input' | 'originalLogits' | 'logits'>
    : never
  : never;
export type FoundEntry = Extract<Entry, { readonly kind: 'found' }>;

/** What is asked at the next run. Texts as a person wrote them. */
export interface Choice {
  readonly methods: readonly AttackMethod[];
  readonly measure: Closeness;
  readonly reduce: boolean;
  readonly regional: boolean;
  readonly lines: boolean;
  readonly misclassified: boolean;
  readonly target: string;
  readonly seconds: string;
  readonly optimum: string;
  readonly epsilon: string;
  readonly samples: string;
  /** Another model that may fall for the same inputs, and one whose outputs are the features of naturalness, as paths; empty for none. */
  readonly transfer: string;
  readonly features: string;
}

/** What another model is for. */
export const OTHER_MODELS = ['transfer', 'features'] as const;
export type OtherModel = (typeof OTHER_MODELS)[number];

export interface EntryTensors {
  readonly sample: number;
  readonly original: Float32Array;
  readonly input: Float32Array;
  readonly originalLogits: Float32Array;
  readonly logits: Float32Array;
}

export const EXPORTS = ['png', 'npy', 'vnnlib', 'test'] as const;
export type ExportKind = (typeof EXPORTS)[number];

export type ToPage =
  | { readonly type: 'show'; readonly gallery: Gallery | null }
  | { readonly type: 'add'; readonly entries: readonly Entry[] }
  | ProgressMessage
  | { readonly type: 'choice'; readonly choice: Choice }
  | { readonly type: 'tensors'; readonly inputs: readonly EntryTensors[]; readonly problem: string };

export type FromPage =
  | StudyMessage
  | { readonly type: 'tensors'; readonly samples: readonly number[] }
  | { readonly type: 'choice'; readonly choice: Choice }
  /** Asks for the path of another model. */
  | { readonly type: 'chooseModel'; readonly use: OtherModel }
  | { readonly type: 'run' }
  | { readonly type: 'patch' }
  | { readonly type: 'export'; readonly sample: number; readonly kind: ExportKind };

export type Norm = 'values' | 'pixels' | 'one' | 'two' | 'inf';

/** What survives a reload of the window. */
export interface PageState {
  /** Folder of the run that is shown. */
  readonly folder: string | null;
  /** What it is about, where the folder is gone. */
  readonly asked: Asked | null;
  readonly sample: number | null;
  readonly shown: 'found' | 'not found' | 'skipped' | 'all';
  /** Only inputs of this class, or taken for it; empty for all. */
  readonly from: string;
  readonly to: string;
  readonly norm: Norm;
  /** Only inputs whose norm is at most this; empty for all. */
  readonly most: string;
  /** The difference is drawn so many times as strong. */
  readonly gain: number;
  readonly outline: boolean;
  readonly view: 'picture' | 'table';
  readonly zoom: number;
}

export const INITIAL_STATE: PageState = {
  folder: null,
  asked: null,
  sample: null,
  shown: 'found',
  from: '',
  to: '',
  norm: 'values',
  most: '',
  gain: 1,
  outline: true,
  view: 'picture',
  zoom: 0,
};
