import * as vscode from 'vscode';
import path from 'node:path';
import { exportedFiles, FORMATS, type ExportedFile, type Format } from './exported';
import type { History } from './history';
import type { RunHead } from './kept-run';
import { runTitle } from './listing';
import { shownName } from './runs-tree';

/** Asks for a form and a place and writes the run there; of one result where its index is given. */
export async function exportRun(history: History, head: RunHead, index: number | null): Promise<void> {
  const all = await history.results(head.id);
  const results = index === null ? all : all.filter(result => result.index === index);
  const broken = results.some(({ verdict }) => verdict.kind === 'falsified');
  const items = (Object.entries(FORMATS) as [Format, (typeof FORMATS)[Format]][])
    .filter(([format]) => broken || (format !== 'npy' && format !== 'png'))
    .map(([format, { label, description }]) => ({ label, description, format }));
  const title = `Export ${runTitle(head)}`;
  const picked = await vscode.window.showQuickPick(items, { title, placeHolder: 'As what?' });
  if (!picked) return;
  const { ending } = FORMATS[picked.format];
  const specification = vscode.Uri.parse(head.specification);
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri ?? vscode.Uri.joinPath(specification, '..');
  const name = path.posix.basename(specification.path).replace(/(\.certiscope\.jsonc|\.vnnlib(\.gz)?)$/, '');
  const target = await vscode.window.showSaveDialog({
    title,
    defaultUri: vscode.Uri.joinPath(folder, `${name}.${ending}`),
    filters: { [picked.label]: [ending] },
  });
  if (!target) return;
  const stem = path.posix.basename(target.path).replace(new RegExp(`\\.${ending}$`), '');
  const files = await exportedFiles(picked.format, head, results, {
    specification: specification.fsPath,
    stem,
    base: folder.fsPath,
  });
  if (files.length === 0) {
    const why =
      picked.format === 'png'
        ? 'None of the counterexamples is a picture.'
        : 'The numbers of its counterexamples were not kept.';
    return void vscode.window.showInformationMessage(`Nothing was written. ${why}`);
  }
  await write(target, files);
}

async function write(target: vscode.Uri, files: readonly ExportedFile[]): Promise<void> {
  // One file goes where it was asked for; several stand beside each other under its name.
  const [first] = files;
  const place = (name: string) => (files.length === 1 ? target : vscode.Uri.joinPath(target, '..', name));
  try {
    for (const { name, bytes } of files) await vscode.workspace.fs.writeFile(place(name), bytes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return void vscode.window.showErrorMessage(
      `${shownName(target.toString())}: cannot be written there (${reason}). Choose another folder.`,
    );
  }
  const what = files.length === 1 ? shownName(target.toString()) : `${files.length} files beside ${first!.name}`;
  const action = 'Open';
  const picked = await vscode.window.showInformationMessage(`Exported ${what}.`, ...(isText(target) ? [action] : []));
  if (picked === action) await vscode.window.showTextDocument(place(first!.name));
}

function isText({ path: file }: vscode.Uri): boolean {
  return /\.(json|csv|sarif|xml)$/.test(file);
}
