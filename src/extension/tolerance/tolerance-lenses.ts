import { getNodeValue, parseTree } from 'jsonc-parser';
import * as vscode from 'vscode';
import { COMMAND } from '../ids';
import { setting } from '../settings';

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

/** Where the checks of weights of a specification begin, and what they are called. */
export function weightsChecks(text: string): { readonly offset: number; readonly name: string | undefined }[] {
  const tree = parseTree(text, [], { allowTrailingComma: true });
  const checks = tree?.children?.find(property => property.children?.[0]?.value === 'checks')?.children?.[1];
  return (checks?.children ?? []).flatMap(node => {
    if (node.type !== 'object') return [];
    const { perturb, name } = getNodeValue(node) as { perturb?: unknown; name?: unknown };
    return perturb === 'weights' ? [{ offset: node.offset, name: typeof name === 'string' ? name : undefined }] : [];
  });
}
