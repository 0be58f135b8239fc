import { evaluate } from '../network/evaluate';
import type { Network } from '../network/network';
import { BranchTree } from './branch-tree';
import type { Limits } from './certified-solve';
import type { OpenModel } from './highs';
import { inputOf } from './leaf';
import { PseudoCosts } from './pseudo-costs';
import { RegionModel } from './region-model';
import { regionProgram, type NodeRanges } from './relu-program';

/** How far tightening goes for the neurons whose sign the cheaper steps left open. */
export interface TighteningEffort {
  /** Linear programs that branch and bound may solve for one bound; 0: linear programs without branching. */
  readonly branching: number;
  /** Milliseconds for one neuron. */
  readonly perNeuron: number;
}

/** What a tightening has done so far. */
export interface TighteningStep {
  readonly ranges: NodeRanges;
  /** Neurons whose sign was settled. */
  readonly settled: number;
  readonly solved: number;
}

interface Neuron {
  readonly index: number;
  readonly column: number;
}

/** Part of a range by which a bound of the branch and bound may fall short of the true one. */
const SHORT = 0.02;

/**
 * Progressive tightening (Tjeng, Xiao and Tedrake, ICLR 2019): bounds of what the activations read, layer by layer, for those neurons only whose sign is still open:
 * first by linear programs with certified duals, then, hardest first, by branch and bound. The upper bound comes first; where it settles the sign
 * the lower is left alone. What is not reached keeps its bound, and every bound is certified. Yields between programs; returns when all layers
 * are done, rejects only when the solver refuses a program.
 */
export async function* tighten(
  network: Network,
  start: NodeRanges,
  effort: TighteningEffort,
  limits: Limits,
  open?: OpenModel,
): AsyncGenerator<TighteningStep, TighteningStep> {
  const ranges = { lower: [...start.lower], upper: [...start.upper] };
  let settled = 0;
  let solved = 0;
  for (const id of activationInputs(network)) {
    const [lower, upper] = [ranges.lower[id].slice(), ranges.upper[id].slice()];
    const crossing = (i: number) => lower[i] < 0 && upper[i] > 0;
    if (!lower.some((_, i) => crossing(i))) continue;
    const part: Network = { ...network, nodes: network.nodes.slice(0, id + 1) };
    const written = regionProgram(part, ranges, [], 'triangle');
    // Without a branching before it, intervals are as good as any program.
    if (written.branchings.length === 0) continue;
    const neurons: Neuron[] = [...lower.keys()]
      .filter(i => crossing(i) && written.columns[id][i] >= 0)
      .map(index => ({ index, column: written.columns[id][index] }))
      .sort((a, b) => Math.min(upper[b.index], -lower[b.index]) - Math.min(upper[a.index], -lower[a.index]));
    const region = await RegionModel.open(
      {
        ...written,
        objectives: neurons.flatMap(({ column }) =>
          [-1, 1].map(sign => ({ columns: [column], values: [sign], offset: 0 })),
        ),
      },
      open,
    );
    const costs = new PseudoCosts();
    try {
      for (const [k, { index }] of neurons.entries()) {
        const until = Math.min(limits.deadline, performance.now() + effort.perNeuron);
        const own: Limits = { deadline: until, cancelled: () => limits.cancelled() };
        for (const side of [0, 1] as const) {
          // The upper bound settled the sign, or the time is up.
          if (!crossing(index) || limits.cancelled() || performance.now() >= limits.deadline) break;
          const objective = 2 * k + side;
          const sign = side === 0 ? -1 : 1;
          let bound: number;
          if (effort.branching === 0) {
            bound = (await region.solve(objective, [], null, own)).bound;
            solved++;
          } else {
            const range = upper[index] - lower[index];
            const options = {
              threshold: 0,
              order: 'bound' as const,
              costs,
              // What a point reaches need not be proved away.
              point: (point: Float64Array): Promise<boolean> => {
                const input = inputOf(ranges, written.columns[0], point);
                const value = sign * evaluate(part, input)[id][index];
                options.threshold = Math.min(options.threshold, value - SHORT * range);
                return Promise.resolve(false);
              },
            };
            const tree = new BranchTree(region, [objective], options);
            await tree.run(own, effort.branching);
            bound = tree.bound(objective);
            solved += tree.solved;
          }
          if (side === 0) upper[index] = Math.max(lower[index], Math.min(upper[index], -bound));
          else lower[index] = Math.min(upper[index], Math.max(lower[index], bound));
          yield { ranges, settled, solved };
        }
        if (!crossing(index)) settled++;
      }
    } finally {
      region.dispose();
    }
    ranges.lower[id] = lower;
    ranges.upper[id] = upper;
    narrowActivations(network, ranges, id);
  }
  return { ranges, settled, solved };
}

/** Ids of the nodes that piecewise linear activations read, in the network's order. */
function activationInputs(network: Network): number[] {
  const read = network.nodes.flatMap(node =>
    node.kind === 'relu' || node.kind === 'leakyRelu' ? [node.inputs[0]] : [],
  );
  return [...new Set(read)].sort((a, b) => a - b);
}

/** The values of the ReLUs that read node `id` lie where its own do. */
function narrowActivations(
  network: Network,
  ranges: { lower: Float64Array[]; upper: Float64Array[] },
  id: number,
): void {
  for (const node of network.nodes) {
    if (node.kind !== 'relu' || node.inputs[0] !== id) continue;
    const lower = ranges.lower[node.id].map((l, i) => Math.max(l, ranges.lower[id][i], 0));
    const upper = ranges.upper[node.id].map((u, i) => Math.min(u, Math.max(ranges.upper[id][i], 0)));
    // Where rounding made them cross, the wider ones stay.
    ranges.lower[node.id] = lower.map((l, i) => Math.min(l, upper[i]));
    ranges.upper[node.id] = upper;
  }
}
