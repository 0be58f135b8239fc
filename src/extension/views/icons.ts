import * as vscode from 'vscode';
import type { Tone } from '../core/wording';

const COLOUR: Record<Tone, string | null> = {
  none: null,
  busy: null,
  good: 'testing.iconPassed',
  bad: 'testing.iconFailed',
  open: 'testing.iconQueued',
};

/** One of VS Code's own icons, in the colour of what it says. */
export function icon(name: string, tone: Tone): vscode.ThemeIcon {
  const colour = COLOUR[tone];
  return new vscode.ThemeIcon(name, colour === null ? undefined : new vscode.ThemeColor(colour));
}
