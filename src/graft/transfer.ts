import type { Replayer } from '../attack/replay';
import { ok, type Result } from '../base/result';
import type { Dataset } from '../train/trainer';
import { classOf } from './outcomes';

/** What adversarial examples of one network do to another (Brandis 2023, figure 4.9). */

export interface Transfer {
  /** Adversarial examples that were tried. */
  readonly tried: number;
  /** The other network is wrong on the sample itself already. */
  readonly misclassified: number;
  /** It is right on the sample and wrong on the adversarial example. */
  readonly fooled: number;
  /** It is right on both. */
  readonly withstood: number;
}

/** @param adversarial points by sample; `target` holds the other network's file. Errors: those of `Session.run`. */
export async function measureTransfer(
  adversarial: ReadonlyMap<number, Float32Array>,
  data: Dataset,
  target: Replayer,
): Promise<Result<Transfer>> {
  const size = data.inputs.length / data.count;
  let [misclassified, fooled] = [0, 0];
  for (const [sample, point] of adversarial) {
    const label = data.labels[sample];
    const clean = await target.forward(data.inputs.slice(sample * size, (sample + 1) * size));
    const attacked = clean.ok ? await target.forward(point) : clean;
    if (!clean.ok || !attacked.ok) return clean.ok ? (attacked as { ok: false; error: never }) : clean;
    if (classOf(clean.value.output, label) !== label) misclassified++;
    // A tie is an attack that works.
    else if (attacked.value.output.some((value, j) => j !== label && !(value < attacked.value.output[label]))) fooled++;
  }
  const tried = adversarial.size;
  return ok({ tried, misclassified, fooled, withstood: tried - misclassified - fooled });
}

/** The samples together with all adversarial examples of several attacks under their samples' labels: what a network is retrained on. */
export function pooledData(data: Dataset, attacks: Iterable<ReadonlyMap<number, Float32Array>>): Dataset {
  const found = [...attacks].flatMap(each => [...each]);
  const count = data.count + found.length;
  const size = data.inputs.length / data.count;
  const inputs = new Float32Array(count * size);
  inputs.set(data.inputs);
  const labels = new Uint8Array(count);
  labels.set(data.labels);
  found.forEach(([sample, point], k) => {
    inputs.set(point, (data.count + k) * size);
    labels[data.count + k] = data.labels[sample];
  });
  return { count, inputs, labels };
}
