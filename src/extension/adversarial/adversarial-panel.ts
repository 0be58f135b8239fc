import * as vscode from 'vscode';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type {
  AdversarialOutcome,
  AdversarialPart,
  AdversarialResult,
  AdversarialRun,
  AdversarialRunFile,
  AdversarialSummary,
  FoundInput,
} from '../../engine/study-protocols/adversarial-inputs';
import type { WrongInput } from '../../engine/study-protocols/patch-model';
import { readTensor } from '../../engine/tensor-reference';
import type {
  Choice,
  Entry,
  EntryTensors,
  FromPage,
  Gallery,
  PageState,
  ToPage,
} from '../../../webview/adversarial/protocol';
import { filePath, shownPath, textUri } from '../documents/uris';
import { ADVERSARIAL_PANEL } from '../ids';
import { Page } from '../panel/page';
import type { RunningStudy, Studies } from '../studies';
import { coalesce, VIEW_INTERVAL_MS } from '../views/coalesce';
import { attackParams, FIRST_ATTACK_CHOICE } from './choice';
import { exportInput } from './export-input';

/** What is attacked. */
export interface AttackSubject {
  readonly specification: vscode.Uri;
  readonly model: vscode.Uri | undefined;
  /** Only these samples. */
  readonly samples?: readonly number[];
  /** Valid range where the specification has none. */
  readonly range?: readonly [string, string];
}

/** The gallery of one run, live or read back from its folder. */
export class AdversarialPanel implements vscode.Disposable {
  readonly #page: Page<FromPage, ToPage, PageState>;
  readonly #adding = coalesce(VIEW_INTERVAL_MS, () => this.#add());
  #subject: AttackSubject | null = null;
  #choice: Choice = FIRST_ATTACK_CHOICE;
  #run: AdversarialRun | null = null;
  #outcomes: AdversarialOutcome[] = [];
  #told = 0;
  #summary: AdversarialSummary | null = null;
  #problem = '';
  #study: RunningStudy<AdversarialResult> | null = null;

  constructor(
    extensionUri: vscode.Uri,
    private readonly studies: Studies,
    private readonly patch: (subject: AttackSubject, inputs: readonly WrongInput[]) => void,
  ) {
    this.#page = new Page({
      extensionUri,
      viewType: ADVERSARIAL_PANEL,
      title: 'Adversarial Inputs',
      onReady: () => this.#show(),
      onMessage: message => void this.#receive(message),
      onRestore: state => void (state?.folder && this.#read(state.folder)),
    });
  }

  dispose(): void {
    this.#adding.dispose();
    this.#page.dispose();
  }

  /** The run that is shown, for tests and for what goes on from it. */
  get outcomes(): readonly AdversarialOutcome[] {
    return this.#outcomes;
  }

  get summary(): AdversarialSummary | null {
    return this.#summary;
  }

  /** Adversarial inputs of the run that is shown, where it is about this specification. */
  inputsOf(specification: vscode.Uri): readonly WrongInput[] {
    return this.#run?.specification === specification.fsPath ? this.#found() : [];
  }

  /** Shows the panel and begins. */
  async open(subject: AttackSubject): Promise<void> {
    await this.#study?.stop();
    this.#subject = subject;
    this.#choice = { ...FIRST_ATTACK_CHOICE, samples: subject.samples?.join(', ') ?? '' };
    this.#page.reveal();
    await this.#start();
  }

  async #start(): Promise<void> {
    const subject = this.#subject;
    const file = subject && filePath(subject.specification);
    if (!subject || !file) return;
    await this.#study?.stop();
    const params = attackParams(this.#choice);
    this.#problem = params.ok ? '' : params.error;
    if (!params.ok) return this.#show();
    const { samples, ...rest } = params.value;
    const document = await vscode.workspace.openTextDocument(textUri(subject.specification));
    const about = shownPath(subject.model ?? subject.specification);
    [this.#run, this.#outcomes, this.#told, this.#summary] = [null, [], 0, null];
    const study: RunningStudy<AdversarialResult> = this.studies.start(
      'adversarial-inputs',
      {
        ...rest,
        subject: {
          specification: { path: file, text: document.getText() },
          ...(subject.model ? { model: subject.model.fsPath } : {}),
          ...(samples ? { samples } : {}),
        },
        ...(subject.range ? { range: subject.range } : {}),
      },
      {
        title: `Finding adversarial inputs of ${about}`,
        about,
        onPart: part => this.#study === study && this.#take(part),
        onProgress: (fraction, text) => this.#study === study && this.#page.post({ type: 'progress', fraction, text }),
      },
    );
    this.#study = study;
    this.#show();
    const answer = await study.answer;
    if (this.#study !== study) return;
    this.#study = null;
    if (answer.ok) this.#summary = answer.value.summary;
    else this.#problem = answer.problems[0]?.message ?? '';
    this.#show();
  }

  #take(part: AdversarialPart): void {
    if (part.kind === 'run') {
      this.#run = part;
      return this.#show();
    }
    this.#outcomes.push(part);
    this.#adding.request();
  }

  #add(): void {
    const fresh = this.#outcomes.slice(this.#told);
    this.#told = this.#outcomes.length;
    if (fresh.length > 0) this.#page.post({ type: 'add', entries: fresh.map(entryOf) });
  }

  #show(): void {
    this.#told = this.#outcomes.length;
    this.#page.post({ type: 'show', gallery: this.#gallery() });
  }

  #gallery(): Gallery | null {
    const specification = this.#subject?.specification ?? (this.#run && vscode.Uri.file(this.#run.specification));
    if (!specification) return null;
    const model = this.#run ? vscode.Uri.file(this.#run.model) : this.#subject?.model;
    return {
      run: this.#run,
      specification: shownPath(specification),
      model: model ? shownPath(model) : '',
      entries: this.#outcomes.map(entryOf),
      summary: this.#summary,
      busy: this.#study !== null,
      choice: this.#choice,
      problem: this.#problem,
    };
  }

  async #receive(message: Exclude<FromPage, { type: 'ready' }>): Promise<void> {
    switch (message.type) {
      case 'tensors':
        return this.#sendTensors(message.samples);
      case 'choice':
        this.#choice = message.choice;
        return this.#page.post({ type: 'choice', choice: message.choice });
      case 'chooseTransfer': {
        const [model] =
          (await vscode.window.showOpenDialog({
            title: 'Another model of the same inputs',
            filters: { 'ONNX models': ['onnx', 'gz'] },
          })) ?? [];
        if (!model) return;
        this.#choice = { ...this.#choice, transfer: model.fsPath };
        return this.#page.post({ type: 'choice', choice: this.#choice });
      }
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
      case 'patch':
        if (this.#subject) this.patch(this.#subject, this.#found());
        return;
      case 'export': {
        const found = this.#foundAt(message.sample);
        if (found && this.#run) await exportInput(message.kind, this.#run, found);
      }
    }
  }

  #foundAt(sample: number): FoundInput | undefined {
    return this.#outcomes.find(
      (outcome): outcome is FoundInput => outcome.kind === 'found' && outcome.sample === sample,
    );
  }

  #found(): WrongInput[] {
    return this.#outcomes.flatMap(outcome =>
      outcome.kind === 'found'
        ? [
            {
              title: `adversarial input of sample ${outcome.sample}`,
              input: outcome.input,
              wanted: outcome.label ?? outcome.from,
            },
          ]
        : [],
    );
  }

  /** Only what is looked at is sent. */
  async #sendTensors(samples: readonly number[]): Promise<void> {
    const inputs: EntryTensors[] = [];
    let problem = '';
    for (const sample of samples) {
      const found = this.#foundAt(sample);
      if (!found) continue;
      const [original, input] = [await readTensor(found.original), await readTensor(found.input)];
      if (original.ok && input.ok)
        inputs.push({
          sample,
          original: original.value,
          input: input.value,
          originalLogits: Float32Array.from(found.originalLogits),
          logits: Float32Array.from(found.logits),
        });
      else problem = 'The numbers of this input are gone: the cache was cleared. Run again to make them anew.';
    }
    this.#page.post({ type: 'tensors', inputs, problem });
  }

  /** The run that was shown before the window was reloaded. */
  async #read(folder: string): Promise<void> {
    try {
      const file = JSON.parse(await readFile(path.join(folder, 'run.json'), 'utf8')) as AdversarialRunFile;
      if (file.schema !== 1 || this.#run) return;
      this.#run = file.run;
      this.#outcomes = [...file.outcomes];
      this.#summary = file.summary;
      this.#subject = {
        specification: vscode.Uri.file(file.run.specification),
        model: vscode.Uri.file(file.run.model),
        range: file.run.range,
      };
      this.#choice = {
        ...FIRST_ATTACK_CHOICE,
        methods: file.run.methods,
        measure: file.run.measure,
        target: String(file.run.target ?? ''),
      };
    } catch {
      return; // the cache was cleared: there is nothing to come back to
    }
    this.#show();
  }
}

function entryOf(outcome: AdversarialOutcome): Entry {
  if (outcome.kind !== 'found') return outcome;
  const { original: _, input: __, originalLogits: ___, logits: ____, ...entry } = outcome;
  return entry;
}
