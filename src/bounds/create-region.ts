import type { Network } from '../network/network';
import type { Constraint } from '../spec/question';
import { denseChain, ladderFits } from './chain';
import { ChainRegion } from './chain-region';
import { GraphRegion, suitsGraphRegion } from './graph/graph-region';
import type { NeuronRegion } from './split-bounds';

/** Whether there is a region for the network: activations are ReLUs, LeakyReLUs of slope 0 to 1 or max pools, and it fits the core's memory. */
export function hasRegion(network: Network): boolean {
  const chain = denseChain(network);
  return (chain !== null && ladderFits(chain)) || suitsGraphRegion(network);
}

/** The region of a network for branch and bound on its neurons, `rows` of which go through the products together; null for networks it cannot take. */
export function createRegion(network: Network, constraints: readonly Constraint[], rows: number): NeuronRegion | null {
  const chain = denseChain(network);
  if (chain && ladderFits(chain)) return new ChainRegion(chain, constraints, rows);
  return suitsGraphRegion(network) ? new GraphRegion(network, constraints) : null;
}
