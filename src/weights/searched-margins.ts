import { setImmediate as nextTurn } from 'node:timers/promises';
import { createRegion } from '../bounds/create-region';
import type { NeuronRegion } from '../bounds/split-bounds';
import type { Budget } from '../verify/progress';
import type { OpenedNetwork } from './opened-network';
import type { Unsafe } from './question';

/** Slopes of the constraints' own rows, and of the rows of inner neurons. */
const ROWS = { iterations: 60, alpha: 0.25, beta: 0, enough: 0 } as const;
const NEURONS = { iterations: 15, alpha: 0.25 } as const;
/** Rows that go through a product together. */
const ROWS_AT_ONCE = 64;

/** A region asks for room in the core: one at a time is kept, for the network it was made for. */
const kept = new WeakMap<OpenedNetwork['network'], { rows: string; region: NeuronRegion | null }>();

/**
 * Margins with lower slopes that were searched for (α-CROWN), first over the bounds of neurons there are, then over neuron bounds that were searched for as well. A
 * triangle's star knows all of this: its linear programs find the best slopes of all. So what this proves a star proves, in a fraction of the time; null where the
 * network has activations that it cannot take.
 * @param onMargins is told after each of the two; false ends it
 */
export async function searchedMargins(
  { network, box }: OpenedNetwork,
  sets: readonly Unsafe[],
  budget: Budget,
  onMargins: (margins: Float64Array) => boolean,
): Promise<void> {
  const constraints = [...new Set(sets.flat())];
  const key = JSON.stringify(
    constraints.map(({ outputs, bound, coefficientError }) => [
      [...outputs.index],
      [...outputs.value],
      bound,
      coefficientError,
    ]),
  );
  let own = kept.get(network);
  if (own?.rows !== key)
    kept.set(
      network,
      (own = { rows: key, region: createRegion(network, constraints, Math.max(ROWS_AT_ONCE, constraints.length)) }),
    );
  const { region } = own;
  if (!region) return;
  region.setBox(box.lower, box.upper, null);
  const rows = constraints.map((_, row) => row);
  if (region.zonotope(rows) === null) return;
  const isOver = (): boolean => budget.cancelled() || performance.now() >= budget.deadline;
  const tell = (): boolean => {
    const splits = region.splits(rows.length);
    rows.forEach(row => splits.set(row, row, [], null));
    splits.optimise(rows.length, ROWS);
    const lower = splits.certify(rows);
    return onMargins(
      Float64Array.from(sets, set =>
        set.reduce((most, constraint) => Math.max(most, lower[constraints.indexOf(constraint)]), -Infinity),
      ),
    );
  };
  for (const work of [region.tightening(), region.refining(NEURONS)]) {
    while (!work.next().done) {
      await nextTurn();
      if (isOver()) return;
    }
    region.backward(rows);
    if (!tell()) return;
    await nextTurn();
  }
}
