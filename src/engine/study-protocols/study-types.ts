/** The three types of one kind of study. */
export interface StudyTypes<Params, Part, Result> {
  readonly params: Params;
  readonly part: Part;
  readonly result: Result;
}
