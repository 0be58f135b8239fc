import * as vscode from 'vscode';
import type { Answer, PackedStructure, TensorReference } from '../../engine/protocol';
import { readTensor } from '../../engine/tensor-reference';
import type { Action, FromPage, Measure, PackedModel, ToPage } from '../../../webview/model/protocol';
import type { VerdictStore } from '../core/verdict-store';
import { filePath, shownPath, withShortPaths } from '../documents/uris';
import type { EngineDoor } from '../engine-door';
import { COMMAND } from '../ids';
import { pageHtml } from '../panel/page';
import { coalesce } from '../views/coalesce';
import { fileState, type LayerMemory } from './layer-memory';
import { MEASURES, shownMeasure } from './page-measures';
import type { MeasureId, StudyMeasure } from './study-measures';
import { measuresOfVerdicts } from './verdict-measures';

/** What a page may use of the rest of the extension. */
export interface ModelPageParts {
  readonly extensionUri: vscode.Uri;
  readonly store: VerdictStore;
  readonly door: EngineDoor;
  readonly memory: LayerMemory;
  /** Measures what layers are coloured by; what comes of it is told by `memory`. */
  measure(model: vscode.Uri, id: MeasureId): Promise<void>;
}

/** What can be done with a model; those of which the command is there are shown. */
const ACTIONS: readonly Action[] = [
  { command: COMMAND.verify, label: 'Verify' },
  { command: 'certiscope.weightTolerance', label: 'Weight Tolerance' },
  { command: 'certiscope.findAdversarialInputs', label: 'Find Adversarial Inputs' },
  { command: 'certiscope.unstableNeurons', label: 'Unstable Neurons' },
  { command: 'certiscope.graft', label: 'Graft' },
];

/** A file that is being written tells of itself several times. */
const SETTLE_MS = 300;

/** One page on one model: shows its graph, follows the file, and passes on what a person asks. */
export class ModelPage implements vscode.Disposable {
  readonly #disposables: vscode.Disposable[];
  readonly #measures = coalesce(SETTLE_MS, () => void this.#sendMeasures());
  #isReady = false;
  #shown: PackedModel | null = null;
  #sentMeasures: readonly Measure[] = [];
  /** Counts readings of the file: what an earlier one says late is dropped. */
  #reading = 0;
  #settling: NodeJS.Timeout | undefined;

  constructor(
    private readonly panel: vscode.WebviewPanel,
    readonly model: vscode.Uri,
    private readonly parts: ModelPageParts,
  ) {
    const { extensionUri, store, memory } = parts;
    panel.webview.options = {
      enableScripts: true,
      enableForms: false,
      localResourceRoots: [vscode.Uri.joinPath(extensionUri, 'dist', 'webview')],
    };
    const watcher = vscode.workspace.createFileSystemWatcher(
      new vscode.RelativePattern(vscode.Uri.joinPath(model, '..'), globOf(model)),
    );
    const path = model.fsPath;
    this.#disposables = [
      panel.webview.onDidReceiveMessage((message: FromPage) => void this.#receive(message)),
      watcher,
      watcher.onDidChange(() => this.#fileChanged()),
      watcher.onDidCreate(() => this.#fileChanged()),
      watcher.onDidDelete(() => this.#fileChanged()),
      vscode.workspace.onDidGrantWorkspaceTrust(() => void this.#show()),
      memory.onDidChange(changed => changed === path && this.#measures.request()),
      store.onChange(({ event, questions }) => {
        const isAboutModel = [...questions].some(id => store.question(id)?.evidence?.model === path);
        if (!isAboutModel || event.kind === 'progress') return;
        // What a run has just found out takes the place of what was known before; it is remembered when the run has ended.
        if (event.kind === 'finished') void this.#rememberVerdicts();
        else this.#measures.request();
      }),
      this.#measures,
    ];
    panel.webview.html = pageHtml(panel.webview, extensionUri, 'model', 'Model');
  }

  dispose(): void {
    clearTimeout(this.#settling);
    // What is still being read is told to nobody.
    this.#isReady = false;
    for (const disposable of this.#disposables) disposable.dispose();
  }

  /** What the page was last told of the model; null before it has been read. */
  get shown(): PackedModel | null {
    return this.#shown;
  }

  /** What it was last told of the layers. */
  get measures(): readonly Measure[] {
    return this.#sentMeasures;
  }

  #post(message: ToPage): void {
    if (this.#isReady) void this.panel.webview.postMessage(message);
  }

  async #receive(message: FromPage): Promise<void> {
    switch (message.type) {
      case 'ready':
        this.#isReady = true;
        return this.#show();
      case 'weights':
        return this.#sendWeights(message.tensors);
      case 'act':
        if (ACTIONS.some(({ command }) => command === message.command))
          await vscode.commands.executeCommand(message.command, this.model);
        return;
      case 'measure': {
        const id = MEASURES.find(measure => measure === message.id);
        return id && this.parts.measure(this.model, id);
      }
    }
  }

  #fileChanged(): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => void this.#show(), SETTLE_MS);
  }

  async #show(): Promise<void> {
    const reading = ++this.#reading;
    this.#post({ type: 'reading' });
    const answer = await this.#structure();
    const commands = new Set(await vscode.commands.getCommands(true));
    if (reading !== this.#reading) return;
    const shown = shownPath(this.model);
    const cut = shown.lastIndexOf('/');
    const model: PackedModel = {
      name: shown.slice(cut + 1),
      folder: cut < 0 ? '' : shown.slice(0, cut),
      // Bytes of their own: a page is sent the whole buffer under a view.
      structure: answer.ok ? new Uint8Array(Buffer.from(answer.value.base64, 'base64')) : null,
      problem: answer.ok ? null : answer.problems.map(({ message }) => withShortPaths(message)).join(' '),
      actions: answer.ok && vscode.workspace.isTrusted ? ACTIONS.filter(({ command }) => commands.has(command)) : [],
      notRunning: vscode.workspace.isTrusted ? null : 'This workspace is not trusted, so nothing is run.',
    };
    this.#shown = model;
    this.#post({ type: 'show', model });
    if (answer.ok) await this.#sendMeasures();
  }

  /** The graph, or why there is none; never rejects. */
  async #structure(): Promise<Answer<PackedStructure>> {
    const path = filePath(this.model);
    if (path === null) {
      const message =
        'This workspace is virtual: its files are on no disk that the engine can read. Open the folder on the machine it lives on to see the model.';
      return { ok: false, problems: [{ code: 'model-unreadable', message }] };
    }
    try {
      return await (await this.parts.door.open()).graph({ model: path });
    } catch (error) {
      const message = `The engine could not be started: ${error instanceof Error ? error.message : String(error)}. The log has more.`;
      return { ok: false, problems: [{ code: 'engine/unavailable', message }] };
    }
  }

  async #sendWeights(tensors: readonly string[]): Promise<void> {
    const reading = this.#reading;
    const answer = await (await this.parts.door.open()).weights({ model: this.model.fsPath, tensors });
    if (reading !== this.#reading) return;
    this.#post({
      type: 'weights',
      tensors,
      answers: answer.ok ? answer.value : [],
      problem: answer.ok ? null : answer.problems.map(({ message }) => withShortPaths(message)).join(' '),
    });
  }

  async #rememberVerdicts(): Promise<void> {
    const { store, memory } = this.parts;
    const told = await measuresOfVerdicts(store, this.model.fsPath, readNumbers);
    if (told && !told.isStale) await memory.keep(this.model.fsPath, told.measures);
  }

  /** What is remembered of the file as it is now comes first, then what the verdicts at hand tell, then what is remembered of an earlier file. */
  async #sendMeasures(): Promise<void> {
    const { store, memory } = this.parts;
    const path = this.model.fsPath;
    const now = await fileState(path);
    const known = new Map<MeasureId, { measure: StudyMeasure; isStale: boolean }>();
    const verdicts = await measuresOfVerdicts(store, path, readNumbers);
    for (const measure of verdicts?.measures ?? [])
      known.set(measure.measure, { measure, isStale: verdicts?.isStale ?? false });
    for (const measure of memory.of(path)) {
      const isStale = measure.file !== now;
      if (!isStale || !known.has(measure.measure)) known.set(measure.measure, { measure, isStale });
    }
    const commands = new Set(await vscode.commands.getCommands(true));
    this.#sentMeasures = MEASURES.map(id => shownMeasure(id, known.get(id), commands));
    this.#post({ type: 'measures', measures: this.#sentMeasures });
  }
}

export async function readNumbers(reference: TensorReference): Promise<Float32Array | null> {
  const read = await readTensor(reference);
  return read.ok ? read.value : null;
}

/** The name of a file as a pattern that fits it alone. */
function globOf(file: vscode.Uri): string {
  const name = file.path.slice(file.path.lastIndexOf('/') + 1);
  return name.replace(/[[\]{}*?]/g, '[$&]');
}
