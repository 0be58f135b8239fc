/** What crosses between the extension and the page of a model's patches. */
import type {
  LayerPatch,
  PatchBegun,
  PatchModelParams,
  WrongInput,
} from '../../src/engine/study-protocols/patch-model';
import type { Asked, Busy, ProgressMessage, StudyMessage } from '../kit/study';

export interface Shown {
  /** What a reload comes back to; null where it would be too much to keep. */
  readonly kept: KeptPatch | null;
  /** How a person names the specification and the model. */
  readonly specification: string;
  readonly model: string;
  /** What is put right, e.g. `3 counterexamples`. */
  readonly about: string;
  /** Null before the engine has read the files. */
  readonly run: PatchBegun | null;
  readonly layers: readonly LayerPatch[];
  readonly busy: Busy | null;
  /** Null while the study is at work. */
  readonly statement: string | null;
  readonly best: string | null;
  readonly problem: string | null;
  readonly choice: Choice;
  readonly canRun: boolean;
}

/** What is patched and for what, as the page keeps it over a reload. */
export interface KeptPatch {
  readonly asked: Asked;
  readonly about: string;
  readonly inputs: readonly WrongInput[] | null;
  readonly choice: Choice;
}

/** What is asked at the next run. */
export interface Choice {
  readonly mode: PatchModelParams['mode'];
  readonly measure: 'inf' | 'one' | 'count';
  readonly phases: 'fixed' | 'free';
  readonly marking: boolean;
  readonly margin: string;
  readonly keep: string;
  readonly seconds: string;
}

export type ToPage = { readonly type: 'show'; readonly shown: Shown | null } | ProgressMessage;

export type FromPage =
  | StudyMessage
  | { readonly type: 'choice'; readonly choice: Choice }
  | { readonly type: 'run' }
  | { readonly type: 'save'; readonly layer: string };

/** What survives a reload of the window. */
export interface PageState {
  readonly kept: KeptPatch | null;
  readonly layer: string | null;
}

export const INITIAL_STATE: PageState = { kept: null, layer: null };
