import * as vscode from 'vscode';
import { layerBracket, type WeightToleranceReport } from '../../engine/study-protocols/weight-tolerance';

/** How far one layer's weights may move, as a part of the range of its weights: what a picture of the model can colour it by. */
export interface LayerToleranceSummary {
  /** Name of the ONNX node; empty where the file gives none. */
  readonly name: string;
  /** From 1, over the affine nodes of the file. */
  readonly number: number;
  /** Proved for every sample of the study. */
  readonly certified: number;
  /** The smallest that was seen to fail; null where none was found. */
  readonly failing: number | null;
}

/** What the last study of each model found, for other views; gone with the window. */
export class LastTolerances implements vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<string>();
  readonly #known = new Map<string, readonly LayerToleranceSummary[]>();

  /** The path of a model with something new. */
  readonly onDidChange = this.#changed.event;

  dispose(): void {
    this.#changed.dispose();
  }

  /** By the model's absolute path; undefined before a study of it has bracketed a layer. */
  of(model: string): readonly LayerToleranceSummary[] | undefined {
    return this.#known.get(model);
  }

  keep({ model, layers }: WeightToleranceReport): void {
    const summaries = layers.flatMap(layer => {
      const bracket = layerBracket(layer);
      return bracket ? [{ name: layer.name, number: layer.number, ...bracket }] : [];
    });
    if (summaries.length === 0) return;
    // A study of some layers adds to what is known of the others.
    const others = (this.#known.get(model) ?? []).filter(({ number }) => !summaries.some(own => own.number === number));
    this.#known.set(
      model,
      [...others, ...summaries].sort((a, b) => a.number - b.number),
    );
    this.#changed.fire(model);
  }
}
