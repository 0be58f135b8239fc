import * as vscode from 'vscode';
import { COMMAND, UNPACKED_SCHEME } from '../ids';
import { headline } from '../core/wording';
import { verdictOf, type QuestionState, type VerdictStore } from '../core/verdict-store';
import { specificationUri } from '../documents/uris';
import { setting } from '../settings';
import { coalesce, VIEW_INTERVAL_MS } from './coalesce';
import { toRange } from './ranges';

/** The documents that hold specifications. */
export const SPECIFICATION_SELECTOR: vscode.DocumentSelector = [
  { pattern: '**/*.certiscope.jsonc' },
  { language: 'vnnlib' },
  { scheme: UNPACKED_SCHEME },
];

/** Above every property: its state, Run or Stop, and its counterexample. */
export class CodeLenses implements vscode.CodeLensProvider, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #update = coalesce(VIEW_INTERVAL_MS, () => this.#changed.fire());
  readonly #disposables: { dispose(): void }[];

  readonly onDidChangeCodeLenses = this.#changed.event;

  constructor(private readonly store: VerdictStore) {
    this.#disposables = [
      this.#changed,
      this.#update,
      store.onChange(({ event }) => (event.kind === 'edited' ? this.#update.flush() : this.#update.request())),
      vscode.workspace.onDidChangeConfiguration(change => {
        if (change.affectsConfiguration('certiscope.codeLens')) this.#changed.fire();
      }),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.#changed.fire()),
      vscode.languages.registerCodeLensProvider(SPECIFICATION_SELECTOR, this),
    ];
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    if (!setting('codeLens')) return [];
    const specification = specificationUri(document.uri).toString();
    return this.store.questions(specification).flatMap(question => this.#lensesOf(question));
  }

  #lensesOf(question: QuestionState): vscode.CodeLens[] {
    const range = toRange(question.range);
    const { icon, label, brief } = headline(question, this.store.isStale(question));
    const lens = (title: string, command: string, tooltip: string) =>
      new vscode.CodeLens(range, { title, command, tooltip, arguments: [question.id] });
    const title = `$(${icon}) ${[label, brief].filter(part => part !== '').join(' · ')}`;
    const lenses = [lens(title, COMMAND.showResults, 'Show the results of this property')];
    if (question.activity.kind !== 'idle') lenses.push(lens('$(debug-stop) Stop', COMMAND.stop, 'Stop this run'));
    else if (vscode.workspace.isTrusted)
      lenses.push(lens('$(play) Run', COMMAND.verifyQuestion, 'Verify this property'));
    else lenses.push(lens('$(shield) Not trusted', 'workbench.trust.manage', 'Running needs a trusted workspace'));
    if (verdictOf(question.evidence) === 'falsified')
      lenses.push(
        lens('$(eye) Counterexample', COMMAND.openCounterexample, 'Show the input, or the weights, that break it'),
      );
    return lenses;
  }
}
