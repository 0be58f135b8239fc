import * as vscode from 'vscode';
import { COMMAND, CONTEXT } from '../ids';
import { statusLine } from '../core/wording';
import type { VerdictStore } from '../core/verdict-store';
import { coalesce, VIEW_INTERVAL_MS } from './coalesce';

/** The one status bar item, and the context key that menus read. Hidden while no specification is known. */
export class StatusItem implements vscode.Disposable {
  readonly #item = vscode.window.createStatusBarItem('certiscope.status', vscode.StatusBarAlignment.Left, 0);
  readonly #update = coalesce(VIEW_INTERVAL_MS, () => this.#draw());
  readonly #subscription: { dispose(): void };
  #running = false;

  constructor(private readonly store: VerdictStore) {
    this.#item.name = 'Certiscope';
    this.#item.command = COMMAND.menu;
    this.#subscription = store.onChange(() => this.#update.request());
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#update.dispose();
    this.#item.dispose();
  }

  #draw(): void {
    const { text, tooltip } = statusLine(this.store);
    this.#item.text = text;
    this.#item.tooltip = tooltip;
    this.#item.accessibilityInformation = { label: `Certiscope: ${tooltip}` };
    if (this.store.specifications().length > 0) this.#item.show();
    else this.#item.hide();
    const running = this.store.isBusy();
    if (running === this.#running) return;
    this.#running = running;
    void vscode.commands.executeCommand('setContext', CONTEXT.running, running);
  }
}
