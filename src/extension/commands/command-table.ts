import * as vscode from 'vscode';
import { withShortPaths } from '../documents/uris';
import { COMMAND } from '../ids';

/** What a command does; whatever it is called with. */
// The arguments come from menus, trees, links and other extensions: each handler says what it understands.
export type CommandTable = Readonly<Record<string, (...words: never[]) => unknown>>;

/** Registers commands that never fail without a word: what went wrong is said in a sentence, and the log has the rest. */
export function registerTable(table: CommandTable, log: vscode.LogOutputChannel): vscode.Disposable {
  return vscode.Disposable.from(
    ...Object.entries(table).map(([id, handler]) =>
      vscode.commands.registerCommand(id, async (...words: never[]) => {
        try {
          return await handler(...words);
        } catch (error) {
          explain(id, error, log);
          return undefined;
        }
      }),
    ),
  );
}

function explain(id: string, error: unknown, log: vscode.LogOutputChannel): void {
  log.error(`${id}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  const action = 'Show Log';
  void vscode.window
    .showErrorMessage(`Certiscope could not do that: ${withShortPaths(reasonOf(error))}`, action)
    .then(picked => {
      if (picked === action) void vscode.commands.executeCommand(COMMAND.showLog);
    });
}

/** What a file system says, in the words of people. */
export function reasonOf(error: unknown): string {
  if (error instanceof vscode.FileSystemError) {
    if (error.code === 'NoPermissions')
      return 'The folder, or a file in it, is read-only. Choose another place, or ask for the right to write there.';
    if (error.code === 'FileNotFound')
      return 'A file that it needs is not there any more. Refresh the Certiscope view.';
  }
  return error instanceof Error ? error.message : String(error);
}
