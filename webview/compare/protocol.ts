/** What crosses between the extension and the page that shows two runs side by side. Tensors travel as typed arrays, which VS Code sends as binary. */
import type { VerdictKind } from '../../src/report/verdict';
import type { Row, Tensors, Work } from '../results/protocol';

/** What became of a question from the earlier run to the later one. */
export type Change = 'broken' | 'worse' | 'better' | 'fixed' | 'added' | 'removed' | 'same';

/** Which questions are listed: one kind of change, everything that changed, or all. */
export type Filter = 'changed' | 'all' | Change;

/** One run, in words. */
export interface RunCard {
  readonly id: string;
  readonly title: string;
  readonly facts: readonly { readonly name: string; readonly value: string }[];
}

export interface Compared {
  /** Null where there is only one run to look at. */
  readonly before: RunCard | null;
  readonly after: RunCard;
  readonly counts: Readonly<Record<Change, number>>;
  /** "12 s → 8.1 s": what the questions took that both runs answered. */
  readonly times: string;
  /** The two runs asked different texts, and both are kept. */
  readonly textsDiffer: boolean;
}

/** One question of the list. Empty words on the side of the run that did not ask it. */
export interface ComparedRow {
  readonly title: string;
  readonly change: Change;
  readonly before: VerdictKind | null;
  readonly after: VerdictKind | null;
  readonly bounds: string;
  readonly seconds: string;
}

export type Which = 'before' | 'after';

/** A question's result in one of the runs, with everything that was kept of it. */
export interface Side {
  readonly row: Row;
  readonly tensors: Tensors;
  readonly problem: string | null;
  readonly work: Work;
}

export type ToPanel =
  | { readonly type: 'show'; readonly compared: Compared | null }
  /** Rows from `first` on, of `total` that the filter lets through. */
  | {
      readonly type: 'rows';
      readonly filter: Filter;
      readonly first: number;
      readonly rows: readonly ComparedRow[];
      readonly total: number;
    }
  | { readonly type: 'select'; readonly filter: Filter; readonly place: number }
  | {
      readonly type: 'details';
      readonly filter: Filter;
      readonly place: number;
      readonly title: string;
      readonly before: Side | null;
      readonly after: Side | null;
    };

export type FromPanel =
  | { readonly type: 'ready' }
  | { readonly type: 'rows'; readonly filter: Filter; readonly first: number; readonly end: number }
  | { readonly type: 'details'; readonly filter: Filter; readonly place: number }
  | { readonly type: 'swap' }
  /** Opens the two texts in VS Code's own diff editor. */
  | { readonly type: 'differences' }
  | { readonly type: 'copy' | 'saveModel'; readonly filter: Filter; readonly place: number; readonly side: Which };

/** What survives a reload of the window. */
export interface PanelState {
  readonly before: string | null;
  readonly after: string | null;
  readonly filter: Filter;
  readonly place: number;
  readonly view: 'picture' | 'table';
}

export const INITIAL_STATE: PanelState = { before: null, after: null, filter: 'changed', place: 0, view: 'picture' };
