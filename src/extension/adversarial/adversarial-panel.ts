import * as vscode from 'vscode';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ok, type Result } from '../../base/result';
import type {
  AdversarialOutcome,
  AdversarialParams,
  AdversarialPart,
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
import type { StudyMessage } from '../../../webview/kit/study';
import type { Chosen } from '../commands/specification-choice';
import { shownPath } from '../documents/uris';
import { COMMAND, ADVERSARIAL_PANEL } from '../ids';
import { StudyPage } from '../panel/study-page';
import { aboutOf, askedOf, chosenOf, subjectOf } from '../panel/subject';
import type { Studies } from '../studies';
import { coalesce, VIEW_INTERVAL_MS } from '../views/coalesce';
import { attackParams, FIRST_ATTACK_CHOICE } from './choice';
import { exportInput } from './export-input';

/** What is attacked. */
export interface AttackSubject extends Chosen {
  /** Only these samples. */
  readonly samples?: readonly number[];
  /** Valid range where the specification has none. */
  readonly range?: readonly [string, string];
}

/** The gallery of one run, live or read back from its folder. */
export class AdversarialPanel implements vscode.Disposable {
  readonly #page: StudyPage<FromPage, ToPage, PageState>;
  readonly #adding = coalesce(VIEW_INTERVAL_MS, () => this.#add());
  #subject: AttackSubject | null = null;
  #choice: Choice = FIRST_ATTACK_CHOICE;
  #run: AdversarialRun | null = null;
  #outcomes: AdversarialOutcome[] = [];
  #told = 0;
  #summary: AdversarialSummary | null = null;

  constructor(
    extensionUri: vscode.Uri,
    studies: Studies,
    private readonly patch: (subject: AttackSubject, inputs: readonly WrongInput[]) => void,
  ) {
    this.#page = new StudyPage({
      extensionUri,
      studies,
      viewType: ADVERSARIAL_PANEL,
      title: 'Adversarial Inputs',
      show: () => this.#show(),
      command: COMMAND.findAdversarialInputs,
      specification: () => this.#subject?.specification,
      onMessage: message => this.#receive(message),
      onRestore: state => this.#restore(state),
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
    this.#subject = subject;
    this.#choice = { ...FIRST_ATTACK_CHOICE, samples: subject.samples?.join(', ') ?? '' };
    this.#forget();
    this.#page.reveal();
    await this.#start(subject);
  }

  #forget(): void {
    [this.#run, this.#outcomes, this.#told, this.#summary] = [null, [], 0, null];
  }

  async #start(attacked: AttackSubject): Promise<void> {
    const params = this.#params(attacked);
    const about = aboutOf(attacked);
    const result = await this.#page.study.ask({
      kind: 'adversarial-inputs',
      title: `Finding adversarial inputs of ${about}`,
      about,
      params,
      onPart: part => this.#take(part),
    });
    if (!result) return;
    this.#summary = result.summary;
    this.#show();
  }

  #params({ range, ...chosen }: AttackSubject): Result<AdversarialParams> {
    const asked = attackParams(this.#choice);
    if (!asked.ok) return asked;
    const subject = subjectOf(chosen);
    if (!subject.ok) return subject;
    const { samples, ...rest } = asked.value;
    return ok({
      ...rest,
      subject: { ...subject.value, ...(samples ? { samples } : {}) },
      ...(range ? { range } : {}),
    });
  }

  #take(part: AdversarialPart): void {
    if (part.kind === 'run') {
      // What was found before stayed to be looked at until now.
      this.#forget();
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
      asked: this.#subject && askedOf(this.#subject),
      busy: this.#page.study.busy,
      choice: this.#choice,
      problem: this.#page.study.problem,
      canRun: this.#subject !== null && vscode.workspace.isTrusted,
    };
  }

  async #receive(message: Exclude<FromPage, StudyMessage>): Promise<void> {
    switch (message.type) {
      case 'tensors':
        return this.#sendTensors(message.samples);
      case 'choice':
        this.#choice = message.choice;
        return this.#page.post({ type: 'choice', choice: message.choice });
      case 'chooseModel': {
        const [model] =
          (await vscode.window.showOpenDialog({
            title:
              message.use === 'transfer'
                ? 'Another model of the same inputs'
                : 'A model of the same inputs whose outputs are the features of naturalness',
            filters: { 'ONNX models': ['onnx', 'gz'] },
          })) ?? [];
        if (!model) return;
        this.#choice = { ...this.#choice, [message.use]: model.fsPath };
        return this.#page.post({ type: 'choice', choice: this.#choice });
      }
      case 'run':
        return this.#subject ? this.#start(this.#subject) : undefined;
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
    const run = this.#run;
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
    if (this.#run === run) this.#page.post({ type: 'tensors', inputs, problem });
  }

  /** What was shown before the window was reloaded: the run where its folder is still there, else what it was about, so that it can be run again. */
  async #restore(state: PageState | undefined): Promise<void> {
    if (state?.asked) this.#subject = chosenOf(state.asked);
    if (state?.folder) await this.#read(state.folder);
    this.#show();
  }

  async #read(folder: string): Promise<void> {
    const text = await readFile(path.join(folder, 'run.json'), 'utf8').catch(() => null);
    // The cache was cleared: there is nothing to come back to. Or something newer is there already.
    if (text === null || this.#run || this.#page.study.busy) return;
    const { schema, run, outcomes, summary } = JSON.parse(text) as AdversarialRunFile;
    if (schema !== 1) return;
    this.#run = run;
    this.#outcomes = [...outcomes];
    this.#summary = summary;
    this.#subject = {
      specification: this.#subject?.specification ?? vscode.Uri.file(run.specification),
      model: vscode.Uri.file(run.model),
      range: run.range,
    };
    this.#choice = {
      ...FIRST_ATTACK_CHOICE,
      methods: run.methods,
      measure: run.measure,
      target: String(run.target ?? ''),
    };
  }
}

function entryOf(outcome: AdversarialOutcome): Entry {
  if (outcome.kind !== 'found') return outcome;
  const { original: _, input: __, originalLogits: ___, logits: ____, ...entry } = outcome;
  return entry;
}
