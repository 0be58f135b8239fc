import { unreachable } from '../base/assert';
import { hasRegion } from '../bounds/create-region';
import type { OpenModel } from '../lp/highs';
import type { Network } from '../network/network';
import { ParallelSearch } from './input-split/parallel';
import type { BoxProblem, Candidate } from './input-split/search';
import { MilpProver, milpRefusal } from './milp/prover';
import { NeuronSplitProver } from './neuron-split/prover';
import type { Backend } from './options';
import { freeInputs } from './problems';
import type { Prover } from './prover';
import { RootProver } from './root-prover';
import { SymbolicProver, symbolicRefusal } from './symbolic/prover';
import { ZonotopeProver } from './zonotope-prover';

/** Splitting inputs decides in reasonable time only where few of them vary. */
const MOST_SPLIT_INPUTS = 24;
/** Programs of larger networks take too long to be worth their memory. */
const MOST_PROGRAM_NEURONS = 5000;

/** What a prover needs of the decision around it. */
export interface ProverContext {
  readonly seed: number;
  readonly threads: number;
  /** Replays a point in ONNX Runtime; true when it is a counterexample. */
  tryCandidate(candidate: Candidate): Promise<boolean>;
  onProgress(): void;
  /** The solver of linear and mixed-integer programs; HiGHS unless a test gives another. */
  readonly open?: OpenModel;
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
  const refusal = backend === 'milp' ? milpRefusal(network) : backend === 'symbolic' ? symbolicRefusal(network) : null;
  return refusal === null || refusal.ok ? null : refusal.error.message;
}

/**
 * The methods of a back end for one problem, each for what those before it gave up on. `auto`: few free inputs are split, else neurons where the
 * network allows it, else there are the bounds of the whole region; what these leave goes to a program where it is small enough for one.
 * `crown`: neurons and bounds alone. The network must be one that the back end takes (see `backendRefusal`).
 */
export function proverMakers(
  backend: Backend,
  network: Network,
  problem: BoxProblem,
  context: ProverContext,
): readonly [() => MadeProver, ...(() => MadeProver)[]] {
  const milp = (): MadeProver => ({
    prover: new MilpProver(network, problem, context),
    method: 'milp',
    oneByOne: true,
  });
  switch (backend) {
    case 'zonotope':
      return [() => ({ prover: new ZonotopeProver(network, problem), method: 'zonotope', oneByOne: true })];
    case 'milp':
      return [milp];
    case 'symbolic':
      return [() => ({ prover: new SymbolicProver(network, problem, context), method: 'symbolic', oneByOne: true })];
    case 'crown':
      return [() => crownProver(network, problem, context)];
    case 'auto': {
      if (freeInputs(problem.box) <= MOST_SPLIT_INPUTS)
        return [
          () => ({ prover: new ParallelSearch(network, problem, context), method: 'input-split', oneByOne: false }),
        ];
      const suitsProgram = neurons(network) <= MOST_PROGRAM_NEURONS && milpRefusal(network).ok;
      return [() => crownProver(network, problem, context), ...(suitsProgram ? [milp] : [])];
    }
    default:
      return unreachable(backend);
  }
}

function crownProver(network: Network, problem: BoxProblem, context: ProverContext): MadeProver {
  if (hasRegion(network))
    return { prover: new NeuronSplitProver(network, problem, context), method: 'neuron-split', oneByOne: true };
  return { prover: new RootProver(network, problem), method: 'bounds', oneByOne: false };
}

function neurons({ nodes }: Network): number {
  return nodes.reduce(
    (sum, { kind, size }) => sum + (kind === 'relu' || kind === 'leakyRelu' || kind === 'maxPool' ? size : 0),
    0,
  );
}
