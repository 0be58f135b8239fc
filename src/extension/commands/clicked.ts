import * as vscode from 'vscode';
import type { Item } from '../views/trees';

/** What a command is called with: a file (Explorer, editor), an item of a tree, or nothing (palette). */
export type Clicked = vscode.Uri | Item | undefined;

/** The file behind it: a model or a specification; undefined where it is neither. */
export function fileOf(clicked: Clicked): vscode.Uri | undefined {
  if (clicked === undefined || clicked instanceof vscode.Uri) return clicked;
  if (clicked.kind === 'model') return clicked.uri;
  return clicked.kind === 'specification' ? vscode.Uri.parse(clicked.id) : undefined;
}
