import * as vscode from 'vscode';
import { ok, problem, type Result } from '../../base/result';
import type { StudySubject } from '../../engine/study-protocols/subject';
import type { Asked } from '../../../webview/kit/study';
import type { Chosen } from '../commands/specification-choice';
import { filePath, shownPath, textUri } from '../documents/uris';

/** What a page keeps of what was chosen, so that a reload comes back to it. */
export function askedOf({ specification, model }: Chosen): Asked {
  return { specification: specification.toString(), model: model?.fsPath ?? null };
}

/** What was chosen, from what a page kept. */
export function chosenOf({ specification, model }: Asked): Chosen {
  return { specification: vscode.Uri.parse(specification), model: model === null ? undefined : vscode.Uri.file(model) };
}

/** What a study of it is about, as a person names it. */
export function aboutOf({ specification, model }: Chosen): string {
  return shownPath(model ?? specification);
}

/** The same for the engine: the text on the screen counts, where the specification is open; a gzipped one the engine unpacks itself. */
export function subjectOf({ specification, model }: Chosen): Result<StudySubject> {
  const path = filePath(specification);
  if (path === null)
    return problem(
      'study/virtual',
      'The specification is on no disk that the engine can read. Open its folder on the machine it lives on to run it.',
    );
  const text = specification.path.endsWith('.gz')
    ? undefined
    : vscode.workspace.textDocuments.find(({ uri }) => uri.toString() === specification.toString())?.getText();
  return ok({
    specification: { path, ...(text === undefined ? {} : { text }) },
    ...(model ? { model: model.fsPath } : {}),
  });
}

/** Shows the text of a specification beside the panel that names it. */
export async function openSpecification(specification: vscode.Uri): Promise<void> {
  await vscode.window.showTextDocument(textUri(specification), { viewColumn: vscode.ViewColumn.One });
}
