import * as vscode from 'vscode';
import { setTimeout as delay } from 'node:timers/promises';
import { COMMAND } from '../ids';
import { hintSentences, hintText } from '../core/tuning-words';
import { toRange } from '../views/ranges';
import { isTunable, type Tuner } from './tuner';

/** Perturbation specifications, which alone have an ε. */
export const PERTURBATION_SELECTOR: vscode.DocumentSelector = { pattern: '**/*.certiscope.jsonc' };

/** VS Code waits for a provider before it draws anything; an answer that takes longer than this is drawn when it is there. */
const PATIENCE_MILLISECONDS = 70;

/** Beside every ε what is known about it: whether it holds and by how much, and the bracket of the largest one. */
export class TuningHints implements vscode.InlayHintsProvider, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #disposables: vscode.Disposable[];

  readonly onDidChangeInlayHints = this.#changed.event;

  constructor(private readonly tuner: Tuner) {
    this.#disposables = [
      this.#changed,
      tuner.onDidChange(() => this.#changed.fire()),
      vscode.languages.registerInlayHintsProvider(PERTURBATION_SELECTOR, this),
    ];
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }

  async provideInlayHints(
    document: vscode.TextDocument,
    range: vscode.Range,
    token: vscode.CancellationToken,
  ): Promise<vscode.InlayHint[]> {
    if (!isTunable(document)) return [];
    const places = this.tuner
      .places(document)
      .filter(place => place.kind === 'epsilon' && range.intersection(toRange(place.value)));
    if (this.tuner.mayAnswer(document) && !places.every(place => this.tuner.isBounded(document, place)))
      await this.#awaitBounds(document, token);
    // Facts are looked up by the text as it is now: what was found out about an earlier ε is not found here.
    return this.tuner.places(document).flatMap(place => {
      if (place.kind !== 'epsilon' || !range.intersection(toRange(place.value))) return [];
      const facts = this.tuner.facts(document, place);
      const text = hintText(facts);
      if (text === null) return [];
      const hint = new vscode.InlayHint(toRange(place.value).end, text);
      hint.paddingLeft = true;
      hint.tooltip = tooltip(document, place.index, hintSentences(facts));
      return [hint];
    });
  }

  async #awaitBounds(document: vscode.TextDocument, token: vscode.CancellationToken): Promise<void> {
    const cursor = vscode.window.visibleTextEditors.find(editor => editor.document === document)?.selection.active;
    const first = new Promise<void>(resolve => {
      const listening = this.tuner.onDidChange(uri => {
        if (uri.toString() !== document.uri.toString()) return;
        listening.dispose();
        resolve();
      });
      setTimeout(() => listening.dispose(), PATIENCE_MILLISECONDS);
      token.onCancellationRequested(() => resolve());
    });
    // An edit has asked already; a document that was just opened, or a check that was just added, has not.
    void this.tuner.ensure(document, cursor);
    await Promise.race([first, delay(PATIENCE_MILLISECONDS)]);
  }
}

function tooltip({ uri }: vscode.TextDocument, index: number, sentences: readonly string[]): vscode.MarkdownString {
  const text = new vscode.MarkdownString('', true);
  text.isTrusted = { enabledCommands: [COMMAND.tune, COMMAND.largestEpsilon] };
  for (const sentence of sentences) text.appendText(sentence).appendMarkdown('\n\n');
  const argument = encodeURIComponent(JSON.stringify([{ uri: uri.toString(), index }]));
  text.appendMarkdown(
    `[Tune ε](command:${COMMAND.tune}?${argument}) · [Largest ε that holds](command:${COMMAND.largestEpsilon}?${argument})`,
  );
  return text;
}
