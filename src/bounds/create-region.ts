import type { Network } from '../network/network';
import type { Constraint } from '../spec/question';
import { denseChain, ladderFits } from './chain';
import { ChainRegion } from './chain-region';
import type { NeuronRegion } from './split-bounds';

/** The region of a network for branch and bound on its neurons, `rows` of which go through the products together; null for networks it cannot take. */
export function createRegion(network: Network, constraints: readonly Constraint[], rows: number): NeuronRegion | null {
  const chain = denseChain(network);
  return chain && ladderFits(chain) ? new ChainRegion(chain, constraints, rows) : null;
}
