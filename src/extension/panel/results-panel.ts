import * as vscode from 'vscode';
import type { FromPanel, PanelState, ToPanel } from '../../../webview/results/protocol';
import { COMMAND, RESULTS_PANEL } from '../ids';
import type { Answered, QuestionId, VerdictStore } from '../core/verdict-store';
import { filePath, shownPath, withShortPaths } from '../documents/uris';
import { coalesce, VIEW_INTERVAL_MS } from '../views/coalesce';
import { Page } from './page';
import { worstFirst } from '../core/wording';
import { listedRowOf, rowOf, shownOf, workOf } from './shown';
import { readTensors } from './tensors';

/** What the panel asks of the rest of the extension. */
export interface PanelActions {
  run(question: QuestionId): void;
  stop(question: QuestionId): void;
  openSpecification(question: QuestionId): void;
  copy(question: QuestionId, index: number): void;
  /** Asks where to keep the model with the changed weights of a result. */
  saveModel(question: QuestionId, index: number): void;
  /** Makes the store know a question of an earlier session, so that a restored panel has something to show. */
  restore(question: QuestionId): void;
}

/** The one results panel. It shows one question, follows the store, and never takes the focus. */
export class ResultsPanel implements vscode.Disposable {
  readonly #disposables: { dispose(): void }[];
  readonly #update = coalesce(VIEW_INTERVAL_MS, () => this.#show());
  readonly #page: Page<FromPanel, ToPanel, PanelState>;
  #question: QuestionId | null = null;
  /** A result to be chosen once the page is there. */
  #wanted: number | null = null;

  constructor(
    extensionUri: vscode.Uri,
    private readonly store: VerdictStore,
    private readonly actions: PanelActions,
  ) {
    this.#page = new Page({
      extensionUri,
      viewType: RESULTS_PANEL,
      title: 'Certiscope Results',
      onReady: () => this.#show(),
      onMessage: message => this.#receive(message),
      onRestore: state => {
        this.#question = state?.question ?? null;
        if (this.#question) this.actions.restore(this.#question);
      },
    });
    this.#disposables = [
      this.#update,
      this.#page,
      store.onChange(({ event, questions, specifications }) => {
        const shown = this.#question;
        if (!shown || !(questions.has(shown) || specifications.has(specificationOf(shown)))) return;
        if (event.kind === 'edited') this.#update.flush();
        else this.#update.request();
      }),
    ];
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }

  get isOpen(): boolean {
    return this.#page.isOpen;
  }

  /** Shows a question, and one of its results, beside the editor; the focus stays where it is. */
  open(question: QuestionId | null, index: number | null = null): void {
    this.#question = question ?? this.#question;
    this.#wanted = index;
    this.#page.reveal();
    this.#show();
  }

  #show(): void {
    const question = this.#question === null ? undefined : this.store.question(this.#question);
    const specification = question && this.store.specification(question.specification);
    if (!question || !specification) return this.#page.post({ type: 'show', shown: null });
    this.#page.title = `${question.name} · Certiscope`;
    const uri = vscode.Uri.parse(question.specification);
    const model = question.evidence?.model || specification.model;
    const shown = shownOf({
      question,
      specification,
      stale: this.store.isStale(question),
      specificationPath: shownPath(uri),
      modelPath: model ? shownPath(vscode.Uri.file(model)) : '',
      canRun: vscode.workspace.isTrusted && filePath(uri) !== null,
      shorten: withShortPaths,
    });
    this.#page.post({ type: 'show', shown });
    if (this.#wanted !== null && this.#page.isReady) {
      this.#page.post({ type: 'select', index: this.#wanted });
      this.#wanted = null;
    }
  }

  async #receive(message: Exclude<FromPanel, { type: 'ready' }>): Promise<void> {
    switch (message.type) {
      case 'rows': {
        const { question, filter, first, end } = message;
        const rows = worstFirst(this.#results(question), filter).slice(first, end).map(listedRowOf);
        return this.#page.post({ type: 'rows', question, filter, first, rows });
      }
      case 'details':
        return this.#sendDetails(message.question, message.index);
      case 'begin':
        return void vscode.commands.executeCommand(COMMAND.verify);
      case 'run':
        return this.actions.run(message.question);
      case 'stop':
        return this.actions.stop(message.question);
      case 'openSpecification':
        return this.actions.openSpecification(message.question);
      case 'copy':
        return this.actions.copy(message.question, message.index);
      case 'saveModel':
        return this.actions.saveModel(message.question, message.index);
    }
  }

  #results(question: QuestionId): readonly Answered[] {
    return this.store.question(question)?.evidence?.results ?? [];
  }

  async #sendDetails(question: QuestionId, index: number | null): Promise<void> {
    const results = this.#results(question);
    const result = results.find(candidate => candidate.index === index) ?? worstFirst(results)[0];
    if (!result) return;
    const { tensors, problem } = await readTensors(result);
    const row = rowOf(result);
    this.#page.post({ type: 'details', question, asked: index, row, tensors, problem, work: workOf(result) });
  }
}

function specificationOf(question: QuestionId): string {
  return question.slice(0, question.lastIndexOf('#'));
}
