import * as vscode from 'vscode';
import { SETUP_SCHEME } from '../ids';

const REPORT = vscode.Uri.from({ scheme: SETUP_SCHEME, path: '/Certiscope setup.md' });

/** The last report on the setup as a read-only document: closing it asks nothing. */
export class SetupDocument implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #registration = vscode.workspace.registerTextDocumentContentProvider(SETUP_SCHEME, this);
  #text = '';
  readonly onDidChange = this.#changed.event;

  dispose(): void {
    this.#registration.dispose();
    this.#changed.dispose();
  }

  provideTextDocumentContent(): string {
    return this.#text;
  }

  async show(text: string): Promise<void> {
    this.#text = text;
    this.#changed.fire(REPORT);
    await vscode.window.showTextDocument(REPORT, { preview: true });
  }
}
