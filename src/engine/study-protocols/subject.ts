/** What most studies are about: the model, data and preprocessing of a perturbation specification (its checks are not looked at). */
export interface StudySubject {
  /** `text` is what an open editor holds: it is read instead of the file, and relative paths still start from `path`. */
  readonly specification: { readonly path: string; readonly text?: string };
  /** Over the model that the specification names. */
  readonly model?: string;
  /** Only these samples (indices in the data) of those that the specification selects. */
  readonly samples?: readonly number[];
}
