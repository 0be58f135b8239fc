import * as vscode from 'vscode';
import type { Problem, Range } from '../../base/result';

export function toRange({ start, end }: Range): vscode.Range {
  return new vscode.Range(start.line, start.character, end.line, end.character);
}

/** The first line, for what has no place of its own. */
export const FIRST_LINE = new vscode.Range(0, 0, 0, Number.MAX_SAFE_INTEGER);

export function severityOf({ severity }: Problem): vscode.DiagnosticSeverity {
  if (severity === 'warning') return vscode.DiagnosticSeverity.Warning;
  if (severity === 'information') return vscode.DiagnosticSeverity.Information;
  return vscode.DiagnosticSeverity.Error;
}
