import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Random } from '../../../base/random';
import { ok, problem, type Result } from '../../../base/result';
import type { Dataset } from '../../../train/trainer';
import type { OpenedSubject } from '../../subject';

/** Which samples of a data file a study learns from, and in words. */
export interface ChosenSamples {
  readonly indices: readonly number[];
  readonly statement: string;
}

/** Fewer samples than this beside the selected ones are too few to learn from. */
const LEAST_SPARE = 256;
/** Samples read between two looks at whether someone asked to stop. */
const READ_AT_ONCE = 64;

/** Up to `most` samples, drawn from those that the specification does not select, so that what is verified was not learnt from; from all where too few are left. */
export function samplesToLearnFrom({ data, spec, plan }: OpenedSubject, most: number, seed: number): ChosenSamples {
  const selected = new Set(plan.tasks.map(task => task.sample));
  const all = Array.from({ length: data.count }, (_, k) => k);
  const spare = all.filter(k => !selected.has(k));
  const isSpare = spare.length >= LEAST_SPARE;
  const order = Int32Array.from(isSpare ? spare : all);
  new Random(seed, 0x6a9).shuffle(order);
  const indices = Array.from(order.subarray(0, most));
  const from = isSpare
    ? `${spare.length} samples that ${path.basename(spec.file)} does not select`
    : `${data.count} samples of the data, those that are verified among them`;
  const pool = isSpare ? spare.length : data.count;
  return { indices, statement: indices.length < pool ? `${indices.length} of ${from}` : `all ${from}` };
}

/** Reads samples as the network takes them; labels are 0 where there are none. Errors: what is wrong with a sample; `graft/cancelled`. */
export async function readDataset(
  { samples, data, model }: OpenedSubject,
  indices: readonly number[],
  cancelled: () => boolean,
  onProgress: (done: number) => void = () => undefined,
): Promise<Result<Dataset>> {
  const size = model.network.inputSize;
  const inputs = new Float32Array(size * indices.length);
  for (const [row, index] of indices.entries()) {
    if (row % READ_AT_ONCE === 0) {
      await nextTurn();
      if (cancelled())
        return problem('graft/cancelled', `Cancelled after reading ${row} of ${indices.length} samples.`);
      onProgress(row);
    }
    const read = await samples.read(index);
    if (!read.ok) return read;
    inputs.set(read.value.input, row * size);
  }
  return ok({ count: indices.length, inputs, labels: Uint8Array.from(indices, index => data.label(index) ?? 0) });
}
