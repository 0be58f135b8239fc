import * as vscode from 'vscode';

/** What a person may have changed: it is kept when the sample is opened again. */
const OWN = /\.certiscope\.jsonc$/;

/**
 * Opens the bundled sample: two small networks that read digits. It is copied where it can be edited, outside the person's folders, so that trying something out leaves
 * nothing behind in them.
 */
export async function openSample(context: vscode.ExtensionContext): Promise<void> {
  const from = vscode.Uri.joinPath(context.extensionUri, 'samples');
  const to = vscode.Uri.joinPath(context.globalStorageUri, 'sample');
  try {
    await vscode.workspace.fs.createDirectory(to);
    const there = new Set((await vscode.workspace.fs.readDirectory(to)).map(([name]) => name));
    for (const [name, type] of await vscode.workspace.fs.readDirectory(from)) {
      if (type !== vscode.FileType.File || (there.has(name) && OWN.test(name))) continue;
      await vscode.workspace.fs.copy(vscode.Uri.joinPath(from, name), vscode.Uri.joinPath(to, name), {
        overwrite: true,
      });
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    void vscode.window.showErrorMessage(
      `The sample could not be copied to ${to.fsPath} (${reason}). Free some disk space and try again.`,
    );
    return;
  }
  const specification = vscode.Uri.joinPath(to, 'digits.certiscope.jsonc');
  await vscode.window.showTextDocument(specification, { preview: false, viewColumn: vscode.ViewColumn.One });
}
