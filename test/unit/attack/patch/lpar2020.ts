import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { LoadedModel } from '../../../../src/network/load';
import { readNpz } from '../../../../src/spec/data/npz';
import { readNumbers } from '../../../../src/spec/data/numbers';
import { sharedData } from '../../shared-data';
import { denseModel } from './models';

/** Data of Goldberger, Katz, Adi and Keshet, "Minimal Modifications of Deep Neural Networks using Verification" (LPAR 2020). */

export const folder = sharedData && path.join(sharedData, 'minimal_modification_lpar2020');

/** An array of a .npz file. */
export async function arrayOf(file: string, name: string): Promise<{ shape: readonly number[]; values: Float64Array }> {
  const array = await readNpz(readFileSync(path.join(folder!, file)), name, 'data');
  if (!array.ok) throw new Error(array.error.message);
  const values = readNumbers(
    array.value,
    0,
    array.value.shape.reduce((a, b) => a * b, 1),
  );
  if (!values.ok) throw new Error(values.error.message);
  return { shape: array.value.shape, values: values.value };
}

/** A Keras network (kernels are inputs × outputs) as the model with layers fc_1, fc_2, …. */
export async function kerasModel(
  file: string,
  layers: readonly { name: string; bias: boolean }[],
): Promise<LoadedModel> {
  const dense = [];
  for (const { name, bias } of layers) {
    const { shape, values } = await arrayOf(file, `${name}.kernel`);
    const weight = Array.from({ length: shape[1] }, (_, i) =>
      Array.from({ length: shape[0] }, (__, j) => values[j * shape[1] + i]),
    );
    dense.push({ weight, ...(bias ? { bias: Array.from((await arrayOf(file, `${name}.bias`)).values) } : {}) });
  }
  return denseModel(dense);
}

export function rowsOf(file: string): number[][] {
  const lines = readFileSync(path.join(folder!, file), 'utf8').trim().split('\n');
  return lines.map(line => line.split(',').map(Number));
}
