import * as vscode from 'vscode';
import { registerTable } from '../commands/command-table';
import type { EngineDoor } from '../engine-door';
import { COMMAND } from '../ids';
import { SetupDocument } from './setup-document';

/** What helps a person to begin: the check of the setup, the sample, the walkthrough. */
export function registerStart(
  context: vscode.ExtensionContext,
  door: EngineDoor,
  log: vscode.LogOutputChannel,
): vscode.Disposable {
  const report = new SetupDocument();
  const commands = registerTable(
    {
      [COMMAND.checkSetup]: async () => {
        const { checkSetup } = await import('./check-setup');
        await checkSetup(context, door, text => report.show(text));
      },
      [COMMAND.openSample]: async () => {
        const { openSample } = await import('./sample');
        await openSample(context);
      },
      [COMMAND.getStarted]: () =>
        vscode.commands.executeCommand(
          'workbench.action.openWalkthrough',
          `${context.extension.id}#certiscope.start`,
          false,
        ),
    },
    log,
  );
  return vscode.Disposable.from(report, commands);
}
