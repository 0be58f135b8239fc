import { denseChain, ladderFits } from '../bounds/chain';
import type { Network } from '../network/network';
import { ParallelSearch } from './input-split/parallel';
import type { BoxProblem, Candidate } from './input-split/search';
import { NeuronSplitProver } from './neuron-split/prover';
import type { Backend } from './options';
import { freeInputs } from './problems';
import type { Prover } from './prover';
import { RootProver } from './root-prover';
import { ZonotopeProver } from './zonotope-prover';

/** Splitting inputs decides in reasonable time only where few of them vary. */
const MOST_SPLIT_INPUTS = 24;

/** What a prover needs of the decision around it. */
export interface ProverContext {
  readonly seed: number;
  readonly threads: number;
  /** Replays a point in ONNX Runtime; true when it is a counterexample. */
  tryCandidate(candidate: Candidate): Promise<boolean>;
  onProgress(): void;
}

export type Method = 'input-split' | 'neuron-split' | 'bounds' | 'milp' | 'zonotope' | 'symbolic';

export interface MadeProver {
  readonly prover: Prover;
  readonly method: Method;
  /** Whether it can work on one disjunct at a time; one that cannot bounds them all together. */
  readonly oneByOne: boolean;
}

/** Why a back end cannot take a network, as a sentence; null when it can. */
export function backendRefusal(backend: Backend, network: Network): string | null {
  switch (backend) {
    case 'milp':
    case 'symbolic':
      return `This version has no back end "${backend}" for ${network.nodes.length} nodes.`;
    default:
      return null;
  }
}

/**
 * The method of a back end for one problem. `auto`: few free inputs are split, then a dense chain by its neurons, else there are the bounds of the
 * whole region. `crown`: the same without splitting inputs. The network must be one that the back end takes (see `backendRefusal`).
 */
export function createProver(
  backend: Backend,
  network: Network,
  problem: BoxProblem,
  context: ProverContext,
): MadeProver {
  switch (backend) {
    case 'zonotope':
      return { prover: new ZonotopeProver(network, problem), method: 'zonotope', oneByOne: true };
    case 'auto':
      if (freeInputs(problem.box) <= MOST_SPLIT_INPUTS)
        return { prover: new ParallelSearch(network, problem, context), method: 'input-split', oneByOne: false };
      return crownProver(network, problem, context);
    default:
      return crownProver(network, problem, context);
  }
}

function crownProver(network: Network, problem: BoxProblem, context: ProverContext): MadeProver {
  const chain = denseChain(network);
  if (chain && ladderFits(chain))
    return { prover: new NeuronSplitProver(chain, problem, context), method: 'neuron-split', oneByOne: true };
  return { prover: new RootProver(network, problem, context.threads), method: 'bounds', oneByOne: false };
}
