import { Random } from '../base/random';
import type { PreparedGraph } from '../bounds/graph/prepared-graph';
import type { Constraint } from '../spec/question';
import { evaluateSet, gradientAt } from './gradient';

/** A point of an opened network's box and how far from an unsafe set it is (≤ 0: inside, in float64). */
export interface AttackPoint {
  readonly input: Float64Array;
  readonly set: number;
  readonly margin: number;
}

export interface AttackOptions {
  readonly seed: number;
  /** Steps from one start. */
  readonly steps: number;
  /** Random starts beside the centre, at most; large networks have fewer. */
  readonly starts: number;
  /** Unsafe sets that are tried, nearest first. */
  readonly sets: number;
}

export const DEFAULT_ATTACK: AttackOptions = { seed: 1, steps: 8, starts: 12, sets: 4 };

/** Weights times random starts: keeps an attack within tenths of a second. Counted and not timed, so that the same question gives the same answer. */
const STARTS_WORK = 2e6;

/**
 * Looks for a point of the box that lies in an unsafe set: from each start to the corner that is best for the linear piece at hand, again and again. Gives the
 * best point of every set tried, nearest first.
 */
export function attackBox(
  graph: PreparedGraph,
  box: { readonly lower: Float64Array; readonly upper: Float64Array },
  unsafe: readonly (readonly Constraint[])[],
  options: AttackOptions = DEFAULT_ATTACK,
): AttackPoint[] {
  const { lower, upper } = box;
  const random = new Random(options.seed);
  const centre = lower.map((l, i) => l + (upper[i] - l) / 2);
  const order = unsafe
    .map((set, k) => ({ set, k, margin: set.length === 0 ? -Infinity : evaluateSet(graph, set, centre).margin }))
    .filter(({ set }) => set.length > 0)
    .sort((a, b) => a.margin - b.margin)
    .slice(0, options.sets);
  const weights = graph.network.nodes.reduce(
    (sum, node) => sum + ('weight' in node ? node.weight.length : node.size),
    0,
  );
  const starts = Math.min(options.starts, Math.floor(STARTS_WORK / weights));
  const found = order.map(({ set, k }): AttackPoint => {
    let best: AttackPoint = { input: centre, set: k, margin: Infinity };
    for (let start = 0; start <= starts; start++) {
      let point = start === 0 ? centre : lower.map((l, i) => l + (upper[i] - l) * random.uniform());
      let last = Infinity;
      for (let step = 0; step <= options.steps; step++) {
        const { values, margin, worst } = evaluateSet(graph, set, point);
        if (margin < best.margin) best = { input: point, set: k, margin };
        // A corner that is no better than the point it was made from: half way back, where another piece may show another corner.
        const from = margin < last ? point : point.map((v, i) => (v + best.input[i]) / 2);
        last = margin;
        if (step === options.steps) break;
        const gradient =
          from === point
            ? gradientAt(graph, values, worst)
            : gradientAt(graph, evaluateSet(graph, set, from).values, worst);
        const corner = from.map((v, i) => (gradient[i] > 0 ? lower[i] : gradient[i] < 0 ? upper[i] : v));
        if (corner.every((v, i) => v === point[i])) break;
        point = corner;
      }
    }
    return best;
  });
  return found.sort((a, b) => a.margin - b.margin);
}
