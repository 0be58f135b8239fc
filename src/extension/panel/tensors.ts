import { readTensor } from '../../engine/tensor-reference';
import type { TensorReference } from '../../engine/protocol';
import type { ResultRecord } from '../../report/record';
import type { Tensors } from '../../../webview/results/protocol';

/** The tensors of a result as typed arrays, or why they cannot be read. */
export async function readTensors(
  result: Pick<ResultRecord<TensorReference | null>, 'verdict' | 'original' | 'originalOutput'>,
): Promise<{ tensors: Tensors; problem: string | null }> {
  const { verdict, original, originalOutput } = result;
  const references: Partial<Record<keyof Tensors, TensorReference | null>> = {
    ...(verdict.kind === 'falsified'
      ? { input: verdict.counterexample.input, output: verdict.counterexample.output }
      : {}),
    ...(original ? { original } : {}),
    ...(originalOutput ? { originalOutput } : {}),
  };
  const tensors: Partial<Record<keyof Tensors, Float32Array>> = {};
  let problem: string | null = null;
  for (const [name, reference] of Object.entries(references) as [keyof Tensors, TensorReference | null][]) {
    if (reference === null) {
      problem ??= 'Its numbers were not kept: they would have taken too much room. Verify again to make them anew.';
      continue;
    }
    const read = await readTensor(reference);
    if (read.ok) tensors[name] = read.value;
    else problem ??= read.error.message;
  }
  return { tensors, problem };
}
