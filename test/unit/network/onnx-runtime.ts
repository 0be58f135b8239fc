import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-node';
import type { LoadedModel } from '../../../src/network/load';
import { loadModelBytes } from '../../../src/network/load';
import { evaluate } from '../../../src/network/evaluate';

/** ONNX Runtime's outputs for the flat input `x` of a model, one after the other, in the model's own element type. */
export async function runtimeOutputs(model: LoadedModel, x: Float64Array): Promise<Float64Array> {
  const session = await ort.InferenceSession.create(Buffer.from(model.bytes), {
    logSeverityLevel: 4,
    executionMode: 'sequential',
    // Its graph optimiser breaks some valid models (an Identity between a Relu and a Pad before a Conv).
    graphOptimizationLevel: 'disabled',
    intraOpNumThreads: 1,
    externalData: model.externalData.map(file => ({ path: file.location, data: readFileSync(file.path) })),
  });
  const feeds: Record<string, ort.Tensor> = {};
  for (const input of model.network.inputs) {
    const part = x.slice(input.offset, input.offset + input.size);
    feeds[input.name] =
      input.type === 'float64'
        ? new ort.Tensor('float64', part, [...input.shape])
        : new ort.Tensor('float32', Float32Array.from(part), [...input.shape]);
  }
  const results = await session.run(feeds);
  const values = model.network.outputs.flatMap(output =>
    Array.from(results[output.name].data as Iterable<number | bigint>, Number),
  );
  await session.release();
  return Float64Array.from(values);
}

/** Numbers that are the same in float32, drawn from a seed, mostly in −1 … 1. */
export function randomValues(size: number, seed: number): Float64Array {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return Float64Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.fround((state / 2 ** 32) * 2 - 1);
  });
}

/** The network's output for `x` by the float64 reference. */
export function referenceOutput(model: LoadedModel, x: Float64Array): Float64Array {
  return evaluate(model.network, x).at(-1)!;
}

/** Loads bytes that must be a supported model. */
export function mustLoad(bytes: Uint8Array, file = 'generated.onnx'): LoadedModel {
  const model = loadModelBytes(bytes, file);
  if (!model.ok) throw new Error(model.error.message);
  return model.value;
}

/** Largest difference of two vectors, relative to the size of the larger entries. */
export function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let scale = 1e-3;
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    scale = Math.max(scale, Math.abs(b[i]));
    worst = Math.max(worst, Number.isNaN(a[i]) ? Infinity : Math.abs(a[i] - b[i]));
  }
  return worst / scale;
}

/** Whether ONNX Runtime can load and run a model with one float32 input `x`, and gives any numbers. */
export async function runs(bytes: Uint8Array): Promise<boolean> {
  try {
    const session = await ort.InferenceSession.create(Buffer.from(bytes), { logSeverityLevel: 4 });
    const [input] = session.inputMetadata;
    const shape = input.isTensor ? input.shape.map(Number) : [];
    const results = await session.run({
      x: new ort.Tensor('float32', new Float32Array(shape.reduce((a, b) => a * b, 1)), shape),
    });
    await session.release();
    return Object.values(results).every(result => result.size > 0);
  } catch {
    return false;
  }
}
