import * as vscode from 'vscode';
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
import type { SpecificationIndex } from '../documents/specification-index';
import { shownPath } from '../documents/uris';
import { NEURONS_PANEL } from '../ids';
import { Page } from '../panel/page';
import type { RunningStudy, Studies } from '../studies';
import { divided } from './divided';
import { subjectOf, type Asked } from './subject';

export interface NeuronsPanelContext {
  readonly extensionUri: vscode.Uri;
  readonly studies: Studies;
  readonly index: SpecificationIndex;
  /** Opens the panel of masks on what is shown. */
  graft(asked: Asked, method: BoundMethod, epsilon: string | null): void;
}

/** Beside the check's own ε these parts of it are measured, so that there is something to slide over. */
const PARTS = [4, 2];

/** The panel of unstable neurons: one study at a time, whose runs add up while model, check and bounds stay the same. */
export class NeuronsPanel implements vscode.Disposable {
  readonly #page: Page<FromNeurons, ToNeurons, NeuronsState>;
  #request: NeuronsRequest | null = null;
  #study: RunningStudy<UnstableNeuronsResult> | null = null;
  #layers: readonly NeuronLayerInfo[] = [];
  #runs = new Map<string, UnstableRun>();
  #importance: MeasuredImportance | null = null;
  #check = '';
  #model = '';
  #busy: ShownNeurons['busy'] = null;
  #problem: string | null = null;

  constructor(private readonly context: NeuronsPanelContext) {
    this.#page = new Page({
      extensionUri: context.extensionUri,
      viewType: NEURONS_PANEL,
      title: 'Unstable Neurons',
      onReady: () => void this.#showAll(),
      onMessage: message => void this.#receive(message),
      // What was measured is kept by the engine, so that this takes moments.
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
  get shown(): ShownNeurons | null {
    const request = this.#request;
    if (!request) return null;
    const specification = vscode.Uri.parse(request.specification);
    return {
      request,
      model: this.#model === '' ? '' : shownPath(vscode.Uri.file(this.#model)),
      specification: shownPath(specification),
      check: this.#check,
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
      busy: this.#busy,
      problem: this.#problem,
      canRun: vscode.workspace.isTrusted,
    };
  }

  /** Measures from nothing and shows what comes. */
  async measure(request: NeuronsRequest): Promise<void> {
    this.#request = request;
    this.#runs = new Map();
    this.#importance = null;
    this.#layers = [];
    this.#model = request.model ?? '';
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
    await this.#study?.stop();
    const { studies, index } = this.context;
    const about = shownPath(
      request.model === null ? vscode.Uri.parse(request.specification) : vscode.Uri.file(request.model),
    );
    this.#problem = null;
    this.#busy = { fraction: null, text: 'Reading the model' };
    this.#show();
    const study = studies.start(
      'unstable-neurons',
      {
        subject: subjectOf(request, index),
        method: request.method,
        ...(epsilons === null ? {} : { epsilons }),
        ...(importance === null ? {} : { importance }),
      },
      {
        title: `Unstable neurons of ${about}`,
        about,
        onPart: part => void this.#take(part),
        onProgress: (fraction, text) => {
          this.#busy = { fraction, text };
          this.#show();
        },
      },
    );
    this.#study = study;
    const answer = await study.answer;
    // Someone has asked for something else meanwhile.
    if (this.#study !== study) return null;
    this.#study = null;
    this.#busy = null;
    if (!answer.ok) this.#problem = answer.problems.find(({ code }) => code !== 'engine/cancelled')?.message ?? null;
    else ({ model: this.#model, check: this.#check } = answer.value);
    this.#show();
    return answer.ok ? answer.value : null;
  }

  async #take(part: UnstableNeuronsPart): Promise<void> {
    if (part.kind === 'layers') this.#layers = part.layers;
    else if (part.kind === 'run') {
      this.#runs.set(part.run.epsilon, part.run);
      await this.#sendCounts(part.run);
    } else {
      this.#importance = part.importance;
      await this.#sendImportance();
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
    if (shown?.model) this.#page.title = `Unstable Neurons · ${shown.model.slice(shown.model.lastIndexOf('/') + 1)}`;
    this.#page.post({ type: 'show', shown });
  }

  async #showAll(): Promise<void> {
    this.#show();
    for (const run of this.#runs.values()) await this.#sendCounts(run);
    await this.#sendImportance();
  }

  async #sendCounts({ epsilon, counts }: UnstableRun): Promise<void> {
    const read = await readTensor(counts);
    if (read.ok) this.#page.post({ type: 'counts', epsilon, counts: read.value });
    else this.#problem = read.error.message;
  }

  async #sendImportance(): Promise<void> {
    const read = this.#importance && (await readTensor(this.#importance.values));
    if (read?.ok) this.#page.post({ type: 'importance', values: read.value });
  }

  /** One neuron's column of the bounds around every sample. */
  async #sendBounds(epsilon: string, neuron: number): Promise<void> {
    const run = this.#runs.get(epsilon);
    if (!run) return;
    const [lower, upper] = await Promise.all([readTensor(run.lower), readTensor(run.upper)]);
    if (!lower.ok || !upper.ok) return;
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

  async #receive(message: Exclude<FromNeurons, { type: 'ready' }>): Promise<void> {
    const request = this.#request;
    if (!request) return;
    switch (message.type) {
      case 'stop':
        return this.#study?.stop();
      case 'again':
        return this.measure(request);
      case 'openSpecification':
        return void vscode.window.showTextDocument(vscode.Uri.parse(request.specification));
      case 'addEpsilon': {
        const epsilons = [...this.#ordered().map(each => each.epsilon), message.epsilon];
        this.#request = { ...request, epsilons };
        return void this.#work([message.epsilon], null);
      }
      case 'method':
        return this.measure({ ...request, method: message.method });
      case 'importanceKind':
        this.#request = { ...request, importance: message.kind };
        return void this.#work(
          this.#ordered()
            .slice(0, 1)
            .map(each => each.epsilon),
          message.kind,
        );
      case 'bounds':
        return this.#sendBounds(message.epsilon, message.neuron);
      case 'graft':
        return this.context.graft(request, request.method, this.#ordered().at(-1)?.epsilon ?? null);
    }
  }
}
