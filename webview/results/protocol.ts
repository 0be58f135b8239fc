/** What crosses between the extension and the results panel. Tensors cross as typed arrays, which VS Code sends as binary. */
import type { Preprocess } from '../../src/report/record';
import type { Busy as Progressing } from '../kit/study';
import type { LabelResult, TracePoint, VerdictKind } from '../../src/report/verdict';

/** Everything that is shown of one question but its tensors. Words are chosen by the extension, so that all views say the same. */
export interface Shown {
  readonly question: string;
  readonly name: string;
  readonly specification: string;
  readonly model: string;
  readonly label: string;
  readonly detail: string;
  readonly tone: 'none' | 'busy' | 'good' | 'bad' | 'open';
  readonly stale: boolean;
  /** A run is going on or waiting: how far it is, 0..1, or null when that is not known. */
  readonly busy: Busy | null;
  /** Warnings and mistakes that belong to the whole specification. */
  readonly notes: readonly string[];
  /** How many results there are of each verdict, the worst first. The page asks for those that it shows: a data set has thousands. */
  readonly counts: readonly { readonly kind: VerdictKind; readonly count: number }[];
  readonly planned: number;
  readonly canRun: boolean;
}

export interface Busy extends Progressing {
  /** The question in work, once the solver has told of it. */
  readonly live: { readonly text: string; readonly trace: readonly TracePoint[] } | null;
}

/** How a result came about. It is sent for the chosen result alone: a data set has thousands. */
export interface Work {
  /** In the order in which they were taken; empty where there is only one way to fail. */
  readonly labels: readonly LabelRow[];
  /** A sentence on the labels as a whole. */
  readonly labelsNote: string;
  readonly trace: readonly TracePoint[];
  readonly neurons: readonly { readonly node: string; readonly unstable: number; readonly size: number }[];
  /** The weights with which the network fails; null where it is about inputs alone. */
  readonly weights: ChangedWeights | null;
}

export interface ChangedWeights {
  readonly rows: readonly WeightRow[];
  /** Changed weights that are not among the rows. */
  readonly more: number;
  /** Whether there is a changed model to save. */
  readonly model: boolean;
}

export interface WeightRow {
  readonly layer: string;
  /** The tensor and the place in it: "w1[3, 0]". */
  readonly place: string;
  readonly before: number;
  readonly after: number;
}

export interface LabelRow {
  readonly name: string;
  readonly outcome: LabelResult['outcome'];
  readonly margin: string;
  readonly seconds: string;
  readonly subproblems: string;
  readonly reason: string;
}

/** One result in a list. */
export type ListedRow = Pick<Row, 'index' | 'title' | 'kind' | 'seconds'>;

/** One result. */
export interface Row {
  readonly index: number;
  /** "Sample 3", or the property's name. */
  readonly title: string;
  readonly kind: VerdictKind;
  readonly seconds: string;
  readonly claim: string;
  /** What introduces the claim: "Falsified claim". */
  readonly claimWords: string;
  /** Why, what to try, and how a counterexample was replayed; empty for a plain `verified`. */
  readonly reason: string;
  readonly facts: readonly { readonly name: string; readonly value: string; readonly title?: string }[];
  readonly counterexample: boolean;
  readonly inputShape: readonly number[];
  readonly outputNames: readonly string[];
  readonly preprocess: Preprocess | null;
  readonly label: number | null;
}

/** The tensors of one result; those it does not have are absent. */
export interface Tensors {
  readonly input?: Float32Array;
  readonly output?: Float32Array;
  readonly original?: Float32Array;
  readonly originalOutput?: Float32Array;
}

export type ToPanel =
  | { readonly type: 'show'; readonly shown: Shown | null }
  | { readonly type: 'select'; readonly index: number }
  /** Rows from `first` on, of those that the filter lets through, the worst first. */
  | {
      readonly type: 'rows';
      readonly question: string;
      readonly filter: PanelState['filter'];
      readonly first: number;
      readonly rows: readonly ListedRow[];
    }
  | {
      readonly type: 'details';
      readonly question: string;
      /** What was asked for: an answer to an earlier question is not shown over a later one. */
      readonly asked: number | null;
      readonly row: Row;
      readonly tensors: Tensors;
      readonly problem: string | null;
      readonly work: Work;
    };

export type FromPanel =
  | { readonly type: 'ready' }
  /** There is nothing yet: begins with choosing what to verify. */
  | { readonly type: 'begin' }
  | {
      readonly type: 'rows';
      readonly question: string;
      readonly filter: PanelState['filter'];
      readonly first: number;
      readonly end: number;
    }
  /** Asks for everything about a result; about the worst where none is named. */
  | { readonly type: 'details'; readonly question: string; readonly index: number | null }
  | { readonly type: 'run'; readonly question: string }
  | { readonly type: 'stop'; readonly question: string }
  | { readonly type: 'openSpecification'; readonly question: string }
  | { readonly type: 'copy'; readonly question: string; readonly index: number }
  /** Asks where to save the model with the changed weights, and saves it. */
  | { readonly type: 'saveModel'; readonly question: string; readonly index: number };

/** What survives a reload of the window: where the person was, not what was shown. */
export interface PanelState {
  readonly question: string | null;
  readonly index: number | null;
  readonly filter: 'all' | VerdictKind;
  /** Screen pixels for one pixel of the input; 0 chooses one that fits. */
  readonly zoom: number;
  readonly view: 'picture' | 'table';
}

export const INITIAL_STATE: PanelState = { question: null, index: null, filter: 'all', zoom: 0, view: 'picture' };
