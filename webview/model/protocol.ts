/** What crosses between the extension and a model's page. */
import type { ModelStructure, TensorStatistics } from '../../src/engine/protocol';

/** What layers can be coloured by, beside what the page knows itself (`LocalMeasure`). */
export interface Measure {
  readonly id: string;
  readonly label: string;
  /** What the numbers are and what they are of, in a sentence; why there are none, where there are none. */
  readonly about: string;
  /** By layer: the node's name, or the name of one of its outputs. */
  readonly values: Readonly<Record<string, number>>;
  readonly format: NumberFormat;
  /** The number of a group from those of its layers. */
  readonly combine: Combine;
  /** The file has changed since. */
  readonly stale: boolean;
  /** What measuring it (again) is called; null where it cannot be. */
  readonly action: string | null;
}

/** `part` is a percentage of a whole, from 0 to 100; `percent` may be of any size. */
export type NumberFormat = 'part' | 'percent' | 'number' | 'count';
export type Combine = 'largest' | 'smallest' | 'mean' | 'sum';

/** Something that can be done with the model. */
export interface Action {
  readonly command: string;
  readonly label: string;
}

export interface ShownModel {
  /** Name of the file and its folder within the workspace. */
  readonly name: string;
  readonly folder: string;
  /** Null where it could not be read; `problem` then says why in one sentence. */
  readonly structure: ModelStructure | null;
  readonly problem: string | null;
  readonly actions: readonly Action[];
  /** Why nothing can be run here; null where it can. */
  readonly notRunning: string | null;
}

/** As it crosses: the graph is the bytes of its gzipped JSON, which nobody on the way needs to read. */
export type PackedModel = Omit<ShownModel, 'structure'> & { readonly structure: Uint8Array<ArrayBuffer> | null };

export type ToPage =
  /** The file is being read, for the first time or again. */
  | { readonly type: 'reading' }
  | { readonly type: 'show'; readonly model: PackedModel }
  | { readonly type: 'measures'; readonly measures: readonly Measure[] }
  | {
      readonly type: 'weights';
      /** The tensors that were asked for. */
      readonly tensors: readonly string[];
      readonly answers: readonly TensorStatistics[];
      /** What kept all of them from being read. */
      readonly problem: string | null;
    };

export type FromPage =
  | { readonly type: 'ready' }
  | { readonly type: 'weights'; readonly tensors: readonly string[] }
  | { readonly type: 'act'; readonly command: string }
  /** Measure what layers are coloured by. */
  | { readonly type: 'measure'; readonly id: string };

/** What survives a reload of the window. */
export interface PageState {
  readonly selected: string | null;
  /** Groups that are open; null before anyone has touched them. */
  readonly open: readonly string[] | null;
  readonly view: { readonly x: number; readonly y: number; readonly scale: number } | null;
  readonly tab: 'graph' | 'table';
  readonly colour: string;
  readonly search: string;
  readonly sort: { readonly column: string; readonly down: boolean } | null;
}

export const INITIAL_STATE: PageState = {
  selected: null,
  open: null,
  view: null,
  tab: 'graph',
  colour: 'kind',
  search: '',
  sort: null,
};
