import * as vscode from 'vscode';
import type { MeasureId, StudyMeasure } from './study-measures';

/** What is remembered of a measure: the file as it was then, so that an older one is known as such. */
export interface RememberedMeasure extends StudyMeasure {
  /** Size and time of the model's file when it was measured. */
  readonly file: string;
}

type Kept = Readonly<Record<string, Readonly<Partial<Record<MeasureId, RememberedMeasure>>>>>;

/** Models of which measures are remembered, the last measured ones. */
const MOST_MODELS = 50;

const KEY = 'certiscope.layerMeasures';

/** The last measure of each kind of every model, kept over restarts of the window. A few numbers a layer: the workspace's own memory holds them. */
export class LayerMemory implements vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<string>();
  /** The path of a model with something new. */
  readonly onDidChange = this.#changed.event;

  constructor(private readonly memory: vscode.Memento) {}

  dispose(): void {
    this.#changed.dispose();
  }

  /** By the model's absolute path. */
  of(model: string): readonly RememberedMeasure[] {
    return Object.values(this.memory.get<Kept>(KEY, {})[model] ?? {});
  }

  async keep(model: string, measures: readonly StudyMeasure[]): Promise<void> {
    if (measures.length === 0) return;
    const file = await fileState(model);
    const { [model]: before, ...others } = this.memory.get<Kept>(KEY, {});
    const added = Object.fromEntries(measures.map(measure => [measure.measure, { ...measure, file }]));
    // The model that was measured last comes last; the first ones go.
    const kept = [...Object.entries(others), [model, { ...before, ...added }] as const].slice(-MOST_MODELS);
    await this.memory.update(KEY, Object.fromEntries(kept));
    this.#changed.fire(model);
  }
}

/** Size and time of a file as a word; empty where there is none. */
export async function fileState(model: string): Promise<string> {
  try {
    const { size, mtime } = await vscode.workspace.fs.stat(vscode.Uri.file(model));
    return `${size} ${mtime}`;
  } catch {
    return '';
  }
}
