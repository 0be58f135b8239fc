import { GraphBounder } from '../../bounds/graph/graph-bounder';
import type { OpenModel } from '../../lp/highs';
import { solveLeaf, type LeafOutcome, type NeuronPhase } from '../../lp/leaf';
import type { NodeRanges } from '../../lp/relu-program';
import type { Network } from '../../network/network';
import type { BoxProblem } from '../input-split/search';
import type { Budget } from '../progress';
import type { PreActivationBounds } from '../prover';

/** One neuron fixed: of which hidden layer, counted from 0. */
export interface FixedNeuron {
  readonly layer: number;
  readonly neuron: number;
  readonly sign: 1 | -1;
}

/**
 * Sub-problems in which no neuron is left to split. What bounds leave open there (several constraints at once, multipliers that the search did not reach) a linear program decides,
 * exactly.
 */
export class Corners {
  /** Ids of the activations, layer by layer. */
  private readonly activations: readonly number[];
  private ranges: NodeRanges | null = null;

  /** `known`: bounds of what the region's hidden layers read, as tight as they are. */
  constructor(
    private readonly network: Network,
    private readonly problem: BoxProblem,
    private readonly known: readonly PreActivationBounds[],
    private readonly solver?: OpenModel,
  ) {
    this.activations = network.nodes.filter(({ kind }) => kind === 'relu' || kind === 'leakyRelu').map(({ id }) => id);
  }

  async solve(disjunct: number, fixed: readonly FixedNeuron[], budget: Budget): Promise<LeafOutcome> {
    const { network, problem, activations } = this;
    const ranges = (this.ranges ??= this.nodeRanges());
    if (ranges === null)
      return { kind: 'failed', reason: 'There are no bounds for a linear program', bound: -Infinity };
    const phases = fixed.map(({ layer, neuron, sign }): NeuronPhase => ({ node: activations[layer], neuron, sign }));
    const constraints = problem.disjuncts[disjunct].map(row => problem.constraints[row]);
    return solveLeaf(network, ranges, phases, constraints, budget, this.solver);
  }

  /** Bounds of every node's values: of what activations read those that are known, of all others a zonotope's. Null where layers are not the network's own activations. */
  private nodeRanges(): NodeRanges | null {
    const { network, problem, activations, known } = this;
    if (known.length !== activations.length || network.nodes.some(({ kind }) => kind === 'maxPool')) return null;
    const bounder = new GraphBounder(network, problem.constraints);
    bounder.setBox(problem.box.lower, problem.box.upper, null);
    if (bounder.zonotope([]) === null) return null;
    const { lower, upper } = bounder.nodeBounds();
    const tightest = { lower: lower.map(values => values.slice()), upper: upper.map(values => values.slice()) };
    known.forEach((bounds, layer) => {
      const [read] = network.nodes[activations[layer]].inputs;
      tightest.lower[read].forEach((l, i) => (tightest.lower[read][i] = Math.max(l, bounds.lower[i])));
      tightest.upper[read].forEach((u, i) => (tightest.upper[read][i] = Math.min(u, bounds.upper[i])));
    });
    return tightest;
  }
}
