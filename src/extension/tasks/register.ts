import * as vscode from 'vscode';
import path from 'node:path';
import type { VerdictStore } from '../core/verdict-store';
import type { SpecificationIndex } from '../documents/specification-index';
import { filePath, shownPath } from '../documents/uris';

const TYPE = 'certiscope';

/** A task as tasks.json writes it; package.json has its schema. Paths are from the workspace folder. */
interface VerifyDefinition extends vscode.TaskDefinition {
  readonly type: typeof TYPE;
  readonly specification: string;
  readonly model?: string;
  /** More words of `certiscope verify`. */
  readonly arguments?: readonly string[];
}

/** *Verify* as a task: the command line on a specification, its complaints in the Problems view. For builds, and for whoever wants it in a terminal. */
export function registerTasks(
  context: vscode.ExtensionContext,
  store: VerdictStore,
  index: SpecificationIndex,
): vscode.Disposable {
  const program = path.join(context.extensionPath, 'dist', 'cli.js');
  return vscode.tasks.registerTaskProvider(TYPE, {
    async provideTasks() {
      await index.scan();
      return store.specifications().flatMap(({ id, model }) => {
        const uri = vscode.Uri.parse(id);
        const folder = vscode.workspace.getWorkspaceFolder(uri);
        // A VNN-LIB property does not name its model: such a task is written by hand.
        if (model === null || filePath(uri) === null || !folder) return [];
        return verifyTask({ type: TYPE, specification: path.relative(folder.uri.fsPath, uri.fsPath) }, folder, program);
      });
    },
    resolveTask(task) {
      const { scope, definition } = task;
      const folder = typeof scope === 'object' ? scope : vscode.workspace.workspaceFolders?.[0];
      const written = definition as Partial<VerifyDefinition>;
      if (!folder || typeof written.specification !== 'string') return undefined;
      return verifyTask(definition as VerifyDefinition, folder, program);
    },
  });
}

function verifyTask(definition: VerifyDefinition, folder: vscode.WorkspaceFolder, program: string): vscode.Task {
  const { specification, model, arguments: more = [] } = definition;
  const words = ['verify', ...(model === undefined ? [] : [model]), specification, ...more];
  // The editor's own Node: on a desktop that is Electron, which must be told to be nothing else.
  const execution = new vscode.ProcessExecution(process.execPath, [program, ...words], {
    cwd: folder.uri.fsPath,
    env: { ELECTRON_RUN_AS_NODE: '1' },
  });
  const shown = shownPath(vscode.Uri.joinPath(folder.uri, specification));
  const task = new vscode.Task(definition, folder, `verify ${shown}`, 'certiscope', execution, '$certiscope');
  task.group = vscode.TaskGroup.Test;
  task.presentationOptions = { reveal: vscode.TaskRevealKind.Silent, showReuseMessage: false };
  return task;
}
