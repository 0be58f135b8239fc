import * as vscode from 'vscode';
import type { VerifyFlow } from '../commands/verify-flow';
import { setting } from '../settings';
import { registerRunCommands } from './commands';
import { ComparePanel } from './compare-panel';
import { History } from './history';
import { registerRunDocuments } from './run-documents';
import { RunsTree } from './runs-tree';

/** The history of this workspace; nothing is read before somebody looks at it or runs something. */
export function createHistory(context: vscode.ExtensionContext, warn: (message: string) => void): History {
  const folder = vscode.Uri.joinPath(context.storageUri ?? context.globalStorageUri, 'runs');
  return new History(folder.fsPath, () => ({ runs: setting('historyRuns'), megabytes: setting('historyLimit') }), warn);
}

/** The Runs view, its commands, the page that compares, and the texts that runs of the past asked. */
export function registerRuns(
  context: vscode.ExtensionContext,
  history: History,
  flow: VerifyFlow,
  log: vscode.LogOutputChannel,
): vscode.Disposable {
  const tree = new RunsTree(history, context.workspaceState);
  const panel = new ComparePanel(context.extensionUri, history);
  return vscode.Disposable.from(
    tree,
    panel,
    registerRunDocuments(history),
    registerRunCommands({
      history,
      tree,
      flow,
      log,
      compare: (before, after, index) => void panel.open(before, after, index),
    }),
  );
}
