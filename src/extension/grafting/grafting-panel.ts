import * as vscode from 'vscode';
import { ok } from '../../base/result';
import type { GraftPart, GraftResult, GraftTraining } from '../../engine/study-protocols/graft';
import type { GraftOutcomesResult } from '../../engine/study-protocols/graft-outcomes';
import type { ParamsOf, ResultOf, StudyKind } from '../../engine/study-protocols/kinds';
import type { StudySubject } from '../../engine/study-protocols/subject';
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
import type { StudyMessage } from '../../../webview/kit/study';
import { shownPath, withShortPaths } from '../documents/uris';
import { COMMAND, GRAFTING_PANEL } from '../ids';
import type { PanelWork } from '../panel/panel-study';
import { saveModel } from '../panel/save-model';
import { StudyPage } from '../panel/study-page';
import { aboutOf, chosenOf, subjectOf } from '../panel/subject';
import type { Studies } from '../studies';

/** Steps of the attack of a comparison: PGD-100. */
const ATTACK_STEPS = 100;

/** The panel that goes from scores to a mask, from a mask to a grafted model, and from there to what becomes of the samples. */
export class GraftingPanel implements vscode.Disposable {
  readonly #page: StudyPage<FromGrafting, ToGrafting, GraftingState>;
  #request: GraftRequest | undefined;
  #scores: UnstableNeuronsResult | null = null;
  #training: ShownTraining | null = null;
  #result: GraftResult | null = null;
  #outcomes: GraftOutcomesResult | null = null;
  /** Which training is the last. */
  #turn = 0;

  constructor(extensionUri: vscode.Uri, studies: Studies) {
    this.#page = new StudyPage({
      extensionUri,
      studies,
      viewType: GRAFTING_PANEL,
      title: 'Linearity Grafting',
      show: () => this.#show(),
      onReady: () => this.#sendScores(),
      command: COMMAND.graft,
      specification: () => this.#request && chosenOf(this.#request).specification,
      onMessage: message => this.#receive(message),
      // Scores are kept by the engine, so that this takes moments; a training begun before goes on when the person says so.
      onRestore: async state => {
        this.#request = state?.request ?? undefined;
        if (this.#request && vscode.workspace.isTrusted) await this.measure(this.#request);
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
      importance: this.#scores?.importance?.kind ?? null,
      importanceOf: this.#scores?.importance?.samples ?? '',
      training: this.#training,
      outcomes: this.#outcomes,
      busy: this.#page.study.busy,
      problem: this.#page.study.problem,
      canRun: vscode.workspace.isTrusted,
    };
  }

  /** The file of the grafted model, while there is one. */
  get model(): string | null {
    return this.#result?.model ?? null;
  }

  /** Measures, or takes from what is kept, and shows the plane. */
  async measure(request: GraftRequest): Promise<void> {
    const before = this.#request;
    this.#request = request;
    // Of the same model what is there stays to be looked at until the new scores come.
    if (before?.specification !== request.specification || before.model !== request.model)
      [this.#scores, this.#training, this.#result, this.#outcomes] = [null, null, null, null];
    this.#page.reveal();
    const { importance, method, epsilon } = request;
    const scores = await this.#work('unstable-neurons', `Neurons of ${aboutOf(chosenOf(request))}`, subject => ({
      subject,
      ...checkOf(request),
      method,
      importance,
      ...(epsilon === null ? {} : { epsilons: [epsilon] }),
    }));
    if (!scores) return;
    this.#scores = scores;
    this.#show();
    await this.#sendScores();
  }

  /** Makes the mask's neurons linear and trains. */
  async train(mask: ScoredMask, training: GraftTraining, fresh: boolean): Promise<void> {
    const request = this.#request;
    if (!request) return;
    const turn = ++this.#turn;
    const kept = { training: this.#training, result: this.#result, outcomes: this.#outcomes };
    const begun: ShownTraining = {
      state: 'running',
      mask: '',
      data: '',
      epochs: training.epochs,
      history: [],
      message: '',
      problems: [],
      model: false,
    };
    [this.#training, this.#result, this.#outcomes] = [begun, null, null];
    const result = await this.#work(
      'graft',
      `Grafting ${aboutOf(chosenOf(request))}`,
      subject => ({ subject, ...checkOf(request), mask, training, fresh }),
      part => this.#take(part),
    );
    const now = this.#training;
    if (!now || turn !== this.#turn) return;
    if (result) {
      this.#result = result;
      const { message, history } = result;
      this.#training = { ...now, state: 'ended', message, history, model: true };
    } else if (now.history.length > 0) this.#training = { ...now, state: 'ended' };
    // What never came to a first epoch takes nothing away.
    else ({ training: this.#training, result: this.#result, outcomes: this.#outcomes } = kept);
    this.#show();
  }

  /** Decides the samples under both networks. */
  async compare(timeout: number, restarts: number): Promise<void> {
    const [request, grafted] = [this.#request, this.#result?.model];
    if (!request || grafted === undefined) return;
    const attack = { steps: ATTACK_STEPS, restarts };
    const params = { grafted, attack, timeout, seed: 1, threads: 0, carry: true };
    const title = `Outcomes of ${aboutOf(chosenOf(request))} and its graft`;
    const outcomes = await this.#work('graft-outcomes', title, subject => ({
      subject,
      ...checkOf(request),
      ...params,
    }));
    if (!outcomes) return;
    this.#outcomes = outcomes;
    this.#show();
  }

  #work<K extends StudyKind>(
    kind: K,
    title: string,
    params: (subject: StudySubject) => ParamsOf<K>,
    onPart?: PanelWork<K>['onPart'],
  ): Promise<ResultOf<K> | null> {
    const chosen = chosenOf(this.#request!);
    const subject = subjectOf(chosen);
    return this.#page.study.ask({
      kind,
      title,
      about: aboutOf(chosen),
      params: subject.ok ? ok(params(subject.value)) : subject,
      ...(onPart ? { onPart } : {}),
    });
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
    this.#page.name('Grafting', shown?.model ?? '');
    this.#page.post({ type: 'show', shown });
  }

  async #sendScores(): Promise<void> {
    const scores = this.#scores;
    const run = scores?.runs[0];
    if (!run || !scores?.importance) return;
    const [instability, significance] = await Promise.all([
      readTensor(run.counts),
      readTensor(scores.importance.values),
    ]);
    if (this.#scores !== scores) return;
    if (instability.ok && significance.ok)
      return this.#page.post({ type: 'scores', instability: instability.value, significance: significance.value });
    this.#page.study.problem = 'The scores are gone: the cache was cleared. Measure again to make them anew.';
    this.#show();
  }

  async #receive(message: Exclude<FromGrafting, StudyMessage>): Promise<void> {
    const request = this.#request;
    if (!request) return;
    switch (message.type) {
      case 'again':
        return this.measure(request);
      case 'importance':
        return this.measure({ ...request, importance: message.kind });
      case 'train':
        return this.train(message.mask, message.training, message.fresh);
      case 'save':
        if (this.#result && this.#scores)
          await saveModel({ file: this.#result.model, base: this.#scores.model, kind: 'grafted' });
        return;
      case 'compare':
        return this.compare(message.timeout, message.restarts);
    }
  }
}

/** The check that is meant, where one was chosen. */
function checkOf({ check }: GraftRequest): { readonly check?: string } {
  return check ? { check } : {};
}
