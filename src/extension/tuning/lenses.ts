import * as vscode from 'vscode';
import { COMMAND } from '../ids';
import { setting } from '../settings';
import { toRange } from '../views/ranges';
import { PERTURBATION_SELECTOR } from './hints';
import type { PlaceTarget } from './commands';
import type { Tuner } from './tuner';

/** Above every size of a perturbation: the next smaller and the next larger one, written the same way, and the panel that tunes it. */
export class TuningLenses implements vscode.CodeLensProvider, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #disposables: vscode.Disposable[];

  readonly onDidChangeCodeLenses = this.#changed.event;

  constructor(private readonly tuner: Tuner) {
    this.#disposables = [
      this.#changed,
      vscode.workspace.onDidChangeConfiguration(change => {
        if (change.affectsConfiguration('certiscope.codeLens')) this.#changed.fire();
      }),
      vscode.languages.registerCodeLensProvider(PERTURBATION_SELECTOR, this),
    ];
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    if (!setting('codeLens', document.uri)) return [];
    return this.tuner.places(document).flatMap(({ form, kind, value, index }) => {
      if (form === null) return [];
      const target: PlaceTarget = { uri: document.uri.toString(), index };
      const lens = (title: string, command: string, tooltip: string) =>
        new vscode.CodeLens(toRange(value), { title, command, tooltip, arguments: [target] });
      const down = form.down();
      const steps = [
        ...(down === null ? [] : [lens(`$(arrow-down) ${down}`, COMMAND.epsilonDown, `Make it ${down}`)]),
        lens(`$(arrow-up) ${form.up()}`, COMMAND.epsilonUp, `Make it ${form.up()}`),
      ];
      if (kind === 'magnitude') return steps;
      return [
        ...steps,
        lens('$(settings) Tune', COMMAND.tune, 'Tune ε with a slider, and find the largest that holds'),
      ];
    });
  }
}
