import * as vscode from 'vscode';
import type { GraftPart, GraftResult, GraftTraining, Importance } from '../../engine/study-protocols/graft';
import type { GraftOutcomesResult } from '../../engine/study-protocols/graft-outcomes';
import type { UnstableNeuronsResult } from '../../engine/study-protocols/unstable-neurons';
import { readTensor } from '../../engine/tensor-reference';
import type {
  FromGrafting,
  GraftingState,
  GraftRequest,
  ScoredMask,
  ShownGraft,
  ShownTraining,
  ToGrafting,
} from '../../../webview/grafting/protocol';
import type { SpecificationIndex } from '../documents/specification-index';
import { shownPath, withShortPaths } from '../documents/uris';
import { GRAFTING_PANEL } from '../ids';
import { Page } from '../panel/page';
import type { RunningStudy, Studies } from '../studies';
import { saveGraftedModel } from './save-grafted-model';
import { subjectOf } from './subject';

/** Steps of the attack of a comparison: PGD-100. */
const ATTACK_STEPS = 100;

export interface GraftingPanelContext {
  readonly extensionUri: vscode.Uri;
  readonly studies: Studies;
  readonly index: SpecificationIndex;
}

type Busy = NonNullable<ShownGraft['busy']>;

/** The panel that goes from scores to a mask, from a mask to a grafted model, and from there to what becomes of the samples. */
export class GraftingPanel implements vscode.Disposable {
  readonly #page: Page<FromGrafting, ToGrafting, GraftingState>;
  #request: GraftRequest | null = null;
  #study: RunningStudy<unknown> | null = null;
  #scores: UnstableNeuronsResult | null = null;
  #training: ShownTraining | null = null;
  #result: GraftResult | null = null;
  #outcomes: GraftOutcomesResult | null = null;
  #busy: Busy | null = null;
  #problem: string | null = null;

  constructor(private readonly context: GraftingPanelContext) {
    this.#page = new Page({
      extensionUri: context.extensionUri,
      viewType: GRAFTING_PANEL,
      title: 'Linearity Grafting',
      onReady: () => {
        this.#show();
        void this.#sendScores();
      },
      onMessage: message => void this.#receive(message),
      // Scores are kept by the engine, so that this takes moments; a training begun before goes on when the person says so.
      onRestore: state => {
        this.#request = state?.request ?? null;
        if (this.#request && vscode.workspace.isTrusted) void this.measure(this.#request);
      },
    });
  }

  dispose(): void {
    this.#page.dispose();
  }

  get isOpen(): boolean {
    return this.#page.isOpen;
  }

  /** What is shown, for tests and for who comes back to it. */
  get shown(): ShownGraft | null {
    const request = this.#request;
    if (!request) return null;
    const run = this.#scores?.runs[0];
    return {
      request,
      model: this.#scores ? shownPath(vscode.Uri.file(this.#scores.model)) : '',
      specification: shownPath(vscode.Uri.parse(request.specification)),
      check: this.#scores?.check ?? '',
      epsilon: run?.epsilon ?? '',
      layers: this.#scores?.layers ?? [],
      samples: run?.samples.length ?? 0,
      importanceOf: this.#scores?.importance?.samples ?? '',
      training: this.#training,
      outcomes: this.#outcomes,
      busy: this.#busy,
      problem: this.#problem,
      canRun: vscode.workspace.isTrusted,
    };
  }

  /** The file of the grafted model, while there is one. */
  get model(): string | null {
    return this.#result?.model ?? null;
  }

  /** Measures, or takes from what is kept, and shows the plane. */
  async measure(request: GraftRequest): Promise<void> {
    const isSameModel = this.#request?.specification === request.specification && this.#request.model === request.model;
    this.#request = request;
    this.#scores = null;
    if (!isSameModel) [this.#training, this.#result, this.#outcomes] = [null, null, null];
    this.#page.reveal();
    const { importance, method, epsilon } = request;
    const answer = await this.#work('scores', `Neurons of ${this.#about}`, (subject, work) =>
      this.context.studies.start(
        'unstable-neurons',
        { subject, method, importance, ...(epsilon === null ? {} : { epsilons: [epsilon] }) },
        work,
      ),
    );
    if (answer) this.#scores = answer;
    this.#show();
    await this.#sendScores();
  }

  /** Makes the mask's neurons linear and trains. */
  async train(mask: ScoredMask, training: GraftTraining, fresh: boolean): Promise<void> {
    this.#outcomes = null;
    this.#result = null;
    const { epochs } = training;
    this.#training = {
      state: 'running',
      mask: '',
      data: '',
      epochs,
      history: [],
      message: '',
      problems: [],
      model: false,
    };
    const answer = await this.#work('training', `Grafting ${this.#about}`, (subject, work) =>
      this.context.studies.start(
        'graft',
        { subject, mask, training, fresh },
        { ...work, onPart: part => this.#take(part) },
      ),
    );
    if (answer) {
      this.#result = answer;
      const { message, history } = answer;
      this.#training = { ...this.#training, state: 'ended', message, history, model: true };
    } else this.#training = this.#training.history.length > 0 ? { ...this.#training, state: 'ended' } : null;
    this.#show();
  }

  /** Decides the samples under both networks. */
  async compare(timeout: number, restarts: number): Promise<void> {
    const grafted = this.#result?.model;
    if (grafted === undefined) return;
    const attack = { steps: ATTACK_STEPS, restarts };
    const params = { grafted, attack, timeout, seed: 1, threads: 0, carry: true };
    this.#outcomes = await this.#work('outcomes', `Outcomes of ${this.#about} and its graft`, (subject, work) =>
      this.context.studies.start('graft-outcomes', { subject, ...params }, work),
    );
    this.#show();
  }

  get #about(): string {
    const request = this.#request!;
    return shownPath(request.model === null ? vscode.Uri.parse(request.specification) : vscode.Uri.file(request.model));
  }

  /** One study at a time, the last one wins. Null when it did not come to its end. */
  async #work<Result>(
    what: Busy['what'],
    title: string,
    start: (
      subject: ReturnType<typeof subjectOf>,
      work: { title: string; about: string; onProgress: (fraction: number | null, text: string) => void },
    ) => RunningStudy<Result>,
  ): Promise<Result | null> {
    await this.#study?.stop();
    this.#problem = null;
    this.#busy = { what, fraction: null, text: 'Reading the model' };
    this.#show();
    const study = start(subjectOf(this.#request!, this.context.index), {
      title,
      about: this.#about,
      onProgress: (fraction, text) => {
        if (this.#study !== study) return;
        this.#busy = { what, fraction, text };
        this.#show();
      },
    });
    this.#study = study;
    const answer = await study.answer;
    if (this.#study !== study) return null;
    this.#study = null;
    this.#busy = null;
    if (answer.ok) return answer.value;
    const told = answer.problems.find(({ code }) => code !== 'engine/cancelled');
    this.#problem = told ? withShortPaths(told.message) : null;
    return null;
  }

  #take(part: GraftPart): void {
    const now = this.#training;
    if (!now) return;
    switch (part.kind) {
      case 'mask': {
        const { layers } = part.mask;
        const each = layers.map(({ name, size, grafted }) => `${name} ${grafted} of ${size}`);
        this.#training = { ...now, mask: `Linear neurons: ${each.join(', ')}` };
        break;
      }
      case 'data':
        this.#training = { ...now, data: part.statement, history: part.history };
        break;
      case 'epoch':
        this.#training = { ...now, history: [...now.history, part.epoch] };
        break;
      case 'problem':
        this.#training = { ...now, problems: [...now.problems, withShortPaths(part.message)] };
        break;
    }
    this.#show();
  }

  #show(): void {
    const { shown } = this;
    if (shown?.model) this.#page.title = `Grafting · ${shown.model.slice(shown.model.lastIndexOf('/') + 1)}`;
    this.#page.post({ type: 'show', shown });
  }

  async #sendScores(): Promise<void> {
    const run = this.#scores?.runs[0];
    const importance = this.#scores?.importance;
    if (!run || !importance) return;
    const [instability, significance] = await Promise.all([readTensor(run.counts), readTensor(importance.values)]);
    if (instability.ok && significance.ok)
      this.#page.post({ type: 'scores', instability: instability.value, significance: significance.value });
  }

  async #receive(message: Exclude<FromGrafting, { type: 'ready' }>): Promise<void> {
    const request = this.#request;
    if (!request) return;
    switch (message.type) {
      case 'stop':
        return this.#study?.stop();
      case 'again':
        return this.measure(request);
      case 'openSpecification':
        return void vscode.window.showTextDocument(vscode.Uri.parse(request.specification));
      case 'importance':
        return this.#measureImportance(message.kind);
      case 'train':
        return this.train(message.mask, message.training, message.fresh);
      case 'save':
        return saveGraftedModel(this.#result?.model, this.#scores?.model);
      case 'compare':
        return this.compare(message.timeout, message.restarts);
    }
  }

  #measureImportance(importance: Importance): Promise<void> {
    return this.measure({ ...this.#request!, importance });
  }
}
