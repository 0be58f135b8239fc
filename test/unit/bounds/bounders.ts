import type { BoxBounder } from '../../../src/bounds/bounder';
import { ChainLadder, denseChain } from '../../../src/bounds/chain';
import { GraphBounder } from '../../../src/bounds/graph/graph-bounder';
import type { ExactCase } from './exact';

/** Both ways to bound a dense chain, by the name that `npm run mutate` knows them by. */
export const bounders: Readonly<Record<'ladder' | 'graph', (it: ExactCase) => BoxBounder>> = {
  ladder: ({ network, constraints }) => new ChainLadder(denseChain(network)!, constraints),
  graph: ({ network, constraints }) => new GraphBounder(network, constraints),
};
