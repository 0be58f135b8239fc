import type { Network } from '../network/network';
import type { Constraint } from '../spec/question';
import { solveCertified, type Limits } from './certified-solve';
import { HighsModel, type OpenModel } from './highs';
import { withObjective } from './linear-program';
import { linearProgramRefusal, regionProgram, type NodeRanges } from './relu-program';

/** One neuron on one side of 0: what the activation node reads is ≥ 0 (sign 1) or ≤ 0 (sign −1). */
export interface NeuronPhase {
  /** Id of the activation node. */
  readonly node: number;
  readonly neuron: number;
  readonly sign: 1 | -1;
}

export type LeafOutcome =
  /** No point of the sub-problem satisfies all constraints: the margin is certainly at least `bound` > 0; Infinity where the phases exclude each other. */
  | { readonly kind: 'proved'; readonly bound: number }
  /** The optimum's input, inside the box: worth a replay. Where every neuron is fixed it attains the least margin, to the solver's tolerances. */
  | { readonly kind: 'point'; readonly input: Float64Array; readonly bound: number }
  /** The solver did not get there; `bound` is what is certain all the same, and may be −∞. */
  | { readonly kind: 'failed'; readonly reason: string; readonly bound: number };

/**
 * The linear program of a sub-problem: the region of `ranges` (sound bounds of every node's values; those of node 0 are the box) with the given phases, and all
 * `constraints` of one disjunct together. Exact when every activation is stable or fixed, else the triangle relaxation. The bound is certified
 * (docs/rounding.md, section 8); nothing that the solver does wrong makes it larger.
 */
export async function solveLeaf(
  network: Network,
  ranges: NodeRanges,
  phases: readonly NeuronPhase[],
  constraints: readonly Constraint[],
  limits: Limits,
  open: OpenModel = HighsModel.open,
): Promise<LeafOutcome> {
  const refusal = linearProgramRefusal(network);
  if (!refusal.ok) return { kind: 'failed', reason: refusal.error.message, bound: -Infinity };
  const fixed = withPhases(network, ranges, phases);
  if (fixed === null) return { kind: 'proved', bound: Infinity };
  const { program, columns, objectives } = regionProgram(network, fixed, [constraints], 'triangle');
  let model;
  try {
    model = await open(withObjective(program, objectives[0]));
  } catch (error) {
    return { kind: 'failed', reason: `HiGHS refused a linear program: ${messageOf(error)}.`, bound: -Infinity };
  }
  try {
    const { kind, bound, point, reason } = await solveCertified(model, objectives[0].offset, limits);
    if (bound > 0) return { kind: 'proved', bound };
    if (kind === 'stopped') return { kind: 'failed', reason: 'A linear program was not solved in time.', bound };
    if (kind === 'failed' || point === null)
      return { kind: 'failed', reason: reason ?? 'HiGHS gave no point of a linear program.', bound };
    return { kind: 'point', input: inputOf(ranges, columns[0], point), bound };
  } finally {
    model.dispose();
  }
}

/** The input of a program's point, moved into the box: a solver's point may lie outside by its tolerances, or not be a number. */
export function inputOf(ranges: NodeRanges, columns: Int32Array, point: ArrayLike<number>): Float64Array {
  const [lower, upper] = [ranges.lower[0], ranges.upper[0]];
  return lower.map((l, i) => {
    const x = point[columns[i]];
    return x >= l ? Math.min(x, upper[i]) : l;
  });
}

/** The ranges with the phases' sides of 0; null when a phase leaves nothing. */
function withPhases(network: Network, ranges: NodeRanges, phases: readonly NeuronPhase[]): NodeRanges | null {
  const lower = [...ranges.lower];
  const upper = [...ranges.upper];
  const own = new Set<number>();
  for (const { node, neuron, sign } of phases) {
    const id = network.nodes[node].inputs[0];
    if (!own.has(id)) {
      own.add(id);
      lower[id] = lower[id].slice();
      upper[id] = upper[id].slice();
    }
    if (sign > 0) lower[id][neuron] = Math.max(0, lower[id][neuron]);
    else upper[id][neuron] = Math.min(0, upper[id][neuron]);
    if (lower[id][neuron] > upper[id][neuron]) return null;
  }
  return { lower, upper };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
