import { readFileSync } from 'node:fs';
import { Replayer } from '../attack/replay';
import { ok, type Result } from '../base/result';
import type { Box, Question } from '../spec/question';
import type { LayerChange } from './weight-change';
import { patchModel, type PatchedModel } from './patch';
import type { Unsafe } from './question';
import type { WeightModel } from './weight-model';

/** A change of weights with which ONNX Runtime's output on an input lies in an unsafe set. */
export interface WeightFailure {
  readonly patched: PatchedModel;
  readonly input: Float32Array;
  readonly output: Float32Array;
  /** By how much the violated constraints are violated in ONNX Runtime's own numbers (≥ 0; 0 is a tie). */
  readonly margin: number;
  readonly foundBy: string;
}

/** A model's bytes in ONNX Runtime; the caller closes it. */
export function openReplayer(model: WeightModel, bytes: Uint8Array): Promise<Result<Replayer>> {
  const { externalData, path, network } = model.loaded;
  return Replayer.open(
    {
      bytes,
      externalData: externalData.map(file => ({ path: file.location, data: readFileSync(file.path) })),
      name: path,
    },
    network,
  );
}

/** Writes the change into the model and runs it: the failure it causes, or null when it causes none. */
export async function replayChange(
  model: WeightModel,
  changes: readonly LayerChange[],
  input: Float32Array,
  unsafe: readonly Unsafe[],
  foundBy: string,
): Promise<Result<WeightFailure | null>> {
  const patched = patchModel(model, changes);
  if (!patched.ok) return patched;
  const opened = await openReplayer(model, patched.value.bytes);
  if (!opened.ok) return opened;
  try {
    const checked = await opened.value.check(pointQuestion(model, input, unsafe), input, foundBy);
    if (!checked.ok) return checked;
    const found = checked.value;
    return ok(found && { patched: patched.value, input, output: found.output, margin: found.margin, foundBy });
  } finally {
    await opened.value.close();
  }
}

/** The unsafe sets at one input. */
export function pointQuestion(model: WeightModel, input: Float32Array, unsafe: readonly Unsafe[]): Question {
  const exact = Float64Array.from(input);
  const box: Box = { lower: exact, upper: exact, lowerPoint: input, upperPoint: input };
  const { inputSize, outputSize } = model.loaded.network;
  return { disjuncts: unsafe.map(constraints => ({ box, constraints })), inputSize, outputSize };
}
