import * as vscode from 'vscode';
import type { LayerPatch, PatchBegun, PatchModelResult, WrongInput } from '../../engine/study-protocols/patch-model';
import type { Choice, FromPage, PageState, ToPage } from '../../../webview/patch/protocol';
import { filePath, shownPath, textUri } from '../documents/uris';
import { PATCH_PANEL } from '../ids';
import { saveModelFile } from '../panel/changed-model';
import { Page } from '../panel/page';
import type { RunningStudy, Studies } from '../studies';
import { FIRST_PATCH_CHOICE, patchParams } from './choice';

/** What is patched, and for what. */
export interface PatchSubject {
  readonly specification: vscode.Uri;
  readonly model: vscode.Uri | undefined;
  /** What is put right, in words, e.g. `3 counterexamples`. */
  readonly about: string;
  /** Null: the samples that the model takes for something else than their label. */
  readonly inputs: readonly WrongInput[] | null;
}

/** The patches of one model: layer by layer as they are found. */
export class PatchPanel implements vscode.Disposable {
  readonly #page: Page<FromPage, ToPage, PageState>;
  #subject: PatchSubject | null = null;
  #choice: Choice = FIRST_PATCH_CHOICE;
  #run: PatchBegun | null = null;
  #layers: LayerPatch[] = [];
  #result: PatchModelResult | null = null;
  #problem = '';
  #study: RunningStudy<PatchModelResult> | null = null;

  constructor(
    extensionUri: vscode.Uri,
    private readonly studies: Studies,
  ) {
    this.#page = new Page({
      extensionUri,
      viewType: PATCH_PANEL,
      title: 'Patch of the Model',
      onReady: () => this.#show(),
      onMessage: message => void this.#receive(message),
    });
  }

  dispose(): void {
    this.#page.dispose();
  }

  /** What was found so far, for tests. */
  get layers(): readonly LayerPatch[] {
    return this.#layers;
  }

  get result(): PatchModelResult | null {
    return this.#result;
  }

  async open(subject: PatchSubject, mode: Choice['mode']): Promise<void> {
    await this.#study?.stop();
    this.#subject = subject;
    this.#choice = { ...FIRST_PATCH_CHOICE, mode };
    this.#page.reveal();
    await this.#start();
  }

  async #start(): Promise<void> {
    const subject = this.#subject;
    const file = subject && filePath(subject.specification);
    if (!subject || !file) return;
    await this.#study?.stop();
    const params = patchParams(this.#choice);
    this.#problem = params.ok ? '' : params.error;
    if (!params.ok) return this.#show();
    const document = await vscode.workspace.openTextDocument(textUri(subject.specification));
    const about = shownPath(subject.model ?? subject.specification);
    [this.#run, this.#layers, this.#result] = [null, [], null];
    const study: RunningStudy<PatchModelResult> = this.studies.start(
      'patch-model',
      {
        ...params.value,
        subject: {
          specification: { path: file, text: document.getText() },
          ...(subject.model ? { model: subject.model.fsPath } : {}),
        },
        ...(subject.inputs ? { inputs: subject.inputs } : {}),
      },
      {
        title: `Patching ${about}`,
        about,
        onPart: part => {
          if (this.#study !== study) return;
          if (part.kind === 'run') this.#run = part;
          else this.#layers.push(part);
          this.#show();
        },
        onProgress: (fraction, text) => this.#study === study && this.#page.post({ type: 'progress', fraction, text }),
      },
    );
    this.#study = study;
    this.#show();
    const answer = await study.answer;
    if (this.#study !== study) return;
    this.#study = null;
    if (answer.ok) this.#result = answer.value;
    else this.#problem = answer.problems[0]?.message ?? '';
    this.#show();
  }

  #show(): void {
    const subject = this.#subject;
    if (!subject) return this.#page.post({ type: 'show', shown: null });
    const model = this.#run ? vscode.Uri.file(this.#run.model) : subject.model;
    this.#page.post({
      type: 'show',
      shown: {
        specification: shownPath(subject.specification),
        model: model ? shownPath(model) : '',
        about: subject.about,
        run: this.#run,
        layers: this.#layers,
        busy: this.#study !== null,
        statement: this.#result?.statement ?? null,
        best: this.#result?.best ?? null,
        problem: this.#problem,
        choice: this.#choice,
      },
    });
  }

  async #receive(message: Exclude<FromPage, { type: 'ready' }>): Promise<void> {
    switch (message.type) {
      case 'choice':
        this.#choice = message.choice;
        return this.#show();
      case 'run':
        return this.#start();
      case 'stop':
        return this.#study?.stop();
      case 'openSpecification':
        if (this.#subject)
          await vscode.window.showTextDocument(textUri(this.#subject.specification), {
            viewColumn: vscode.ViewColumn.One,
          });
        return;
      case 'save': {
        const file = this.#layers.find(({ layer }) => layer === message.layer)?.file;
        if (file && this.#run) await saveModelFile(file, this.#run.model);
      }
    }
  }
}
