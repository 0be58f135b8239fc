import type { NodeBounds } from '../../bounds/graph/interval';
import type { Neuron, Phase, SymbolicLine, SymbolicRegion } from '../../bounds/symbolic/symbolic-region';
import type { OpenModel, SolveLimits } from '../../lp/highs';
import type { BoxProblem } from '../input-split/search';
import { LineProgram } from './line-program';

/** A part of the region: some neurons have a known sign there. */
export interface Part {
  readonly phases: readonly Phase[];
  /** Sound on the part; with its phases. */
  readonly bounds: NodeBounds;
  /** Disjuncts that are not proved on it, and the certified bound of each. */
  readonly open: ReadonlyMap<number, number>;
}

/** A part after its lines have been propagated. */
export interface OpenPart extends Part {
  /** The neuron whose relaxation costs the open disjuncts most; null when none costs anything. */
  readonly next: Neuron | null;
}

/** A disjunct that is proved on a part. */
export interface Closed {
  readonly disjunct: number;
  /** ∞ where the part is empty. */
  readonly bound: number;
  /** Of the linear program that shows it, see `LineOutcome`; empty where the bounds and lines do by themselves. */
  readonly multipliers: Float64Array;
}

export interface Examined {
  readonly closed: readonly Closed[];
  /** What is left: null when every disjunct is proved. */
  readonly part: OpenPart | null;
  /** No point of the region has these phases. */
  readonly empty: boolean;
  /** Where the open disjuncts' lines are lowest: inputs worth trying. */
  readonly points: readonly Float64Array[];
  /** What the solver said when it failed. */
  readonly failure: string | null;
}

const NONE = new Float64Array(0);

/**
 * Propagates lines on a part and proves what they prove of its open disjuncts: by the lines alone, then by linear program. The part's bounds are tightened
 * in place.
 */
export async function examine(
  region: SymbolicRegion,
  problem: BoxProblem,
  part: Part,
  limits: SolveLimits,
  solver?: OpenModel,
): Promise<Examined> {
  const asked = [...part.open.keys()];
  const empty = (multipliers: Float64Array): Examined => ({
    closed: asked.map(disjunct => ({ disjunct, bound: Infinity, multipliers })),
    part: null,
    empty: true,
    points: [],
    failure: null,
  });
  const state = region.propagate(part.bounds);
  if (state === 'empty') return empty(NONE);
  if (state === 'useless')
    return { closed: [], part: { ...part, next: null }, empty: false, points: [], failure: null };
  const lines = part.phases.map(phase => region.phaseLine(phase));
  const program = new LineProgram(lines, limits, solver);
  const closed: Closed[] = [];
  const open = new Map<number, number>();
  const points: Float64Array[] = [];
  const costs = new Float64Array(region.terms);
  let failure: string | null = null;
  try {
    for (const disjunct of asked) {
      const margins = problem.disjuncts[disjunct].map(row => region.marginLine(row));
      const known = part.open.get(disjunct)!;
      // Without constraints the whole region is unsafe.
      if (margins.length === 0) {
        open.set(disjunct, known);
        continue;
      }
      const alone = margins.reduce((best, { bound }) => Math.max(best, bound), known);
      if (alone > 0) {
        closed.push({ disjunct, bound: alone, multipliers: NONE });
        continue;
      }
      const outcome = await program.least(margins);
      if (outcome.kind === 'empty') return empty(outcome.multipliers);
      if (outcome.kind === 'bound' && outcome.bound > 0) {
        closed.push({ disjunct, bound: outcome.bound, multipliers: outcome.multipliers });
        continue;
      }
      if (outcome.kind === 'failed') failure = outcome.reason;
      else {
        failure = outcome.doubt ?? failure;
        if (outcome.symbols) points.push(region.point(outcome.symbols));
      }
      open.set(disjunct, outcome.kind === 'bound' ? Math.max(alone, outcome.bound) : alone);
      addCosts(costs, lines, margins, outcome.kind === 'bound' ? outcome.multipliers : null);
    }
  } finally {
    program.dispose();
  }
  // Where nothing costs the bounds, exact lines of the phases may still show that the part is empty.
  if (costs.every(cost => cost === 0)) lines.forEach(line => addLosses(costs, line, 1));
  const left = open.size === 0 ? null : { ...part, open, next: dearest(region, costs) };
  return { closed, part: left, empty: false, points, failure };
}

/**
 * What every error term costs the bound of one disjunct. Neurify ranks neurons by interval bounds of the output's gradient; here the gradient is at hand exactly: a
 * bound is a sum of lines with the program's multipliers, and in each line an error term has what it was multiplied with on its way there.
 */
function addCosts(
  costs: Float64Array,
  phases: readonly SymbolicLine[],
  margins: readonly SymbolicLine[],
  multipliers: Float64Array | null,
): void {
  phases.forEach((line, k) => addLosses(costs, line, multipliers?.[k] ?? 0));
  margins.forEach((line, k) =>
    addLosses(costs, line, margins.length > 1 ? (multipliers?.[phases.length + k] ?? 1) : 1),
  );
}

function addLosses(costs: Float64Array, { losses }: SymbolicLine, weight: number): void {
  losses.forEach((loss, term) => (costs[term] += Math.abs(weight) * loss));
}

/**
 * The relaxed neuron that costs the open disjuncts most; null when none costs anything. Beside a bound a relaxation widens the bounds of all layers behind
 * it, so its cost counts once more for each of them.
 */
function dearest(region: SymbolicRegion, costs: Float64Array): Neuron | null {
  const total = costs.map((cost, term) => cost * region.layersFrom(term));
  const most = total.reduce((a, b) => Math.max(a, b), 0);
  return most > 0 ? region.source(total.indexOf(most)) : null;
}
