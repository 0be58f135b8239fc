import * as vscode from 'vscode';
import { ok } from '../../base/result';
import type { BoundMethod, Importance } from '../../engine/study-protocols/graft';
import type {
  MeasuredImportance,
  NeuronLayerInfo,
  UnstableNeuronsPart,
  UnstableNeuronsResult,
  UnstableRun,
} from '../../engine/study-protocols/unstable-neurons';
import { readTensor } from '../../engine/tensor-reference';
import type {
  FromNeurons,
  NeuronsRequest,
  NeuronsState,
  ShownNeurons,
  ToNeurons,
} from '../../../webview/neurons/protocol';
import type { Asked, StudyMessage } from '../../../webview/kit/study';
import { shownPath } from '../documents/uris';
import { COMMAND, NEURONS_PANEL } from '../ids';
import { StudyPage } from '../panel/study-page';
import { aboutOf, chosenOf, subjectOf } from '../panel/subject';
import type { Studies } from '../studies';
import { divided } from './divided';

export interface NeuronsPanelContext {
  readonly extensionUri: vscode.Uri;
  readonly studies: Studies;
  /** Opens the panel of masks on what is shown. */
  graft(asked: Asked, method: BoundMethod, epsilon: string | null, check: string | null): Promise<void>;
}

/** Beside the check's own ε these parts of it are measured, so that there is something to slide over. */
const PARTS = [4, 2];

/** The panel of unstable neurons: one study at a time, whose runs add up while model, check and bounds stay the same. */
export class NeuronsPanel implements vscode.Disposable {
  readonly #context: NeuronsPanelContext;
  readonly #page: StudyPage<FromNeurons, ToNeurons, NeuronsState>;
  #request: NeuronsRequest | undefined;
  #layers: readonly NeuronLayerInfo[] = [];
  #runs = new Map<string, UnstableRun>();
  /** What is there was measured otherwise; it stays to be looked at until the first new run comes. */
  #isStale = false;
  #importance: MeasuredImportance | null = null;
  #check = '';
  #checks: readonly string[] = [];
  #model = '';

  constructor(context: NeuronsPanelContext) {
    this.#context = context;
    this.#page = new StudyPage({
      extensionUri: context.extensionUri,
      studies: context.studies,
      viewType: NEURONS_PANEL,
      title: 'Unstable Neurons',
      show: () => this.#show(),
      onReady: () => this.#sendAll(),
      command: COMMAND.unstableNeurons,
      specification: () => this.#request && chosenOf(this.#request).specification,
      onMessage: message => this.#receive(message),
      // What was measured is kept by the engine, so that this takes moments.
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
  get shown(): ShownNeurons | null {
    const request = this.#request;
    if (!request) return null;
    const specification = vscode.Uri.parse(request.specification);
    return {
      request,
      model: this.#model === '' ? '' : shownPath(vscode.Uri.file(this.#model)),
      specification: shownPath(specification),
      check: this.#check,
      checks: this.#checks,
      method: request.method,
      layers: this.#layers,
      runs: this.#ordered().map(({ epsilon, perLayer, ratio, statement, samples }) => ({
        epsilon,
        perLayer,
        ratio,
        statement,
        samples: samples.length,
      })),
      importance: this.#importance && { kind: this.#importance.kind, samples: this.#importance.samples },
      stale: this.#isStale,
      busy: this.#page.study.busy,
      problem: this.#page.study.problem,
      canRun: vscode.workspace.isTrusted,
    };
  }

  /** Measures from nothing and shows what comes. */
  async measure(request: NeuronsRequest): Promise<void> {
    const before = this.#request;
    const isSame = before?.specification === request.specification && before.model === request.model;
    this.#request = request;
    this.#isStale = isSame && this.#runs.size > 0;
    if (!isSame) {
      this.#runs = new Map();
      this.#importance = null;
      this.#layers = [];
      this.#model = request.model ?? '';
      [this.#check, this.#checks] = ['', []];
    }
    this.#page.reveal();
    const first = await this.#work(request.epsilons, request.importance);
    const own = first?.runs[0]?.epsilon;
    if (request.epsilons !== null || own === undefined) return;
    const smaller = PARTS.flatMap(part => divided(own, part) ?? []);
    // The check's own comes again, from what is kept: what the study ends with is what others remember of it.
    if (smaller.length > 0) await this.#work([...smaller, own], null);
  }

  /** One study; its runs are added to what is there. Null when it did not come to its end. */
  async #work(
    epsilons: readonly string[] | null,
    importance: Importance | null,
  ): Promise<UnstableNeuronsResult | null> {
    const request = this.#request;
    if (!request) return null;
    const chosen = chosenOf(request);
    const subject = subjectOf(chosen);
    const about = aboutOf(chosen);
    const result = await this.#page.study.ask({
      kind: 'unstable-neurons',
      title: `Unstable neurons of ${about}`,
      about,
      params: subject.ok
        ? ok({
            subject: subject.value,
            method: request.method,
            ...(request.check ? { check: request.check } : {}),
            ...(epsilons === null ? {} : { epsilons }),
            ...(importance === null ? {} : { importance }),
          })
        : subject,
      onPart: part => void this.#take(part),
    });
    if (!result) return null;
    ({ model: this.#model, check: this.#check, checks: this.#checks } = result);
    this.#show();
    return result;
  }

  async #take(part: UnstableNeuronsPart): Promise<void> {
    if (part.kind === 'layers') {
      // Another file under the same name: nothing of before fits.
      if (JSON.stringify(part.layers) !== JSON.stringify(this.#layers)) this.#runs.clear();
      this.#layers = part.layers;
    } else if (part.kind === 'run') {
      if (this.#isStale) this.#runs.clear();
      this.#isStale = false;
      this.#runs.set(part.run.epsilon, part.run);
      await this.#sendCounts(part.run);
    } else {
      this.#importance = part.importance;
      await this.#sendImportance(part.importance);
    }
    this.#show();
  }

  /** By ε: as there are more unstable neurons the larger it is, their ratio breaks ties of what cannot be read as a number. */
  #ordered(): UnstableRun[] {
    const value = (text: string): number => {
      const [over, under = 1] = text.split('/').map(Number);
      return over! / under;
    };
    return [...this.#runs.values()].sort((a, b) => value(a.epsilon) - value(b.epsilon) || a.ratio - b.ratio);
  }

  #show(): void {
    const { shown } = this;
    this.#page.name('Unstable Neurons', shown?.model ?? '');
    this.#page.post({ type: 'show', shown });
  }

  async #sendAll(): Promise<void> {
    for (const run of [...this.#runs.values()]) await this.#sendCounts(run);
    if (this.#importance) await this.#sendImportance(this.#importance);
  }

  async #sendCounts(run: UnstableRun): Promise<void> {
    const read = await readTensor(run.counts);
    if (this.#runs.get(run.epsilon) !== run) return;
    if (read.ok) return this.#page.post({ type: 'counts', epsilon: run.epsilon, counts: read.value });
    this.#page.study.problem = read.error.message;
    this.#show();
  }

  async #sendImportance(importance: MeasuredImportance): Promise<void> {
    const read = await readTensor(importance.values);
    if (read.ok && this.#importance === importance) this.#page.post({ type: 'importance', values: read.value });
  }

  /** One neuron's column of the bounds around every sample. */
  async #sendBounds(epsilon: string, neuron: number): Promise<void> {
    const run = this.#runs.get(epsilon);
    if (!run) return;
    const [lower, upper] = await Promise.all([readTensor(run.lower), readTensor(run.upper)]);
    if (!lower.ok || !upper.ok || this.#runs.get(epsilon) !== run) return;
    const neurons = lower.value.length / run.boundedSamples;
    const column = (all: Float32Array): Float32Array =>
      Float32Array.from({ length: run.boundedSamples }, (_, k) => all[k * neurons + neuron]!);
    const samples = run.samples.slice(0, run.boundedSamples);
    this.#page.post({
      type: 'bounds',
      epsilon,
      neuron,
      samples,
      lower: column(lower.value),
      upper: column(upper.value),
    });
  }

  async #receive(message: Exclude<FromNeurons, StudyMessage>): Promise<void> {
    const request = this.#request;
    if (!request) return;
    switch (message.type) {
      case 'again':
        return this.measure(request);
      case 'addEpsilon': {
        const epsilons = [...this.#ordered().map(each => each.epsilon), message.epsilon];
        if (!(await this.#work([message.epsilon], null))) return;
        this.#request = { ...this.#request!, epsilons };
        return this.#show();
      }
      case 'check':
        return this.measure({ ...request, check: message.check, epsilons: null });
      case 'method':
        return this.measure({ ...request, method: message.method });
      case 'importanceKind':
        this.#request = { ...request, importance: message.kind };
        await this.#work(
          this.#ordered()
            .slice(0, 1)
            .map(each => each.epsilon),
          message.kind,
        );
        return;
      case 'bounds':
        return this.#sendBounds(message.epsilon, message.neuron);
      case 'graft':
        return this.#context.graft(request, request.method, this.#ordered().at(-1)?.epsilon ?? null, request.check);
    }
  }
}
