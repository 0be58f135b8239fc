import type { Network } from '../network/network';
import type { Constraint } from '../spec/question';
import { ChainLadder, denseChain, ladderFits } from './chain';

/** A ladder that can be asked about other constraints. */
class KeptLadder extends ChainLadder {
  ask(constraints: readonly Constraint[]): boolean {
    if (constraints.length > this.rows) return false;
    this.writeForms(constraints);
    return true;
  }
}

const kept = new WeakMap<Network, KeptLadder>();

/**
 * The ladder of a network that is a dense chain, about these constraints, until it is asked for again; null for other networks. It is kept with the
 * network: copying the weights and finding fresh memory takes many times what the bounds of a small network do.
 */
export function keptLadder(network: Network, constraints: readonly Constraint[]): ChainLadder | null {
  const last = kept.get(network);
  if (last?.ask(constraints)) return last;
  const chain = denseChain(network);
  if (chain === null || !ladderFits(chain)) return null;
  const ladder = new KeptLadder(chain, constraints);
  kept.set(network, ladder);
  return ladder;
}
