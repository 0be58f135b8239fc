import * as vscode from 'vscode';
import type { StudySubject } from '../../engine/study-protocols/subject';
import type { SpecificationIndex } from '../documents/specification-index';
import { filePath } from '../documents/uris';

/** A specification and the model that is meant, as panels keep them over a reload. */
export interface Asked {
  /** Address of the specification. */
  readonly specification: string;
  /** Path of the model, where it is another than the specification names. */
  readonly model: string | null;
}

/** What a study is about: the text on the screen counts, where the specification is open. */
export function subjectOf({ specification, model }: Asked, index: SpecificationIndex): StudySubject {
  const uri = vscode.Uri.parse(specification);
  const text = index.openText(uri);
  return {
    specification: { path: filePath(uri) ?? uri.fsPath, ...(text === undefined ? {} : { text }) },
    ...(model === null ? {} : { model }),
  };
}
