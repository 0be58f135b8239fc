/** What all pages of studies say to the extension and are told by it. */

/** How far a study is, 0..1 where that is known. */
export interface Busy {
  readonly fraction: number | null;
  readonly text: string;
}

/** What a page keeps of what it is about, so that a reload of the window comes back to it. */
export interface Asked {
  /** Address of the specification. */
  readonly specification: string;
  /** Path of the model, where it is another than the specification names. */
  readonly model: string | null;
}

/** The study goes on. What else is shown stays as it is. */
export interface ProgressMessage {
  readonly type: 'progress';
  readonly busy: Busy;
}

/** What a person can do on every page of a study; `begin`: there is nothing yet, and a model is to be chosen. */
export type StudyMessage = { readonly type: 'ready' | 'begin' | 'stop' | 'openSpecification' };
