import * as vscode from 'vscode';
import { UNPACKED_SCHEME } from '../ids';

/** Where a specification's text is shown: the file itself, or for a gzipped one the read-only document that holds it unpacked. */
export function textUri(specification: vscode.Uri): vscode.Uri {
  if (!specification.path.endsWith('.gz')) return specification;
  return specification.with({
    scheme: UNPACKED_SCHEME,
    path: specification.path.slice(0, -'.gz'.length),
    query: specification.scheme,
  });
}

/** The specification whose text a document shows. */
export function specificationUri(document: vscode.Uri): vscode.Uri {
  if (document.scheme !== UNPACKED_SCHEME) return document;
  return document.with({ scheme: document.query, path: `${document.path}.gz`, query: '' });
}

/** The file on a disk that an engine can read, or null in a virtual workspace. */
export function filePath(uri: vscode.Uri): string | null {
  return uri.scheme === 'file' ? uri.fsPath : null;
}

/** `folder/file` as a person names it: relative to the workspace where it is inside. */
export function shownPath(uri: vscode.Uri): string {
  return vscode.workspace.asRelativePath(uri, false);
}

/** A sentence about files, with paths of the workspace written from its folder on. */
export function withShortPaths(sentence: string): string {
  return (vscode.workspace.workspaceFolders ?? []).reduce(
    (text, { uri }) => text.replaceAll(`${uri.fsPath}/`, '').replaceAll(`${uri.fsPath}\\`, ''),
    sentence,
  );
}
