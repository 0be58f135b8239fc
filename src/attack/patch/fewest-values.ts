import { HighsModel } from '../../lp/highs';
import { ProgramBuilder, withObjective, type LinearProgram } from '../../lp/linear-program';
import type { AffineForm } from './local-map';

/** How far each value may go down and up, and which values there are. */
export interface Room {
  /** At most 0. */
  readonly down: ArrayLike<number>;
  /** At least 0. */
  readonly up: ArrayLike<number>;
}

/** What is to be small about a change: how many values change, the sum of all changes, or the largest one. */
export type ChangeMeasure = 'count' | 'one' | 'inf';

export interface SmallestChange {
  readonly change: Float64Array;
  /** The solver's own bound on the measure of any change that fulfils the forms; the change's own where it is optimal. */
  readonly bound: number;
}

export interface ChangeOptions {
  /** Values that may change, all unless given. */
  readonly candidates?: readonly number[];
  /** What a unit of each value's change costs, for the sum; 1 unless given. */
  readonly prices?: ArrayLike<number>;
  readonly seconds?: number;
}

/** The smallest change of some values, within their room, that makes all forms at least 0; null: there is none, or the solver did not find it in time. */
export async function smallestChange(
  room: Room,
  forms: readonly AffineForm[],
  measure: ChangeMeasure,
  options: ChangeOptions = {},
): Promise<SmallestChange | null> {
  const written = changeProgram(room, forms, measure, options);
  const model = await HighsModel.open(written.program);
  try {
    const outcome = model.solve({ seconds: options.seconds ?? 10 });
    if (!('primal' in outcome) || !outcome.primal) return null;
    return { change: written.read(outcome.primal), bound: outcome.bound };
  } finally {
    model.dispose();
  }
}

function changeProgram(
  room: Room,
  forms: readonly AffineForm[],
  measure: ChangeMeasure,
  { candidates, prices }: ChangeOptions,
): { program: LinearProgram; read: (primal: Float64Array) => Float64Array } {
  const builder = new ProgramBuilder();
  const columns: number[] = [];
  const values: number[] = [];
  const cost = (column: number, price: number): void => {
    columns.push(column);
    values.push(price);
  };
  const common = measure === 'inf' ? builder.addColumn(0, Infinity) : null;
  if (common !== null) cost(common, 1);
  /** The columns of a value's two directions, −1 where there is no room. */
  const places = new Map<number, { up: number; down: number }>();
  const direction = (most: number, price: number): number => {
    if (!(most > 0)) return -1;
    const column = builder.addColumn(0, most);
    if (common !== null) builder.addRow(-Infinity, 0, [column, common], [1, -1]);
    else if (measure === 'one') cost(column, price);
    return column;
  };
  for (const i of candidates ?? Array.from({ length: room.up.length }, (_, k) => k)) {
    const price = prices?.[i] ?? 1;
    const place = { up: direction(room.up[i], price), down: direction(-room.down[i], price) };
    if (place.up < 0 && place.down < 0) continue;
    places.set(i, place);
    if (measure !== 'count') continue;
    const chosen = builder.addColumn(0, 1, true);
    cost(chosen, 1);
    if (place.up >= 0) builder.addRow(-Infinity, 0, [place.up, chosen], [1, -room.up[i]]);
    if (place.down >= 0) builder.addRow(-Infinity, 0, [place.down, chosen], [1, room.down[i]]);
  }
  for (const { column, value, constant } of forms) {
    const named: number[] = [];
    const factors: number[] = [];
    column.forEach((i, k) => {
      const place = places.get(i);
      if (!place) return;
      for (const [own, sign] of [
        [place.up, 1],
        [place.down, -1],
      ])
        if (own >= 0) {
          named.push(own);
          factors.push(sign * value[k]);
        }
    });
    builder.addRow(-constant, Infinity, named, factors);
  }
  return {
    program: withObjective(builder.build(), { columns, values, offset: 0 }),
    read: primal => {
      const change = new Float64Array(room.up.length);
      for (const [i, { up, down }] of places) change[i] = (up < 0 ? 0 : primal[up]) - (down < 0 ? 0 : primal[down]);
      return change;
    },
  };
}

/** Changes below this are a solver's tolerance. */
const NEGLIGIBLE = 1e-7;
const REWEIGHTINGS = 3;

/**
 * Few values whose change makes all forms at least 0: a sum of changes whose prices fall where a value has changed already (Candès, Wakin and Boyd 2008), then, among
 * the values that took part and some that help most, the fewest by a mixed-integer program, as far as `seconds` go. Null: no change fulfils the forms.
 */
export async function fewestValues(
  room: Room,
  forms: readonly AffineForm[],
  options: ChangeOptions & { readonly polish?: number } = {},
): Promise<Float64Array | null> {
  const size = room.up.length;
  const base = Float64Array.from({ length: size }, (_, i) => options.prices?.[i] ?? 1);
  let prices = base;
  let best: Float64Array | null = null;
  for (let round = 0; round < REWEIGHTINGS; round++) {
    const found = await smallestChange(room, forms, 'one', { ...options, prices });
    if (!found) break;
    if (!best || countOf(found.change) < countOf(best)) best = found.change;
    prices = base.map((price, i) => price / (Math.abs(found.change[i]) + 0.1));
  }
  if (!best || !options.polish) return best;
  const used = best;
  const candidates = Array.from({ length: size }, (_, i) => i).filter(i => Math.abs(used[i]) > NEGLIGIBLE);
  for (const i of helpful(room, forms, options.polish)) if (!candidates.includes(i)) candidates.push(i);
  const polished = await smallestChange(room, forms, 'count', { candidates, seconds: options.seconds });
  return polished && countOf(polished.change) < countOf(best) ? polished.change : best;
}

/** The values whose whole room helps the violated forms most. */
function helpful({ down, up }: Room, forms: readonly AffineForm[], count: number): number[] {
  const help = new Map<number, number>();
  for (const { column, value, constant } of forms) {
    if (constant >= 0) continue;
    column.forEach((i, k) => {
      const gain = Math.max(value[k] * up[i], value[k] * down[i]) / -constant;
      help.set(i, (help.get(i) ?? 0) + Math.min(gain, 1));
    });
  }
  return [...help]
    .sort((a, b) => b[1] - a[1])
    .slice(0, count)
    .map(([i]) => i);
}

function countOf(change: Float64Array): number {
  return change.reduce((count, each) => count + (Math.abs(each) > NEGLIGIBLE ? 1 : 0), 0);
}
