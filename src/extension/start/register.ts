import * as vscode from 'vscode';
import type { EngineDoor } from '../engine-door';
import { COMMAND } from '../ids';

/** What helps a person to begin: the check of the setup, the sample, the walkthrough. */
export function registerStart(context: vscode.ExtensionContext, door: EngineDoor): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.commands.registerCommand(COMMAND.checkSetup, async () => {
      const { checkSetup } = await import('./check-setup');
      await checkSetup(context, door);
    }),
    vscode.commands.registerCommand(COMMAND.openSample, async () => {
      const { openSample } = await import('./sample');
      await openSample(context);
    }),
    vscode.commands.registerCommand(COMMAND.getStarted, () =>
      vscode.commands.executeCommand(
        'workbench.action.openWalkthrough',
        `${context.extension.id}#certiscope.start`,
        false,
      ),
    ),
  );
}
