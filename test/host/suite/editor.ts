import * as vscode from 'vscode';
import assert from 'node:assert/strict';
import { gunzipSync } from 'node:zlib';
import type { ModelStructure } from '../../../src/engine/protocol';
import type { Internals } from '../../../src/extension/extension';

export const EXTENSION_ID = 'certiscope.certiscope';

/** A file of the workspace that fixtures.ts wrote. */
export function file(name: string): vscode.Uri {
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  assert.ok(folder, 'the tests need the workspace of test/host/fixtures.ts');
  return vscode.Uri.joinPath(folder.uri, name);
}

export async function internals(): Promise<Internals> {
  const extension = vscode.extensions.getExtension<Internals>(EXTENSION_ID);
  assert.ok(extension, `${EXTENSION_ID} is not installed`);
  return extension.activate();
}

export async function open(name: string): Promise<vscode.TextEditor> {
  return vscode.window.showTextDocument(file(name), { preview: false });
}

/** Waits until `probe` gives something, looking again as often as a person would notice. */
export async function eventually<T>(
  what: string,
  probe: () => T | undefined | null | false | Promise<T | undefined | null | false>,
  milliseconds = 20_000,
  otherwise: () => string = () => '',
): Promise<T> {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > deadline)
      throw new assert.AssertionError({ message: `not within ${milliseconds} ms: ${what} ${otherwise()}` });
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

export function diagnosticsOf(name: string): vscode.Diagnostic[] {
  return vscode.languages.getDiagnostics(file(name)).filter(diagnostic => diagnostic.source === 'Certiscope');
}

/** The diagnostics once there is one with this code. */
export function diagnosed(name: string, code: string): Promise<vscode.Diagnostic> {
  return eventually(`a diagnostic “${code}” in ${name}`, () =>
    diagnosticsOf(name).find(diagnostic => diagnostic.code === code),
  );
}

export async function lensTitles(uri: vscode.Uri): Promise<string[]> {
  const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', uri, 100);
  return lenses.map(lens => lens.command?.title ?? '');
}

/** Replaces the first occurrence of some text in an open editor, without saving. */
export async function replace(editor: vscode.TextEditor, from: string, to: string): Promise<void> {
  const at = editor.document.getText().indexOf(from);
  assert.ok(at >= 0, `${editor.document.fileName} does not hold “${from}”`);
  const range = new vscode.Range(editor.document.positionAt(at), editor.document.positionAt(at + from.length));
  assert.ok(await editor.edit(edit => edit.replace(range, to)));
}

/** The graph that a model page was told. */
export function unpackedStructure(packed: Uint8Array | null | undefined): ModelStructure | null {
  return packed ? (JSON.parse(gunzipSync(packed).toString('utf8')) as ModelStructure) : null;
}

/** Undoes everything typed and closes every editor: the next test begins with the files as they are. */
export async function closeEverything(): Promise<void> {
  for (const editor of vscode.window.visibleTextEditors) {
    if (!editor.document.isDirty) continue;
    await vscode.window.showTextDocument(editor.document);
    await vscode.commands.executeCommand('workbench.action.files.revert');
  }
  await vscode.commands.executeCommand('workbench.action.closeAllEditors');
}
