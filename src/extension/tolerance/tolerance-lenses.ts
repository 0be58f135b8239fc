import * as vscode from 'vscode';
import { COMMAND } from '../ids';
import { setting } from '../settings';
import { weightsChecks } from './weights-checks';

/** Above every check of weights: how far the weights of its layers may move. */
export class ToleranceLenses implements vscode.CodeLensProvider {
  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    if (!setting('codeLens') || !vscode.workspace.isTrusted) return [];
    return weightsChecks(document.getText()).map(({ offset, name }) => {
      const place = document.positionAt(offset);
      return new vscode.CodeLens(new vscode.Range(place, place), {
        title: '$(pulse) Weight tolerance',
        tooltip: 'How far the weights of these layers may move before an answer changes',
        command: COMMAND.weightTolerance,
        arguments: [document.uri, name],
      });
    });
  }
}
