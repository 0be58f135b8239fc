import type { Network } from '../network/network';
import type { Constraint } from '../spec/question';
import type { BoxBounder } from './bounder';
import { ChainLadder, denseChain, ladderFits } from './chain';
import { GraphBounder } from './graph/graph-bounder';

/** Inputs over which the fused ladder, which keeps every row whole, is no longer the faster of the two. */
const MOST_LADDER_INPUTS = 64;

/** The bounder for a network: the fused ladder for dense chains of few inputs, the general one for everything else. */
export function createBounder(network: Network, constraints: readonly Constraint[]): BoxBounder {
  const chain = network.inputSize <= MOST_LADDER_INPUTS ? denseChain(network) : null;
  return chain && ladderFits(chain) ? new ChainLadder(chain, constraints) : new GraphBounder(network, constraints);
}
