/** What crosses between the extension and the page of a model's patches. */
import type { LayerPatch, PatchBegun, PatchModelParams } from '../../src/engine/study-protocols/patch-model';

export interface Shown {
  /** How a person names the specification and the model. */
  readonly specification: string;
  readonly model: string;
  /** What is put right, e.g. `3 counterexamples`. */
  readonly about: string;
  /** Null before the engine has read the files. */
  readonly run: PatchBegun | null;
  readonly layers: readonly LayerPatch[];
  readonly busy: boolean;
  /** Null while the study is at work. */
  readonly statement: string | null;
  readonly best: string | null;
  readonly problem: string;
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

export type ToPage =
  | { readonly type: 'show'; readonly shown: Shown | null }
  | { readonly type: 'progress'; readonly fraction: number | null; readonly text: string };

export type FromPage =
  | { readonly type: 'ready' }
  | { readonly type: 'choice'; readonly choice: Choice }
  | { readonly type: 'run' }
  | { readonly type: 'stop' }
  | { readonly type: 'openSpecification' }
  | { readonly type: 'save'; readonly layer: string };

export interface PageState {
  readonly layer: string | null;
}
