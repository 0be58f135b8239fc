import type { Network } from '../network/network';
import type { Constraint } from '../spec/question';
import type { BoxBounder } from './bounder';
import { ChainLadder, denseChain } from './chain';

/** The bounder for a network: the fused ladder for dense chains. */
export function createBounder(network: Network, constraints: readonly Constraint[]): BoxBounder {
  const chain = denseChain(network);
  if (chain) return new ChainLadder(chain, constraints);
  throw new Error('not a dense chain');
}
