import * as vscode from 'vscode';
import path from 'node:path';
import { RUN_SCHEME } from '../ids';
import type { History } from './history';
import type { RunHead } from './kept-run';

/** The read-only document of a run's specification. Its name ends so that it is not taken for a specification of the workspace. */
export function runDocument({ id, specification, started }: RunHead): vscode.Uri {
  const name = path.posix.basename(vscode.Uri.parse(specification).path).replace(/\.(certiscope\.jsonc|vnnlib)$/, '');
  const ending = specification.endsWith('.jsonc') ? 'jsonc' : 'txt';
  const time = new Date(started).toISOString().slice(0, 19).replace('T', ' ').replaceAll(':', '.');
  return vscode.Uri.from({
    scheme: RUN_SCHEME,
    authority: id.toLowerCase(),
    path: `/${name} as run ${time}.${ending}`,
  });
}

/** Shows what runs of the past asked, as they asked it. */
export function registerRunDocuments(history: History): vscode.Disposable {
  return vscode.workspace.registerTextDocumentContentProvider(RUN_SCHEME, {
    async provideTextDocumentContent({ authority }): Promise<string> {
      await history.open();
      const head = history.heads().find(({ id }) => id.toLowerCase() === authority);
      const text = head && (await history.text(head.id));
      return (
        text ??
        'The text of this run was not kept: it was longer than a million characters, packed, or the run was removed.'
      );
    },
  });
}
