import { loadModel } from '../network/load';
import { WeightModel } from '../weights/weight-model';

/** A layer as a check of weights may name it. */
export interface WeightLayer {
  /** From 1, over the affine nodes of the file. */
  readonly number: number;
  /** Of the ONNX node; empty where the file gives none. */
  readonly name: string;
  readonly opType: string;
  /** Shapes of what is multiplied and of what is added; null where there is none. */
  readonly weights: readonly number[] | null;
  readonly bias: readonly number[] | null;
}

/** The layers that a check of weights can name; none where the model cannot be read for that. */
export function weightLayers(file: string): WeightLayer[] {
  const loaded = loadModel(file);
  const opened = loaded.ok ? WeightModel.open(loaded.value) : loaded;
  if (!opened.ok) return [];
  return opened.value.layers.map(({ number, name, opType, weight, bias }) => {
    return { number, name, opType, weights: weight?.shape ?? null, bias: bias?.shape ?? null };
  });
}
