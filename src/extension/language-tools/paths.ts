import * as vscode from 'vscode';
import { existsSync } from 'node:fs';
import path from 'node:path';

/** The file that a language model means: from a folder of the workspace in which it is, unless it is absolute. */
export function absolutePath(file: string): string {
  if (path.isAbsolute(file)) return path.normalize(file);
  const candidates = (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => path.join(uri.fsPath, file));
  return candidates.find(candidate => existsSync(candidate)) ?? candidates[0] ?? path.resolve(file);
}
