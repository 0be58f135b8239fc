import type { ChangedWeights } from './protocol';

/** Weights that were changed as a report has them, the largest changes first. */
interface Change {
  readonly layer: string;
  readonly tensor: string;
  readonly index: readonly number[];
  readonly before: number;
  readonly after: number;
}

/** The same as pages list them. `changed` of them there are in all; `model`: the file with them was kept. */
export function changedWeights(changes: readonly Change[], changed: number, model: boolean): ChangedWeights {
  return {
    rows: changes.map(({ layer, tensor, index, before, after }) => ({
      layer,
      place: `${tensor}[${index.join(', ')}]`,
      before,
      after,
    })),
    more: changed - changes.length,
    model,
  };
}
