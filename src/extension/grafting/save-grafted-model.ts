import * as vscode from 'vscode';
import { shownPath } from '../documents/uris';

/**
 * Asks where to keep the grafted model, and copies it there.
 * @param grafted the file that the engine keeps
 * @param base path of the model that it was grafted from
 * @param target where to, for tests; a person is asked otherwise
 */
export async function saveGraftedModel(
  grafted: string | undefined,
  base: string | undefined,
  target?: vscode.Uri,
): Promise<void> {
  if (grafted === undefined || base === undefined) return;
  const file =
    target ??
    (await vscode.window.showSaveDialog({
      defaultUri: vscode.Uri.file(base.replace(/(\.onnx)?(\.gz)?$/, '.grafted.onnx')),
      filters: { 'ONNX models': ['onnx'] },
      title: 'Save the grafted model',
    }));
  if (!file) return;
  try {
    await vscode.workspace.fs.copy(vscode.Uri.file(grafted), file, { overwrite: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    void vscode.window.showErrorMessage(
      `The grafted model could not be saved: ${reason} Choose another place, or train again.`,
    );
    return;
  }
  void vscode.window.setStatusBarMessage(`Certiscope: ${shownPath(file)} was saved.`, 4000);
}
