import * as vscode from 'vscode';
import { readTensor } from '../../engine/tensor-reference';
import type { TensorReference } from '../../engine/protocol';
import type { FromPanel, PanelState, Tensors, ToPanel } from '../../../webview/results/protocol';
import { RESULTS_PANEL } from '../ids';
import type { Answered, QuestionId, VerdictStore } from '../core/verdict-store';
import { filePath, shownPath, withShortPaths } from '../documents/uris';
import { coalesce, VIEW_INTERVAL_MS } from '../views/coalesce';
import { shownOf, workOf } from './shown';

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
export class ResultsPanel implements vscode.Disposable, vscode.WebviewPanelSerializer<PanelState> {
  readonly #disposables: { dispose(): void }[];
  readonly #update = coalesce(VIEW_INTERVAL_MS, () => this.#show());
  #panel: vscode.WebviewPanel | null = null;
  #question: QuestionId | null = null;
  #ready = false;
  /** A result to be chosen once the page is there. */
  #wanted: number | null = null;

  constructor(
    private readonly extensionUri: vscode.Uri,
    private readonly store: VerdictStore,
    private readonly actions: PanelActions,
  ) {
    this.#disposables = [
      this.#update,
      store.onChange(({ event, questions, specifications }) => {
        const shown = this.#question;
        if (!shown || !(questions.has(shown) || specifications.has(specificationOf(shown)))) return;
        if (event.kind === 'edited') this.#update.flush();
        else this.#update.request();
      }),
      vscode.window.registerWebviewPanelSerializer(RESULTS_PANEL, this),
    ];
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
    this.#panel?.dispose();
  }

  get isOpen(): boolean {
    return this.#panel !== null;
  }

  /** Shows a question, and one of its results, beside the editor; the focus stays where it is. */
  open(question: QuestionId | null, index: number | null = null): void {
    this.#question = question ?? this.#question;
    this.#wanted = index;
    if (this.#panel) this.#panel.reveal(undefined, true);
    else
      this.#adopt(
        vscode.window.createWebviewPanel(
          RESULTS_PANEL,
          'Certiscope Results',
          { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true },
          this.#options(),
        ),
      );
    this.#show();
  }

  async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: PanelState | undefined): Promise<void> {
    this.#panel?.dispose();
    this.#question = state?.question ?? null;
    panel.webview.options = this.#options();
    this.#adopt(panel);
    if (this.#question) this.actions.restore(this.#question);
  }

  #options(): vscode.WebviewOptions {
    return {
      enableScripts: true,
      enableForms: false,
      localResourceRoots: [vscode.Uri.joinPath(this.extensionUri, 'dist', 'webview')],
    };
  }

  #adopt(panel: vscode.WebviewPanel): void {
    this.#panel = panel;
    this.#ready = false;
    panel.iconPath = vscode.Uri.joinPath(this.extensionUri, 'media', 'icon.svg');
    panel.webview.onDidReceiveMessage((message: FromPanel) => void this.#receive(message));
    panel.onDidDispose(() => {
      if (this.#panel !== panel) return;
      this.#panel = null;
      this.#ready = false;
    });
    panel.webview.html = this.#html(panel.webview);
  }

  #post(message: ToPanel): void {
    if (this.#ready) void this.#panel?.webview.postMessage(message);
  }

  #show(): void {
    const question = this.#question === null ? undefined : this.store.question(this.#question);
    const specification = question && this.store.specification(question.specification);
    if (!question || !specification) return this.#post({ type: 'show', shown: null });
    if (this.#panel) this.#panel.title = `${question.name} · Certiscope`;
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
    this.#post({ type: 'show', shown });
    if (this.#wanted !== null && this.#ready) {
      this.#post({ type: 'select', index: this.#wanted });
      this.#wanted = null;
    }
  }

  async #receive(message: FromPanel): Promise<void> {
    switch (message.type) {
      case 'ready':
        this.#ready = true;
        return this.#show();
      case 'tensors':
        return this.#sendTensors(message.question, message.index);
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

  async #sendTensors(question: QuestionId, index: number): Promise<void> {
    const result = this.store.question(question)?.evidence?.results.find(candidate => candidate.index === index);
    if (!result) return;
    const { tensors, problem } = await readTensors(result);
    this.#post({ type: 'tensors', question, index, tensors, problem, work: workOf(result) });
  }

  #html(webview: vscode.Webview): string {
    const nonce = crypto.randomUUID();
    const asset = (name: string) =>
      webview.asWebviewUri(vscode.Uri.joinPath(this.extensionUri, 'dist', 'webview', name)).toString();
    // The nonce for styles is for the component library's own style elements; there is no 'unsafe-inline' anywhere.
    const policy = [
      `default-src 'none'`,
      `script-src 'nonce-${nonce}'`,
      `style-src ${webview.cspSource} 'nonce-${nonce}'`,
      `font-src ${webview.cspSource}`,
    ].join('; ');
    return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta property="csp-nonce" content="${nonce}">
<link rel="stylesheet" href="${asset('results.css')}">
<title>Certiscope Results</title>
</head>
<body><script type="module" nonce="${nonce}" src="${asset('results.js')}"></script></body>
</html>`;
  }
}

/** The tensors of a result as typed arrays, or why they cannot be read. */
export async function readTensors(result: Answered): Promise<{ tensors: Tensors; problem: string | null }> {
  const { verdict, original, originalOutput } = result;
  const references: Partial<Record<keyof Tensors, TensorReference>> = {
    ...(verdict.kind === 'falsified'
      ? { input: verdict.counterexample.input, output: verdict.counterexample.output }
      : {}),
    ...(original ? { original } : {}),
    ...(originalOutput ? { originalOutput } : {}),
  };
  const tensors: Partial<Record<keyof Tensors, Float32Array>> = {};
  let problem: string | null = null;
  for (const [name, reference] of Object.entries(references) as [keyof Tensors, TensorReference][]) {
    const read = await readTensor(reference);
    if (read.ok) tensors[name] = read.value;
    else problem ??= read.error.message;
  }
  return { tensors, problem };
}

function specificationOf(question: QuestionId): string {
  return question.slice(0, question.lastIndexOf('#'));
}
