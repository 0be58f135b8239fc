import * as vscode from 'vscode';
import { ok, type Result } from '../../base/result';
import type {
  LayerPatch,
  PatchBegun,
  PatchModelParams,
  PatchModelResult,
  WrongInput,
} from '../../engine/study-protocols/patch-model';
import type { StudyMessage } from '../../../webview/kit/study';
import type { Choice, FromPage, KeptPatch, PageState, ToPage } from '../../../webview/patch/protocol';
import type { Chosen } from '../commands/specification-choice';
import { shownPath } from '../documents/uris';
import { COMMAND, PATCH_PANEL } from '../ids';
import { saveModel } from '../panel/save-model';
import { StudyPage } from '../panel/study-page';
import { aboutOf, askedOf, chosenOf, subjectOf } from '../panel/subject';
import type { Studies } from '../studies';
import { FIRST_PATCH_CHOICE, patchParams } from './choice';

/** What is patched, and for what. */
export interface PatchSubject extends Chosen {
  /** What is put right, in words, e.g. `3 counterexamples`. */
  readonly about: string;
  /** Null: the samples that the model takes for something else than their label. */
  readonly inputs: readonly WrongInput[] | null;
}

/** A page keeps no more characters of inputs than this over a reload. */
const MOST_KEPT = 200_000;

/** The patches of one model: layer by layer as they are found. */
export class PatchPanel implements vscode.Disposable {
  readonly #page: StudyPage<FromPage, ToPage, PageState>;
  #subject: PatchSubject | null = null;
  #choice: Choice = FIRST_PATCH_CHOICE;
  #run: PatchBegun | null = null;
  #layers: readonly LayerPatch[] = [];
  #result: PatchModelResult | null = null;

  constructor(extensionUri: vscode.Uri, studies: Studies) {
    this.#page = new StudyPage({
      extensionUri,
      studies,
      viewType: PATCH_PANEL,
      title: 'Patch of the Model',
      show: () => this.#show(),
      command: COMMAND.patchModel,
      specification: () => this.#subject?.specification,
      onMessage: message => this.#receive(message),
      // A patch may take minutes, so that the person says when to look for it again.
      onRestore: state => {
        if (!state?.kept) return;
        const { asked, about, inputs, choice } = state.kept;
        this.#subject = { ...chosenOf(asked), about, inputs };
        this.#choice = choice;
      },
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
    this.#subject = subject;
    this.#choice = { ...FIRST_PATCH_CHOICE, mode };
    [this.#run, this.#layers, this.#result] = [null, [], null];
    this.#page.reveal();
    await this.#start(subject);
  }

  async #start(subject: PatchSubject): Promise<void> {
    const about = aboutOf(subject);
    const result = await this.#page.study.ask({
      kind: 'patch-model',
      title: `Patching ${about}`,
      about,
      params: this.#params(subject),
      onPart: part => {
        // What was found before stays to be looked at until the new run begins.
        if (part.kind === 'run') [this.#run, this.#layers, this.#result] = [part, [], null];
        else this.#layers = [...this.#layers, part];
        this.#show();
      },
    });
    if (!result) return;
    this.#result = result;
    this.#show();
  }

  #params({ inputs, ...chosen }: PatchSubject): Result<PatchModelParams> {
    const asked = patchParams(this.#choice);
    if (!asked.ok) return asked;
    const subject = subjectOf(chosen);
    if (!subject.ok) return subject;
    return ok({ ...asked.value, subject: subject.value, ...(inputs ? { inputs } : {}) });
  }

  #show(): void {
    const subject = this.#subject;
    if (!subject) return this.#page.post({ type: 'show', shown: null });
    const model = this.#run ? vscode.Uri.file(this.#run.model) : subject.model;
    this.#page.post({
      type: 'show',
      shown: {
        kept: this.#kept(subject),
        specification: shownPath(subject.specification),
        model: model ? shownPath(model) : '',
        about: subject.about,
        run: this.#run,
        layers: this.#layers,
        busy: this.#page.study.busy,
        statement: this.#result?.statement ?? null,
        best: this.#result?.best ?? null,
        problem: this.#page.study.problem,
        choice: this.#choice,
        canRun: vscode.workspace.isTrusted,
      },
    });
  }

  #kept({ inputs, about, ...chosen }: PatchSubject): KeptPatch | null {
    const kept = { asked: askedOf(chosen), about, inputs, choice: this.#choice };
    return inputs === null || JSON.stringify(inputs).length <= MOST_KEPT ? kept : null;
  }

  async #receive(message: Exclude<FromPage, StudyMessage>): Promise<void> {
    const subject = this.#subject;
    if (!subject) return;
    switch (message.type) {
      case 'choice':
        this.#choice = message.choice;
        return this.#show();
      case 'run':
        return this.#start(subject);
      case 'save': {
        const file = this.#layers.find(({ layer }) => layer === message.layer)?.file;
        if (file && this.#run) await saveModel({ file, base: this.#run.model, kind: 'patched', part: message.layer });
      }
    }
  }
}
